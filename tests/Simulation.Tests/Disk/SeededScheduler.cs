namespace Sluice.Simulation.Tests.Disk;

/// <summary>
/// Runs asynchronous work on the caller's thread and decides, by a seed, which disk verb goes on next: a verb takes effect at some moment
/// after it was asked for and is answered at some later one, others in between. The same seed makes the same run. A run that is stopped
/// is a process that ended: nothing of it goes on. Several runs one after the other are one process: what is under way at the end of one goes on in the next.
/// </summary>
public sealed class SeededScheduler(int seed) : SynchronizationContext
{
    private static readonly TimeSpan s_postDeadline = TimeSpan.FromSeconds(20);

    private Random _random = NewRandom(seed);
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _ready = new();
    private readonly List<ScheduledVerb> _pending = [];
    private int _thread; // that runs it
    private int _strangers; // guarded by _ready

    /// <summary>Verbs that were answered.</summary>
    public int AnsweredCount { get; private set; }

    /// <summary>Most verbs that were under way at the same time.</summary>
    public int PendingMax { get; private set; }

    /// <summary>Digest of all decisions so far: two runs with the same one have done the same in the same order.</summary>
    public ulong Order { get; private set; }

    /// <summary>Callbacks that came from other threads, at a moment that no seed has drawn.</summary>
    public int StrangerCount
    {
        get
        {
            lock (_ready)
            {
                return _strangers;
            }
        }
    }

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_ready)
        {
            _ready.Enqueue((d, state));
            _strangers += Environment.CurrentManagedThreadId == _thread ? 0 : 1;
            Monitor.Pulse(_ready); // somebody who left this thread may post
        }
    }

    /// <summary>Decides by another seed from here on, whatever was drawn so far.</summary>
    public void Reseed(int other) => _random = NewRandom(other);

    /// <summary>A verb was asked for.</summary>
    public void Add(ScheduledVerb verb)
    {
        _pending.Add(verb);
        PendingMax = Math.Max(PendingMax, _pending.Count);
    }

    /// <summary>
    /// Runs the work to its end, or until the answer of verb number <paramref name="stopAt"/> (from 1) is due, which nobody learns then. True
    /// when it came to its end.
    /// </summary>
    public bool Run(Func<Task> work, int stopAt = int.MaxValue)
    {
        SynchronizationContext? outer = Current;
        SetSynchronizationContext(this);
        _thread = Environment.CurrentManagedThreadId;
        try
        {
            Task task = work();
            while (!task.IsCompleted)
            {
                if (IsIdle)
                {
                    AwaitPost();
                }
                else if (!TryGoOn(stopAt))
                {
                    return false;
                }
            }

            task.GetAwaiter().GetResult();
            return true;
        }
        finally
        {
            SetSynchronizationContext(outer);
        }
    }

    /// <summary>What is under way in the background goes on until nothing is.</summary>
    public void Drain() => Run(() =>
    {
        while (!IsIdle)
        {
            TryGoOn(int.MaxValue);
        }

        return Task.CompletedTask;
    });

    private static Random NewRandom(int from) => new(unchecked((from * 104_729) + 7));

    private bool IsIdle
    {
        get
        {
            lock (_ready)
            {
                return _ready.Count == 0 && _pending.Count == 0;
            }
        }
    }

    /// <summary>One callback or half a verb; false when the run is to stop here.</summary>
    private bool TryGoOn(int stopAt)
    {
        if (TryTakeReady(out (SendOrPostCallback Callback, object? State) ready))
        {
            ready.Callback(ready.State);
            return true;
        }

        int drawn = _random.Next(_pending.Count);
        Order = (Order * 0x100000001B3) ^ ((ulong)_pending.Count << 16) ^ (ulong)drawn; // FNV-1, a decision in place of a byte
        ScheduledVerb verb = _pending[drawn];
        if (!verb.IsDone)
        {
            verb.Do();
            return true;
        }

        if (AnsweredCount + 1 >= stopAt)
        {
            return false;
        }

        _pending.RemoveAt(drawn);
        AnsweredCount++;
        verb.Answer();
        return true;
    }

    private void AwaitPost()
    {
        lock (_ready)
        {
            while (_ready.Count == 0)
            {
                Assert.True(Monitor.Wait(_ready, s_postDeadline), "the run is stuck: nothing is ready and no verb is under way");
            }
        }
    }

    private bool TryTakeReady(out (SendOrPostCallback Callback, object? State) ready)
    {
        lock (_ready)
        {
            return _ready.TryDequeue(out ready);
        }
    }
}

/// <summary>A verb under way.</summary>
public abstract class ScheduledVerb
{
    /// <summary>It has taken effect.</summary>
    public bool IsDone { get; protected set; }

    /// <summary>Takes effect.</summary>
    public abstract void Do();

    /// <summary>Answers who asked for it.</summary>
    public abstract void Answer();
}

/// <summary>A verb with an answer of that type, of a disk whose verbs are complete when they return.</summary>
public sealed class ScheduledVerb<T>(Func<ValueTask<T>> verb) : ScheduledVerb
{
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task<T>? _result;

    /// <summary>Completes when it is answered.</summary>
    public Task<T> Task => _answer.Task;

    /// <inheritdoc/>
    public override void Do()
    {
        _result = verb().AsTask();
        Assert.True(_result.IsCompleted, "the disk below a scheduler answers at once");
        IsDone = true;
    }

    /// <inheritdoc/>
    public override void Answer() => _answer.SetResult(_result!.GetAwaiter().GetResult());
}
