using System.Runtime.CompilerServices;

namespace Sluice.Engine.Pooling;

/// <summary>
/// Builds <c>async ValueTask&lt;T&gt;</c> methods of the data path: <c>[AsyncMethodBuilder(typeof(PooledMethodBuilder&lt;&gt;))]</c>. What a
/// method keeps while it waits is a <see cref="PooledCall{T}"/>, which is used again; one that need not wait has none. Whoever calls such a
/// method awaits it, once. No execution context flows into the continuation: the engine keeps nothing in one.
/// <para>
/// The runtime's own pooling builder keeps one call a processor, and sends every continuation that has a context through it, by way of
/// a new closure; on a loop, whose awaits all have its context, that is an allocation and a detour for each of them.
/// </para>
/// </summary>
public struct PooledMethodBuilder<T>
{
    private PooledCall<T>? _call;
    private Exception? _problem;
    private T _result;

    /// <summary>What the caller awaits. The compiler asks after the method has waited, ended or thrown for the first time.</summary>
    public ValueTask<T> Task => _call is { } call ? new ValueTask<T>(call, call.Version)
        : _problem is { } problem ? ValueTask.FromException<T>(problem)
        : new ValueTask<T>(_result);

    /// <summary>The same for callers who want no result.</summary>
    internal ValueTask TaskWithoutResult => _call is { } call ? new ValueTask(call, call.Version) : _problem is { } problem ? ValueTask.FromException(problem) : default;

    /// <summary>For the compiler.</summary>
    public static PooledMethodBuilder<T> Create() => default;

    /// <summary>For the compiler.</summary>
    public void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    /// <summary>For the compiler, which no longer uses it.</summary>
    public void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    /// <summary>For the compiler.</summary>
    public void SetResult(T result)
    {
        if (_call is { } call)
        {
            call.SetResult(result);
        }
        else
        {
            _result = result;
        }
    }

    /// <summary>For the compiler.</summary>
    public void SetException(Exception exception)
    {
        if (_call is { } call)
        {
            call.SetException(exception);
        }
        else
        {
            _problem = exception;
        }
    }

    /// <summary>For the compiler.</summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(PooledCall<T, TStateMachine>.Suspend(ref stateMachine, ref _call));

    /// <summary>For the compiler.</summary>
    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(PooledCall<T, TStateMachine>.Suspend(ref stateMachine, ref _call));
}

/// <summary>The same for <c>async ValueTask</c> methods.</summary>
public struct PooledMethodBuilder
{
    private PooledMethodBuilder<bool> _inner;

    /// <summary>What the caller awaits.</summary>
    public ValueTask Task => _inner.TaskWithoutResult;

    /// <summary>For the compiler.</summary>
    public static PooledMethodBuilder Create() => default;

    /// <summary>For the compiler.</summary>
    public void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => _inner.Start(ref stateMachine);

    /// <summary>For the compiler, which no longer uses it.</summary>
    public void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    /// <summary>For the compiler.</summary>
    public void SetResult() => _inner.SetResult(true);

    /// <summary>For the compiler.</summary>
    public void SetException(Exception exception) => _inner.SetException(exception);

    /// <summary>For the compiler.</summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _inner.AwaitOnCompleted(ref awaiter, ref stateMachine);

    /// <summary>For the compiler.</summary>
    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _inner.AwaitUnsafeOnCompleted(ref awaiter, ref stateMachine);
}
