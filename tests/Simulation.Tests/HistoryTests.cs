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
    private const int SeedsOfSuite = 100;
    private const int LogLines = 200;
    private const int ReplaysMax = 5;

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
    }

    /// <summary>The seed of <c>make simulate SEED=…</c>; one that holds otherwise. What fails is made shorter.</summary>
    [Fact]
    public void TheReplayedHistoryHolds()
    {
        int seed = Number("SIMULATE_SEED") ?? 1;
        History history = HistoryMaker.Make(seed);
        HistoryOutcome outcome = FirstToFail(history);
        if (outcome.Holds)
        {
            return;
        }

        History shorter = Minimiser.Shorten(history, outcome.Kind!, FirstToFail);
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

        // The reads of a scrub are on threads of its own.
        History history = HistoryMaker.Make(7);
        history = history with { Steps = [.. history.Steps.Where(step => !step.Operations.Any(IsOnThreads))] };
        Assert.True(history.OperationCount > HistoryMaker.OperationsMin / 2);
        Assert.Equal(HistoryRun.Of(history), HistoryRun.Of(history));

        static bool IsOnThreads(Operation operation) => operation.Kind == OperationKind.Scrub;
    }

    /// <summary>Where jobs take turns by way of the pool a run is not the same each time.</summary>
    private static HistoryOutcome FirstToFail(History history)
    {
        HistoryOutcome outcome = HistoryRun.Of(history);
        for (int i = 1; i < ReplaysMax && outcome.Holds; i++)
        {
            outcome = HistoryRun.Of(history);
        }

        return outcome;
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
