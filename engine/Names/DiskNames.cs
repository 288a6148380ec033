using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Names;

/// <summary>
/// The indexes of names of one mountpath, one for each bucket (docs/decisions/0019-name-index.md). Those that cannot be trusted are made in the background, one after the other. Any thread.
/// </summary>
internal sealed class DiskNames(ObjectDisk disk, INameStores stores, EngineEnvironment environment, bool trustsMarks)
{
    private readonly ConcurrentDictionary<ulong, BucketNames> _buckets = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private readonly Queue<BucketNames> _wanted = []; // guarded by the gate, as all below
    private readonly HashSet<Task> _running = [];
    private bool _makes; // wanted ones are made
    private bool _isMaking;
    private bool _isLooking;
    private long _made; // by the one that makes

    /// <summary>Its mountpath.</summary>
    public ObjectDisk Disk => disk;

    /// <summary>Where they are kept.</summary>
    public INameStores Stores => stores;

    /// <summary>Whoever ran here last has kept indexes, and so taken marks away: others change names and leave them.</summary>
    public bool TrustsMarks => trustsMarks;

    /// <summary>Clock.</summary>
    public TimeProvider Time => environment.Time;

    /// <summary>Log.</summary>
    public ILogger Log => environment.Log;

    /// <summary>Indexes that were made since the start.</summary>
    public long MadeCount => Volatile.Read(ref _made);

    /// <summary>Indexes that are to be looked at or made, or are being.</summary>
    public long WaitingCount
    {
        get
        {
            lock (_gate)
            {
                return _wanted.Count + (_isMaking ? 1 : 0) + (_isLooking ? 1 : 0);
            }
        }
    }

    /// <summary>The index of a bucket.</summary>
    public BucketNames Of(Bucket bucket) =>
        _buckets.TryGetValue(bucket.Bid, out BucketNames? names) ? names : _buckets.GetOrAdd(bucket.Bid, static (_, made) => new BucketNames(made.Owner, made.Bucket), (Owner: this, Bucket: bucket));

    /// <summary>A stamp that no store had.</summary>
    public Guid NewStamp() => environment.NewGuid();

    /// <summary>From here on those that are not trusted are made. Removes what is left of buckets that are gone, and looks at those that there are.</summary>
    public void Start(IReadOnlyCollection<Bucket> buckets)
    {
        lock (_gate)
        {
            (_makes, _isLooking) = (true, true);
        }

        Run(() => LookAsync(buckets));
    }

    private async Task LookAsync(IReadOnlyCollection<Bucket> buckets)
    {
        try
        {
            await SweepAsync(buckets);
            foreach (Bucket bucket in buckets)
            {
                if (!_stopping.IsCancellationRequested)
                {
                    await Of(bucket).LoadAsync(); // one that is not trusted asks to be made
                }
            }
        }
        finally
        {
            MakeSoon(null);
            lock (_gate)
            {
                _isLooking = false;
            }
        }
    }

    /// <summary>An index is to be made when its turn comes.</summary>
    public void MakeSoon(BucketNames? names)
    {
        lock (_gate)
        {
            if (names is not null && !_wanted.Contains(names))
            {
                _wanted.Enqueue(names);
            }

            if (!_makes || _isMaking || _wanted.Count == 0 || _stopping.IsCancellationRequested)
            {
                return;
            }

            _isMaking = true;
        }

        Run(MakeWantedAsync);
    }

    /// <summary>Does something in the background; a stop waits for it. What a disk does to it is logged.</summary>
    public void Run(Func<Task> work)
    {
        lock (_gate)
        {
            _running.RemoveWhere(static task => task.IsCompleted);
            _running.Add(environment.Background(() => LoggedAsync(work)));
        }
    }

    /// <summary>
    /// Marks that stand from before somebody else changed names, and left them, are gone from stable storage when this returns. For who is about to say that marks count. Throws
    /// <see cref="StorageException"/>.
    /// </summary>
    public async ValueTask DropStaleMarksAsync()
    {
        if (trustsMarks)
        {
            return;
        }

        foreach (byte[] file in await DirectoryNames.FilesAsync(disk, NameMarks.DirectoryPath))
        {
            if (file.AsSpan().EndsWith(".clean"u8) && TryReadBid(file, out ulong bid))
            {
                await NameMarks.RemoveAsync(disk, bid);
            }
        }
    }

    /// <summary>The bucket is gone.</summary>
    public async ValueTask ForgetAsync(ulong bid)
    {
        if (_buckets.TryRemove(bid, out BucketNames? names))
        {
            await LoggedAsync(async () => await names.ForgetAsync(remove: true)); // what stays is removed by the next start
        }
    }

    /// <summary>
    /// Everything is in the stores, and they are sealed: the next start trusts them. For who has flushed the mountpath, when no name changes any more. Throws <see cref="StorageException"/>.
    /// </summary>
    public async ValueTask SealAsync()
    {
        foreach (BucketNames names in _buckets.Values)
        {
            await names.SealAsync();
        }
    }

    /// <summary>Ends what is done in the background.</summary>
    public async Task StopAsync()
    {
        _stopping.CancelHere();
        while (true)
        {
            Task[] running;
            lock (_gate)
            {
                running = [.. _running.Where(static task => !task.IsCompleted)];
            }

            if (running.Length == 0)
            {
                return;
            }

            await Task.WhenAll(running);
        }
    }

    /// <summary>Closes the stores. Nobody uses the mountpath any more.</summary>
    public async ValueTask CloseAsync()
    {
        await StopAsync();
        foreach (BucketNames names in _buckets.Values)
        {
            await names.ForgetAsync(remove: false);
        }
    }

    private async Task MakeWantedAsync()
    {
        while (true)
        {
            BucketNames? names;
            lock (_gate)
            {
                if (_stopping.IsCancellationRequested || !_wanted.TryDequeue(out names))
                {
                    _isMaking = false;
                    return;
                }
            }

            await LoggedAsync(async () => _made += await names.MakeAsync(_stopping.Token) ? 1 : 0);
        }
    }

    /// <summary>The bucket of a file of the directory.</summary>
    private static bool TryReadBid(byte[] file, out ulong bid)
    {
        bid = 0;
        int bytes = file.AsSpan().IndexOf((byte)'.');
        return bytes == 16 && ulong.TryParse(Encoding.ASCII.GetString(file, 0, bytes), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bid);
    }

    private async Task LoggedAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (StorageException fault)
        {
            Log.LogError("{Fault}", fault.Message);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // the next start goes on
        }
    }

    /// <summary>Files of buckets that are not there any more: a stop, or a crash, came before they were removed.</summary>
    private async Task SweepAsync(IReadOnlyCollection<Bucket> buckets)
    {
        HashSet<ulong> known = [.. buckets.Select(static bucket => bucket.Bid)];
        foreach (byte[] file in await DirectoryNames.FilesAsync(disk, NameMarks.DirectoryPath))
        {
            if (file.AsSpan().EndsWith(".new"u8))
            {
                await NameMarks.RemoveFileAsync(disk, file); // a mark that was being written when the last run ended
                continue;
            }

            if (TryReadBid(file, out ulong bid) && !known.Contains(bid) && !_buckets.ContainsKey(bid))
            {
                await NameMarks.RemoveAsync(disk, bid);
                await stores.RemoveAsync(disk, bid);
            }
        }
    }
}
