using System.Diagnostics;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Results;
using Sluice.Bench.Rows;

namespace Sluice.Bench.Run;

/// <summary>
/// The bench itself: rows in turn, results as they come, both files rewritten after each row so that a run that is broken off has left what it had.
/// </summary>
internal static class CompareCommand
{
    /// <summary>Prints the rows there are, a star before those of the short run, and how long the chosen ones will take.</summary>
    public static int List(BenchSettings settings)
    {
        foreach (IRow row in RowCatalog.All(settings))
        {
            Console.WriteLine($"{(row.IsDefault ? "*" : " ")} {row.Name,-32} {row.Estimate(settings):mm\\:ss}");
        }

        IReadOnlyList<IRow> chosen = RowCatalog.Chosen(settings);
        TimeSpan all = chosen.Aggregate(TimeSpan.Zero, (sum, row) => sum + row.Estimate(settings));
        Console.WriteLine($"{chosen.Count} rows chosen, about {all:hh\\:mm\\:ss}");
        return 0;
    }

    public static async Task<int> RunAsync(BenchSettings settings, CancellationToken token)
    {
        IReadOnlyList<IRow> rows = RowCatalog.Chosen(settings);
        if (rows.Count == 0)
        {
            await Console.Error.WriteLineAsync($"no row matches \"{settings.Rows}\"; --list names them");
            return 2;
        }

        Pin(settings.ClientCores);
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

        if (settings.IsDocumented)
        {
            string document = Path.Combine(settings.Repository, "docs", "PERFORMANCE.md");
            await File.WriteAllTextAsync(document, NewestTable.Replace(await File.ReadAllTextAsync(document, token), MarkdownResults.Text(report)), token);
        }

        await Console.Out.WriteLineAsync($"{report.PathOf(settings.Output, "md")}: {report.Rows.Count} rows, {report.Failures.Count} that failed");
        return report.Failures.Count == 0 ? 0 : 1;
    }

    /// <summary>This process stays off the server's cores; what it starts is pinned by taskset, wherever this is.</summary>
    private static void Pin(string cores)
    {
        using Process self = Process.GetCurrentProcess();
        long mask = BenchSettings.Each(cores).Where(core => core < 64).Aggregate(0L, (bits, core) => bits | (1L << core));
        self.ProcessorAffinity = (nint)mask;
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
