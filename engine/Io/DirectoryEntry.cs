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

    public void Return() => _table.Return(this);
}

/// <summary>An open directory, held. One owner; disposed once.</summary>
public sealed class DirectoryLease : IDisposable
{
    private DirectoryEntry? _entry;

    internal DirectoryLease(DirectoryEntry entry)
    {
        _entry = entry;
    }

    /// <summary>The directory; valid until the lease is disposed.</summary>
    public FileHandle Handle => (_entry ?? throw new ObjectDisposedException(nameof(DirectoryLease))).Handle!;

    /// <summary>Every change of the directory's entries made before this call is on stable storage when it succeeds. Shared with others.</summary>
    public ValueTask<IoResult> SyncAsync() => (_entry ?? throw new ObjectDisposedException(nameof(DirectoryLease))).Sync.RunAsync();

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _entry, null)?.Return();
}

/// <summary>Compares paths by their bytes.</summary>
internal sealed class PathComparer : IEqualityComparer<byte[]>
{
    public static readonly PathComparer Instance = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(byte[] path)
    {
        var hash = default(HashCode);
        hash.AddBytes(path);
        return hash.ToHashCode();
    }
}
