using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;

namespace Sluice.Engine.Chunks;

/// <summary>
/// Removes the files of uploads that no object has any more, in the background, one upload after the other; those of an object that is being read wait for its
/// readers. What a crash, a fault, a stop or a mountpath that is away leaves is found by a look through the notes of all uploads, which the next start takes, or the
/// return of the mountpath.
/// </summary>
internal sealed class ChunkReaper(Func<Bucket, ulong, ValueTask<bool>> removeAsync, Func<ValueTask<bool>> surveyAsync, ILogger log)
{
    private readonly Channel<(Bucket? Bucket, ulong UploadId)> _requests = Channel.CreateUnbounded<(Bucket?, ulong)>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Lock _gate = new();

    // Guarded by the gate.
    private readonly Dictionary<(ulong Bid, ulong UploadId), int> _readers = [];
    private readonly Dictionary<(ulong Bid, ulong UploadId), Bucket> _waiting = []; // for their readers
    private int _queued;
    private bool _isOwed;

    /// <summary>Uploads that are to be removed and are not yet, and looks through all.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _queued + _waiting.Count;
            }
        }
    }

    /// <summary>Something is left that only a look through all notes finds: the next start has to take it.</summary>
    public bool IsOwed
    {
        get
        {
            lock (_gate)
            {
                return _isOwed || _queued + _waiting.Count > 0;
            }
        }
    }

    /// <summary>An object goes of which nobody knows whether it has an upload: the next start looks, unless that is done before. Any thread.</summary>
    public void Owe()
    {
        lock (_gate)
        {
            _isOwed = true;
        }
    }

    /// <summary>Has the notes of all uploads looked through. Any thread.</summary>
    public void LookThrough()
    {
        lock (_gate)
        {
            _queued++;
        }

        _requests.Writer.TryWrite((null, 0));
    }

    /// <summary>The object of an upload is opened: its files stay until <see cref="Release"/>.</summary>
    public void Hold(Bucket bucket, ulong uploadId)
    {
        lock (_gate)
        {
            _readers[(bucket.Bid, uploadId)] = _readers.GetValueOrDefault((bucket.Bid, uploadId)) + 1;
        }
    }

    /// <summary>A reader is done.</summary>
    public void Release(Bucket bucket, ulong uploadId)
    {
        (ulong, ulong) key = (bucket.Bid, uploadId);
        lock (_gate)
        {
            if (--_readers[key] > 0)
            {
                return;
            }

            _readers.Remove(key);
            if (!_waiting.Remove(key))
            {
                return;
            }

            _queued++;
        }

        _requests.Writer.TryWrite((bucket, uploadId));
    }

    /// <summary>No object has that upload any more, and none will. Any thread.</summary>
    public void Free(Bucket bucket, ulong uploadId)
    {
        lock (_gate)
        {
            if (_readers.ContainsKey((bucket.Bid, uploadId)))
            {
                _waiting[(bucket.Bid, uploadId)] = bucket;
                return;
            }

            _queued++;
        }

        _requests.Writer.TryWrite((bucket, uploadId));
    }

    /// <summary>Works until it is told to stop, between two uploads.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (await WaitAsync(cancellation))
        {
            while (!cancellation.IsCancellationRequested && _requests.Reader.TryRead(out (Bucket? Bucket, ulong UploadId) request))
            {
                bool isDone = request.Bucket is { } bucket ? await TryRemoveAsync(bucket, request.UploadId) : await TrySurveyAsync();
                lock (_gate)
                {
                    _queued--;
                    _isOwed = !isDone || (_isOwed && request.Bucket is not null);
                }
            }
        }
    }

    private async ValueTask<bool> TryRemoveAsync(Bucket bucket, ulong uploadId)
    {
        try
        {
            return await removeAsync(bucket, uploadId);
        }
        catch (StorageException fault)
        {
            log.LogError("{Bucket}, upload {Upload}: files are left for the next start: {Fault}", bucket.Name, ChunkName.TextOf(uploadId), fault.Message);
            return false;
        }
    }

    private async ValueTask<bool> TrySurveyAsync()
    {
        try
        {
            return await surveyAsync();
        }
        catch (StorageException fault)
        {
            log.LogError("the files of uploads were not looked through; the next start does it: {Fault}", fault.Message);
            return false;
        }
    }

    private async ValueTask<bool> WaitAsync(CancellationToken cancellation)
    {
        try
        {
            return await _requests.Reader.WaitToReadAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
