using System.Text;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.Chunks.SplittingBench;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>The job rechunk: objects are split, split otherwise, and put together, and stay what they are.</summary>
public sealed class RechunkTests
{
    public static TheoryData<string> Properties => new(
        """{"durability":"strict"}""",
        """{"durability":"relaxed"}""",
        """{"mirror":{"enabled":true,"copies":2}}""",
        """{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":200000}}""",
        """{"checksum":{"type":"none"}}""");

    [Theory]
    [MemberData(nameof(Properties))]
    public async Task ObjectsAreSplitAndPutTogetherAndStayWhatTheyAre(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(4, properties);
        var random = new Random(1);
        var contents = new Dictionary<string, byte[]>();
        foreach ((string name, int size) in ((string, int)[])[("dir/empty", 0), ("dir/small", 1000), ("dir/limit", 100_000), ("dir/above", 100_001), ("dir/large", 1_200_000), ("other/large", 1_100_000)])
        {
            contents[name] = Bytes(random, size);
            Assert.True((await PutAsync(fixture, name, contents[name], random, isDeclared: true)).Ok);
        }

        string upload = await BeginAsync(fixture, "dir/parts");
        byte[][] parts = [Bytes(random, 700_000), Bytes(random, 5), Bytes(random, 60_000)];
        for (int i = 0; i < parts.Length; i++)
        {
            await PartAsync(fixture, "dir/parts", upload, i + 1, parts[i]);
        }

        await CompleteAsync(fixture, "dir/parts", upload, parts.Length);
        contents["dir/parts"] = [.. parts.SelectMany(part => part)];
        Dictionary<string, ObjectAttributes> before = await AttributesAsync(fixture, contents.Keys);

        foreach ((long limit, long chunk) in ((long, long)[])[(100_000, 50_000), (100_000, 64 << 10), (0, 50_000), (500_000, 1 << 20), (1000, 150_000), (0, 1 << 20)])
        {
            Job job = await RunAsync(fixture, new RechunkRequest { Bucket = fixture.Bucket, Prefix = "dir/"u8.ToArray(), SizeLimitBytes = limit, ChunkBytes = chunk });
            Assert.Equal(6, job.Objects);
            Dictionary<string, ObjectAttributes> after = await AttributesAsync(fixture, contents.Keys);
            foreach ((string name, byte[] content) in contents)
            {
                long whole = Math.Max(limit == 0 ? long.MaxValue : limit, chunk);
                int chunks = name.StartsWith("other", StringComparison.Ordinal) || content.Length <= whole ? 0 : (int)((content.Length - 1) / chunk) + 1;
                Assert.Equal(chunks, after[name].ChunkCount);
                Assert.Equal(SeenBy(before[name]), SeenBy(after[name]));
                Assert.Equal(content, await ContentAsync(fixture, name, after[name]));
            }
        }

        await NothingIsLeftAsync(fixture);
    }

    /// <summary>Who reads an object goes on with the bytes that he opened, and the files that he had go when he is done.</summary>
    [Fact]
    public async Task ReadersGoOn()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        byte[] content = Bytes(new Random(2), 400_000);
        Assert.True((await PutAsync(fixture, "x", content, new Random(3), isDeclared: true)).Ok);
        await RunAsync(fixture, new RechunkRequest { Bucket = fixture.Bucket, SizeLimitBytes = 1024, ChunkBytes = 100_000 });
        using (ChunkedReader reader = await OpenAsync(fixture, "x"))
        {
            await RunAsync(fixture, new RechunkRequest { Bucket = fixture.Bucket, SizeLimitBytes = 0 });
            Assert.Equal(content, await ReadAsync(fixture, reader, 0, content.Length));
            Assert.Equal(content, await fixture.GetAsync("x"));
        }

