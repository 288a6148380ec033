using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Redundancy;

/// <summary>
/// Names whose copies are known not to be what they should: a read met a damaged one, a write lost one. They are reconciled in the background, one
/// after the other, all bytes compared. Bounded: what finds no room is found again by the next who reads it, or by a job.
/// </summary>
public sealed class RepairQueue(ObjectReconciler reconciler, Func<Func<Task>, Task> background, ILogger log)
{
    private const int NamesMax = 16_384; // x some 200 bytes

    private readonly Lock _gate = new();
    private readonly Queue<Repair> _waiting = new();
    private readonly HashSet<(ulong Bid, ulong Digest)> _known = [];
    private TaskCompletionSource? _working; // completed when nothing is waiting any more
    private bool _isClosed;
    private long _repaired, _failed, _dropped;

    /// <summary>Counters, by name.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counters()
    {
        lock (_gate)
        {
            return
            [
                new("repair.waiting", _waiting.Count),
                new("repair.done", Volatile.Read(ref _repaired)),
                new("repair.failed", Volatile.Read(ref _failed)),
                new("repair.dropped", _dropped),
            ];
        }
    }

    /// <summary>Puts a name in, once; does not wait. The name is copied.</summary>
    public void Enqueue(Bucket bucket, ObjectName name, ulong digest)
    {
        TaskCompletionSource working;
        lock (_gate)
        {
            if (_isClosed || _known.Contains((bucket.Bid, digest)))
            {
                return;
            }

            if (_waiting.Count >= NamesMax)
            {
                _dropped++;
                return;
            }

            _known.Add((bucket.Bid, digest));
            _waiting.Enqueue(new Repair(bucket, name.Copy(), digest));
            if (_working is not null)
            {
                return;
            }

            working = _working = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        _ = background(() => WorkAsync(working)); // awaited by way of _working
    }

    /// <summary>Completes when nothing is waiting any more, for the moment.</summary>
    public Task IdleAsync()
    {
        lock (_gate)
        {
            return _working?.Task ?? Task.CompletedTask;
        }
    }

    /// <summary>Forgets what is waiting; returns when what is being done has ended. Nothing is taken in afterwards.</summary>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
            _waiting.Clear();
            _known.Clear();
        }

        return IdleAsync();
    }

    private async Task WorkAsync(TaskCompletionSource working)
    {
        while (true)
        {
            Repair repair;
            lock (_gate)
            {
                if (!_waiting.TryDequeue(out repair))
                {
                    _working = null;
                    break;
                }

                _known.Remove((repair.Bucket.Bid, repair.Digest)); // what is found from here on is looked at again
            }

            await RepairAsync(repair);
        }

        working.SetResult();
    }

    private async Task RepairAsync(Repair repair)
    {
        try
        {
            Result<Reconciled> done = await reconciler.ReconcileAsync(repair.Bucket, repair.Name, repair.Digest, verify: true);
            if (!done.Ok || done.Value.StillDegraded)
            {
                Interlocked.Increment(ref _failed);
                log.LogWarning("{Bucket}/{Name} is not repaired: {Why}", repair.Bucket.Name, repair.Name,
                    done.Error?.Message ?? "too few mountpaths have room or work");
            }
            else if (done.Value.Changed)
            {
                Interlocked.Increment(ref _repaired);
                log.LogInformation("{Bucket}/{Name} is repaired: {Copies} copies made, {Removed} files removed or set aside",
                    repair.Bucket.Name, repair.Name, done.Value.CopiesMade, done.Value.Removed);
            }
        }
        catch (StorageException fault)
        {
            Interlocked.Increment(ref _failed);
            log.LogError("{Bucket}/{Name} is not repaired: {Fault}", repair.Bucket.Name, repair.Name, fault.Message);
        }
        catch (Exception defect)
        {
            Interlocked.Increment(ref _failed);
            log.LogError(defect, "{Bucket}/{Name} is not repaired: a defect", repair.Bucket.Name, repair.Name);
        }
    }

    private readonly record struct Repair(Bucket Bucket, ObjectName Name, ulong Digest);
}
