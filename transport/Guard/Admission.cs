using Sluice.Engine;

namespace Sluice.Transport.Guard;

/// <summary>
/// How many requests are answered at once. More wait, first come, first served, in a queue of bounded length and for a bounded time; what the queue
/// does not take, or gives up, is refused. So the memory that requests need is bounded by arithmetic (docs/decisions/0005-memory-budget.md).
/// <para>
/// To enter while there is room costs one interlocked operation and no memory, and so does leaving while nobody waits. A request that comes while others wait
/// never overtakes them: whoever leaves hands his place to the first.
/// </para>
/// </summary>
public sealed class Admission : IDisposable
{
    /// <summary>Longest wait: shorter than the 20 s in which clients expect a first byte, longer than most bursts.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(5);

    private const long OneWaiting = 1L << 32;

    // Set once.
    private readonly int _waitingMax;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;

    // Any thread. Requests inside in the lower half, waiting ones in the upper; the upper half changes under _gate only.
    private long _state;
    private long _refused;

    // Guarded by _gate.
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _queue = new();
    private bool _isTimed;

    /// <summary>Lets in <paramref name="insideMax"/> requests at once, from 1, and <paramref name="waitingMax"/> wait, from 0.</summary>
    public Admission(int insideMax, int waitingMax, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(insideMax, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(waitingMax);
        (InsideMax, _waitingMax, _time) = (insideMax, waitingMax, time);
        _timer = time.CreateTimer(static admission => ((Admission)admission!).Expire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Requests that may be inside at once.</summary>
    public int InsideMax { get; }

    /// <summary>Requests inside now.</summary>
    public int InsideCount => (int)(uint)Volatile.Read(ref _state);

    /// <summary>Requests that wait now.</summary>
    public int WaitingCount => (int)(Volatile.Read(ref _state) >> 32);

    /// <summary>Requests that were refused: the queue was full, or they had waited too long.</summary>
    public long RefusedCount => Interlocked.Read(ref _refused);

    /// <summary>Lets a request in if there is room and nobody waits for it. Whoever is in calls <see cref="Exit"/>, once.</summary>
    public bool TryEnter()
    {
        long state = Volatile.Read(ref _state);
        while (state < InsideMax) // room, and the upper half is 0
        {
            long seen = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (seen == state)
            {
                return true;
            }

            state = seen;
        }

        return false;
    }

    /// <summary>
    /// Waits for room: true when the request is in, false when it is refused. Cancelled when <paramref name="gone"/> is, which takes the request out of
    /// the queue. Goes on in the caller's synchronization context.
    /// </summary>
    public ValueTask<bool> EnterAsync(CancellationToken gone)
    {
        Waiter waiter;
        lock (_gate)
        {
            long state = Volatile.Read(ref _state);
            while (true)
            {
                bool enters = state < InsideMax;
                if (!enters && _queue.Count == _waitingMax)
                {
                    Interlocked.Increment(ref _refused);
                    return ValueTask.FromResult(false);
                }

                // With nobody inside nobody would call the waiters, so both halves are judged and changed together.
                long seen = Interlocked.CompareExchange(ref _state, state + (enters ? 1 : OneWaiting), state);
                if (seen == state && enters)
                {
                    return ValueTask.FromResult(true);
                }

                if (seen == state)
                {
                    break;
                }

                state = seen;
            }

            waiter = new Waiter(_time.GetTimestamp());
            _queue.AddLast(waiter.Node);
            TimeFirst();
        }

        return WaitAsync(waiter, gone);
    }

    /// <summary>A request is done; the first that waits takes its place.</summary>
    public void Exit()
    {
        long state = Volatile.Read(ref _state);
        while (true)
        {
            Invariant.That((uint)state > 0, "only who is in leaves");
            if (state >= OneWaiting)
            {
                if (TryHandOver())
                {
                    return;
                }

                state = Volatile.Read(ref _state); // they have left meanwhile
                continue;
            }

            long seen = Interlocked.CompareExchange(ref _state, state - 1, state);
            if (seen == state)
            {
                return;
            }

            state = seen;
        }
    }

    /// <summary>Ends the timer; nobody may wait any more.</summary>
    public void Dispose() => _timer.Dispose();

    private async ValueTask<bool> WaitAsync(Waiter waiter, CancellationToken gone)
    {
        await using CancellationTokenRegistration registration = gone.UnsafeRegister(
            static (state, token) =>
            {
                (Admission admission, Waiter waiter) = ((Admission, Waiter))state!;
                if (admission.TryLeave(waiter))
                {
                    waiter.SetCanceled(token);
                }
            },
            (this, waiter));
        return await waiter.Task;
    }

    private bool TryHandOver()
    {
        Waiter first;
        lock (_gate)
        {
            if (_queue.First is not { } node)
            {
                return false;
            }

            first = node.Value;
            Remove(first);
        }

        first.SetResult(true);
        return true;
    }

    private bool TryLeave(Waiter waiter)
    {
        lock (_gate)
        {
            if (waiter.Node.List is null)
            {
                return false; // it has been called, or has waited too long
            }

            Remove(waiter);
            return true;
        }
    }

    private void Remove(Waiter waiter)
    {
        _queue.Remove(waiter.Node);
        Interlocked.Add(ref _state, -OneWaiting);
    }

    /// <summary>One timer for all: they all wait equally long, so the first is due first. It may find that the first has left.</summary>
    private void TimeFirst()
    {
        if (!_isTimed && _queue.First is { } first)
        {
            _isTimed = true;
            TimeSpan left = WaitMax - _time.GetElapsedTime(first.Value.Since);
            _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    private void Expire()
    {
        List<Waiter> expired = [];
        lock (_gate)
        {
            _isTimed = false;
            while (_queue.First is { } first && _time.GetElapsedTime(first.Value.Since) >= WaitMax)
            {
                expired.Add(first.Value);
                Remove(first.Value);
            }

            TimeFirst();
        }

        foreach (Waiter waiter in expired)
        {
            Interlocked.Increment(ref _refused);
            waiter.SetResult(false);
        }
    }

    /// <summary>A request in the queue. Completed by whoever took it out, hence once.</summary>
    private sealed class Waiter : TaskCompletionSource<bool>
    {
        public Waiter(long since)
            : base(TaskCreationOptions.RunContinuationsAsynchronously)
        {
            Since = since;
            Node = new LinkedListNode<Waiter>(this);
        }

        public long Since { get; }

        public LinkedListNode<Waiter> Node { get; }
    }
}

/// <summary>The places of a server, by what a request needs.</summary>
/// <param name="Objects">For what moves an object piece by piece.</param>
/// <param name="Control">For what is answered from memory.</param>
public sealed record Admissions(Admission Objects, Admission Control) : IDisposable
{
    /// <summary>Requests inside, waiting, and refused so far, of both kinds.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counters() =>
    [
        new("admission.inflight", Objects.InsideCount + Control.InsideCount),
        new("admission.queued", Objects.WaitingCount + Control.WaitingCount),
        new("admission.refused", Objects.RefusedCount + Control.RefusedCount),
    ];

    /// <inheritdoc/>
    public void Dispose()
    {
        Objects.Dispose();
        Control.Dispose();
    }
}
