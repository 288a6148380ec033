// One ring loop and its workers. In the closed loop a worker that is free begins the next request at once; in the open loop requests are due
// at fixed times and take the worker that has been free longest.
using System.Diagnostics;
using System.Net;
using Sluice.Loader.Flags;
using Sluice.Loader.Http;
using Sluice.Loader.Statistics;
using Sluice.Loader.Work;
using Sluice.Native.Uring;

namespace Sluice.Loader.Wire;

/// <summary>A thread that makes load. Its verbs may be called on any thread; what the worker calls, on the loop.</summary>
internal sealed class LoadLoop : IWorkerHost, IRingTicker, IDisposable
{
    /// <summary>Shortest time that a timer is set to: more than what is due meanwhile is begun together.</summary>
    private static readonly TimeSpan s_timerMin = TimeSpan.FromMicroseconds(20);

    // Set once.
    private readonly RingLoop _ring;
    private readonly Worker[] _workers;
    private readonly WorkSource _source;
    private readonly LoadStatistics _statistics = new();
    private readonly DueTimer _timer;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Loop only.
    private readonly Queue<Worker> _idle;
    private readonly List<Worker> _resting = [];
    private OpenLoopSchedule? _schedule;
    private SplitMix _random;
    private int _readyCount;
    private int _stoppedCount;
    private long _droppedTold;