        await NothingIsLeftAsync(fixture);
    }

    /// <summary>An object that cannot be read is left as it is, and told of.</summary>
    [Fact]
    public async Task WhatCannotBeReadIsLeftAsItIs()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1);
        foreach (string name in (string[])["good", "bad"])
        {
            Assert.True((await PutAsync(fixture, name, Bytes(new Random(4), 300_000), new Random(5), isDeclared: true)).Ok);
        }

        await fixture.CloseAsync();
        string file = Path.Combine(fixture.Paths[0], "@ais/b/%ob/bad");
        using (FileStream damaged = File.OpenWrite(file))
        {
            damaged.Position = 200_000;
            damaged.Write("damage"u8);
        }

        await fixture.OpenAsync();
        Job job = await StartAsync(fixture, new RechunkRequest { Bucket = fixture.Bucket, SizeLimitBytes = 1024, ChunkBytes = 100_000 });
        Assert.Contains("ais://b/bad", job.Error, StringComparison.Ordinal);
        Dictionary<string, ObjectAttributes> after = await AttributesAsync(fixture, ["good"]);
        Assert.Equal(3, after["good"].ChunkCount);
        Assert.True((await fixture.DeleteAsync("good")).Ok);
        await NothingIsLeftAsync(fixture);
    }

    /// <summary>A job that a stop cuts short goes on at the next start, with what it was asked for.</summary>
    [Fact]
    public async Task WhatAStopCutsShortGoesOn()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        byte[] content = Bytes(new Random(6), 200_000);
        for (int i = 0; i < 60; i++)
        {
            Assert.True((await PutAsync(fixture, $"x{i:d2}", content, new Random(7), isDeclared: true)).Ok);
        }

        Assert.True((await fixture.Engine.StartRechunkAsync(
            Caller.Anonymous, new RechunkRequest { Bucket = fixture.Bucket, Prefix = "x"u8.ToArray(), SizeLimitBytes = 1024, ChunkBytes = 50_000 })).Ok);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Job job = Assert.Single(fixture.Engine.Jobs.All, job => job.Kind == JobKinds.Rechunk);
        await job.Ended;
        Assert.Equal("", job.Error);
        Dictionary<string, ObjectAttributes> after = await AttributesAsync(fixture, await fixture.NamesAsync());
        Assert.Equal(60, after.Count);
        Assert.All(after.Values, attributes => Assert.Equal(4, attributes.ChunkCount));
    }

    [Fact]
    public async Task WhatMakesNoSenseIsRefused()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1);
        foreach (RechunkRequest request in (RechunkRequest[])[
            new() { Bucket = fixture.Bucket, SizeLimitBytes = -1 }, new() { Bucket = fixture.Bucket, ChunkBytes = 1023 }, new() { Bucket = fixture.Bucket, ChunkBytes = (5L << 30) + 1 }])
        {
            Assert.Equal(ErrorCode.BadRequest, (await fixture.Engine.StartRechunkAsync(Caller.Anonymous, request)).Error!.Code);
        }

        Assert.Equal(ErrorCode.BucketNotFound, (await fixture.Engine.StartRechunkAsync(Caller.Anonymous, new RechunkRequest { Bucket = EngineFixture.Name("none") })).Error!.Code);
    }

    private static (long, Checksum, string, long, string) SeenBy(ObjectAttributes attributes) =>
        (attributes.SizeBytes, attributes.Checksum, attributes.Version, attributes.ModifiedNs / 1_000_000, string.Join(',', attributes.Custom));

    private static async Task<Job> StartAsync(EngineFixture fixture, RechunkRequest request)
    {
        Result<Job> started = await fixture.Engine.StartRechunkAsync(Caller.Anonymous, request);
        Assert.True(started.Ok, started.Error?.Message);
        await started.Value.Ended;
        return started.Value;
    }

    private static async Task<Job> RunAsync(EngineFixture fixture, RechunkRequest request)
    {
        Job job = await StartAsync(fixture, request);
        Assert.Equal("", job.Error);
        return job;
    }

    private static async Task<Dictionary<string, ObjectAttributes>> AttributesAsync(EngineFixture fixture, IEnumerable<string> names)
    {
        var all = new Dictionary<string, ObjectAttributes>();
        foreach (string name in names)
        {
            Result<StoredObject> stored = await fixture.Io.OnItsThreadAsync(() => fixture.Engine.StatObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name)));
            Assert.True(stored.Ok, stored.Error?.Message);
            all[name] = stored.Value.Attributes();
        }

        return all;
    }

    private static async Task<byte[]> ContentAsync(EngineFixture fixture, string name, ObjectAttributes attributes) =>
        attributes.ChunkCount > 0 ? await ReadAsync(fixture, name, 0, (int)attributes.SizeBytes) : (await fixture.GetAsync(name))!;
}
