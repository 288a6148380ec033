using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Integrity;

/// <summary>
/// Objects that were found damaged or short of copies, to be made whole in the background, one after the other, each once however often it is told. What does not fit is
/// forgotten: it is found again, by its next reader or by a scrub.
/// </summary>
public sealed class RepairQueue(Func<Bucket, ObjectName, ulong, ValueTask> repairAsync, ILogger log)
{
    private const int Capacity = 4096; // 4,096 x 150 bytes and the names

    private readonly Channel<Request> _requests = Channel.CreateUnbounded<Request>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Lock _gate = new();
    private readonly HashSet<(ulong Bid, ulong Digest)> _waiting = [];
    private long _done, _failed, _forgotten;

    /// <summary>Requests that wait or are being worked on.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Requests that were carried out.</summary>
    public long DoneCount => Volatile.Read(ref _done);

    /// <summary>Requests that a disk failed.</summary>
    public long FailedCount => Volatile.Read(ref _failed);

    /// <summary>Requests for which there was no room.</summary>
    public long ForgottenCount => Volatile.Read(ref _forgotten);

    /// <summary>Asks for the repair of an object; the name is copied. False when it is asked for already, or there is no room. Any thread.</summary>
    public bool Enqueue(Bucket bucket, ObjectName name, ulong digest)
    {
        lock (_gate)
        {
            if (_waiting.Count >= Capacity)
            {
                _forgotten++;
                return false;
            }

            if (!_waiting.Add((bucket.Bid, digest)))
            {
                return false;
            }
        }

        return _requests.Writer.TryWrite(new Request(bucket, name.Copy(), digest));
    }

    /// <summary>Works until it is told to stop, between two objects.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (await WaitAsync(cancellation))
        {
            while (!cancellation.IsCancellationRequested && _requests.Reader.TryRead(out Request request))
            {
                await RepairAsync(request);
                lock (_gate)
                {
                    _waiting.Remove((request.Bucket.Bid, request.Digest));
                }
            }
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

    private async ValueTask RepairAsync(Request request)
    {
        try
        {
            await repairAsync(request.Bucket, request.Name, request.Digest);
            Interlocked.Increment(ref _done);
        }
        catch (StorageException fault)
        {
            Interlocked.Increment(ref _failed);
            log.LogError("{Bucket}/{Object} could not be repaired: {Fault}", request.Bucket.Name, request.Name, fault.Message);
        }
    }

    private readonly record struct Request(Bucket Bucket, ObjectName Name, ulong Digest);
}
