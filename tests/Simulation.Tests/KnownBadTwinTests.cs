using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>
/// The checker is shown commits that are known to be wrong: were it silent about them, its silence about ours would prove nothing.
/// </summary>
public sealed class KnownBadTwinTests
{
    [Theory]
    [InlineData("first-put", CrashKind.Kill)]
    [InlineData("overwrite", CrashKind.Kill)]
    [InlineData("overwrite", CrashKind.CutOrdered)]
    public Task RenameBeforeTheRecordIsSetIsCaught(string scenario, CrashKind kind) =>
        AssertCaughtAsync(scenario, Durability.Strict, kind, io => new RenameBeforeXattr(io));

    [Theory]
    [InlineData("first-put", CrashKind.CutOrdered)]
    [InlineData("first-put-deep", CrashKind.CutUnordered)]
    [InlineData("overwrite", CrashKind.CutUnordered)]
    [InlineData("delete", CrashKind.CutOrdered)]
    [InlineData("bucket-create", CrashKind.CutOrdered)]
    public Task ADirectoryThatIsNotSyncedIsCaught(string scenario, CrashKind kind) =>
        AssertCaughtAsync(scenario, Durability.Strict, kind, io => new NoDirectorySync(io));

    [Theory]
    [InlineData("overwrite", CrashKind.CutOrdered)]
    [InlineData("overwrite-twice", CrashKind.CutOrdered)]
    [InlineData("overwrite", CrashKind.CutUnordered)]
    public Task ARelaxedOverwriteThatKeepsNothingIsCaught(string scenario, CrashKind kind) =>
        AssertCaughtAsync(scenario, Durability.Relaxed, kind, io => new NoExchange(io));

    [Theory]
    [InlineData("overwrite", CrashKind.CutOrdered)]
    [InlineData("sidecar-put", CrashKind.CutUnordered)]
    public Task AFileThatIsNotSyncedIsCaught(string scenario, CrashKind kind) =>
        AssertCaughtAsync(scenario, Durability.Strict, kind, io => new NoFileSync(io));

    private static async Task AssertCaughtAsync(string scenario, Durability durability, CrashKind kind, Func<IFileIo, IFileIo> twin)
    {
        (List<Violation> violations, int points) = await CrashMatrix.RunAsync(Scenarios.Named(scenario), durability, kind, twin);
        violations.RemoveAll(violation => violation.What.StartsWith(Violation.Threw, StringComparison.Ordinal));
        Assert.True(violations.Count > 0, $"{points} crashes of a commit that is known to be wrong, and no violation was seen");
    }
}
