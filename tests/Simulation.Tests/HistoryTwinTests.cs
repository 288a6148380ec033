using Sluice.Engine.Io;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Histories;

namespace Sluice.Simulation.Tests;

/// <summary>
/// Machines that are known to be wrong, each caught by the histories within the number of seeds that stands here: were they silent about these, their silence about
/// ours would prove nothing.
/// </summary>
public sealed class HistoryTwinTests
{
    [Fact]
    public void ACommitWithoutDirectoryFsyncIsCaught() => AssertCaught(seedsMax: 20, OnDisk(io => new NoDirectorySync(io)), "gone", "old", "torn", "bucket", "closed");

    [Fact]
    public void ARenameBeforeTheRecordIsSetIsCaught() => AssertCaught(seedsMax: 20, OnDisk(io => new RenameBeforeXattr(io)), "torn", "gone", "old");

    [Fact]
    public void AFailedFsyncThatIsTriedAgainIsCaught() => AssertCaught(seedsMax: 200, OnDisk(io => new RetriedSync(io)), "torn", "gone", "old");

    [Fact]
    public void ACacheThatKeepsWhatWasOverwrittenIsCaught() => AssertCaught(seedsMax: 5, new HistoryTwin { KeepsOverwritten = true }, "old");

    [Fact]
    public void ARelaxedOverwriteThatKeepsNothingIsCaught() => AssertCaught(seedsMax: 100, OnDisk(io => new NoExchange(io)), "torn", "gone");

    [Fact]
    public void ATombstoneThatIsDroppedEarlyIsCaught() => AssertCaught(seedsMax: 100, OnDisk(io => new NoTombstones(io)), "old");

    [Fact]
    public void AHeadBeforeItsSlicesAreDurableIsCaught() => AssertCaught(seedsMax: 100, OnDisk(io => new NoSliceSync(io)), "torn", "gone");

    [Fact]
    public void ADecodeWithAStaleSliceIsCaught() => AssertCaught(seedsMax: 100, OnDisk(io => new StaleParity(io, dataSlices: 4)), "torn", "old");

    [Fact]
    public void AListingThatMissesWhatWasPutMeanwhileIsCaught() => AssertCaught(seedsMax: 5, OnDisk(io => new FirstListing(io)), "list");

    /// <summary>What is left of a history that shows a twin shows it too, and is short enough to be read.</summary>
    [Fact]
    public void AHistoryIsMadeShorterAsLongAsItFailsInTheSameWay()
    {
        var twin = new HistoryTwin { KeepsOverwritten = true };
        History history = HistoryMaker.Make(TwinHunt.First(seedsMax: 5, twin, ["old"]).Seed);
        History shorter = Minimiser.Shorten(history, "old", one => HistoryRun.Of(one, twin));
        Assert.Equal("old", HistoryRun.Of(shorter, twin).Kind);
        Assert.True(HistoryRun.Of(shorter).Holds, "it is the twin that fails");
        Assert.True(shorter.OperationCount <= 3, shorter.ToString()); // a PUT, what makes the cache know it, an overwrite
    }

    private static HistoryTwin OnDisk(Func<IFileIo, IFileIo> layer) => new() { Disk = layer };

    private static void AssertCaught(int seedsMax, HistoryTwin twin, params string[] kinds) => TwinHunt.First(seedsMax, twin, kinds);
}
