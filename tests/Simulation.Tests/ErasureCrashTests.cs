using Sluice.Engine.Buckets;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>
/// The crash proof of erasure coding: commits of slices and heads, over what they replace, deletes, changes of metadata, the making of slices from plain objects and
/// the repair of lost ones, ended after every step. An object is exactly the old or the new one, with all its slices and no others. A failure prints the line
/// that <c>CrashMatrixTests.TheReplayedPointHolds</c> runs alone.
/// </summary>
public sealed class ErasureCrashTests
{
    public static TheoryData<string, Durability, CrashKind> Points()
    {
        var data = new TheoryData<string, Durability, CrashKind>();
        foreach (Scenario scenario in Scenarios.Sliced)
        {
            foreach (CrashKind kind in Enum.GetValues<CrashKind>())
            {
                data.Add(scenario.Name, scenario.RunsRelaxed ? Durability.Relaxed : Durability.Strict, kind);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Points))]
    public Task ACrashAfterAnyStepLeavesTheOldOrTheNewObject(string scenario, Durability durability, CrashKind kind) =>
        HoldsAsync(scenario, durability, kind, inRecovery: false);

    [Theory]
    [MemberData(nameof(Points))]
    public Task ACrashInRecoveryFromACrashLeavesTheOldOrTheNewObject(string scenario, Durability durability, CrashKind kind) =>
        HoldsAsync(scenario, durability, kind, inRecovery: true);

    private static async Task HoldsAsync(string scenario, Durability durability, CrashKind kind, bool inRecovery)
    {
        (List<Violation> violations, int points) = await CrashMatrix.RunAsync(Scenarios.Named(scenario), durability, kind, inRecovery: inRecovery);
        Assert.True(points > 0, "a scenario has steps");
        Assert.True(violations.Count == 0, CrashMatrixTests.Report(violations));
    }
}
