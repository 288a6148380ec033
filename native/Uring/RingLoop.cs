using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>Sizes of a loop.</summary>
public sealed record RingLoopOptions
{
    /// <summary>Name of its thread.</summary>
    public string Name { get; init; } = "ring";

    /// <summary>Requests that are queued between two system calls at most before one is made early: a power of two.</summary>
    public uint SubmissionEntries { get; init; } = 1024;

    /// <summary>Completions that fit before the kernel keeps some back: a power of two, eight for each submission entry by default.</summary>
    public uint CompletionEntries { get; init; } = 8192;

    /// <summary>Provided receive buffers; a power of two, 0 for none.</summary>
    public int ReceiveBufferCount { get; init; }

    /// <summary>Size of each in bytes.</summary>
    public int ReceiveBufferBytes { get; init; } = 16 << 10;

    /// <summary>
    /// Kernel threads for requests that block (fsync, rename, cold reads). The kernel's default is 8 on two cores: 32 queued fsyncs then gave
    /// 10.8 k/s, with 64 workers 19.4 k/s.
    /// </summary>
    public uint BlockingWorkersMax { get; init; } = 64;

    /// <summary>How often an <see cref="IRingTicker"/> is called.</summary>
    public TimeSpan TickInterval { get; init; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>
/// One thread, one io_uring, and everything that belongs to them. Requests are queued by the verbs of the partial files, handed over
/// together, and completed on this thread after the reap; a continuation may queue more. Nothing that runs here may block.
/// </summary>
public sealed partial class RingLoop : IDisposable
{
    private const int Awake = 0, Asleep = 1;
    private const int WakeSlot = 0, CancelSlot = 1, ReservedSlots = 2;

    [ThreadStatic]
    private static RingLoop? t_current;

    // Set once.
    private readonly RingLoopOptions _options;
    private readonly Thread _thread;
    private readonly SafeFileHandle _wake; // counted: who posts while the loop ends must not write to somebody else's descriptor
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Any thread.
    private readonly ConcurrentQueue<(object Callback, object? State)> _posted = new();
    private int _sleep;
    private volatile bool _stopping;

    // Loop thread only.
    private readonly Queue<(object Callback, object? State)> _local = new();
    private readonly Stack<RingCall> _calls = new();
    private RingOperation?[] _operations = new RingOperation?[256];
    private int[] _freeSlots = new int[256];
    private int _freeSlotCount;
    private Ring _ring = null!;
    private long _nextTick;
    private bool _iterationTimed;
    private readonly List<IRingTicker> _tickers = [];

    /// <summary>Starts the thread and its ring. Throws <see cref="RingUnavailableException"/> when io_uring is not to be had.</summary>
    public RingLoop(RingLoopOptions options)
    {
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

    /// <summary>Its provided receive buffers; null when it has none.</summary>
    public BufferRing? ReceiveBuffers { get; private set; }

    /// <summary>Requests in flight, the wake-up not counted. Loop thread only.</summary>
    public int InFlightCount { get; private set; }

    /// <summary>Completions that were kept back by the kernel because the queue was full, counted by reaps that saw it.</summary>
    public long OverflowCount { get; private set; }

    /// <summary>Times that another thread had to wake this one.</summary>
    public long WakeCount { get; private set; }

    /// <summary>Passes through the loop.</summary>
    public long IterationCount { get; private set; }

    /// <summary>The longest time between two returns to the kernel since <see cref="ResetLongestIteration"/>; everybody else waited that long.</summary>
    public TimeSpan LongestIteration { get; private set; }

    /// <summary>Starts measuring anew. Any thread; exact only on the loop.</summary>
    public void ResetLongestIteration() => LongestIteration = TimeSpan.Zero;

    /// <summary>Runs <paramref name="callback"/> on the loop, soon, never inside this call. Any thread. Allocates nothing when the callback is static.</summary>
    public void Post(Action<object?> callback, object? state) => PostCallback(callback, state);

    /// <summary>
    /// Runs <paramref name="work"/> on the loop and answers on the thread pool, or in the caller's context: for threads that are no loop. Allocates.
    /// </summary>
    public Task<T> RunAsync<T>(Func<ValueTask<T>> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(state => _ = AnswerAsync(work, done), null);
        return done.Task;

        static async Task AnswerAsync(Func<ValueTask<T>> work, TaskCompletionSource<T> done)
        {
            try
            {
                done.SetResult(await work());
            }
            catch (Exception problem)
            {
                done.SetException(problem);
            }
        }
    }

    /// <summary>Has <paramref name="ticker"/> called until <see cref="RemoveTicker"/>. A loop without tickers sleeps as long as nothing happens. Loop thread only.</summary>
    public void AddTicker(IRingTicker ticker) => _tickers.Add(ticker);

    /// <summary>Ends what <see cref="AddTicker"/> began. Loop thread only.</summary>
    public void RemoveTicker(IRingTicker ticker) => _tickers.Remove(ticker);

    /// <summary>
    /// Ends the loop: cancels what is in flight, waits for its completions, closes the ring, joins the thread. Called on the loop itself it only
    /// begins that. What is posted afterwards is dropped.
    /// </summary>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        if (!IsCurrent)
        {
            Wake();
            _thread.Join();
        }
    }

    internal void PostCallback(object callback, object? state)
    {
        if (IsCurrent)
        {
            _local.Enqueue((callback, state));
            return;
        }

        _posted.Enqueue((callback, state));
        // Full fence: pairs with the one in Run. Either we see that the loop sleeps, or it sees what was queued.
        if (Interlocked.Exchange(ref _sleep, Awake) == Asleep)
        {
            Wake();
        }
    }

    internal void Return(RingCall call)
    {
        if (IsCurrent)
        {
            _calls.Push(call);
        }
    }

    private unsafe void Wake()
    {
        ulong one = 1;
        try
        {
            // SAFETY: a local of eight bytes, as eventfd(2) asks. It fails only when the counter is at its end, and then the loop is awake.
            _ = UringImports.write(_wake, &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended meanwhile; what was posted is dropped.
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
            ReceiveBuffers?.Dispose();
            _ring?.Dispose();
            _wake.Dispose();
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

    private unsafe void Open()
    {
        _ring = new Ring(_options.SubmissionEntries, _options.CompletionEntries);
        if (_options.ReceiveBufferCount > 0)
        {
            ReceiveBuffers = new BufferRing(_ring, 0, _options.ReceiveBufferCount, _options.ReceiveBufferBytes);
        }

        uint* workers = stackalloc uint[2] { _options.BlockingWorkersMax, 0 }; // bounded; unbounded (sockets) stays as it is
        // SAFETY: two counts, as the call asks.
        _ = _ring.TryRegister(IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2); // an older limit is slower, not wrong
        ArmWake();
    }

    private void Iterate()
    {
        _ring.SubmitAndWait(WaitTime());
        long started = Stopwatch.GetTimestamp();
        Volatile.Write(ref _sleep, Awake);
        IterationCount++;
        if (_ring.Overflowed)
        {
            OverflowCount++;
        }

        RunPosted();
        while (_ring.TryTake(out CompletionEntry completion))
        {
            Dispatch(completion);
            RunLocal(); // after each one: what it has read must be consumed before the next buffer is taken
        }

        if (_tickers.Count > 0 && started >= _nextTick)
        {
            _nextTick = started + (long)(_options.TickInterval.TotalSeconds * Stopwatch.Frequency);
            Tick();
        }

        TimeSpan took = Stopwatch.GetElapsedTime(started);
        if (took > LongestIteration && _iterationTimed)
        {
            LongestIteration = took;
        }

        _iterationTimed = true; // the first one compiles or pages in what it runs
    }

    private void Tick()
    {
        for (int i = _tickers.Count - 1; i >= 0; i--) // one may remove itself
        {
            _tickers[i].Tick();
            RunLocal();
        }
    }

    private TimeSpan? WaitTime()
    {
        // Full fence: pairs with the one in PostCallback.
        Interlocked.Exchange(ref _sleep, Asleep);
        if (!_posted.IsEmpty || _local.Count > 0 || _stopping)
        {
            return TimeSpan.Zero;
        }

        if (_tickers.Count == 0)
        {
            return null;
        }

        long left = _nextTick - Stopwatch.GetTimestamp();
        return left <= 0 ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Max(1, left * TimeSpan.TicksPerSecond / Stopwatch.Frequency));
    }

    private void RunPosted()
    {
        while (_posted.TryDequeue(out (object Callback, object? State) work))
        {
            RunOne(work);
            RunLocal();
        }

        RunLocal();
    }

    private void RunLocal()
    {
        while (_local.TryDequeue(out (object Callback, object? State) work))
        {
            RunOne(work);
        }
    }

    private static void RunOne((object Callback, object? State) work)
    {
        if (work.Callback is Action<object?> action)
        {
            action(work.State);
        }
        else
        {
            ((SendOrPostCallback)work.Callback)(work.State);
        }
    }

    private void Dispatch(in CompletionEntry completion)
    {
        int slot = (int)completion.UserTag;
        if (slot < ReservedSlots)
        {
            if (slot == WakeSlot && completion.Result == sizeof(ulong))
            {
                WakeCount++;
                ArmWake();
            }

            return; // what a cancellation answers, the cancelled request tells by itself
        }

        RingOperation operation = _operations[slot]!;
        var told = new RingCompletion(completion.Result, completion.Flags);
        if (!told.HasMore)
        {
            operation.Pin.Dispose();
            operation.Slot = -1;
            _operations[slot] = null;
            _freeSlots[_freeSlotCount++] = slot;
            InFlightCount--;
        }

        operation.Completed(told);
    }

    /// <summary>The next entry, for an operation that is in flight from now on.</summary>
    private ref SubmissionEntry Submit(RingOperation operation, RingOpcode opcode, int descriptor)
    {
        if (operation.InFlight || !IsCurrent)
        {
            throw new InvalidOperationException(operation.InFlight ? "the operation is in flight already" : "requests are made on the loop");
        }

        if (_freeSlotCount == 0)
        {
            GrowSlots();
        }

        int slot = _freeSlots[--_freeSlotCount];
        _operations[slot] = operation;
        operation.Slot = slot;
        operation.Pin = default;
        InFlightCount++;
        ref SubmissionEntry entry = ref _ring.Next();
        (entry.Opcode, entry.Descriptor, entry.UserTag) = (opcode, descriptor, (ulong)slot);
        return ref entry;
    }

    private RingCall RentCall() => _calls.TryPop(out RingCall? call) ? call : new RingCall(this);

    private void GrowSlots()
    {
        int before = _operations.Length;
        Array.Resize(ref _operations, before * 2);
        Array.Resize(ref _freeSlots, before * 2);
        for (int slot = (before * 2) - 1; slot >= before; slot--)
        {
            _freeSlots[_freeSlotCount++] = slot;
        }
    }

    private unsafe void ArmWake()
    {
        ref SubmissionEntry entry = ref _ring.Next();
        (entry.Opcode, entry.Descriptor, entry.UserTag) = (RingOpcode.IORING_OP_READ, (int)_wake.DangerousGetHandle(), WakeSlot);
        entry.Address = (ulong)_wakeValue.Start;
        entry.Length = sizeof(ulong);
    }

    /// <summary>Cancels everything until everything has completed; memory and descriptors of requests are free only then.</summary>
    private void Close()
    {
        RunPosted();
        while (InFlightCount > 0)
        {
            ref SubmissionEntry entry = ref _ring.Next();
            (entry.Opcode, entry.Descriptor, entry.UserTag) = (RingOpcode.IORING_OP_ASYNC_CANCEL, -1, CancelSlot);
            entry.OperationFlags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY;
            _ring.SubmitAndWait(TimeSpan.FromMilliseconds(100)); // a request that blocks in the kernel is waited for
            while (_ring.TryTake(out CompletionEntry completion))
            {
                Dispatch(completion);
            }

            RunPosted();
        }

        _ring.Dispose();
        ReceiveBuffers?.Dispose();
        _wakeValue.Dispose();
        _wake.Dispose();
    }
}

/// <summary>Is called by a loop at intervals: deadlines are looked at here.</summary>
public interface IRingTicker
{
    /// <summary>About every <see cref="RingLoopOptions.TickInterval"/>, on the loop.</summary>
    void Tick();
}
