using System.Text;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Simulation.Tests.Disk;

/// <summary>
/// One mounted file system in memory: the directory tree, the verbs of the kernel on it, and its journal. Not safe for several threads;
/// <see cref="SimulatedDisk"/> lets one in at a time.
/// </summary>
public sealed class SimulatedFileSystem(ulong device)
{
    private const int NameBytesMax = 255;
    private const int XattrBytesMax = 4000; // ext4 with 4 KiB blocks: 4,096 less headers
    private readonly Journal _journal = new();
    private ulong _inodes = 1;
    private long _now;

    public ulong Device { get; } = device;

    public SimulatedInode Root { get; private set; } = new(1, EntryKind.Directory);

    /// <summary>Room for data in bytes.</summary>
    public long CapacityBytes { get; set; } = long.MaxValue;

    public JournalMode Mode
    {
        get => _journal.Mode;
        set => _journal.Mode = value;
    }

    /// <summary>Bytes of data in files that have a name.</summary>
    public long UsedBytes => Walk(Root, "").Where(file => file.Inode.Kind == EntryKind.File).Sum(file => file.Inode.Data.LongLength);

    public Errno Find(SimulatedInode directory, ReadOnlySpan<byte> path, out SimulatedInode inode)
    {
        inode = directory;
        while (!path.IsEmpty)
        {
            int slash = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = slash < 0 ? path : path[..slash];
            path = slash < 0 ? default : path[(slash + 1)..];
            Errno error = Component(name, out string key);
            if (error != Errno.None)
            {
                return error;
            }

            if (inode.Kind != EntryKind.Directory)
            {
                return Errno.ENOTDIR;
            }

            if (!inode.Entries.TryGetValue(key, out inode!))
            {
                return Errno.ENOENT;
            }
        }

        return Errno.None;
    }

    public Errno Make(SimulatedInode directory, ReadOnlySpan<byte> path, EntryKind kind, out SimulatedInode inode)
    {
        int slash = path.LastIndexOf((byte)'/');
        Errno error = Find(directory, slash < 0 ? default : path[..slash], out inode);
        error = error != Errno.None ? error : Taken(inode, path[(slash + 1)..], out _, out SimulatedInode? taken) is var named && named != Errno.None ? named
            : taken is not null ? Errno.EEXIST : inode.Removed ? Errno.ENOENT : Errno.None;
        if (error != Errno.None)
        {
            return error;
        }

        SimulatedInode parent = inode;
        inode = new SimulatedInode(++_inodes, kind) { ModifiedNs = ++_now, ChangedNs = _now };
        inode.Links += kind == EntryKind.File ? 1u : 0u;
        Set(new EntryChange(parent, Key(path[(slash + 1)..]), inode));
        return Errno.None;
    }

    public Errno Link(SimulatedInode from, ReadOnlySpan<byte> fromName, SimulatedInode to, ReadOnlySpan<byte> toName)
    {
        Errno error = Both(from, fromName, to, toName, out string key, out SimulatedInode? source, out string target, out SimulatedInode? taken);
        error = error != Errno.None ? error : source is null || to.Removed ? Errno.ENOENT : taken is not null ? Errno.EEXIST
            : source.Kind == EntryKind.Directory ? Errno.EPERM : Errno.None;
        if (error == Errno.None)
        {
            Invariant(key.Length > 0);
            source!.Links++;
            Set(new EntryChange(to, target, source));
        }

        return error;
    }

    public Errno Unlink(SimulatedInode directory, ReadOnlySpan<byte> name, EntryKind kind)
    {
        Errno error = Taken(directory, name, out string key, out SimulatedInode? inode);
        error = error != Errno.None ? error : inode is null ? Errno.ENOENT
            : kind == EntryKind.Directory && inode.Kind != EntryKind.Directory ? Errno.ENOTDIR
            : kind != EntryKind.Directory && inode.Kind == EntryKind.Directory ? Errno.EISDIR
            : inode.Entries.Count > 0 ? Errno.ENOTEMPTY : Errno.None;
        if (error == Errno.None)
        {
            Unname(inode!);
            Set(new EntryChange(directory, key, null));
        }

        return error;
    }

    public Errno Rename(SimulatedInode from, ReadOnlySpan<byte> fromName, SimulatedInode to, ReadOnlySpan<byte> toName, RenameMode mode)
    {
        Errno error = Both(from, fromName, to, toName, out string key, out SimulatedInode? source, out string target, out SimulatedInode? taken);
        error = error != Errno.None ? error : source is null || to.Removed ? Errno.ENOENT : mode switch
        {
            RenameMode.Exchange => taken is null ? Errno.ENOENT : Errno.None,
            RenameMode.NoReplace => taken is not null ? Errno.EEXIST : Errno.None,
            _ when taken is null || taken == source => Errno.None,
            _ when taken.Kind == EntryKind.Directory && source.Kind != EntryKind.Directory => Errno.EISDIR,
            _ when taken.Kind != EntryKind.Directory && source.Kind == EntryKind.Directory => Errno.ENOTDIR,
            _ => taken.Entries.Count > 0 ? Errno.ENOTEMPTY : Errno.None,
        };
        if (error != Errno.None || taken == source)
        {
            return error;
        }

        source!.ChangedNs = ++_now;
        if (mode == RenameMode.Exchange)
        {
            Set(new EntryChange(from, key, taken), new EntryChange(to, target, source));
            return Errno.None;
        }

        if (taken is not null)
        {
            Unname(taken);
        }

        Set(new EntryChange(from, key, null), new EntryChange(to, target, source));
        return Errno.None;
    }

