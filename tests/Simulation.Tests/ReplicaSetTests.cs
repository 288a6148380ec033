using Sluice.Engine.Buckets;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>
/// Commits of replica sets of 1, 2 (part and head) and 6 (four parts, two heads), each member on its own disk, in strict and relaxed buckets: parts
/// are named by generation and durable before the first head is, so that after any crash the newest generation with a head is whole, and
/// alone. A failure prints one line that <see cref="TheReplayedPointHolds"/> runs alone (SLUICE_REPLAY).
/// </summary>
public sealed class ReplicaSetTests
{
    [Theory]
    [InlineData(1, 0, Durability.Strict)]
    [InlineData(1, 1, Durability.Strict)]
    [InlineData(2, 4, Durability.Strict)]
    [InlineData(1, 0, Durability.Relaxed)]
    [InlineData(1, 1, Durability.Relaxed)]
    [InlineData(2, 4, Durability.Relaxed)]
    public async Task ACrashAfterAnyStepLeavesOneWholeGeneration(int heads, int parts, Durability durability)
    {
        var violations = new List<string>();
        foreach (CrashKind kind in Enum.GetValues<CrashKind>())
        {
            int steps = await StepsAsync(heads, parts, durability);
            for (int step = 1; step <= steps; step++)
            {
                for (int seed = 0; seed < (kind == CrashKind.Kill ? 1 : CrashMatrix.Seeds); seed++)
                {
                    violations.AddRange((await CrashAsync(heads, parts, durability, new Crash(kind, seed), step))
                        .Select(what => $"SLUICE_REPLAY=set{heads}+{parts}/{durability}/{kind}/step{step}/seed{seed}/recovery0  {what}"));
                }
            }
        }

        Assert.True(violations.Count == 0, string.Join('\n', violations.Take(12)));
    }

    [Fact]
    public async Task TheReplayedPointHolds()
    {
        string? text = Environment.GetEnvironmentVariable("SLUICE_REPLAY");
        var point = CrashPoint.Parse(text is not null && text.StartsWith("set", StringComparison.Ordinal) ? text : "set2+4/Strict/CutOrdered/step30/seed5/recovery0");
        int[] members = [.. point.Scenario["set".Length..].Split('+').Select(int.Parse)];
        List<string> violations = await CrashAsync(members[0], members[1], point.Durability, point.Crash, point.Step);
        Assert.True(violations.Count == 0, $"SLUICE_REPLAY={point}  {string.Join("; ", violations)}");
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

    private static async Task<int> StepsAsync(int heads, int parts, Durability durability)
    {
        var bench = new ReplicaSetBench(heads, parts, JournalMode.Ordered, durability);
        await bench.OpenAsync();
        bench.Faults.Arm();
        await bench.CommitAsync(1);
        await bench.CommitAsync(2);
        int steps = bench.Faults.Steps;
        bench.Close();
        return steps;
    }

    private static async Task<List<string>> CrashAsync(int heads, int parts, Durability durability, Crash crash, int step)
    {
        var bench = new ReplicaSetBench(heads, parts, crash.Mode, durability);
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

        // Nothing was flushed: a power cut may take what a relaxed set on one mountpath acknowledged, never half of it.
        bool mayBeUnflushed = durability == Durability.Relaxed && heads + parts == 1 && crash.Kind != CrashKind.Kill;
        bench.Crash(crash);
        await bench.OpenAsync();
        List<string> violations = await bench.SurveyAsync(mayBeUnflushed ? 0 : acknowledged);
        bench.Close();
        return violations;
    }
}
