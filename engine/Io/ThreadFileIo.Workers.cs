using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;

namespace Sluice.Engine.Io;

/// <summary>The workers: threads, a bounded queue, pooled work items.</summary>
public sealed partial class ThreadFileIo
{
    /// <summary>
    /// Verbs that may wait for a worker. More callers than this at once run their verb on their own thread, which slows those who cause
    /// the load: 4,096 x about 200 bytes.
    /// </summary>
    private const int QueueMax = 4096;

    [ThreadStatic]
    private static ThreadFileIo? t_workerOf;

    private readonly BlockingCollection<IWorkItem> _queue = new(QueueMax);
    private Thread[] _workers = [];

    /// <summary>Finishes what is queued and ends the workers. Handles may be closed afterwards, nothing else.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        foreach (Thread worker in _workers)
        {
            if (worker != Thread.CurrentThread)
            {
                worker.Join();
            }
        }
    }

    private void StartWorkers(int count)
    {
        _workers = new Thread[count];
        for (int i = 0; i < count; i++)
        {
            _workers[i] = new Thread(Work) { IsBackground = true, Name = $"sluice-io-{i}" };
            _workers[i].Start();
        }
    }

    private void Work()
    {
        t_workerOf = this;
        foreach (IWorkItem item in _queue.GetConsumingEnumerable())
        {
            item.Run();
        }
    }

    private ValueTask<TResult> RunAsync<TState, TResult>(TState state, Func<TState, TResult> verb)
    {
        if (t_workerOf == this)
        {
            return new ValueTask<TResult>(verb(state));
        }

        WorkItem<TState, TResult> item = WorkItem<TState, TResult>.Rent(state, verb);
        ValueTask<TResult> result = item.AsTask();
        if (!_queue.IsAddingCompleted && _queue.TryAdd(item))
        {
            return result;
        }

        item.Run();
        return result;
    }

    private interface IWorkItem
    {
        void Run();
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
