using Sluice.Bench.Measure;
using Sluice.Bench.Rows;

namespace Sluice.Bench.Run;

/// <summary>Runs one row: rounds of A-B-B-A, each with contenders that were started for it.</summary>
internal static class RowRunner
{
    /// <summary>Prepares the row, measures it and disposes it.</summary>
    /// <param name="said">Called with a text before each turn.</param>
    public static async Task<RowResult> RunAsync(IRow row, BenchWorld world, int rounds, Action<string> said)
    {
        await using (row)
        {
            said("prepares");
            await row.PrepareAsync(world);
            var results = new List<IReadOnlyDictionary<string, IReadOnlyList<Sample>>>();
            for (int round = 1; round <= rounds; round++)
            {
                results.Add(await RoundAsync(row, world, $"round {round} of {rounds}", said));
            }

            return new RowResult(row.Name, row.Subject, results, row.Note);
        }
    }

    /// <summary>Each contender once in order and once in reverse: a drift that is linear in time cancels out.</summary>
    private static async Task<IReadOnlyDictionary<string, IReadOnlyList<Sample>>> RoundAsync(IRow row, BenchWorld world, string title, Action<string> said)
    {
        IReadOnlyList<IContender> contenders = await row.OpenAsync(world);
        try
        {
            var samples = contenders.ToDictionary(contender => contender.Name, _ => new List<Sample>());
            foreach (IContender contender in contenders)
            {
                said($"{title}: {contender.Name} warms up");
                await contender.WarmAsync(world.Token);
            }

            foreach (IContender contender in contenders.Concat(contenders.Reverse()))
            {
                said($"{title}: {contender.Name}");
                samples[contender.Name].Add(await contender.MeasureAsync(world.Token));
            }

            return samples.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<Sample>)pair.Value);
        }
        finally
        {
            foreach (IContender contender in contenders)
            {
                await contender.DisposeAsync();
            }
        }
    }
}
