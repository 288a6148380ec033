using Sluice.Engine.Io;

namespace Sluice.Simulation.Tests.Disk;

/// <summary>
/// One inode of the simulated file system, twice: as the kernel shows it (volatile) and as it lies on the medium (durable). Directory
/// entries of the medium carry the number of the journalled operation that set them, so that an older operation that reaches the medium
/// late does not undo a younger one.
/// </summary>
public sealed class SimulatedInode(ulong number, EntryKind kind)
{
    public ulong Number { get; } = number;

    public EntryKind Kind { get; } = kind;

    // As the kernel shows it.
    public byte[] Data = [];
    public Dictionary<XattrName, byte[]> Xattrs = [];
    public Dictionary<string, SimulatedInode> Entries = [];
    public uint Links = kind == EntryKind.Directory ? 2u : 0u;
    public long ModifiedNs;
    public long ChangedNs;

    /// <summary>A directory whose last name is gone: nothing can be made in it any more (ENOENT).</summary>
    public bool Removed;

    /// <summary>The open descriptor that holds the advisory lock; 0 when nobody does.</summary>
    public int LockedBy;

    // As it lies on the medium.
    public byte[] DurableData = [];
    public Dictionary<XattrName, byte[]> DurableXattrs = [];
    public Dictionary<string, DurableEntry> DurableEntries = [];

    /// <summary>The volatile data is not (all) on the medium.</summary>
    public bool IsDataDirty;

    /// <summary>The kernel could not write its pages and takes them for clean all the same: what reads see is not on the medium.</summary>
    public void LoseDirtyPages()
    {
        if (IsDataDirty)
        {
            DurableData = new byte[Data.Length];
            IsDataDirty = false;
        }
    }

    /// <summary>Data and size are on the medium.</summary>
    public void MakeDataDurable()
    {
        if (IsDataDirty)
        {
            DurableData = [.. Data];
            IsDataDirty = false;
        }
    }
}

/// <summary>A directory entry on the medium; a null inode says that operation <paramref name="Operation"/> removed the name.</summary>
public readonly record struct DurableEntry(SimulatedInode? Inode, long Operation);

/// <summary>One entry as an operation sets it.</summary>
public readonly record struct EntryChange(SimulatedInode Directory, string Name, SimulatedInode? Inode);

/// <summary>
/// One metadata operation in the journal: entry changes that reach the medium together or not at all (a rename is one transaction on every
/// journalling file system), or one attribute of one inode.
/// </summary>
public sealed class JournalOperation
{
    public required long Number { get; init; }

    public IReadOnlyList<EntryChange> Changes { get; init; } = [];

    public SimulatedInode? XattrOf { get; init; }

    public XattrName Xattr { get; init; }

    public byte[] Value { get; init; } = [];

    /// <summary>True when the fsync of that inode must carry the operation.</summary>
    public bool Touches(SimulatedInode inode) =>
        XattrOf == inode || Changes.Any(change => change.Directory == inode || change.Inode == inode);

    /// <summary>True when the two may not change places: they set the same name, or the same inode's attributes.</summary>
    public bool Follows(JournalOperation earlier) => XattrOf is not null
        ? earlier.XattrOf == XattrOf
        : Changes.Any(change => earlier.Changes.Any(other => other.Directory == change.Directory && other.Name == change.Name));
}
