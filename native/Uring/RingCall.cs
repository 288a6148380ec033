using System.Threading.Tasks.Sources;

namespace Sluice.Native.Uring;

/// <summary>
/// A request that is awaited. Belongs to its loop's pool and returns there when its result is taken, which is once. The continuation runs
/// on the loop, in the place of the completion.
/// </summary>
internal sealed class RingCall : RingOperation, IValueTaskSource<int>
{
    private readonly RingLoop _loop;
    private ManualResetValueTaskSourceCore<int> _source; // continuations run where the result is set: on the loop

    public RingCall(RingLoop loop)
    {
        _loop = loop;
    }

    /// <summary>The awaitable of the request that is about to be submitted.</summary>
    public ValueTask<int> Task => new(this, _source.Version);

    /// <inheritdoc/>
    public int GetResult(short token)
    {
        int result = _source.GetResult(token);
        _source.Reset();
        _loop.Return(this);
        return result;
    }

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    /// <inheritdoc/>
    /// <remarks>The loop's own context would only post what may run at once; awaits that began elsewhere go home by theirs.</remarks>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, _loop.IsCurrent ? flags & ~ValueTaskSourceOnCompletedFlags.UseSchedulingContext : flags);

    /// <inheritdoc/>
    protected override void Completed(RingCompletion completion)
    {
        if (!completion.HasMore)
        {
            _source.SetResult(completion.Result);
        }
    }
}
