namespace Sluice.Engine.Jobs;

/// <summary>
/// Several names or files at once: while one waits for a disk another goes on. They are taken one after the other. The workers go on where the job runs: on the thread pool, or on
/// the one thread of a simulation.
/// </summary>
public static class NameWorkers
{
    private const int WorkersMax = 4; // a name keeps two drives busy; memory is a block for each

    /// <summary>
    /// Does the work for every name. The first exception ends it, and is thrown when the others at work have come to the end of theirs.
    /// </summary>
    public static Task RunAsync(IAsyncEnumerable<WalkedName> names, Func<WalkedName, ValueTask> work, CancellationToken cancellation) =>
        RunAsync(names, WorkersMax, work, cancellation);

    /// <summary>The same with so many workers, for whatever is walked.</summary>
    public static async Task RunAsync<T>(IAsyncEnumerable<T> items, int workers, Func<T, ValueTask> work, CancellationToken cancellation)
    {
        await using IAsyncEnumerator<T> source = items.GetAsyncEnumerator(cancellation);
        using var turn = new SemaphoreSlim(1, 1);
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => WorkAsync(source, work, turn, failed)));
    }

    private static async Task WorkAsync<T>(IAsyncEnumerator<T> source, Func<T, ValueTask> work, SemaphoreSlim turn, CancellationTokenSource failed)
    {
        try
        {
            while (true)
            {
                T item;
                await turn.WaitAsync(); // without the token, which would have it wait on another thread: who has the turn gives it back soon
                try
                {
                    failed.Token.ThrowIfCancellationRequested();
                    if (!await source.MoveNextAsync())
                    {
                        return;
                    }

                    item = source.Current;
                }
                finally
                {
                    turn.Release();
                }

                await work(item);
            }
        }
        catch
        {
            failed.CancelHere();
            throw;
        }
    }
}
