using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Contract;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Scrub;
using Sluice.Engine.Tests.Support;
using Sluice.Native;
using Sluice.Simulation.Tests.Faults;
using static Sluice.Engine.Tests.Chunks.ManifestRepairTests;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>
/// A manifest whose files are gone: a scrub finds it by the note of its upload, and makes it anew when all chunks are there. What was deleted or replaced is never taken for lost, whatever
/// is left of it.
/// </summary>
public sealed class ManifestLossTests
{
    private const string Repair = """{"repair":true}""";

    public static TheoryData<string> Properties => ManifestRepairTests.Properties;

    [Theory]
    [MemberData(nameof(Properties))]
    public async Task AScrubFindsItAndMakesItAnew(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        (byte[] whole, ObjectAttributes before) = await MakeAsync(fixture);
        Assert.Empty(await ScrubAsync(fixture, "")); // in a relaxed bucket its note speaks from here on
        await LoseAsync(fixture, "x");
        await SettledAsync(fixture); // a start looks through the notes
        Assert.Equal(ErrorCode.Damaged, (await TryHeadAsync(fixture, "x")).Error!.Code);
        JobFinding lost = Assert.Single(await ScrubAsync(fixture, ""));
        Assert.Equal(("chunks", "the manifest of x is lost; all chunks are there", "reported"), (lost.Kind, lost.Detail, lost.Action));
        Assert.Equal("repaired", Assert.Single(await ScrubAsync(fixture, Repair)).Action);
        await IsWholeAsync(fixture, whole, before);
    }

