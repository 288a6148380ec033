using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>
/// Commits of replica sets of 1, 2 and 6 members, each member on its own disk: mirrors (heads alone), heads with chunks and slices, with and
/// without sidecars, and rows of commits of different shapes, in strict and relaxed buckets. What is promised: after any crash, in the
/// commits or in the recovery from a crash, one generation stands, on all its heads, whole and alone. A failure prints one line that
/// <see cref="TheReplayedPointHolds"/> runs alone (SLUICE_REPLAY).
/// </summary>
public sealed class ReplicaSetTests
{
    private const int SeedsShort = 6;

    private static readonly string[] s_scenarios =
    [
        "1+0,1+0", "1+1,1+1", "2+0,2+0", "2+4,2+4", "6+0,6+0", "1+5,1+5", "2+0s,2+0s", "2+4s,2+4",
        "1+0,2+4,1+0", "3+0,1+0,2+0", // a mirror becomes plain, a plain object a mirror
        "1+1,1+0s,1+0", // what a relaxed overwrite keeps was a member of a wide set
    ];

    public static TheoryData<string, Durability, CrashKind> Points()
    {
        var data = new TheoryData<string, Durability, CrashKind>();
        foreach (string scenario in s_scenarios)
        {
            foreach (Durability durability in Enum.GetValues<Durability>())
            {
                foreach (CrashKind kind in Enum.GetValues<CrashKind>())
                {
                    data.Add(scenario, durability, kind);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Points))]
    public async Task ACrashAfterAnyStepLeavesOneWholeGeneration(string scenario, Durability durability, CrashKind kind)
    {
        List<string> violations = await CrashEverywhereAsync(scenario, durability, kind);
        Assert.True(violations.Count == 0, Report(violations));
    }

    [Theory]
    [MemberData(nameof(Points))]
    public async Task ACrashInRecoveryFromACrashLeavesOneWholeGeneration(string scenario, Durability durability, CrashKind kind)
    {
        List<string> violations = await CrashEverywhereAsync(scenario, durability, kind, inRecovery: true);
        Assert.True(violations.Count == 0, Report(violations));
    }

    [Fact]
    public async Task TheReplayedPointHolds()
    {
        string? text = Environment.GetEnvironmentVariable("SLUICE_REPLAY");
        var point = CrashPoint.Parse(text is not null && text.StartsWith("set", StringComparison.Ordinal) ? text : "set2+4,2+4/Strict/CutOrdered/step30/seed5/recovery0");
        List<string> violations = await CrashAsync(point);
        Assert.True(violations.Count == 0, $"SLUICE_REPLAY={point}  {string.Join("; ", violations)}");
    }

    /// <summary>Recovery that learns of no further head, since nothing says whose the work files are.</summary>
    [Theory]
    [InlineData("2+0,2+0", CrashKind.Kill)]
    [InlineData("6+0,6+0", CrashKind.CutOrdered)]
    public Task FurtherHeadsThatAreNotSettledAreCaught(string scenario, CrashKind kind) =>
        AssertCaughtAsync(scenario, kind, io => new NoTarget(io));

    /// <summary>A commit that relies on the fsync of a new file to make its name durable.</summary>
    [Fact]
    public Task AWorkFileWhoseNameIsNotDurableIsCaught() => AssertCaughtAsync("2+0,2+0", CrashKind.CutUnordered, io => new NoWorkDirectorySync(io));

    [Theory]
    [InlineData("2+4,2+4", Durability.Strict)]
    [InlineData("2+4s,2+4", Durability.Strict)]
    [InlineData("1+5,1+0,1+1", Durability.Strict)]
    [InlineData("1+5,1+0,1+1", Durability.Relaxed)]
    [InlineData("1+1,1+0s,1+0", Durability.Relaxed)]
    [InlineData("3+0,1+0", Durability.Relaxed)]
    public async Task ACommitRemovesTheGenerationThatItReplaces(string scenario, Durability durability)
    {
        (List<string> violations, ReplicaSetBench bench) = await CommitAllAsync(new ReplicaSetBench(scenario, JournalMode.Ordered, durability));
        Assert.Empty(violations);
        bench.Close();
    }

    [Fact]
    public async Task ACommitThatForgetsChunksAndSlicesIsCaught()
    {
        (List<string> violations, ReplicaSetBench bench) =
            await CommitAllAsync(new ReplicaSetBench("2+4,2+4", JournalMode.Ordered) { KnowsParts = false });
        Assert.Equal(4, violations.Count(violation => violation.StartsWith("leaked: ", StringComparison.Ordinal)));
        bench.Close();
    }

    [Fact]
    public async Task AFurtherHeadThatFailsIsBroughtByTheNextStart()
    {
        var bench = new ReplicaSetBench("3+0,3+0", JournalMode.Ordered);
        await bench.OpenAsync();
        await bench.CommitAsync(0);
        bench.Faults.Arm(faults: [new PlannedFault(DiskVerb.Rename, 2, Errno.EIO)]);
        await Assert.ThrowsAsync<StorageException>(() => bench.CommitAsync(1));
        bench.Close();
        bench.Faults.Disarm();
        await bench.OpenAsync();
        Assert.Equal(2, bench.Recovered.Heads);
        Assert.Empty(await bench.SurveyAsync(oldest: 1));
        bench.Close();
    }

    [Fact]
    public async Task AFurtherHeadThatHasNoRoomIsRemovedByTheNextStart()
    {
        var bench = new ReplicaSetBench("2+0,2+0", JournalMode.Ordered);
        await bench.OpenAsync();
        await bench.CommitAsync(0);
        bench.Faults.Arm(faults: [new PlannedFault(DiskVerb.Rename, 2, Errno.EIO)]);
        await Assert.ThrowsAsync<StorageException>(() => bench.CommitAsync(1));
        bench.Close();
        bench.Faults.Arm(faults: [new PlannedFault(DiskVerb.Rename, 1, Errno.ENOSPC)]);
        await bench.OpenAsync();
        Assert.Equal((0, 1), (bench.Recovered.Heads, bench.Recovered.Leftovers));
        string violation = Assert.Single(await bench.SurveyAsync(oldest: 1));
        Assert.EndsWith("is missing", violation, StringComparison.Ordinal);
        bench.Close();
    }

    [Fact]
    public async Task PartsAreDurableBeforeTheFirstHeadAndEachHeadBeforeTheNext()
    {
        var bench = new ReplicaSetBench("2+4,2+4", JournalMode.Ordered);
        await bench.OpenAsync();
        await bench.CommitAsync(0); // makes the directories
        bench.Faults.Arm();
        await bench.CommitAsync(1);
        DiskVerb[] expected =
        [
            DiskVerb.Create, DiskVerb.Write, DiskVerb.Create, DiskVerb.Write, // heads
            DiskVerb.Create, DiskVerb.Create, DiskVerb.Create, DiskVerb.Create, // parts
            DiskVerb.SetXattr, DiskVerb.SetXattr, DiskVerb.SetXattr, DiskVerb.SetXattr, DiskVerb.SetXattr, DiskVerb.SetXattr, // whose each is
            DiskVerb.SetXattr, DiskVerb.Sync, // under the lock: the first head's record and fsync
            DiskVerb.Sync, DiskVerb.SetXattr, DiskVerb.Sync, // the second one's, whose name in its work directory is durable, too
            DiskVerb.Write, DiskVerb.Sync, DiskVerb.Write, DiskVerb.Sync, DiskVerb.Write, DiskVerb.Sync, DiskVerb.Write, DiskVerb.Sync, // parts
            DiskVerb.Rename, DiskVerb.Sync, DiskVerb.Rename, DiskVerb.Sync, // parts, each with its directory
            DiskVerb.Rename, DiskVerb.Sync, DiskVerb.Rename, DiskVerb.Sync,
            DiskVerb.Rename, DiskVerb.Sync, // the first head: the commit
            DiskVerb.Rename, DiskVerb.Sync,
            DiskVerb.Unlink, DiskVerb.Unlink, DiskVerb.Unlink, DiskVerb.Unlink, // parts of the old generation
        ];
        Assert.Equal(expected, bench.Faults.Trace);
        Assert.Equal(2, bench.Committed.Count);
        bench.Close();
    }

    private static async Task<(List<string> Violations, ReplicaSetBench Bench)> CommitAllAsync(ReplicaSetBench bench)
    {
        await bench.OpenAsync();
        for (int i = 0; i < bench.CommitCount; i++)
        {
            await bench.CommitAsync(i);
        }

        await bench.FlushAsync();
        return (await bench.SurveyAsync(bench.CommitCount - 1), bench);
    }

    private static string Report(List<string> violations) =>
        $"{violations.Count} violations, the first of them:\n" + string.Join('\n', violations.Take(12));

    private static async Task AssertCaughtAsync(string scenario, CrashKind kind, Func<IFileIo, IFileIo> twin)
    {
        List<string> violations = await CrashEverywhereAsync(scenario, Durability.Strict, kind, twin: twin);
        violations.RemoveAll(violation => violation.Contains(Violation.Threw, StringComparison.Ordinal));
        Assert.True(violations.Count > 0, "a commit that is known to be wrong, and no violation was seen");
    }

    private static async Task<List<string>> CrashEverywhereAsync(
        string scenario, Durability durability, CrashKind kind, bool inRecovery = false, Func<IFileIo, IFileIo>? twin = null)
    {
        var violations = new List<string>();
        var traced = new ReplicaSetBench(scenario, JournalMode.Ordered, durability, twin);
        traced.Faults.Arm();
        await CommitAllAsync(traced);
        int steps = traced.Faults.Steps;
        traced.Close();
        Assert.True(steps > 0, "commits have steps");
        for (int step = 1; step <= steps + 1; step++) // the last crash comes when everything is acknowledged
        {
            foreach (int seed in Seeds(kind, step, inRecovery))
            {
                int recoveryStep = inRecovery ? 1 + (((step * 13) + (seed * 7)) % 23) : 0;
                var point = new CrashPoint("set" + scenario, durability, new Crash(kind, seed), step, recoveryStep);
                try
                {
                    violations.AddRange((await CrashAsync(point, twin)).Select(what => $"SLUICE_REPLAY={point}  {what}"));
                }
                catch (Exception exception)
                {
                    violations.Add($"SLUICE_REPLAY={point}  {Violation.Threw}{exception}");
                }
            }
        }

        return violations;
    }

    /// <summary>A short run takes one seed a step, by turns; SLUICE_SIM_SEEDS raises it.</summary>
    private static IEnumerable<int> Seeds(CrashKind kind, int step, bool inRecovery) => kind == CrashKind.Kill ? [0]
        : CrashMatrix.Seeds > SeedsShort ? Enumerable.Range(0, CrashMatrix.Seeds)
        : inRecovery ? [step % SeedsShort]
        : [step % SeedsShort, (step + (SeedsShort / 2)) % SeedsShort];

    private static async Task<List<string>> CrashAsync(CrashPoint point, Func<IFileIo, IFileIo>? twin = null)
    {
        var bench = new ReplicaSetBench(point.Scenario["set".Length..], point.Crash.Mode, point.Durability, twin);
        await bench.OpenAsync();
        bench.Faults.Arm(crashAfter: point.Step);
        int oldest = -1;
        try
        {
            for (int i = 0; i < bench.CommitCount; i++)
            {
                await bench.CommitAsync(i);
                oldest = point.Crash.Kind == CrashKind.Kill || bench.IsDurable(i) ? i : oldest;
            }

            await bench.FlushAsync();
            oldest = bench.CommitCount - 1;
        }
        catch (ProcessEndedException)
        {
            // The crash that was asked for.
        }

        bench.Crash(point.Crash);
        if (point.RecoveryStep > 0)
        {
            bench.Faults.Arm(crashAfter: point.RecoveryStep);
            try
            {
                await bench.OpenAsync();
            }
            catch (ProcessEndedException)
            {
                // The second crash.
            }

            bench.Crash(point.Crash with { Seed = point.Crash.Seed + 1 });
        }

        await bench.OpenAsync();
        List<string> violations = await bench.SurveyAsync(oldest);
        bench.Close();
        return violations;
    }
}
