using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Results;
using Sluice.Bench.Rows;

namespace Sluice.Bench.Run;

/// <summary>The bench itself: rows in turn, results as they come, both files rewritten after each row so that a run that is broken off has left what it had.</summary>
internal static class CompareCommand
{
    public static async Task<int> RunAsync(BenchSettings settings, CancellationToken token)
    {
        IReadOnlyList<IRow> rows = RowCatalog.Chosen(settings);
        if (rows.Count == 0)
        {
            await Console.Error.WriteLineAsync($"no row matches \"{settings.Rows}\"; --list names them");
            return 2;
        }

        using var world = new BenchWorld(settings, token);
        MachineFacts facts = await MachineFacts.TakeAsync(settings.Repository, world.Home, token);
        var report = new RunReport(facts, settings);
        if (facts.Warning is { } warning)
        {
            await Console.Out.WriteLineAsync(warning);
        }

        var progress = new Progress(Console.Out, [.. rows.Select(row => (row.Name, row.Estimate(settings)))]);
        foreach (IRow row in rows)
        {
            progress.Next();
            await OneAsync(row, world, report, progress);
            await report.WriteAsync(settings.Output, token);
        }

        await Console.Out.WriteLineAsync($"{report.PathOf(settings.Output, "md")}: {report.Rows.Count} rows, {report.Failures.Count} that failed");
        return report.Failures.Count == 0 ? 0 : 1;
    }

    /// <summary>A row that cannot be measured is a line of the results; the others go on.</summary>
    private static async Task OneAsync(IRow row, BenchWorld world, RunReport report, Progress progress)
    {
        try
        {
            RowResult result = await RowRunner.RunAsync(row, world, world.Settings.Rounds, progress.Say);
            report.Rows.Add(result);
            foreach (string line in MarkdownResults.Lines(result))
            {
                await Console.Out.WriteLineAsync("          " + line);
            }
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            string reason = failure.GetBaseException().Message;
            report.Failures.Add((row.Name, reason));
            progress.Say("FAILED: " + reason);
        }
    }
}
