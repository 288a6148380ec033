using System.Globalization;
using Sluice.Engine.Chunks;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>A manifest that rots: its object is read by the note of its upload, and it is written anew; without either nothing is served.</summary>
public sealed class ManifestRepairTests
{
    private const int At = 10; // in the upload's id, and not in what slices are filled up with

    public static TheoryData<string> Properties => new(
        "{}",
        """{"durability":"relaxed"}""",
        """{"checksum":{"type":"none"}}""",
        """{"mirror":{"enabled":true,"copies":2}}""",
        """{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":0}}""");

    /// <summary>Whoever reads it gets the right bytes, and then it is whole again, the same object in all that clients see.</summary>
    [Theory]
    [MemberData(nameof(Properties))]
    public async Task AReaderIsServedByTheNoteAndTheManifestIsWrittenAnew(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        (byte[] whole, ObjectAttributes before) = await MakeAsync(fixture);
        await DamageAsync(fixture, "x");
        await fixture.OpenAsync();
        Assert.Equal(whole, await ReadAsync(fixture, "x", 0, whole.Length));
        await fixture.RepairedAsync();
        await IsWholeAsync(fixture, whole, before);
    }

    /// <summary>A scrub finds it before any reader does, and has it written anew when it is told to repair.</summary>
    [Theory]
    [MemberData(nameof(Properties))]
    public async Task AScrubFindsItAndHasItWrittenAnew(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        (byte[] whole, ObjectAttributes before) = await MakeAsync(fixture);
        await DamageAsync(fixture, "x");
        await fixture.OpenAsync();
        IReadOnlyList<JobFinding> found = await ScrubAsync(fixture, """{"repair":true}""");
        Assert.NotEmpty(found);
        Assert.All(found, finding => Assert.Equal("repaired", finding.Action));
        await IsWholeAsync(fixture, whole, before);
    }

    /// <summary>The note of another upload, one that is in progress still, or damaged too, is none.</summary>
    [Fact]
    public async Task WithoutItsNoteItIsRefused()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1);
        (byte[] whole, _) = await MakeAsync(fixture);
        string upload = Path.GetFileName(Assert.Single(Directory.GetDirectories(Path.Combine(fixture.Paths[0], "@ais/b/%ob/%c"))));
        await DamageAsync(fixture, "x");
        Damage(Path.Combine(fixture.Paths[0], "@ais/b/%ob/%c", upload, "00000"));
        await fixture.OpenAsync();
        Result<ChunkedReader> open = await fixture.Io.OnItsThreadAsync(() => fixture.Engine.OpenChunkedAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x")));
        Assert.Equal(Contract.ErrorCode.Damaged, open.Error?.Code);
        await fixture.RepairedAsync();
        IReadOnlyList<JobFinding> found = await ScrubAsync(fixture, """{"repair":true}""");
        Assert.Contains(found, finding => finding is { Name: "x", Action: "reported" });
        await fixture.PutAsync("x", "another object");
        Assert.Equal("another object", await fixture.GetTextAsync("x"));
        Assert.NotEmpty(whole);
    }

    internal static async Task<(byte[] Whole, ObjectAttributes Made)> MakeAsync(EngineFixture fixture)
    {
        await fixture.PutAsync("x", "before"); // a version that rises
        byte[][] parts = [.. Enumerable.Range(1, 3).Select(number => Bytes(new Random(number), 400_000))];
        string upload = await BeginAsync(fixture, "x");
        for (int i = 0; i < parts.Length; i++)
        {
            await PartAsync(fixture, "x", upload, i + 1, parts[i]);
        }

        return ([.. parts.SelectMany(part => part)], await CompleteAsync(fixture, "x", upload, parts.Length));
    }

    /// <summary>Behind a stop: a byte of every file of the object is another one, on disk and for whoever opens it.</summary>
    private static async Task DamageAsync(EngineFixture fixture, string name)
    {
        await fixture.CloseAsync();
        (string[] files, string[] slices) = FilesOf(fixture, name);
        string[] withBytes = [.. files.Where(file => new FileInfo(file).Length > 0), .. slices];
        Assert.NotEmpty(withBytes);
        Array.ForEach(withBytes, Damage);
    }

    /// <summary>The heads of a name, and its slices, on all mountpaths.</summary>
    internal static (string[] Heads, string[] Slices) FilesOf(EngineFixture fixture, string name)
    {
        string[] heads = [.. fixture.Paths.Select(path => Path.Combine(path, "@ais/b/%ob", name)).Where(File.Exists)];
        string digest = Hrw.Digest(fixture.Bucket.UnamePrefix.Span, ObjectName.From(name).Utf8.Span).ToString("x16", CultureInfo.InvariantCulture);
        string[] slices = [.. fixture.Paths.Select(path => Path.Combine(path, "@ais/b/%ec")).Where(Directory.Exists)
            .SelectMany(path => Directory.GetFiles(path, "*", SearchOption.AllDirectories)).Where(file => file.Contains(digest, StringComparison.Ordinal))];
        return (heads, slices);
    }

    private static void Damage(string file)
    {
        using FileStream damaged = File.Open(file, FileMode.Open);
        damaged.Position = At;
        int old = damaged.ReadByte();
        damaged.Position = At;
        damaged.WriteByte((byte)~old);
        damaged.Flush(flushToDisk: true);
    }

    internal static async Task IsWholeAsync(EngineFixture fixture, byte[] whole, ObjectAttributes before)
    {
        Assert.Empty(await ScrubAsync(fixture, ""));
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(whole, await ReadAsync(fixture, "x", 0, whole.Length));
        using (ChunkedReader reader = await OpenAsync(fixture, "x"))
        {
            Assert.Equal((before.Version, before.Checksum), (reader.Stored.Attributes().Version, reader.Stored.Attributes().Checksum));
        }

        Assert.True((await fixture.DeleteAsync("x")).Ok);
        await NothingIsLeftAsync(fixture);
    }

    internal static async Task<IReadOnlyList<JobFinding>> ScrubAsync(EngineFixture fixture, string arguments)
    {
        Result<Job> scrub = await fixture.Engine.Jobs.StartAsync(JobKinds.Scrub, new JobRequest(JobTarget.All, arguments), WhenRunning.Refuse);
        Assert.True(scrub.Ok, scrub.Error?.Message);
        await scrub.Value.Ended;
        return [.. scrub.Value.Findings];
    }
}
