using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>
/// Commits of replica sets of 1, 2 (part and head) and 6 (four parts, two heads), each member on its own disk, in a strict bucket: parts
/// are named by generation and durable before the first head is, so that after any crash the newest generation with a head is whole, and
/// alone.
/// </summary>
public sealed class ReplicaSetTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 4)]
    public async Task ACrashAfterAnyStepLeavesOneWholeGeneration(int heads, int parts)
    {
        var violations = new List<string>();
        foreach (CrashKind kind in Enum.GetValues<CrashKind>())
        {
            int steps = await StepsAsync(heads, parts);
            for (int step = 1; step <= steps; step++)
            {
                for (int seed = 0; seed < (kind == CrashKind.Kill ? 1 : CrashMatrix.Seeds); seed++)
                {
                    violations.AddRange((await CrashAsync(heads, parts, new Crash(kind, seed), step))
                        .Select(what => $"set {heads}+{parts}, {kind}, step {step}, seed {seed}: {what}"));
                }
            }
        }

        Assert.True(violations.Count == 0, string.Join('\n', violations.Take(12)));
    }

    [Fact]
    public async Task PartsAreDurableBeforeTheFirstHeadAndEachHeadBeforeTheNext()
    {
        var bench = new ReplicaSetBench(2, 4, JournalMode.Ordered);
        await bench.OpenAsync();
        await bench.CommitAsync(1); // makes the directories
        bench.Faults.Arm();
        await bench.CommitAsync(2);
        DiskVerb[] expected =
        [
            DiskVerb.Create, DiskVerb.Write, DiskVerb.Create, DiskVerb.Write, // heads
            DiskVerb.Create, DiskVerb.Create, DiskVerb.Create, DiskVerb.Create, // parts
            DiskVerb.SetXattr, DiskVerb.SetXattr, DiskVerb.Write, DiskVerb.Write, DiskVerb.Write, DiskVerb.Write, // sealed under the lock
            DiskVerb.Sync, DiskVerb.Sync, DiskVerb.Sync, DiskVerb.Sync, DiskVerb.Sync, DiskVerb.Sync, // every file
            DiskVerb.Rename, DiskVerb.Sync, DiskVerb.Rename, DiskVerb.Sync, // parts, each with its directory
            DiskVerb.Rename, DiskVerb.Sync, DiskVerb.Rename, DiskVerb.Sync,
            DiskVerb.Rename, DiskVerb.Sync, // the first head: the commit
            DiskVerb.Rename, DiskVerb.Sync,
        ];
        Assert.Equal(expected, bench.Faults.Trace.Take(expected.Length));
        Assert.Equal(2, bench.Committed.Count);
        bench.Close();
    }

    private static async Task<int> StepsAsync(int heads, int parts)
    {
        var bench = new ReplicaSetBench(heads, parts, JournalMode.Ordered);
        await bench.OpenAsync();
        bench.Faults.Arm();
        await bench.CommitAsync(1);
        await bench.CommitAsync(2);
        int steps = bench.Faults.Steps;
        bench.Close();
        return steps;
    }

    private static async Task<List<string>> CrashAsync(int heads, int parts, Crash crash, int step)
    {
        var bench = new ReplicaSetBench(heads, parts, crash.Mode);
        await bench.OpenAsync();
        bench.Faults.Arm(crashAfter: step);
        int acknowledged = 0;
        try
        {
            await bench.CommitAsync(1);
            acknowledged++;
            await bench.CommitAsync(2);
            acknowledged++;
        }
        catch (ProcessEndedException)
        {
            // The crash that was asked for.
        }

        bench.Crash(crash);
        await bench.OpenAsync();
        List<string> violations = await bench.SurveyAsync(acknowledged);
        bench.Close();
        return violations;
    }
}
