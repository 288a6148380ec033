using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Sluice.Engine.Pooling;

/// <summary>
/// A call of an async method that had to wait, as its caller awaits it. Goes back to its pool when the result is taken, which is once; a second
/// await finds another version and throws.
/// <para>
/// The caller goes on where it began to wait: in its synchronization context. When the call ends in that context, which on a ring loop it
/// does, the caller goes on at once, on the same stack; else by a post.
/// </para>
/// </summary>
public abstract class PooledCall<T> : IValueTaskSource<T>, IValueTaskSource
{
    private static readonly Action<object?> s_ended = static call => ((PooledCall<T>)call!).Ended();
    private static readonly SendOrPostCallback s_goOn = static call => ((PooledCall<T>)call!).GoOn();

    private ManualResetValueTaskSourceCore<T> _core; // is told of no context
    private SynchronizationContext? _home; // of the caller; the three are written before the core publishes them
    private Action<object?>? _continuation;
    private object? _state;

    /// <summary>Of the present use.</summary>
    internal short Version => _core.Version;

    /// <inheritdoc/>
    public T GetResult(short token)
    {
        bool isOurs = token == _core.Version && _core.GetStatus(token) != ValueTaskSourceStatus.Pending;
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            if (isOurs)
            {
                _core.Reset();
                Return();
            }
        }
    }

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token) => GetResult(token);

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        SynchronizationContext? home = (flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) == 0 ? null : SynchronizationContext.Current;
        if (home is null)
        {
            _core.OnCompleted(continuation, state, token, flags);
            return;
        }

        (_home, _continuation, _state) = (home, continuation, state);
        _core.OnCompleted(s_ended, this, token, flags & ~ValueTaskSourceOnCompletedFlags.UseSchedulingContext);
    }

    internal void SetResult(T result) => _core.SetResult(result);

    internal void SetException(Exception problem) => _core.SetException(problem);

    /// <summary>Nobody knows the call any more.</summary>
    private protected abstract void Return();

    private void Ended()
    {
        if (SynchronizationContext.Current == _home)
        {
            GoOn();
        }
        else
        {
            _home!.Post(s_goOn, this);
        }
    }

    private void GoOn()
    {
        (Action<object?> continuation, object? state) = (_continuation!, _state);
        (_home, _continuation, _state) = (null, null, null);
        continuation(state); // takes the result, and with it the call may be somebody else's
    }
}

/// <summary>
/// A call of one method, with what that keeps while it waits. A thread with a context of its own, which a ring loop is, keeps its spare ones: there a call ends where it
/// began. Elsewhere calls begin on one thread and end on another, and there may be a hundred of them, so those threads keep one each and share the others.
/// </summary>
internal sealed class PooledCall<T, TStateMachine> : PooledCall<T>
    where TStateMachine : IAsyncStateMachine
{
    /// <summary>Spare calls of a method that a loop keeps, and that the threads without one share: more than commits run at once under load; 256 x some 400 bytes.</summary>
    private const int SpareMax = 256;

    private static readonly Lock s_sharing = new();
    private static PooledCall<T, TStateMachine>? s_spare;
    private static int s_spareCount;

    [ThreadStatic]
    private static PooledCall<T, TStateMachine>? t_spare;

    [ThreadStatic]
    private static int t_spareCount;

    private readonly Action _moveNext;
    private TStateMachine? _stateMachine;
    private PooledCall<T, TStateMachine>? _next;

    private PooledCall()
    {
        _moveNext = MoveNext;
    }

    /// <summary>The method waits: moves its state into a call, the first time. Answers how it goes on.</summary>
    public static Action Suspend(ref TStateMachine stateMachine, ref PooledCall<T>? call)
    {
        if (call is not null)
        {
            return ((PooledCall<T, TStateMachine>)call)._moveNext; // the state is there already
        }

        PooledCall<T, TStateMachine> rented = Rent();
        call = rented; // lies within the state, which is copied with it
        rented._stateMachine = stateMachine;
        return rented._moveNext;
    }

    private protected override void Return()
    {
        _stateMachine = default;
        if (t_spareCount == 0 || (t_spareCount < SpareMax && SynchronizationContext.Current is not null))
        {
            (_next, t_spare) = (t_spare, this);
            t_spareCount++;
        }
        else if (SynchronizationContext.Current is null)
        {
            ReturnShared();
        }
    }

    private static PooledCall<T, TStateMachine> Rent()
    {
        if (t_spare is not { } spare)
        {
            return (SynchronizationContext.Current is null ? RentShared() : null) ?? new PooledCall<T, TStateMachine>();
        }

        (t_spare, spare._next) = (spare._next, null);
        t_spareCount--;
        return spare;
    }

    private void ReturnShared()
    {
        lock (s_sharing)
        {
            if (s_spareCount < SpareMax)
            {
                (_next, s_spare) = (s_spare, this);
                s_spareCount++;
            }
        }
    }

    private static PooledCall<T, TStateMachine>? RentShared()
    {
        lock (s_sharing)
        {
            if (s_spare is not { } spare)
            {
                return null;
            }

            (s_spare, spare._next) = (spare._next, null);
            s_spareCount--;
            return spare;
        }
    }

    private void MoveNext() => _stateMachine!.MoveNext();
}