    public Errno SetXattr(SimulatedInode inode, XattrName name, byte[] value)
    {
        if (value.Length > XattrBytesMax)
        {
            return Errno.ENOSPC;
        }

        inode.Xattrs[name] = value;
        inode.ChangedNs = ++_now;
        _journal.Attributed(inode, name, value);
        return Errno.None;
    }

    /// <summary>Writes what there is room for.</summary>
    public Errno Write(SimulatedInode inode, ReadOnlySpan<byte> data, long offset, out int count)
    {
        long growth = Math.Max(0, offset + data.Length - inode.Data.Length);
        long room = CapacityBytes == long.MaxValue ? long.MaxValue : Math.Max(0, CapacityBytes - UsedBytes);
        count = (int)(data.Length - Math.Max(0, growth - room));
        if (count <= 0)
        {
            count = 0;
            return data.IsEmpty ? Errno.None : Errno.ENOSPC;
        }

        if (offset + count > inode.Data.Length)
        {
            Array.Resize(ref inode.Data, (int)(offset + count));
        }
        else
        {
            inode.Data = [.. inode.Data]; // the durable side may share the array
        }

        data[..count].CopyTo(inode.Data.AsSpan((int)offset));
        inode.IsDataDirty = true;
        (inode.ModifiedNs, inode.ChangedNs) = (++_now, _now);
        return Errno.None;
    }

    public void Sync(SimulatedInode inode) => _journal.Sync(inode);

    public void SyncAll()
    {
        _journal.SyncAll();
        foreach ((_, SimulatedInode inode) in Walk(Root, ""))
        {
            inode.MakeDataDurable();
        }
    }

    /// <summary>The power goes and comes back: what is on the medium is what there is.</summary>
    public void CutPower(CrashChoice choice)
    {
        // Data of files without a volatile name matters too: a lost rename may show them again.
        _journal.Cut(choice);
        var mounted = new Dictionary<SimulatedInode, SimulatedInode>();
        Root = Mount(Root, choice, mounted);
    }

    /// <summary>Everything below a directory, with paths; directories before what they hold, in order of names.</summary>
    public static IEnumerable<(string Path, SimulatedInode Inode)> Walk(SimulatedInode directory, string prefix)
    {
        foreach ((string name, SimulatedInode inode) in directory.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            yield return (prefix + name, inode);
            if (inode.Kind == EntryKind.Directory)
            {
                foreach ((string Path, SimulatedInode Inode) below in Walk(inode, prefix + name + "/"))
                {
                    yield return below;
                }
            }
        }
    }

    /// <summary>Names are bytes; one character stands for each.</summary>
    public static string Key(ReadOnlySpan<byte> name) => Encoding.Latin1.GetString(name);

    private static Errno Component(ReadOnlySpan<byte> name, out string key)
    {
        key = Key(name);
        return key is "" or "." or ".." || key.Contains('/', StringComparison.Ordinal) ? Errno.EINVAL
            : name.Length > NameBytesMax ? Errno.ENAMETOOLONG : Errno.None;
    }

    private static Errno Taken(SimulatedInode directory, ReadOnlySpan<byte> name, out string key, out SimulatedInode? inode)
    {
        inode = null;
        Errno error = Component(name, out key);
        if (error == Errno.None && directory.Kind != EntryKind.Directory)
        {
            return Errno.ENOTDIR;
        }

        inode = error == Errno.None ? directory.Entries.GetValueOrDefault(key) : null;
        return error;
    }

    private static Errno Both(
        SimulatedInode from, ReadOnlySpan<byte> fromName, SimulatedInode to, ReadOnlySpan<byte> toName,
        out string key, out SimulatedInode? source, out string target, out SimulatedInode? taken)
    {
        (target, taken) = ("", null);
        Errno error = Taken(from, fromName, out key, out source);
        return error != Errno.None ? error : Taken(to, toName, out target, out taken);
    }

    private static void Invariant(bool holds) => Assert.True(holds);

    private void Unname(SimulatedInode inode)
    {
        inode.ChangedNs = ++_now;
        inode.Links -= inode.Kind == EntryKind.Directory ? 2u : 1u;
        inode.Removed = inode.Links == 0;
    }

    private void Set(params EntryChange[] changes)
    {
        foreach (EntryChange change in changes)
        {
            change.Directory.ModifiedNs = change.Directory.ChangedNs = ++_now;
            if (change.Inode is null)
            {
                change.Directory.Entries.Remove(change.Name);
            }
            else
            {
                change.Directory.Entries[change.Name] = change.Inode;
            }
        }

        _journal.Changed(changes);
    }

    private static SimulatedInode Mount(SimulatedInode old, CrashChoice choice, Dictionary<SimulatedInode, SimulatedInode> mounted)
    {
        if (mounted.TryGetValue(old, out SimulatedInode? known))
        {
            Assert.True(old.Kind == EntryKind.File, "a power cut gave a directory two names: the journal is wrong");
            known.Links++;
            return known;
        }

        var inode = new SimulatedInode(old.Number, old.Kind) { ModifiedNs = old.ModifiedNs, ChangedNs = old.ChangedNs };
        mounted.Add(old, inode);
        inode.Links = old.Kind == EntryKind.File ? 1u : 2u;
        inode.DurableXattrs = new Dictionary<XattrName, byte[]>(old.DurableXattrs);
        inode.Xattrs = new Dictionary<XattrName, byte[]>(old.DurableXattrs);
        inode.DurableData = old.IsDataDirty ? choice.Data(old.DurableData, old.Data) : old.DurableData;
        inode.Data = inode.DurableData;
        foreach ((string name, DurableEntry entry) in old.DurableEntries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            if (entry.Inode is not null)
            {
                SimulatedInode below = Mount(entry.Inode, choice, mounted);
                inode.Entries.Add(name, below);
                inode.DurableEntries.Add(name, new DurableEntry(below, 0));
            }
        }

        return inode;
    }
}
