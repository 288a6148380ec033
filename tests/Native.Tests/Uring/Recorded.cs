using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>An operation that remembers what it was told.</summary>
internal sealed class Recorded : RingOperation
{
    private readonly TaskCompletionSource<RingCompletion> _last = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Every completion so far. On the loop, or after <see cref="Last"/>.</summary>
    public List<RingCompletion> All { get; } = [];

    /// <summary>Is called with each, after it was remembered.</summary>
    public Action<RingCompletion>? Each { get; init; }

    /// <summary>Whether the last completion was told on the loop.</summary>
    public bool WasOnLoop { get; private set; }

    /// <summary>The completion that ended it; within half a minute.</summary>
    public Task<RingCompletion> Last => _last.Task.WaitAsync(TimeSpan.FromSeconds(30));

    protected override void Completed(RingCompletion completion)
    {
        WasOnLoop = RingLoop.Current is not null;
        All.Add(completion);
        Each?.Invoke(completion);
        if (!completion.HasMore)
        {
            _last.TrySetResult(completion);
        }
    }
}

/// <summary>A timeout that remembers what it was told.</summary>
internal sealed class RecordedTimeout : RingTimeout
{
    private readonly TaskCompletionSource<RingCompletion> _last = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Its completion; within half a minute.</summary>
    public Task<RingCompletion> Last => _last.Task.WaitAsync(TimeSpan.FromSeconds(30));

    protected override void Completed(RingCompletion completion) => _last.TrySetResult(completion);
}

/// <summary>Short ways to run something on a loop, and to wait for it within half a minute.</summary>
internal static class LoopTestExtensions
{
    public static Task OnLoop(this RingLoop loop, Action action) => loop.RunAsync(() =>
    {
        action();
        return ValueTask.FromResult(0);
    }).WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>As <see cref="OnLoop(RingLoop, Action)"/>, for threads that wait.</summary>
    public static void Wait(this RingLoop loop, Action action) => loop.OnLoop(action).GetAwaiter().GetResult();

    /// <summary>As <see cref="OnLoop{T}(RingLoop, Func{ValueTask{T}})"/>, for threads that wait.</summary>
    public static void Wait<T>(this RingLoop loop, Func<ValueTask<T>> work) => loop.OnLoop(work).GetAwaiter().GetResult();

    public static Task<T> OnLoop<T>(this RingLoop loop, Func<ValueTask<T>> work) => loop.RunAsync(work).WaitAsync(TimeSpan.FromSeconds(30));
}
