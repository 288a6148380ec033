using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>
/// One thread, one io_uring, and everything that belongs to them. Requests are queued by the verbs of the partial files, handed over
/// together, and completed on this thread after the reap; a continuation may queue more. Nothing that runs here may block, and what throws
/// here ends the process: state that a loop owns would be left half changed.
/// </summary>
public sealed partial class RingLoop : IDisposable
{
    [ThreadStatic]
    private static RingLoop? t_current;

    /// <summary>
    /// How long completions are dispatched before what they queued is handed over and what arrived meanwhile is seen: with a thousand of them
    /// ready the first answers would else leave together with the last.
    /// </summary>
    private static readonly long s_turnTicksMax = Stopwatch.Frequency / 2000; // 0.5 ms

    /// <summary>What a pass may take: 2 ms.</summary>
    public static TimeSpan SlowIteration { get; } = TimeSpan.FromMilliseconds(2);

    // Set once.
    private readonly RingLoopOptions _options;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Any thread.
    private volatile bool _stopping;

    // Loop thread only.
    private Ring _ring = null!;
    private readonly PassTimes _passes = new();
    private long _nextTick;
    private long _postsEnd, _turnEnd;
    private bool _ticking;
    private readonly List<IRingTicker?> _tickers = []; // null: removed while they are called

    /// <summary>Starts the thread and its ring. Throws <see cref="RingUnavailableException"/> when io_uring is not to be had.</summary>
    public RingLoop(RingLoopOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.TickInterval, TimeSpan.Zero);
        _options = options;
        _wake = new SafeFileHandle(UringImports.eventfd(0, 0x80000), ownsHandle: true); // EFD_CLOEXEC; blocking: reads of a non-blocking one end with EAGAIN
        if (_wake.IsInvalid)
        {
            throw new RingUnavailableException($"eventfd failed: {Libc.LastError()}");
        }

        for (int slot = _operations.Length - 1; slot >= ReservedSlots; slot--)
        {
            _freeSlots[_freeSlotCount++] = slot;
        }

