// One object read in ranges at the same time. Each lane is a worker of its own with one connection a gateway, which is made when it is needed first
// and kept; a lane that is through with a range gets the next one, until one has failed.
using Sluice.Loader.Work;

namespace Sluice.Loader.Wire;

/// <summary>The lanes of one worker that reads objects in ranges. All on the loop.</summary>
internal sealed class ParallelRead(Worker reader, IWorkerHost host, WorkerSettings settings) : IWorkerHost, IDisposable
{
    private readonly List<Worker> _lanes = [];
    private readonly Stack<Worker> _idle = new(settings.Options.StreamWorkers);

    private Operation? _operation;
    private long _next;
    private int _inFlight;
    private long _verifiedBytes;
    private long _receivedAt;
    private string? _failure;
    private bool _mustRest;
    private bool _isStopping;
    private int _stoppedCount;

    /// <summary>Size of the object that is read, as the answer before the ranges had it.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>Reads an object that is not empty; <see cref="Worker.Gathered"/> follows.</summary>
    public void Begin(Operation operation, long sizeBytes)
    {
        (_operation, SizeBytes, _next, _verifiedBytes, _failure, _mustRest) = (operation, sizeBytes, 0, 0, null, false);
        while (_next < SizeBytes && _inFlight < settings.Options.StreamWorkers)
        {
            Give(_idle.TryPop(out Worker? lane) ? lane : NewLane());
        }
    }

    /// <summary>A range is here, good and complete.</summary>
    /// <param name="verifiedBytes">Bytes of it whose content was compared.</param>
    /// <param name="at">When its last byte came.</param>
    public void Received(long verifiedBytes, long at)
    {
        _verifiedBytes += verifiedBytes;
        _receivedAt = at;
    }

    /// <summary>A range has failed; the first sentence is the object's.</summary>
    public void Failed(string reason) => _failure ??= reason;

    /// <summary>No more ranges; those under way end as they may.</summary>
    public void Cancel() => _next = SizeBytes;

    /// <summary>Looks whether a range under way has taken too long.</summary>
    public void Tick(long now)
    {
        foreach (Worker lane in _lanes)
        {
            lane.Tick(now);
        }
    }

    /// <summary>Ends all lanes; false when <see cref="Worker.LanesStopped"/> follows. May be called again.</summary>
    public bool TryStop()
    {
        _isStopping = true;
        foreach (Worker lane in _lanes)
        {
            lane.Stop();
        }

        _isStopping = false;
        return _stoppedCount == _lanes.Count;
    }

    /// <inheritdoc/>
    public long Now() => host.Now();

    /// <inheritdoc/>
    public int Below(int bound) => host.Below(bound);

    /// <inheritdoc/>
    public void Ready(Worker worker)
    {
        // A lane connects for its range, not before.
    }

    /// <inheritdoc/>
    public void Free(Worker worker)
    {
        _inFlight--;
        if (_failure is null && _next < SizeBytes)
        {
            Give(worker);
            return;
        }

        _idle.Push(worker);
        if (_inFlight == 0)
        {
            reader.Gathered(_failure, _verifiedBytes, _receivedAt, _mustRest);
        }
    }

    /// <inheritdoc/>
    public void Rest(Worker worker)
    {
        _mustRest = true; // with the whole worker: it has failed
        Free(worker);
    }

    /// <inheritdoc/>
    public void PrepareSoon(Worker worker) => throw new InvalidOperationException("a lane sends no bodies");

    /// <inheritdoc/>
    public void Stopped(Worker worker)
    {
        if (++_stoppedCount == _lanes.Count && !_isStopping)
        {
            reader.LanesStopped();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Worker lane in _lanes)
        {
            lane.Dispose();
        }
    }

    private Worker NewLane()
    {
        var lane = new Worker(this, settings, settings.NewLinks(), laneOf: this);
        _lanes.Add(lane);
        return lane;
    }

    private void Give(Worker lane)
    {
        Operation range = lane.Operation;
        range.SetName(_operation!.Name);
        (range.Kind, range.IsOwn, range.Start) = (OperationKind.Get, _operation.IsOwn, 0);
        (range.RangeFirst, range.RangeBytes) = (_next, Math.Min(settings.Options.StreamChunkBytes, SizeBytes - _next));
        _next += range.RangeBytes;
        _inFlight++;
        lane.Begin();
    }
}
