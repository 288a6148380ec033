using System.Runtime.CompilerServices;
using Sluice.Engine.Pooling;
using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>
/// Group commit: the fsyncs that many ask of one directory. At most one runs. Whoever comes while it does may have changed the directory
/// after it began, so only the next one covers him; all who come meanwhile share that one, and with it its result. A failed fsync is the
/// failure of everybody who shared it and is not retried for them; nor is one that succeeds later a success for who had changed the directory before it failed: the kernel
/// drops what it could not write, whoever had written it, and tells that once (fsync(2)).
/// </summary>
public sealed class SharedSync(Func<ValueTask<IoResult>> fsync)
{
    private readonly Lock _gate = new(); // never held across an await
    private bool _running;
    private TaskCompletionSource<IoResult>? _next;
    private long _failures;

    /// <summary>How many have failed. Who is about to change the directory keeps it, for <see cref="RunAsync"/>.</summary>
    public long FailureCount => Volatile.Read(ref _failures);

    /// <summary>
    /// Completes with the result of an fsync that began after this call; with EIO when that succeeds but another has failed since there were
    /// <paramref name="failuresBefore"/>: it may have dropped the caller's change.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<IoResult> RunAsync(long failuresBefore)
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

        IoResult synced = joined is null ? await BeginAsync() : await joined;
        return synced.Ok && FailureCount != failuresBefore ? new IoResult(Errno.EIO) : synced;
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<IoResult> BeginAsync()
    {
        bool isDone = false;
        try
        {
            IoResult synced = await fsync();
            isDone = synced.Ok;
            return synced;
        }
        finally
        {
            if (!isDone)
            {
                Interlocked.Increment(ref _failures); // before the next begins
            }

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
