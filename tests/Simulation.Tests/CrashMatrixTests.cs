using Sluice.Engine.Buckets;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>
/// The crash proof of the commit: the real engine over simulated disks, ended after every step of every scenario. What it promises: an
/// object is exactly the old or exactly the new one; what a strict bucket acknowledged survives everything, what a relaxed one
/// acknowledged survives a kill, and what was flushed a power cut; and the next start leaves no work file, kept file, sidecar or trash.
/// <para>
/// A failure prints one line; <c>SLUICE_REPLAY=scenario/Durability/Kind/stepN/seedN/recoveryN</c> runs that point alone
/// (<see cref="TheReplayedPointHolds"/>). <c>SLUICE_SIM_SEEDS=200</c> makes a longer run of everything.
/// </para>
/// </summary>
public sealed class CrashMatrixTests
{
    public static TheoryData<string, Durability, CrashKind> Points()
    {
        var data = new TheoryData<string, Durability, CrashKind>();
        foreach (Scenario scenario in Scenarios.Plain)
        {
            foreach (Durability durability in Enum.GetValues<Durability>().Where(durability => durability == Durability.Strict ? scenario.RunsStrict : scenario.RunsRelaxed))
            {
                foreach (CrashKind kind in Enum.GetValues<CrashKind>())
                {
                    data.Add(scenario.Name, durability, kind);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Points))]
    public async Task ACrashAfterAnyStepLeavesTheOldOrTheNewObject(string scenario, Durability durability, CrashKind kind)
    {
        (List<Violation> violations, int points) = await CrashMatrix.RunAsync(Scenarios.Named(scenario), durability, kind);
        Assert.True(points > 0, "a scenario has steps");
        Assert.True(violations.Count == 0, Report(violations));
    }

    [Theory]
    [MemberData(nameof(Points))]
    public async Task ACrashInRecoveryFromACrashLeavesTheOldOrTheNewObject(string scenario, Durability durability, CrashKind kind)
    {
        (List<Violation> violations, int points) =
            await CrashMatrix.RunAsync(Scenarios.Named(scenario), durability, kind, inRecovery: true);
        Assert.True(points > 0, "a scenario has steps");
        Assert.True(violations.Count == 0, Report(violations));
    }

    [Fact]
    public async Task TheReplayedPointHolds()
    {
        string? replay = Environment.GetEnvironmentVariable("SLUICE_REPLAY");
        string text = replay is null || replay.StartsWith("set", StringComparison.Ordinal) ? "overwrite/Strict/CutOrdered/step4/seed5/recovery0" : replay;
        var point = CrashPoint.Parse(text);
        Assert.Equal(text, point.ToString());
        IReadOnlyList<string> violations = await CrashRun.RunAsync(point);
        Assert.True(violations.Count == 0, $"SLUICE_REPLAY={point}  {string.Join("; ", violations)}");
    }

    internal static string Report(List<Violation> violations) =>
        $"{violations.Count} violations, the first of them:\n" + string.Join('\n', violations.Take(12));
}
