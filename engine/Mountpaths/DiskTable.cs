using System.Collections.Concurrent;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// The set of disks in force. Readers take <see cref="Current"/> without a lock; a change puts a new set in its place. Whoever works with
/// a disk has entered a set (<see cref="Enter"/>), and a disk that left is closed only when all who entered a set before that have left
/// theirs, so that what is in flight on it ends, well or not, on open descriptors. What was read from the caches needs none of this: an open file is held by itself.
/// </summary>
public sealed class DiskTable
{
    private readonly Lock _gate = new();
    private readonly List<DiskSet> _replaced = []; // somebody may still be in them
    private readonly ConcurrentQueue<Straggler> _stragglers = new(); // as many as uploads were under way when the set changed
    private DiskSet _current;

    /// <summary>Begins with that set.</summary>
    public DiskTable(DiskSet first)
    {
        _current = first;
    }

    /// <summary>The set in force.</summary>
    public DiskSet Current => Volatile.Read(ref _current);

    /// <summary>Begins to work with disks; disposing the answer ends it. Its disks, and those of every later set, stay open until then.</summary>
    public DiskUse Enter(DiskUseKind kind = DiskUseKind.Brief)
    {
        while (true)
        {
            DiskSet set = Current;
            if (set.Users.TryEnter(kind))
            {
                return new DiskUse(set, kind);
            }
        }
    }

    /// <summary>
    /// An object was stored on another mountpath than its first by now: its upload began before the set changed. All are searched while such an upload
    /// goes on, and the resilver asks for the name before that ends.
    /// </summary>
    internal void AddStraggler(Straggler straggler) => _stragglers.Enqueue(straggler with { Name = straggler.Name.Copy() });

    /// <summary>The next of them.</summary>
    internal bool TryTakeStraggler(out Straggler straggler) => _stragglers.TryDequeue(out straggler);

    /// <summary>The same, for who works with the documents on them: answers all that are open.</summary>
    public MountpathUse EnterMountpaths()
    {
        DiskUse use = Enter();
        return new MountpathUse([.. use.Set.Open.Select(static disk => disk.Attachment!.Mountpath)], use);
    }

    /// <summary>
    /// Puts a new set in place, of <paramref name="open"/> by their present states; answers it. The disk states that it is made from are
    /// changed by one at a time: the caller sees to that. <paramref name="away"/>: <see cref="DiskSet.Away"/>.
    /// </summary>
    public DiskSet Replace(IEnumerable<ObjectDisk> open, bool searchAll, IReadOnlyList<ulong>? away = null)
    {
        lock (_gate)
        {
            DiskSet old = _current;
            var next = new DiskSet(open, searchAll, old.Version + 1, away);
            _replaced.Add(old);
            Volatile.Write(ref _current, next);
            old.Users.Close();
            return next;
        }
    }

    /// <summary>Completes when nobody works with a set older than <paramref name="set"/> any more; uploads are waited for only when asked.</summary>
    public async Task OlderLeftAsync(DiskSet set, DiskUseKind upTo)
    {
        List<DiskSet> older;
        lock (_gate)
        {
            older = [.. _replaced.Where(replaced => replaced.Version < set.Version)];
        }

        foreach (DiskSet replaced in older)
        {
            await replaced.Users.LeftAsync(DiskUseKind.Brief);
            if (upTo == DiskUseKind.Upload)
            {
                await replaced.Users.LeftAsync(DiskUseKind.Upload);
            }
        }

        if (upTo == DiskUseKind.Upload)
        {
            lock (_gate)
            {
                _replaced.RemoveAll(older.Contains);
            }
        }
    }
}

/// <summary>Somebody works with the disks of a set. A value: entering allocates nothing. Disposed once.</summary>
public readonly struct DiskUse(DiskSet set, DiskUseKind kind) : IDisposable
{
    /// <summary>The set that was in force when he came; a newer one may be by now.</summary>
    public DiskSet Set => set;

    /// <inheritdoc/>
    public void Dispose() => set.Users.Leave(kind);
}

/// <summary>Somebody works with the documents on mountpaths. Disposed once.</summary>
public readonly struct MountpathUse(IReadOnlyList<Mountpath> mountpaths, DiskUse? use = null) : IDisposable
{
    /// <summary>They stay open until this is disposed.</summary>
    public IReadOnlyList<Mountpath> Mountpaths => mountpaths;

    /// <inheritdoc/>
    public void Dispose() => use?.Dispose();
}
