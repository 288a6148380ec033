namespace Sluice.Engine.Jobs;

/// <summary>Several names at once: while one waits for a disk another goes on. The names are taken one after the other.</summary>
public static class NameWorkers
{
    private const int WorkersMax = 4; // a name keeps two drives busy; memory is a block for each

    /// <summary>
    /// Does the work for every name. The first exception ends it, and is thrown when the others at work have come to the end of theirs.
    /// </summary>
    public static async Task RunAsync(IAsyncEnumerable<WalkedName> names, Func<WalkedName, ValueTask> work, CancellationToken cancellation)
    {
        await using IAsyncEnumerator<WalkedName> source = names.GetAsyncEnumerator(cancellation);
        using var turn = new SemaphoreSlim(1, 1);
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAll(Enumerable.Range(0, WorkersMax).Select(_ => WorkAsync(source, work, turn, failed)));
    }

    private static async Task WorkAsync(
        IAsyncEnumerator<WalkedName> source, Func<WalkedName, ValueTask> work, SemaphoreSlim turn, CancellationTokenSource failed)
    {
        try
        {
            while (true)
            {
                WalkedName walked;
                await turn.WaitAsync(); // without the token, which would have it wait on another thread: who has the turn gives it back soon
                try
                {
                    failed.Token.ThrowIfCancellationRequested();
                    if (!await source.MoveNextAsync())
                    {
                        return;
                    }

                    walked = source.Current;
                }
                finally
                {
                    turn.Release();
                }

                await work(walked);
            }
        }
        catch
        {
            await failed.CancelAsync();
            throw;
        }
    }
}
