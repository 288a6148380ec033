using System.Diagnostics;
using System.Globalization;
using Sluice.Simulation.Tests.Histories;

namespace Sluice.Simulation.Tests;

/// <summary>
/// Histories that a seed makes: a few hundred operations on colliding names in buckets of every protection, several at once, with faults, crashes, mountpaths that
/// come and go, scrubs and restarts, compared with a model after each step and each start (docs/TESTING.md). A failure prints the line that replays it.
/// </summary>
public sealed class HistoryTests
{
    private const int SeedsOfSuite = 2_000; // 150 s on two cores
    private const int LogLines = 200;
    private const int SeedsOfReplay = 10;

    private static ITestOutputHelper Output => TestContext.Current.TestOutputHelper!;

    [Fact]
    public void EveryPromiseHoldsInHistoriesOfManySeeds()
    {
        int count = Number("SIMULATE_SEEDS") ?? SeedsOfSuite;
        int first = Number("SIMULATE_FIRST") ?? 1;
        long began = Stopwatch.GetTimestamp();
        HistorySeeds seeds = HistorySeeds.Run(first, count, goesOn: Number("SIMULATE_ALL") == 1, progress: (done, failed) =>
        {
            Tell(done, count, began, every: 100);
            if (failed is not null)
            {
                Output.WriteLine(failed);
            }
        });
        Tell(seeds, count, began, every: 1);
        Assert.True(seeds.Failed.Count == 0, string.Join('\n', seeds.Failed.Select(failed => HistorySeeds.Replay(failed.Seed, failed.Outcome))));

        Assert.Equal(count, seeds.Done);
        Assert.True(seeds.OperationsMin >= HistoryMaker.OperationsMin, $"a history has {seeds.OperationsMin} operations");
        Assert.True(seeds.FaultsMin >= 1, "a history has no fault");
        Assert.Equal(0, seeds.Strangers); // else a replay is not exact
    }

    /// <summary>The seed of <c>make simulate SEED=…</c>; one that holds otherwise. What fails is made shorter.</summary>
    [Fact]
    public void TheReplayedHistoryHolds()
    {
        int seed = Number("SIMULATE_SEED") ?? 1;
        History history = HistoryMaker.Make(seed);
        HistoryOutcome outcome = HistoryRun.Of(history);
        if (outcome.Holds)
        {
            return;
        }

        History shorter = Minimiser.Shorten(history, outcome.Kind!, static one => HistoryRun.Of(one));
        var log = new HistoryLog();
        HistoryOutcome last = HistoryRun.Of(shorter, log: log);
        Output.WriteLine(string.Join('\n', log.Last(LogLines)));
        Assert.Fail($"{HistorySeeds.Replay(seed, outcome)}\n\n{shorter.OperationCount} of {history.OperationCount} operations are enough ({last.Kind}: {last.What}):\n{shorter}");
    }

    [Fact]
    public void ASeedMakesTheSameHistoryAndTheSameRun()
    {
        Assert.Equal(HistoryMaker.Make(7).ToString(), HistoryMaker.Make(7).ToString());
        Assert.NotEqual(HistoryMaker.Make(7).ToString(), HistoryMaker.Make(8).ToString());

        for (int seed = 7; seed < 7 + SeedsOfReplay; seed++)
        {
            History history = HistoryMaker.Make(seed);
            Assert.Equal(HistoryRun.Of(history), HistoryRun.Of(history)); // the order of all verbs included
        }
    }

    private static void Tell(HistorySeeds seeds, int count, long began, int every)
    {
        if (seeds.Done % every == 0)
        {
            double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            Output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{seeds.Done} of {count} seeds, {seeds.Operations} operations, {seeds.Faults} faults, {seeds.Done / Math.Max(seconds, 0.001):F1} seeds a second"));
        }
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : null;
}
