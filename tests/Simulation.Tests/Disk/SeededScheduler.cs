namespace Sluice.Simulation.Tests.Disk;

/// <summary>
/// Runs asynchronous work on the caller's thread and decides, by a seed, which disk verb goes on next: a verb takes effect at some moment
/// after it was asked for and is answered at some later one, others in between. The same seed makes the same run. A run that is stopped
/// is a process that ended: nothing of it goes on. Several runs one after the other are one process: what is under way at the end of one goes on in the next.
/// </summary>
public sealed class SeededScheduler(int seed) : SynchronizationContext
{
    private static readonly TimeSpan s_postDeadline = TimeSpan.FromSeconds(20);

    // Of the thread that runs it.
    private Random _random = NewRandom(seed);
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _ready = new();
    private readonly List<ScheduledVerb> _pending = [];
    private volatile int _thread;

    // Of everybody else; guarded by _strange.
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _strange = new();
    private volatile int _strangers; // that have come in all; read without the guard
    private int _strangersTaken;

    /// <summary>Verbs that were answered.</summary>
    public int AnsweredCount { get; private set; }

    /// <summary>Most verbs that were under way at the same time.</summary>
    public int PendingMax { get; private set; }

    /// <summary>Digest of all decisions so far: two runs with the same one have done the same in the same order.</summary>
    public ulong Order { get; private set; }

    /// <summary>Callbacks that came from other threads, at a moment that no seed has drawn.</summary>
    public int StrangerCount => _strangers;

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId == _thread)
        {
            _ready.Enqueue((d, state));
            return;
        }

        lock (_strange)
        {
            _strange.Enqueue((d, state));
            _strangers++;
            Monitor.Pulse(_strange);
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

    private bool IsIdle => _ready.Count == 0 && _pending.Count == 0 && _strangersTaken == _strangers;

    /// <summary>One callback or half a verb; false when the run is to stop here.</summary>
    private bool TryGoOn(int stopAt)
    {
        if (_strangersTaken != _strangers)
        {
            TakeStrangers();
        }

        if (_ready.TryDequeue(out (SendOrPostCallback Callback, object? State) ready))
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
        lock (_strange)
        {
            while (_strange.Count == 0)
            {
                Assert.True(Monitor.Wait(_strange, s_postDeadline), "the run is stuck: nothing is ready and no verb is under way");
            }
        }
    }

    private void TakeStrangers()
    {
        lock (_strange)
        {
            while (_strange.TryDequeue(out (SendOrPostCallback Callback, object? State) strange))
            {
                _ready.Enqueue(strange);
                _strangersTaken++;
            }
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
    private T? _result;
    private Task<T>? _failed;

    /// <summary>Completes when it is answered.</summary>
    public Task<T> Task => _answer.Task;

    /// <inheritdoc/>
    public override void Do()
    {
        ValueTask<T> done = verb();
        Assert.True(done.IsCompleted, "the disk below a scheduler answers at once");
        if (done.IsCompletedSuccessfully)
        {
            _result = done.Result;
        }
        else
        {
            _failed = done.AsTask();
        }

        IsDone = true;
    }

    /// <inheritdoc/>
    public override void Answer() => _answer.SetResult(_failed is { } failed ? failed.GetAwaiter().GetResult() : _result!);
}
