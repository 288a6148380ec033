using System.Runtime.CompilerServices;
using Sluice.Engine.Pooling;

namespace Sluice.Engine.Io;

/// <summary>
/// Group commit: the fsyncs that many ask of one directory. At most one runs. Whoever comes while it does may have changed the directory
/// after it began, so only the next one covers him; all who come meanwhile share that one, and with it its result. A failed fsync is the
/// failure of everybody who shared it and is not retried for them.
/// </summary>
public sealed class SharedSync(Func<ValueTask<IoResult>> fsync)
{
    private readonly Lock _gate = new(); // never held across an await
    private bool _running;
    private TaskCompletionSource<IoResult>? _next;

    /// <summary>Completes with the result of an fsync that began after this call.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<IoResult> RunAsync()
    {
        Task<IoResult>? joined = null;
        lock (_gate)
        {
            if (_running)
            {
                _next ??= new TaskCompletionSource<IoResult>(TaskCreationOptions.RunContinuationsAsynchronously);
                joined = _next.Task;
            }

            _running = true;
        }

        return joined is null ? await BeginAsync() : await joined;
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<IoResult> BeginAsync()
    {
        try
        {
            return await fsync();
        }
        finally
        {
            TaskCompletionSource<IoResult>? next;
            lock (_gate)
            {
                (next, _next) = (_next, null);
                _running = next is not null;
            }

            if (next is not null)
            {
                _ = BeginNextAsync(next); // its waiters hold the directory; its result is theirs
            }
        }
    }

    private async Task BeginNextAsync(TaskCompletionSource<IoResult> next)
    {
        try
        {
            next.SetResult(await BeginAsync());
        }
        catch (Exception exception)
        {
            next.SetException(exception);
        }
    }
}
