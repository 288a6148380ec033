using Sluice.Engine.Io;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Histories;

namespace Sluice.Simulation.Tests;

/// <summary>
/// Machines that are known to be wrong about uploads in parts, each caught by the histories within the number of seeds that stands here, by a finding that speaks of uploads:
/// what else such a machine does wrong is no merit of theirs.
/// </summary>
public sealed class UploadTwinTests
{
    private const string IsNobodys = "its upload has no note: no object has it";
    private const string IsAnother = "is another one than its manifest says";

    [Fact]
    public void AnUploadThatIsCompletedBeforeItsPartsAreDurableIsCaught() => AssertCaught(seedsMax: 20, io => new NoFlushOfParts(io), "torn", says: "chunk");

    [Fact]
    public void APartThatIsAcknowledgedBeforeItIsDurableIsCaught() => AssertCaught(seedsMax: 20, io => new NoPartSync(io), "torn", says: "chunk");

    [Fact]
    public void AnUploadThatIsBegunBeforeItsNoteIsDurableIsMissed() => AssertCaught(seedsMax: 200, io => new NoNoteSync(io), "upload", says: "does not exist");

    [Fact]
    public void APartWhoseNoteWasNotDurableIsSeenToBeNobodys() => AssertCaught(seedsMax: 100, io => new NoNoteSync(io), "redundancy", IsNobodys);

    [Fact]
    public void ARemovalThatForgetsPartsIsCaught() => AssertCaught(seedsMax: 20, io => new ForgottenParts(io), "redundancy", IsNobodys);

    [Fact]
    public void ARemovalThatBeginsWithTheNoteIsCaught() => AssertCaught(seedsMax: 100, io => new NoteGoesFirst(io), "redundancy", IsNobodys);

    [Fact]
    public void ChunksThatGoBeforeTheNewObjectIsDurableAreCaught() => AssertCaught(seedsMax: 50, io => new ChunksGoEarly(io), "torn", says: "is missing");

    [Fact]
    public void APartThatIsNotReplacedByTheNextIsCaught() => AssertCaught(seedsMax: 5, io => new FirstPartStays(io), "torn", IsAnother);

    [Fact]
    public void APartThatIsReadInPlaceOfAnotherIsCaught() => AssertCaught(seedsMax: 5, io => new OtherPart(io), "torn", IsAnother);

    [Fact]
    public void AStartThatOverlooksPartsIsCaught() => AssertCaught(seedsMax: 100, io => new OverlookedPart(io), "upload", says: "is missing");

    /// <summary>The first seed of those from 1 that shows it, by itself: the hunt takes a minute. ManifestLossTests has nine more cases.</summary>
    [Fact]
    public void ANoteThatSpeaksForAnObjectThatWasRemovedIsCaught()
    {
        HistoryOutcome outcome = HistoryRun.Of(HistoryMaker.Make(391), new HistoryTwin { Disk = io => new NoteSpeaksOn(io) });
        Assert.True(outcome.Kind == "torn" && outcome.What.Contains("has lost its manifest", StringComparison.Ordinal), $"{outcome.Kind ?? "held"}: {outcome.What}");
        Assert.Null(HistoryRun.Of(HistoryMaker.Make(391)).Kind);
    }

    private static void AssertCaught(int seedsMax, Func<IFileIo, IFileIo> layer, string kind, string says) =>
        TwinHunt.First(seedsMax, new HistoryTwin { Disk = layer }, [kind], says);
}
