using Sluice.Engine.Io;

namespace Sluice.Simulation.Tests.Disk;

/// <summary>
/// The metadata operations of one file system that nobody has synced yet, in the order they happened, and the rules by which they reach
/// the medium.
/// </summary>
public sealed class Journal
{
    private readonly List<JournalOperation> _pending = [];
    private long _last;

    /// <summary>The rules of fsync.</summary>
    public JournalMode Mode { get; set; }

    /// <summary>Operations that a power cut may take.</summary>
    public int PendingCount => _pending.Count;

    /// <summary>Notes that entries were changed, in one transaction.</summary>
    public void Changed(params EntryChange[] changes) => _pending.Add(new JournalOperation { Number = ++_last, Changes = changes });

    /// <summary>Notes that an attribute was set.</summary>
    public void Attributed(SimulatedInode inode, XattrName name, byte[] value) =>
        _pending.Add(new JournalOperation { Number = ++_last, XattrOf = inode, Xattr = name, Value = value });

    /// <summary>fsync(2).</summary>
    public void Sync(SimulatedInode inode)
    {
        inode.MakeDataDurable();
        if (Mode == JournalMode.Ordered)
        {
            int end = _pending.FindLastIndex(operation => operation.Touches(inode)) + 1;
            _pending.Take(end).ToList().ForEach(Apply);
            _pending.RemoveRange(0, end);
            return;
        }

        // What touches the inode, and what that must not overtake. A new file's fsync does not carry its name (fsync(2)), a directory's does.
        var carried = new HashSet<JournalOperation>();
        for (int i = _pending.Count - 1; i >= 0; i--)
        {
            JournalOperation operation = _pending[i];
            bool own = operation.XattrOf == inode || operation.Changes.Any(change => change.Directory == inode);
            if (own || carried.Any(later => later.Follows(operation)))
            {
                carried.Add(operation);
            }
        }

        _pending.Where(carried.Contains).ToList().ForEach(Apply);
        _pending.RemoveAll(carried.Contains);
    }

    /// <summary>syncfs(2), the metadata's part.</summary>
    public void SyncAll()
    {
        _pending.ForEach(Apply);
        _pending.Clear();
    }

    /// <summary>The power goes: some of what is pending reaches the medium, the rest is gone.</summary>
    public void Cut(CrashChoice choice)
    {
        if (Mode == JournalMode.Ordered)
        {
            _pending.Take(choice.Prefix(_pending.Count)).ToList().ForEach(Apply);
        }
        else
        {
            var lost = new List<JournalOperation>();
            foreach (JournalOperation operation in _pending)
            {
                bool survives = choice.Survives(); // drawn for each, so that one choice does not move the others
                if (survives && !lost.Exists(operation.Follows))
                {
                    Apply(operation);
                }
                else
                {
                    lost.Add(operation);
                }
            }
        }

        _pending.Clear();
    }

    private static void Apply(JournalOperation operation)
    {
        if (operation.XattrOf is { } inode)
        {
            inode.DurableXattrs[operation.Xattr] = operation.Value;
        }

        foreach (EntryChange change in operation.Changes)
        {
            Dictionary<string, DurableEntry> entries = change.Directory.DurableEntries;
            if (!entries.TryGetValue(change.Name, out DurableEntry present) || present.Operation < operation.Number)
            {
                entries[change.Name] = new DurableEntry(change.Inode, operation.Number);
            }
        }
    }
}
