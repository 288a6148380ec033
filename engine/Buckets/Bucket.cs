using System.Text;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;

namespace Sluice.Engine.Buckets;

/// <summary>Name and properties of a bucket at one moment.</summary>
public sealed record BucketRecord(BucketName Name, BucketProperties Properties)
{
    /// <summary>Where its files lie, whatever its name has become.</summary>
    public BucketHome Home { get; init; } = BucketHome.Of(Name);
}

/// <summary>
/// A live bucket. Its properties are a snapshot that is replaced whole. Whoever changes an object is <em>inside</em> the bucket from
/// before the name's lock until the change is acknowledged; destroying closes the door and waits until nobody is inside, so that no
/// commit lands in a bucket that is gone (lock order: bucket → object).
/// </summary>
public sealed class Bucket
{
    /// <summary>Directory of the objects.</summary>
    public const string ObjectsDirectory = "%ob";

    /// <summary>Directory of the work files.</summary>
    public const string WorkDirectory = "%wk";

    /// <summary>Directory of the sidecars.</summary>
    public const string SidecarDirectory = "%sc";

    /// <summary>Directory of the chunks.</summary>
    public const string ChunkDirectory = "%ch";

    /// <summary>Directory of the slices.</summary>
    public const string SliceDirectory = "%ec";

    /// <summary>Directory of the tombstones.</summary>
    public const string TombstoneDirectory = "%tb";

    private readonly Lock _gate = new();
    private BucketRecord _record;
    private int _inside;
    private volatile bool _closed; // written under _gate
    private TaskCompletionSource? _empty;
    private readonly int[] _commits = new int[2]; // under way, by the parity of the epoch that they began in
    private readonly SemaphoreSlim _draining = new(1, 1);
    private int _epoch;
    private TaskCompletionSource? _drained;

    /// <summary>A bucket that is open for changes.</summary>
    public Bucket(BucketRecord record)
    {
        Invariant.That(record.Properties.Bid != 0, "a bucket has a generation");
        _record = record;
        Bid = record.Properties.Bid;
        UnamePrefix = record.Home.UnamePrefix;
        Home = Encoding.UTF8.GetBytes(record.Home.DirectoryPath);
        Objects = Encoding.UTF8.GetBytes($"{record.Home.DirectoryPath}/{ObjectsDirectory}");
        Work = Encoding.UTF8.GetBytes($"{record.Home.DirectoryPath}/{WorkDirectory}");
        Sidecars = Encoding.UTF8.GetBytes($"{record.Home.DirectoryPath}/{SidecarDirectory}");
        Chunks = Encoding.UTF8.GetBytes($"{record.Home.DirectoryPath}/{ChunkDirectory}");
        Slices = Encoding.UTF8.GetBytes($"{record.Home.DirectoryPath}/{SliceDirectory}");
        Tombstones = Encoding.UTF8.GetBytes($"{record.Home.DirectoryPath}/{TombstoneDirectory}");
    }

    /// <summary>Current name and properties.</summary>
    public BucketRecord Record => Volatile.Read(ref _record);

    /// <summary>Current name.</summary>
    public BucketName Name => Record.Name;

    /// <summary>Current properties.</summary>
    public BucketProperties Properties => Record.Properties;

    /// <summary>Generation; never changes.</summary>
    public ulong Bid { get; }

    /// <summary>The text that is placed with an object's name (<see cref="BucketHome.UnamePrefix"/>); never changes.</summary>
    public ReadOnlyMemory<byte> UnamePrefix { get; }

    /// <summary>The bucket's directory below a mountpath.</summary>
    public ReadOnlyMemory<byte> Home { get; }

    /// <summary>Directory of its objects below a mountpath.</summary>
    public ReadOnlyMemory<byte> Objects { get; }

    /// <summary>Directory of its work files.</summary>
    public ReadOnlyMemory<byte> Work { get; }

    /// <summary>Directory of its sidecars.</summary>
    public ReadOnlyMemory<byte> Sidecars { get; }

    /// <summary>Directory of its chunks.</summary>
    public ReadOnlyMemory<byte> Chunks { get; }

    /// <summary>Directory of its slices.</summary>
    public ReadOnlyMemory<byte> Slices { get; }

    /// <summary>Directory of its tombstones.</summary>
    public ReadOnlyMemory<byte> Tombstones { get; }

    /// <summary>Listings under way are told by it of what goes from one mountpath to another.</summary>
    public MovedNames Moved { get; } = new();

    /// <summary>The digest by which an object of the bucket is placed and locked.</summary>
    public ulong DigestOf(ObjectName name) => DigestOf(name.Utf8.Span);

    /// <summary>The same of the name's bytes.</summary>
    public ulong DigestOf(ReadOnlySpan<byte> name) => Hrw.Digest(UnamePrefix.Span, name);

    /// <summary>Goes inside to change an object; false when the bucket is being destroyed. Ends with <see cref="Leave"/>.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            _inside += _closed ? 0 : 1;
            return !_closed;
        }
    }

    /// <summary>Ends <see cref="TryEnter"/>.</summary>
    public void Leave()
    {
        TaskCompletionSource? empty;
        lock (_gate)
        {
            Invariant.That(_inside > 0, "who leaves was inside");
            _inside--;
            empty = _inside == 0 ? _empty : null;
        }

        empty?.SetResult();
    }

    /// <summary>As <see cref="TryEnter()"/>, for a commit: what it reads of the properties from here on it keeps to. Ends with <see cref="Leave(int)"/>.</summary>
    public bool TryEnter(out int epoch)
    {
        lock (_gate)
        {
            _inside += _closed ? 0 : 1;
            epoch = _epoch & 1;
            _commits[epoch] += _closed ? 0 : 1;
            return !_closed;
        }
    }

    /// <summary>Ends <see cref="TryEnter(out int)"/>.</summary>
    public void Leave(int epoch)
    {
        TaskCompletionSource? drained = null;
        lock (_gate)
        {
            _commits[epoch]--;
            if (_commits[epoch] == 0 && epoch != (_epoch & 1))
            {
                (drained, _drained) = (_drained, null);
            }
        }

        drained?.SetResult();
        Leave();
    }

    /// <summary>Returns when every commit that was under way at the call has ended: those that go on have seen the properties of now.</summary>
    public async Task DrainCommitsAsync()
    {
        await _draining.WaitAsync();
        try
        {
            Task drained = Task.CompletedTask;
            lock (_gate)
            {
                int old = _epoch & 1;
                _epoch++;
                if (_commits[old] > 0)
                {
                    _drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    drained = _drained.Task;
                }
            }

            await drained;
        }
        finally
        {
            _draining.Release();
        }
    }

    /// <summary>Lets nobody in any more and waits until everybody has left.</summary>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            _closed = true;
            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_inside == 0)
            {
                _empty.TrySetResult();
            }

            return _empty.Task;
        }
    }

    /// <summary>Gives it another name; the table does that after it is persisted.</summary>
    internal void Rename(BucketName name) => Volatile.Write(ref _record, _record with { Name = name });

    /// <summary>Replaces the properties; the table does that after they are persisted.</summary>
    internal void Replace(BucketProperties properties) => Volatile.Write(ref _record, _record with { Properties = properties });
}
