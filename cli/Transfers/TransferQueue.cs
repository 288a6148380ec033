using System.Threading.Channels;
using Sluice.Contract;

namespace Sluice.Cli.Transfers;

/// <summary>
/// Runs many transfers, some at a time. One that fails does not stop the others, unless the server cannot be reached at all. Memory stays
/// bounded however many there are: the producer waits when it is <see cref="QueuedMax"/> ahead.
/// </summary>
internal static class TransferQueue
{
    /// <summary>How far totals may run ahead of transfers; a directory of this many files has its totals at once.</summary>
    public const int QueuedMax = 4096;

    /// <summary>
    /// Runs <paramref name="transfer"/> for every item. <paramref name="subject"/> names an item in error sentences,
    /// <paramref name="bytes"/> is its size. The number of items is given back beside the code.
    /// </summary>
    public static async Task<(ExitCode Code, long Items)> RunAsync<T>(
        VerbRun run,
        int jobs,
        IAsyncEnumerable<T> items,
        Func<T, string> subject,
        Func<T, long> bytes,
        Func<T, CancellationToken, Task> transfer,
        CancellationToken token)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(token);
        var channel = Channel.CreateBounded<T>(new BoundedChannelOptions(QueuedMax) { SingleWriter = true });
        Task<long> producing = ProduceAsync(run, items, bytes, channel.Writer, stop.Token);
        ExitCode code = ExitCode.Ok;
        var codes = new Lock();
        bool isUnreachable = false;
        void Record(ExitCode one)
        {
            lock (codes)
            {
                code = ExitCodes.Combine(code, one);
            }
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = stop.Token };
        try
        {
            await Parallel.ForEachAsync(channel.Reader.ReadAllAsync(stop.Token), options, async (item, each) =>
            {
                try
                {
                    await transfer(item, each);
                    run.Meter.Finish();
                }
                catch (SluiceException failure) when (failure.IsUnreachable)
                {
                    // All transfers under way fail with it: one sentence is enough.
                    if (Interlocked.Exchange(ref isUnreachable, true) is false)
                    {
                        Record(run.Fail(failure));
                    }

                    await stop.CancelAsync();
                }
                catch (Exception failure) when (failure is not OperationCanceledException || !each.IsCancellationRequested)
                {
                    Record(run.Fail(failure, subject(item)));
                }
            });
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !token.IsCancellationRequested)
        {
            // Stopped by a failure that has been printed and recorded.
        }
        finally
        {
            await stop.CancelAsync();
            await producing;
        }

        return (code, await producing);
    }

    /// <summary>Fills the channel and answers how many items there were. Whoever reads the channel to its end gets a failure.</summary>
    private static async Task<long> ProduceAsync<T>(
        VerbRun run, IAsyncEnumerable<T> items, Func<T, long> bytes, ChannelWriter<T> writer, CancellationToken stop)
    {
        long count = 0;
        try
        {
            await foreach (T item in items.WithCancellation(stop))
            {
                run.Meter.Expect(bytes(item));
                count++;
                await writer.WriteAsync(item, stop);
            }

            run.Meter.ExpectNoMore();
            writer.Complete();
        }
        catch (Exception failure)
        {
            writer.Complete(failure);
        }

        return count;
    }
}
