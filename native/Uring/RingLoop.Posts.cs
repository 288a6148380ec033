using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Sluice.Native.Memory;
using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>How others reach the loop: a queue, and an eventfd for when it sleeps (docs/decisions/0004-ring-loop.md).</summary>
public sealed partial class RingLoop
{
    private const int Awake = 0, Asleep = 1;

    /// <summary>Posts that run before completions have their turn: who posts without end must not stop the ring.</summary>
    private const int PostsInARowMax = 1024;

    // Set once.
    private readonly SafeFileHandle _wake; // counted: who posts while the loop ends must not write to somebody else's descriptor
    private readonly PageMapping _wakeValue = new(4096);

    // Any thread.
    private readonly ConcurrentQueue<(object Callback, object? State)> _posted = new();
    private int _sleep;
    private volatile bool _ended;

    // Loop thread only.
    private readonly Queue<(object Callback, object? State)> _local = new();
    private bool _wakeArmed;

    private bool HasPosts => _local.Count > 0 || _turns.Count > 0 || !_posted.IsEmpty;

    /// <summary>
    /// Runs <paramref name="callback"/> on the loop, soon, never inside this call; those of one thread in their order. Any thread. Allocates nothing when
    /// the callback is static. It must not throw. Dropped once the loop has ended.
    /// </summary>
    public void Post(Action<object?> callback, object? state) => PostCallback(callback, state);

    /// <summary>
    /// Runs <paramref name="work"/> on the loop and answers on the thread pool, or in the caller's context: for threads that are no loop. Fails with
    /// <see cref="ObjectDisposedException"/> when the loop has ended before it ran. Allocates.
    /// </summary>
    public Task<T> RunAsync<T>(Func<ValueTask<T>> work)
    {
        var asked = new LoopWork<T>(work);
        Post(static state => ((ILoopWork)state!).Run(), asked);
        return asked.Answer;
    }

    internal void PostCallback(object callback, object? state)
    {
        if (IsCurrent)
        {
            _local.Enqueue((callback, state));
            return;
        }

        _posted.Enqueue((callback, state));
        // Full fence: pairs with the ones in WaitTime and EndPosts. Either we see that the loop sleeps or has ended, or it sees what was queued.
        if (Interlocked.Exchange(ref _sleep, Awake) == Asleep)
        {
            Wake();
        }

        if (_ended)
        {
            DropPosted();
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

    private unsafe void ArmWake()
    {
        ref SubmissionEntry entry = ref _ring.Next();
        (entry.Opcode, entry.Descriptor, entry.UserTag) = (RingOpcode.IORING_OP_READ, (int)_wake.DangerousGetHandle(), WakeSlot);
        entry.Address = (ulong)_wakeValue.Start; // SAFETY: a page that is unmapped after the read has completed: Close waits for it
        entry.Length = sizeof(ulong);
        _wakeArmed = true;
    }

    private void Woken(int result)
    {
        _wakeArmed = false;
        WakeCount += result == sizeof(ulong) ? 1 : 0;
        if (!_stopping)
        {
            ArmWake(); // also after a failure: a loop that nobody can wake would hang
        }
    }

    private void RunPosted()
    {
        for (int i = 0; i < PostsInARowMax && Stopwatch.GetTimestamp() < _postsEnd && _posted.TryDequeue(out (object Callback, object? State) work); i++)
        {
            RunOne(work);
            RunLocal();
        }

        RunLocal();
    }

    private void RunLocal()
    {
        for (int i = 0; i < PostsInARowMax && _local.TryDequeue(out (object Callback, object? State) work); i++)
        {
            RunOne(work);
            if (IsTurnOver)
            {
                return;
            }
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

    private void EndPosts()
    {
        _ended = true;
        Interlocked.MemoryBarrier(); // pairs with the fence in PostCallback
        DropPosted();
    }

    /// <summary>On any thread, when the loop has ended: nobody waits for ever for what was posted too late.</summary>
    private void DropPosted()
    {
        while (_posted.TryDequeue(out (object Callback, object? State) work))
        {
            if (work.Callback is SendOrPostCallback continuation)
            {
                // An await that began here: its requests are refused from now on, but what it holds is given back.
                ThreadPool.UnsafeQueueUserWorkItem(static late => late.Continuation(late.State), (Continuation: continuation, work.State), preferLocal: false);
            }
            else if (work.State is ILoopWork asked)
            {
                asked.Refuse();
            }
        }
    }

    private interface ILoopWork
    {
        void Run();

        void Refuse();
    }

    private sealed class LoopWork<T>(Func<ValueTask<T>> work) : ILoopWork
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Answer => _done.Task;

        public void Run() => _ = RunAsync();

        public void Refuse() => _done.SetException(new ObjectDisposedException(nameof(RingLoop)));

        private async Task RunAsync()
        {
            try
            {
                _done.SetResult(await work());
            }
            catch (Exception problem)
            {
                _done.SetException(problem);
            }
        }
    }
}
