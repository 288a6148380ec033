using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Rows;
using Sluice.Bench.Run;

namespace Sluice.Bench.Gate;

/// <summary>
/// Compares two commits and fails only when the second is worse beyond the noise of this very run. What looks worse is measured once more, and both
/// measurements together decide: a chance that comes once in a hundred figures is no reason to stop anyone.
/// </summary>
internal static class GateCommand
{
    /// <summary>Exit status of a gate that is shut.</summary>
    private const int Shut = 1;

    public static async Task<int> RunAsync(GateSettings settings, CancellationToken token)
    {
        await using var builds = new GateBuilds(settings.Bench, token);
        string from = await builds.ResolveAsync(settings.Base);
        string to = await builds.ResolveAsync(settings.Head);
        await Console.Out.WriteLineAsync($"publishes base {from[..10]}");
        string baseBinary = await builds.PublishAsync(GateReport.Base, from, null);
        await Console.Out.WriteLineAsync($"publishes head {to[..10]}{(from == to ? ", which is the base" : "")}");
        string headBinary = from == to ? baseBinary : await builds.PublishAsync(GateReport.Head, to, null);
        return await CompareAsync(settings.Bench, baseBinary, headBinary, token) ? 0 : Shut;
    }

    /// <summary>Measures two binaries; true when the second is not worse.</summary>
    public static async Task<bool> CompareAsync(BenchSettings settings, string baseBinary, string headBinary, CancellationToken token)
    {
        using var world = new BenchWorld(settings with { Binary = baseBinary }, token); // the base's loader for both
        MachineFacts facts = await MachineFacts.TakeAsync(settings.Repository, world.Home, token);
        await Console.Out.WriteLineAsync(facts.Warning ?? "The machine was idle at the start.");
        IReadOnlyList<IRow> Rows() => RowCatalog.OfGate(world.Settings, new Contestant(GateReport.Base, baseBinary), new Contestant(GateReport.Head, headBinary));
        if (Rows().Count == 0)
        {
            throw new BenchException($"no row of the gate matches \"{settings.Rows}\"");
        }

        var progress = new Progress(Console.Out, [.. Rows().Select(row => (row.Name, row.Estimate(settings)))]);
        var judged = new List<(RowResult Row, IReadOnlyList<GateVerdict> Verdicts)>();
        foreach ((IRow row, IRow again) in Rows().Zip(Rows()))
        {
            progress.Next();
            RowResult result = await RowRunner.RunAsync(row, world, settings.Rounds, progress.Say);
            IReadOnlyList<GateVerdict> verdicts = GateReport.Judge(result);
            if (verdicts.Any(verdict => verdict.Outcome == Outcome.Worse))
            {
                progress.Say("looks worse, is measured again");
                result = GateReport.Pool(result, await RowRunner.RunAsync(again, world, settings.Rounds, progress.Say));
                verdicts = GateReport.Judge(result);
            }

            judged.Add((result, verdicts));
        }

        await Console.Out.WriteLineAsync(GateReport.Text(judged));
        string[] worse =
        [
            .. from one in judged
               from verdict in one.Verdicts
               where verdict.Outcome == Outcome.Worse
               select $"{one.Row.Row} {verdict.Figure.Name}",
        ];
        await Console.Out.WriteLineAsync(worse.Length == 0 ? "gate: open" : $"gate: shut by {string.Join(", ", worse)}");
        return worse.Length == 0;
    }
}
