// A run from its start to its summary. The order is the contract's (load generator §4): what was found, the configuration, rows, the final
// block, where statistics went, the clean-up, how long it took.
using System.Diagnostics;
using System.Net;
using Sluice.Contract;
using Sluice.Loader.Flags;
using Sluice.Loader.Http;
using Sluice.Loader.Names;
using Sluice.Loader.Statistics;
using Sluice.Loader.Wire;
using Sluice.Loader.Work;

namespace Sluice.Loader.Run;

/// <summary>One run. Used once.</summary>
internal sealed class LoadRun(LoadOptions options, LoadWorld world)
{
    /// <summary>Time that requests under way are given at the end before they are given up.</summary>
    private static readonly TimeSpan s_drainTime = TimeSpan.FromSeconds(10);

    private readonly ErrorLog _errors = new();

    /// <summary>Where texts for people go: not into JSON that a program reads.</summary>
    private TextWriter Notes => options.Json && options.StatisticsFile.Length == 0 ? world.Error : world.Output;

    /// <summary>Runs it; <paramref name="token"/> ends it early, in good order.</summary>
    /// <exception cref="StartException">It cannot start.</exception>
    public async Task RunAsync(CancellationToken token)
    {
        long started = Stopwatch.GetTimestamp();
        using var client = new SluiceClient(options.Endpoint);
        var bucket = new BucketSetup(options, client);
        foreach (string warning in options.Warnings)
        {
            await world.Error.WriteLineAsync($"Warning: {warning}");
        }

        if (options.DryRun)
        {
            await Notes.WriteLineAsync($"Runtime configuration:\n{Configuration.Text(options, "")}");
            return;
        }

        if (!options.CleanupOnly)
        {
            await LoadAsync(bucket, client, token);
        }

        if (options.Cleanup)
        {
            // The run's own token may have been cancelled to end it; the clean-up was asked for all the same.
            await Notes.WriteLineAsync(await bucket.CleanUpAsync(CancellationToken.None));
        }

        await Notes.WriteLineAsync($"Actual run duration: {Stopwatch.GetElapsedTime(started).TotalSeconds:F1}s");
        await Notes.FlushAsync(CancellationToken.None);
    }

    private async Task LoadAsync(BucketSetup bucket, SluiceClient client, CancellationToken token)
    {
        await bucket.PrepareAsync(token);
        NameTable names = await bucket.NamesAsync(token);
        NameGetter? getter = options.PercentPut < 100 ? NameGetter.For(options, names.Count) : null;
        if (!options.Quiet)
        {
            await Notes.WriteLineAsync($"Found {Cells.Count(names.Count)} existing objects\n");
            await Notes.WriteLineAsync($"Runtime configuration:\n{Configuration.Text(options, getter?.Label ?? "")}\n");
        }

        IReadOnlyList<(IPEndPoint, RequestWriter)> gateways = await Gateways.FindAsync(options, client, token);
        await using StreamWriter? file = options.StatisticsFile.Length > 0 ? new StreamWriter(options.StatisticsFile) : null;
        TextWriter output = (TextWriter?)file ?? world.Output;
        IReport report = options.Json ? new JsonReport(output) : new TableReport(output);
        LoadLoop[] loops = StartLoops(new WorkSource(options, names, getter), gateways, out WorkSource source);
        try
        {
            await Task.WhenAll(loops.Select(loop => loop.ConnectAsync()));
            await MeasureAsync(loops, source, report, token);
        }
        finally
        {
            // After a failure workers are still at it; after an orderly end this does nothing.
            source.Stop();
            foreach (LoadLoop loop in loops)
            {
                loop.Abandon(static _ => { });
                loop.Dispose();
            }

            await EndUploadsAsync(bucket, source);
        }

        if (options.StatisticsFile.Length > 0)
        {
            await Notes.WriteLineAsync($"Stats written to {options.StatisticsFile}");
        }

        if (options is { PercentMultipart: > 0, PercentPut: > 0 })
        {
            await CompareChunkedAsync(bucket, source.MultipartStored);
        }
    }

    /// <summary>Ends uploads that workers left open: where one was given up, or could not reach the server to abort.</summary>
    private async Task EndUploadsAsync(BucketSetup bucket, WorkSource source)
    {
        IReadOnlyList<(string Name, string UploadId)> left = source.TakeLeft();
        for (int ended = 0; ended < left.Count; ended++)
        {
            try
            {
                await bucket.AbortUploadAsync(left[ended].Name, left[ended].UploadId, CancellationToken.None);
            }
            catch (SluiceException failure)
            {
                await world.Error.WriteLineAsync($"{Cells.Count(left.Count - ended)} uploads were left open: {failure.Message}");
                return; // the others would wait for the same server
            }
        }
    }

