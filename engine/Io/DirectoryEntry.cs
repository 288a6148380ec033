namespace Sluice.Engine.Io;

/// <summary>One directory of a <see cref="DirectoryTable"/>.</summary>
internal sealed class DirectoryEntry
{
    private readonly DirectoryTable _table;

    public DirectoryEntry(DirectoryTable table, byte[] path)
    {
        _table = table;
        Path = path;
        IdleNode = new LinkedListNode<DirectoryEntry>(this);
        Sync = new SharedSync(() => table.SyncAsync(this));
    }

    // Written once.
    public byte[] Path { get; }

    public LinkedListNode<DirectoryEntry> IdleNode { get; }

    public SharedSync Sync { get; }

    // Guarded by the table's monitor. The handle is set once, before the first lease is given.
    public FileHandle? Handle;
    public int Leases;
    public bool Durable;
    public bool Forgotten;
    public TaskCompletionSource? Busy;
    public readonly Stack<DirectoryHold> SpareHolds = new();

    public void Return(DirectoryHold hold) => _table.Return(this, hold);
}

/// <summary>One hold on a directory, used for one lease after the other: the version rises with the end of each.</summary>
internal sealed class DirectoryHold(DirectoryEntry entry)
{
    private int _version;

    public DirectoryEntry Entry => entry;

    public int Version => Volatile.Read(ref _version);

    /// <summary>Ends the lease of that version; nothing when it has ended.</summary>
    public void End(int version)
    {
        if (Interlocked.CompareExchange(ref _version, version + 1, version) == version)
        {
            entry.Return(this);
        }
    }
}

/// <summary>An open directory, held. One owner, who disposes it; a second time, by whichever copy, does nothing.</summary>
public readonly struct DirectoryLease : IDisposable
{
    private readonly DirectoryHold? _hold;
    private readonly int _version;
    private readonly long _failedSyncs;

    internal DirectoryLease(DirectoryHold hold)
    {
        _hold = hold;
        _version = hold.Version;
        _failedSyncs = hold.Entry.Sync.FailureCount;
    }

    /// <summary>The directory; valid until the lease is disposed.</summary>
    public FileHandle Handle => Entry.Handle!;

    private DirectoryEntry Entry => _hold is { } hold && hold.Version == _version ? hold.Entry : throw new ObjectDisposedException(nameof(DirectoryLease));

    /// <summary>
    /// Every change of the directory's entries made with this lease before this call is on stable storage when it succeeds. Shared with others; it fails when a sync of the directory
    /// has failed since the lease began, for whomever.
    /// </summary>
    public ValueTask<IoResult> SyncAsync() => Entry.Sync.RunAsync(_failedSyncs);

    /// <inheritdoc/>
    public void Dispose() => _hold?.End(_version);
}

/// <summary>Compares paths by their bytes, also one that nobody has made an array of.</summary>
internal sealed class PathComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static readonly PathComparer Instance = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

    public int GetHashCode(byte[] path) => GetHashCode(path.AsSpan());

    public int GetHashCode(ReadOnlySpan<byte> path)
    {
        var hash = default(HashCode);
        hash.AddBytes(path);
        return hash.ToHashCode();
    }
}
