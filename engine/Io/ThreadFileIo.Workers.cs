using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;

namespace Sluice.Engine.Io;

/// <summary>How verbs get to the workers: pooled work items.</summary>
public sealed partial class ThreadFileIo
{
    private readonly IoWorkers _workers;

    /// <summary>Finishes what is queued and ends the workers. Handles may be closed afterwards, nothing else.</summary>
    public void Dispose() => _workers.Dispose();

    private ValueTask<TResult> RunAsync<TState, TResult>(TState state, Func<TState, TResult> verb)
    {
        if (_workers.IsCurrent)
        {
            return new ValueTask<TResult>(verb(state));
        }

        WorkItem<TState, TResult> item = WorkItem<TState, TResult>.Rent(state, verb);
        ValueTask<TResult> result = item.AsTask();
        if (!_workers.TryAdd(item))
        {
            item.Run(); // more callers than the queue takes: those who cause the load are slowed
        }

        return result;
    }

    /// <summary>A verb on its way to a worker. Continuations run on the worker; the item returns to its pool when its result is taken.</summary>
    private sealed class WorkItem<TState, TResult> : IWorkItem, IValueTaskSource<TResult>
    {
        private const int PoolMax = 256; // for each kind of verb: more than the requests in flight that wait for one
        private static readonly ConcurrentQueue<WorkItem<TState, TResult>> s_pool = new();

        private ManualResetValueTaskSourceCore<TResult> _source; // continuations run where the result is set
        private TState _state = default!;
        private Func<TState, TResult> _verb = null!;

        public static WorkItem<TState, TResult> Rent(TState state, Func<TState, TResult> verb)
        {
            WorkItem<TState, TResult> item = s_pool.TryDequeue(out WorkItem<TState, TResult>? pooled) ? pooled : new();
            (item._state, item._verb) = (state, verb);
            return item;
        }

        public ValueTask<TResult> AsTask() => new(this, _source.Version);

        public void Run()
        {
            try
            {
                _source.SetResult(_verb(_state));
            }
            catch (Exception exception)
            {
                _source.SetException(exception);
            }
        }

        public TResult GetResult(short token)
        {
            try
            {
                return _source.GetResult(token);
            }
            finally
            {
                _source.Reset();
                (_state, _verb) = (default!, null!);
                if (s_pool.Count < PoolMax)
                {
                    s_pool.Enqueue(this);
                }
            }
        }

        public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _source.OnCompleted(continuation, state, token, flags);
    }
}
