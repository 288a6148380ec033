namespace Sluice.Simulation.Tests.Histories;

/// <summary>Looks for a history that shows a known-bad machine.</summary>
public static class TwinHunt
{
    /// <summary>The first of the seeds from 1 that is caught with one of those words, by a finding that <paramref name="says"/> so. An exception that the twin provokes is no finding.</summary>
    public static (int Seed, HistoryOutcome Outcome) First(int seedsMax, HistoryTwin twin, string[] kinds, string says = "")
    {
        var others = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (int seed = 1; seed <= seedsMax; seed++)
        {
            HistoryOutcome outcome = HistoryRun.Of(HistoryMaker.Make(seed), twin);
            others[outcome.Kind ?? "held"] = others.GetValueOrDefault(outcome.Kind ?? "held") + 1;
            if (kinds.Contains(outcome.Kind) && outcome.What.Contains(says, StringComparison.Ordinal))
            {
                TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}: {outcome.Kind} in step {outcome.Step}: {outcome.What}");
                return (seed, outcome);
            }
        }

        Assert.Fail($"{seedsMax} histories of a machine that is known to be wrong, and none has shown it: {string.Join(", ", others)}");
        return default;
    }
}