        _thread = new Thread(Run) { IsBackground = true, Name = options.Name };
        _thread.Start();
        try
        {
            _started.Task.GetAwaiter().GetResult();
        }
        catch
        {
            _thread.Join();
            throw;
        }
    }

    /// <summary>The loop that runs on this thread; null elsewhere.</summary>
    public static RingLoop? Current => t_current;

    /// <summary>True on the loop's own thread.</summary>
    public bool IsCurrent => t_current == this;

    /// <summary>True once <see cref="Dispose"/> was called: what is in flight completes with ECANCELED, and an operation that is armed again then keeps the loop alive.</summary>
    public bool IsStopping => _stopping;

    /// <summary>Its provided receive buffers; null when it has none.</summary>
    public BufferRing? ReceiveBuffers { get; private set; }

    /// <summary>Requests in flight, the wake-up not counted. Loop thread only.</summary>
    public int InFlightCount { get; private set; }

    /// <summary>Completions that were kept back by the kernel because the queue was full, counted by reaps that saw it.</summary>
    public long OverflowCount { get; private set; }

    /// <summary>Times that another thread had to wake this one.</summary>
    public long WakeCount { get; private set; }

    /// <summary>Passes through the loop.</summary>
    public long IterationCount => _passes.Count;

    /// <summary>Threads for requests that block, as the kernel has it; 0 when it does not tell.</summary>
    public int BlockingWorkersMax { get; private set; }

    /// <summary>The longest time between two returns to the kernel since <see cref="ResetLongestIteration"/>; everybody else waited that long.</summary>
    public TimeSpan LongestIteration => _passes.Longest;

    /// <summary>
    /// Of the slow passes the most processor time of the thread, up to 0.5 ms too high; zero while there was none. The kernel counts what interrupts took from
    /// the thread as its own, and what a virtual machine was stopped for.
    /// </summary>
    public TimeSpan LongestIterationProcessorTime => _passes.LongestProcessor;

    /// <summary>Passes that took longer than <see cref="SlowIteration"/>, by the clock on the wall.</summary>
    public long SlowIterationCount => _passes.SlowCount;

    /// <summary>Those of them that took more processor time than that; in the others the thread waited for the core.</summary>
    public long SlowIterationProcessorCount => _passes.SlowProcessorCount;

    /// <summary>Starts measuring anew. Any thread; exact only on the loop.</summary>
    public void ResetLongestIteration() => _passes.Reset();

    /// <summary>Has <paramref name="ticker"/> called until <see cref="RemoveTicker"/>. A loop without tickers sleeps as long as nothing happens. Loop thread only.</summary>
    public void AddTicker(IRingTicker ticker)
    {
        RequireCurrent();
        _tickers.Add(ticker);
    }

    /// <summary>Ends what <see cref="AddTicker"/> began, at once, also within a tick. Loop thread only.</summary>
    public void RemoveTicker(IRingTicker ticker)
    {
        RequireCurrent();
        int index = _tickers.IndexOf(ticker);
        if (index < 0)
        {
            return;
        }

        if (_ticking)
        {
            _tickers[index] = null; // nobody's place moves while they are called
        }
        else
        {
            _tickers.RemoveAt(index);
        }
    }

    /// <summary>
    /// Ends the loop: cancels what is in flight, waits for its completions, closes the ring, joins the thread. Called on the loop itself it only
    /// begins that. May be called again, by anybody, to wait for the end. Posts are dropped afterwards, awaits that began on the loop go on in
    /// the thread pool.
    /// </summary>
    public void Dispose()
    {
        _stopping = true;
        if (!IsCurrent)
        {
            Wake();
            _thread.Join();
        }
    }

    private void Run()
    {
        t_current = this;
        SynchronizationContext.SetSynchronizationContext(new RingLoopContext(this));
        try
        {
            Open();
        }
        catch (Exception problem)
        {
            _ring?.Dispose();
            Release();
            _started.SetException(problem);
            return;
        }

        _started.SetResult();
        while (!_stopping)
        {
            Iterate();
        }

        Close();
    }

    private void Open()
    {
        _ring = new Ring(_options.SubmissionEntries, _options.CompletionEntries);
        if (_options.ReceiveBufferCount > 0)
        {
            ReceiveBuffers = new BufferRing(_ring, 0, _options.ReceiveBufferCount, _options.ReceiveBufferBytes);
        }

        OpenRegistrations();
        _ = _ring.TryLimitWorkers(_options.BlockingWorkersMax, out _); // an older limit is slower, not wrong
        BlockingWorkersMax = _ring.TryLimitWorkers(0, out uint limit) == Errno.None ? (int)limit : 0;
        ArmWake();
    }

    private void Iterate()
    {
        _ring.SubmitAndWait(WaitTime());
        long started = _passes.Begin();
        (_postsEnd, _turnEnd) = (started + (s_turnTicksMax / 2), started + s_turnTicksMax); // half is the completions'
        Volatile.Write(ref _sleep, Awake);
        Reap();
        RunTurns();
        if (_tickers.Count > 0 && started >= _nextTick)
        {
            _nextTick = started + (long)(_options.TickInterval.TotalSeconds * Stopwatch.Frequency);
            Tick();
        }

        _passes.End();
    }

    private bool IsTurnOver => Stopwatch.GetTimestamp() >= _turnEnd;

    private void Reap()
    {
        if (_ring.Overflowed)
        {
            OverflowCount++;
        }

        RunPosted();
        while (_ring.TryTake(out CompletionEntry completion))
        {
            Dispatch(completion);
            RunLocal(); // after each one: what it has read must be consumed before the next buffer is taken
            if (IsTurnOver)
            {
                return; // the rest stays in the ring; the wait that comes next ends at once
            }
        }
    }

    private void Tick()
    {
        _ticking = true;
        int count = _tickers.Count; // one that is added meanwhile has its turn next time
        for (int i = 0; i < count; i++)
        {
            _tickers[i]?.Tick();
            RunLocal();
        }

        _ticking = false;
        _tickers.RemoveAll(static ticker => ticker is null);
    }

    private TimeSpan? WaitTime()
    {
        if (_local.Count > 0 || _turns.Count > 0 || _stopping)
        {
            return TimeSpan.Zero;
        }

        // Full fence: pairs with the one in PostCallback.
        _ = Interlocked.Exchange(ref _sleep, Asleep);
        if (!_posted.IsEmpty || _stopping)
        {
            return TimeSpan.Zero;
        }

        if (_tickers.Count == 0)
        {
            return null;
        }

        long left = _nextTick - Stopwatch.GetTimestamp();
        return left <= 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(0, left) + TimeSpan.FromTicks(1); // rounded up: an early pass would be for nothing
    }

    /// <summary>Cancels everything until everything has completed; memory and descriptors of requests are free only then.</summary>
    private void Close()
    {
        _postsEnd = _turnEnd = long.MaxValue;
        RunPosted();
        while (InFlightCount > 0 || _wakeArmed || HasPosts)
        {
            ref SubmissionEntry entry = ref _ring.Next();
            (entry.Opcode, entry.Descriptor, entry.UserTag) = (RingOpcode.IORING_OP_ASYNC_CANCEL, -1, CancelSlot);
            entry.OperationFlags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY;
            entry.Flags = IOSQE_CQE_SKIP_SUCCESS; // else its own completion would end the wait, and the loop would spin while a request blocks
            ClosePassCount++;
            _ring.SubmitAndWait(HasPosts ? TimeSpan.Zero : TimeSpan.FromMilliseconds(10)); // a request that blocks in the kernel is waited for
            Reap();
            RunTurns();
        }

        _ring.Dispose();
        Release();
        EndPosts();
    }

    private void Release()
    {
        ReceiveBuffers?.Dispose();
        _wakeValue.Dispose();
        _wake.Dispose();
    }

    /// <summary>Passes that the end took; for tests.</summary>
    internal int ClosePassCount { get; private set; }

    /// <summary>False once the thread has ended; for tests.</summary>
    internal bool IsAlive => _thread.IsAlive;
}