    /// <summary>What the bucket lists must be what was stored in parts, unless others were there before, or came and went meanwhile.</summary>
    private async Task CompareChunkedAsync(BucketSetup bucket, long stored)
    {
        try
        {
            // As for the clean-up, the run's own token may have ended it.
            long listed = await bucket.CountChunkedAsync(CancellationToken.None);
            string sentence = $"{Cells.Count(listed)} chunked objects are listed, {Cells.Count(stored)} were stored by multipart PUT";
            await (listed == stored ? Notes.WriteLineAsync(sentence) : world.Error.WriteLineAsync($"Warning: {sentence}"));
        }
        catch (SluiceException failure)
        {
            await world.Error.WriteLineAsync($"Warning: chunked objects cannot be listed: {failure.Message}");
        }
    }

    private LoadLoop[] StartLoops(WorkSource work, IReadOnlyList<(IPEndPoint, RequestWriter)> gateways, out WorkSource source)
    {
        source = work;
        var loops = new LoadLoop[options.Loops];
        for (int i = 0; i < loops.Length; i++)
        {
            int workers = (options.Workers / loops.Length) + (i < options.Workers % loops.Length ? 1 : 0);
            loops[i] = new LoadLoop(options, workers, i, work, _errors, gateways);
        }

        return loops;
    }

    private async Task MeasureAsync(LoadLoop[] loops, WorkSource source, IReport report, CancellationToken token)
    {
        Task done = Task.WhenAll(loops.Select(loop => loop.Done));
        long now = Stopwatch.GetTimestamp();
        for (int i = 0; i < loops.Length; i++)
        {
            loops[i].Begin(options.Rate > 0 ? new OpenLoopSchedule(now, options.Rate, loops.Length, i, Math.Max(1, options.BacklogMax / loops.Length)) : null);
        }

        if (options.WarmUp > TimeSpan.Zero)
        {
            await WaitAsync(done, options.WarmUp, token);
            await CollectAsync(loops); // and forgotten
        }

        (report as TableReport)?.Begin();
        TimeSpan processorBefore = Environment.CpuUsage.TotalTime;
        var intervals = new Intervals(world.Clock, report);
        await RowsAsync(loops, intervals, done, token);
        source.Stop();
        int abandoned = await DrainAsync(loops, done);
        intervals.End(await CollectAsync(loops));
        _errors.Flush(world.Error);
        if (abandoned > 0)
        {
            await world.Error.WriteLineAsync($"{abandoned} requests were given up after {s_drainTime.TotalSeconds} seconds at the end; they count nowhere");
        }

        await new Summary(options, intervals.Total).WriteAsync(Notes, Environment.CpuUsage.TotalTime - processorBefore);
    }

    /// <summary>Until the run is over: rows at their intervals, and errors each second.</summary>
    private async Task RowsAsync(LoadLoop[] loops, Intervals intervals, Task done, CancellationToken token)
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan end = options.Duration ?? TimeSpan.MaxValue;
        TimeSpan interval = options.StatisticsInterval > TimeSpan.Zero ? options.StatisticsInterval : TimeSpan.MaxValue;
        TimeSpan row = interval;
        while (!done.IsCompleted && !token.IsCancellationRequested && Stopwatch.GetElapsedTime(start) is var elapsed && elapsed < end)
        {
            TimeSpan left = (row < end ? row : end) - elapsed;
            await WaitAsync(done, left < TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1), token);
            _errors.Flush(world.Error);
            if (Stopwatch.GetElapsedTime(start) >= row && !done.IsCompleted)
            {
                intervals.Row(await CollectAsync(loops));
                row += interval;
            }
        }
    }

    /// <summary>Lets requests under way end, for a while; answers how many were given up.</summary>
    private static async Task<int> DrainAsync(LoadLoop[] loops, Task done)
    {
        foreach (LoadLoop loop in loops)
        {
            loop.Stop();
        }

        await WaitAsync(done, s_drainTime, CancellationToken.None);
        int abandoned = 0;
        if (!done.IsCompleted)
        {
            foreach (LoadLoop loop in loops)
            {
                loop.Abandon(count => Interlocked.Add(ref abandoned, count));
            }

            await done;
        }

        return abandoned;
    }

    private static async Task<LoadStatistics> CollectAsync(LoadLoop[] loops)
    {
        var collected = new LoadStatistics();
        foreach (LoadLoop loop in loops)
        {
            await loop.CollectAsync(collected);
        }

        return collected;
    }

    private static async Task WaitAsync(Task done, TimeSpan time, CancellationToken token)
    {
        using var wake = CancellationTokenSource.CreateLinkedTokenSource(token);
        await Task.WhenAny(done, Task.Delay(time > TimeSpan.Zero ? time : TimeSpan.Zero, wake.Token));
        await wake.CancelAsync();
    }
}