    /// <summary>Starts the thread; throws <see cref="RingUnavailableException"/> when there is no io_uring.</summary>
    public LoadLoop(
        LoadOptions options, int workers, int index, WorkSource source, ErrorLog errors, IReadOnlyList<(IPEndPoint Address, RequestWriter Requests)> gateways)
    {
        // Each connection queues a send and a receive between two system calls.
        int connections = workers * (options.PercentStream > 0 ? 1 + options.StreamWorkers : 1);
        uint entries = System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(2 * connections, 64, 4096));
        _source = source;
        _random = new SplitMix(SplitMix.Mix(options.Seed ^ (ulong)index ^ 0x6c6f6f70));
        _ring = new RingLoop(new RingLoopOptions { Name = $"load {index}", SubmissionEntries = entries, CompletionEntries = entries * 8 });
        IReadOnlyList<(Link, RequestWriter)> NewLinks() => [.. gateways.Select(gateway => ((Link)new RingLink(_ring, gateway.Address), gateway.Requests))];
        var settings = new WorkerSettings(options, source, _statistics, errors) { NewLinks = NewLinks };
        _workers = [.. Enumerable.Range(0, workers).Select(_ => new Worker(this, settings, NewLinks()))];
        _idle = new Queue<Worker>(workers);
        _timer = new DueTimer(this);
    }

    /// <summary>Completes when every worker has stopped.</summary>
    public Task Done => _done.Task;

    /// <summary>Connects all workers; completes when each is connected, or could not be.</summary>
    public Task ConnectAsync()
    {
        Post(static loop =>
        {
            loop._ring.AddTicker(loop);
            foreach (Worker worker in loop._workers)
            {
                worker.Connect();
            }
        });
        return _ready.Task;
    }

    /// <summary>Begins to make load; with a schedule, by that.</summary>
    public void Begin(OpenLoopSchedule? schedule)
    {
        _ring.Post(
            state =>
            {
                _schedule = (OpenLoopSchedule?)state;
                foreach (Worker worker in _workers)
                {
                    Free(worker);
                }
            },
            schedule);
    }

    /// <summary>Adds what has been counted since the last time to <paramref name="into"/>.</summary>
    public Task CollectAsync(LoadStatistics into)
    {
        var collected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ring.Post(
            _ =>
            {
                Collect(into);
                collected.SetResult();
            },
            null);
        return collected.Task;
    }

    /// <summary>The source is over: workers that wait stop now, the others when they are through.</summary>
    public void Stop() => Post(static loop => loop.StopIdle());

    /// <summary>Stops the others too; what they were at counts nowhere. The number of requests given up is added to <paramref name="given"/>.</summary>
    public void Abandon(Action<int> given)
    {
        _ring.Post(
            _ =>
            {
                given(_workers.Count(worker => worker.IsBusy));
                foreach (Worker worker in _workers)
                {
                    worker.Stop();
                }
            },
            null);
    }

    /// <inheritdoc/>
    public long Now() => Stopwatch.GetTimestamp(); // nanoseconds on Linux: Stopwatch.Frequency is 10^9 there

    /// <inheritdoc/>
    public int Below(int bound) => (int)_random.Below((ulong)bound);

    /// <inheritdoc/>
    public void Ready(Worker worker)
    {
        if (++_readyCount == _workers.Length)
        {
            _ready.SetResult();
        }
    }

    /// <inheritdoc/>
    public void Free(Worker worker)
    {
        if (_schedule is not null)
        {
            _idle.Enqueue(worker);
            Dispatch();
            return;
        }

        worker.Operation.Start = 0;
        Give(worker);
    }

    /// <inheritdoc/>
    public void Rest(Worker worker) => _resting.Add(worker);

    /// <inheritdoc/>
    public void PrepareSoon(Worker worker) => _ring.Post(static state => ((Worker)state!).Prepare(), worker);

    /// <inheritdoc/>
    public void Stopped(Worker worker)
    {
        if (++_stoppedCount == _workers.Length)
        {
            _ring.Cancel(_timer);
            _done.SetResult();
        }
    }

    /// <inheritdoc/>
    public void Tick()
    {
        long now = Now();
        foreach (Worker worker in _workers)
        {
            worker.Tick(now);
        }

        Worker[] rested = [.. _resting];
        _resting.Clear();
        foreach (Worker worker in rested)
        {
            Free(worker);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ring.Dispose();
        foreach (Worker worker in _workers)
        {
            worker.Dispose();
        }
    }

    private void Post(Action<LoadLoop> verb) => _ring.Post(state => ((Action<LoadLoop>)state!)(this), verb);

    private bool Give(Worker worker)
    {
        if (!_source.TryNext(worker.Operation))
        {
            worker.Stop();
            return false;
        }

        worker.Begin();
        return true;
    }

    /// <summary>Begins what is due, as long as there are workers, and sets the timer to what is due next.</summary>
    private void Dispatch()
    {
        long now = Now();
        _schedule!.Advance(now);
        while (!_source.IsOver && _idle.Count > 0 && _schedule.TryTake(out long due))
        {
            Worker worker = _idle.Dequeue();
            worker.Operation.Start = due;
            if (Give(worker) && now - due > OpenLoopSchedule.LateNanoseconds)
            {
                _statistics.Late++;
            }
        }

        if (_source.IsOver)
        {
            StopIdle();
        }
        else if (!_timer.InFlight)
        {
            TimeSpan left = TimeSpan.FromTicks(Math.Max(0, _schedule.NextDue - now) / TimeSpan.NanosecondsPerTick);
            _ring.Timeout(_timer, left > s_timerMin ? left : s_timerMin);
        }
    }

    private void StopIdle()
    {
        while (_idle.TryDequeue(out Worker? worker))
        {
            worker.Stop();
        }

        Worker[] rested = [.. _resting];
        _resting.Clear();
        foreach (Worker worker in rested)
        {
            worker.Stop();
        }
    }

    private void Collect(LoadStatistics into)
    {
        _statistics.Pending = _workers.Count(worker => worker.IsBusy);
        if (_schedule is { } schedule)
        {
            // What was due when the run ended has not been begun and will not be.
            long dropped = schedule.Dropped + (_source.IsOver ? schedule.Backlog : 0);
            (_statistics.Dropped, _droppedTold) = (dropped - _droppedTold, dropped);
            (_statistics.Backlog, _statistics.BacklogMax) = (schedule.Backlog, schedule.BacklogMax);
        }

        into.Add(_statistics);
        _statistics.Clear();
    }

    private sealed class DueTimer(LoadLoop loop) : RingTimeout
    {
        protected override void Completed(RingCompletion completion)
        {
            if (loop._stoppedCount < loop._workers.Length)
            {
                loop.Dispatch();
            }
        }
    }
}