    /// <summary>Neither does a start remove the chunks, behind a crash too, nor a scrub make an object that lacks one.</summary>
    [Fact]
    public async Task WhereAChunkIsLostTooNothingIsMadeAndNothingRemoved()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        (byte[] whole, ObjectAttributes before) = await MakeAsync(fixture);
        await fixture.CloseAsync();
        FailingNotes? notes = null;
        fixture.Over = io => notes = new FailingNotes(io);
        await fixture.OpenAsync();
        string chunk = fixture.Paths.SelectMany(path => Directory.GetFiles(path, "00002", SearchOption.AllDirectories)).Single();
        await LoseAsync(fixture, "x");
        Lost lost = await LoseAsync(fixture, chunk);
        notes!.IsFailing = true;
        await ScrubAsync(fixture, ""); // meets a fault, so that the stop is no clean one
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        await SettledAsync(fixture); // what a start does about uploads
        JobFinding found = Assert.Single(await ScrubAsync(fixture, Repair));
        Assert.Equal(("the manifest of x is lost; 2 of 3 chunks are there", "reported"), (found.Detail, found.Action));
        await lost.GiveBackAsync();
        Assert.Equal("repaired", Assert.Single(await ScrubAsync(fixture, Repair)).Action);
        await IsWholeAsync(fixture, whole, before);
    }

    /// <summary>The same for the mountpaths of a stopped server.</summary>
    [Fact]
    public async Task ACheckOfAStoppedServerFindsItAndMakesItAnewToo()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        (byte[] whole, ObjectAttributes before) = await MakeAsync(fixture);
        await LoseAsync(fixture, "x");
        await fixture.CloseAsync();
        foreach (bool repair in (bool[])[false, false, true])
        {
            var environment = new EngineEnvironment { Io = fixture.Io.Io, Time = TimeProvider.System, Log = NullLogger.Instance };
            Result<Job> done = await ObjectEngine.CheckAsync(fixture.Options, environment, new ScrubSettings(repair, 0), static _ => { }, CancellationToken.None);
            Assert.Equal(("the manifest of x is lost; all chunks are there", repair ? "repaired" : "reported"), done.Value.Findings.Select(found => (found.Detail, found.Action)).Single());
        }

        await fixture.OpenAsync();
        await IsWholeAsync(fixture, whole, before);
    }

    /// <summary>A reader keeps note and chunks of what is deleted, or replaced and deleted.</summary>
    [Theory]
    [InlineData("{}", false)]
    [InlineData("{}", true)]
    [InlineData("""{"durability":"relaxed"}""", false)]
    [InlineData("""{"durability":"relaxed"}""", true)]
    [InlineData("""{"mirror":{"enabled":true,"copies":2}}""", true)]
    [InlineData("""{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":0}}""", true)]
    public async Task WhatWasDeletedDoesNotComeBack(string properties, bool isReplacedFirst)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        await MakeAsync(fixture);
        Assert.Empty(await ScrubAsync(fixture, "")); // which sees that it stands
        using (ChunkedReader reader = await OpenAsync(fixture, "x"))
        {
            if (isReplacedFirst)
            {
                await fixture.PutAsync("x", "another");
            }

            Assert.True((await fixture.DeleteAsync("x")).Ok);
            Assert.Empty(await ScrubAsync(fixture, Repair));
            Assert.Equal(ErrorCode.ObjectNotFound, (await TryHeadAsync(fixture, "x")).Error!.Code);
        }

        await fixture.Engine.FlushAsync();
        await NothingIsLeftAsync(fixture);
    }

    /// <summary>Of a file that has neither record nor manifest any more nobody can say what upload it had.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatWasDamagedAndDeletedDoesNotComeBack(bool isReplacedFirst)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        await MakeAsync(fixture);
        await fixture.CloseAsync();
        string head = Assert.Single(FilesOf(fixture, "x").Heads);
        File.Delete(head);
        File.WriteAllText(head, "not even a record");
        StuckChunks? chunks = null;
        fixture.Over = io => chunks = new StuckChunks(io);
        await fixture.OpenAsync();
        chunks!.AreStuck = true;
        if (isReplacedFirst)
        {
            await fixture.PutAsync("x", "another");
        }

        Assert.True((await fixture.DeleteAsync("x")).Ok);
        await SettledAsync(fixture);
        Assert.DoesNotContain(await ScrubAsync(fixture, Repair), finding => finding.Kind == "chunks");
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryHeadAsync(fixture, "x")).Error!.Code);
        chunks.AreStuck = false;
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        await NothingIsLeftAsync(fixture);
    }

    /// <summary>Where a note cannot be changed none speaks any more, until a scrub has seen again that its object stands.</summary>
    [Fact]
    public async Task ADeletionThatCannotBeToldToTheNoteMakesNothingOfAnyNote()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        await fixture.CloseAsync();
        FailingNotes? notes = null;
        fixture.Over = io => notes = new FailingNotes(io);
        await fixture.OpenAsync();
        (byte[] whole, ObjectAttributes before) = await MakeAsync(fixture);
        await UploadAsync(fixture, "y", "one ", "two");
        long version = fixture.Engine.Mountpaths.Map.MapVersion;
        using (ChunkedReader reader = await OpenAsync(fixture, "y"))
        {
            notes!.IsFailing = true;
            Assert.True((await fixture.DeleteAsync("y")).Ok);
            notes.IsFailing = false;
            Assert.True(fixture.Engine.Mountpaths.Map.MapVersion > version);
            Lost lost = await LoseAsync(fixture, "x", isOpen: true);
            Assert.Empty(await ScrubAsync(fixture, Repair)); // neither comes back: of both it cannot be told that they were not deleted
            await lost.GiveBackAsync();
            Assert.Empty(await ScrubAsync(fixture, Repair));
            await LoseAsync(fixture, "x", isOpen: true);
            Assert.Equal("repaired", Assert.Single(await ScrubAsync(fixture, Repair)).Action);
        }

        await SettledAsync(fixture);
        await IsWholeAsync(fixture, whole, before);
    }

    /// <summary>A lost object can be deleted and stored anew; it does not come back then, and its chunks go.</summary>
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task WhatIsLostCanBeDeletedAndReplaced(bool isReplaced, bool isDeleted)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        await MakeAsync(fixture);
        await LoseAsync(fixture, "x");
        await SettledAsync(fixture);
        if (isReplaced)
        {
            await fixture.PutAsync("x", "new");
            Assert.Equal("new", await fixture.GetTextAsync("x"));
        }

        if (isDeleted)
        {
            Assert.True((await fixture.DeleteAsync("x")).Ok);
            Assert.Equal(ErrorCode.ObjectNotFound, (await fixture.DeleteAsync("x")).Error!.Code);
        }

        Assert.Empty(await ScrubAsync(fixture, Repair));
        Assert.Equal(isDeleted ? ErrorCode.ObjectNotFound : null, (await TryHeadAsync(fixture, "x")).Error?.Code);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(isDeleted ? null : "new", await fixture.GetTextAsync("x"));
        await NothingIsLeftAsync(fixture);
    }

    /// <summary>Without a scrub or a start in between: the note of its upload has been seen to say that it stands.</summary>
    [Theory]
    [MemberData(nameof(Properties))]
    public async Task AReaderFindsItAtOnce(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        (byte[] whole, ObjectAttributes before) = await MakeAsync(fixture);
        Assert.Empty(await ScrubAsync(fixture, ""));
        await ReopenAsync(fixture);
        Lost lost = await LoseAsync(fixture, "x", isOpen: true);
        Failure refused = (await TryHeadAsync(fixture, "x")).Error!;
        Assert.Equal((ErrorCode.Damaged, "ais://b/x has lost its manifest: a scrub that repairs makes it anew, if all chunks are there"), (refused.Code, refused.Message));
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryHeadAsync(fixture, "y")).Error!.Code);
        await lost.GiveBackAsync();
        Assert.True((await TryHeadAsync(fixture, "x")).Ok);
        await ReopenAsync(fixture);
        await LoseAsync(fixture, "x", isOpen: true);
        Assert.Equal("repaired", Assert.Single(await ScrubAsync(fixture, Repair)).Action);
        await IsWholeAsync(fixture, whole, before);
    }

    /// <summary>Nobody has noticed the loss: who stores under the name, or deletes it, tells the note all the same.</summary>
    [Theory]
    [InlineData("{}", true)]
    [InlineData("{}", false)]
    [InlineData("""{"mirror":{"enabled":true,"copies":2}}""", true)]
    [InlineData("""{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":0}}""", true)]
    public async Task WhatIsLostAndReplacedOrDeletedBeforeAnybodyLooksDoesNotComeBack(string properties, bool isReplacedFirst)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        await MakeAsync(fixture);
        await ReopenAsync(fixture);
        await LoseAsync(fixture, "x", isOpen: true);
        if (isReplacedFirst)
        {
            await fixture.PutAsync("x", "new");
        }

        Assert.True((await fixture.DeleteAsync("x")).Ok);
        Assert.Empty(await ScrubAsync(fixture, Repair));
        Assert.Equal(ErrorCode.ObjectNotFound, (await fixture.DeleteAsync("x")).Error!.Code);
        await ReopenAsync(fixture);
        await NothingIsLeftAsync(fixture);
    }

    /// <summary>What a bucket had that is gone is not missed in the next one of its name.</summary>
    [Fact]
    public async Task ABucketThatIsGoneLeavesNothingThatWasLost()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1);
        await MakeAsync(fixture);
        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, fixture.Bucket)).Ok);
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json("null"))).Ok);
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryHeadAsync(fixture, "x")).Error!.Code);
        Assert.Equal(ErrorCode.ObjectNotFound, (await fixture.DeleteAsync("x")).Error!.Code);
    }

    /// <summary>A stop ends also while a look through the notes has to take the word from one that cannot be written.</summary>
    [Fact]
    public async Task AStopEndsBesideANoteThatCannotBeWritten()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1);
        await MakeAsync(fixture);
        await fixture.CloseAsync();
        FilesOf(fixture, "x").Heads.ToList().ForEach(File.Delete);
        HeldNotes? notes = null;
        fixture.Over = io => notes = new HeldNotes(io);
        await fixture.OpenAsync();
        await notes!.IsHeld.Task.WaitAsync(TimeSpan.FromSeconds(30)); // the look of the start
        await fixture.PutAsync("x", "new");
        Task closing = fixture.CloseAsync();
        notes.GoOn.SetResult();
        await closing.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(notes.HasFailed);
    }

    /// <summary>Nothing is cached, and the look of the start is over.</summary>
    private static async Task ReopenAsync(EngineFixture fixture)
    {
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        await SettledAsync(fixture);
    }

    private static Task<Result<ObjectAttributes>> TryHeadAsync(EngineFixture fixture, string name) =>
        fixture.Io.OnItsThreadAsync(() => fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name)));

    /// <summary>All files of an object, or one file by its path, are not there any more: behind a stop, or while the engine is open, which has what it has opened.</summary>
    private static async Task<Lost> LoseAsync(EngineFixture fixture, string name, bool isOpen = false)
    {
        if (!isOpen)
        {
            await fixture.CloseAsync();
        }

        string[] files = Path.IsPathRooted(name) ? [name] : [.. FilesOf(fixture, name).Heads, .. FilesOf(fixture, name).Slices];
        Assert.NotEmpty(files);
        var lost = new Lost(fixture, isOpen, [.. files.Select(file => (file, Path.Combine(Path.GetDirectoryName(fixture.Paths[0])!, Path.GetRandomFileName())))]);
        lost.Files.ForEach(file => File.Move(file.Path, file.Aside));
        if (!isOpen)
        {
            await fixture.OpenAsync();
        }

        return lost;
    }

    private sealed record Lost(EngineFixture Fixture, bool IsOpen, List<(string Path, string Aside)> Files)
    {
        public async Task GiveBackAsync()
        {
            if (!IsOpen)
            {
                await Fixture.CloseAsync();
            }

            Files.ForEach(file =>
            {
                Directory.CreateDirectory(Path.GetDirectoryName(file.Path)!);
                File.Move(file.Aside, file.Path);
            });
            if (!IsOpen)
            {
                await Fixture.OpenAsync();
            }
        }
    }
}
