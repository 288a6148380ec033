using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Sluice.Contract;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.Chunks.SplittingBench;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>Objects that are split while they are stored: what a client sees is one object, and of one that is refused nothing is left.</summary>
public sealed class SplittingTests
{
    private const int Seeds = 10;
    private const int Limit = 100_000;
    private const int Chunk = 70_000;

    private const string Chunks = """ "chunks":{"objsize_limit":100000,"chunk_size":70000} """;

    public static TheoryData<string> Properties => new(
        """{"durability":"strict",""",
        """{"durability":"relaxed",""",
        """{"mirror":{"enabled":true,"copies":2},""",
        """{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":0},""",
        """{"checksum":{"type":"none"},""",
        """{"checksum":{"type":"crc32c"},""",
        """{"checksum":{"type":"crc64nvme"},""",
        """{"checksum":{"type":"sha256"},""");

    /// <summary>Bodies of any size, in pieces of any size, their length declared or not: the object is what a flat model says, in chunks above the limit alone.</summary>
    [Theory]
    [MemberData(nameof(Properties))]
    public async Task WhatIsAboveTheLimitIsSplitAndTheSameObject(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(4, properties + Chunks + "}");
        for (int seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            string name = $"dir/{seed % 4}"; // most replace another one
            byte[] content = Bytes(random, random.Next(5) switch { 0 => random.Next(Limit), 1 => Limit, 2 => Limit + 1, 3 => 3 * Chunk, _ => random.Next(5_000_000) });
            Checksum sent = random.Next(2) == 0 ? Checksum.None : Digest.Of(ChecksumType.Md5, content);
            long puts = (await fixture.Engine.StatusAsync()).Counters["put.count"];
            Result<ObjectAttributes> put = await PutAsync(fixture, name, content, random, isDeclared: random.Next(2) == 0, sent);
            Assert.True(put.Ok, put.Error?.Message);
            Assert.Equal(puts + 1, (await fixture.Engine.StatusAsync()).Counters["put.count"]);
            int chunks = content.Length <= Limit ? 0 : ((content.Length - 1) / Chunk) + 1;
            Assert.Equal((content.Length, chunks, chunks == 0 ? 0 : Chunk), (put.Value.SizeBytes, put.Value.ChunkCount, put.Value.LargestChunkBytes));
            Assert.True(put.Value.Checksum.Type == ChecksumType.None || put.Value.Checksum == Digest.Of(put.Value.Checksum.Type, content), "its digest is that of all bytes");
            if (chunks > 0)
            {
                await CompareAsync(fixture, name, content, random);
            }
            else
            {
                Assert.Equal(content, await fixture.GetAsync(name));
            }
        }

        Assert.Equal(["dir/0", "dir/1", "dir/2", "dir/3"], await fixture.NamesAsync());
        foreach (string name in await fixture.NamesAsync())
        {
            Assert.True((await fixture.DeleteAsync(name)).Ok);
        }

        await NothingIsLeftAsync(fixture);
    }

    /// <summary>One file takes it as long as it may be one; what goes on is written again, in chunks, from its first byte.</summary>
    [Theory]
    [InlineData("""{"durability":"strict",""")]
    [InlineData("""{"durability":"relaxed",""")]
    [InlineData("""{"mirror":{"enabled":true,"copies":2},""")]
    public async Task ABodyOfUnknownLengthIsSplitWhenItGoesOn(string properties)
    {
        const int Whole = 2 << 20;
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties + """ "chunks":{"objsize_limit":"2MiB","chunk_size":"1MiB"}}""");
        var random = new Random(9);
        byte[] last = [];
        foreach (int size in (int[])[Whole - 1, Whole, Whole + 1, 5_000_000])
        {
            byte[] content = Bytes(random, size);
            foreach (ChecksumType type in (ChecksumType[])[ChecksumType.XxHash2, ChecksumType.Md5])
            {
                Result<ObjectAttributes> refused = await PutAsync(fixture, "x", content, random, isDeclared: false, Digest.Of(type, last));
                Assert.StartsWith("bad data checksum", refused.Error!.Message, StringComparison.Ordinal);
                Result<ObjectAttributes> put = await PutAsync(fixture, "x", content, random, isDeclared: false, Digest.Of(type, content));
                Assert.True(put.Ok, put.Error?.Message);
                Assert.Equal((size, size <= Whole ? 0 : ((size - 1) >> 20) + 1), (put.Value.SizeBytes, put.Value.ChunkCount));
                Assert.Equal(Digest.Of(ChecksumType.XxHash2, content), put.Value.Checksum);
            }

            last = content;
        }

        await CompareAsync(fixture, "x", last, random);
        Assert.True((await fixture.DeleteAsync("x")).Ok);
        await NothingIsLeftAsync(fixture);
        Assert.Equal(0, fixture.WorkFileCount());
    }

    [Fact]
    public async Task TheKindOfDigestIsTheBucketsAndTheVersionRises()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, "{" + Chunks + "}");
        var random = new Random(1);
        for (int version = 1; version <= 4; version++)
        {
            ObjectAttributes put = (await PutAsync(fixture, "x", Bytes(random, version % 2 == 0 ? 10 : 300_000), random, isDeclared: true)).Value;
            Assert.Equal((ChecksumType.XxHash2, version.ToString(System.Globalization.CultureInfo.InvariantCulture)), (put.Checksum.Type, put.Version));
        }
    }

    /// <summary>Without a limit only the largest objects are split; a size that is one chunk is no reason.</summary>
    [Theory]
    [InlineData("""{"chunks":{"objsize_limit":0,"chunk_size":1024}}""")]
    [InlineData("""{"chunks":{"objsize_limit":1024,"chunk_size":"1MiB"}}""")]
    [InlineData("{}")]
    public async Task WhatIsNotToBeSplitIsNot(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, properties);
        foreach (bool isDeclared in (bool[])[true, false])
        {
            ObjectAttributes put = (await PutAsync(fixture, "x", new byte[500_000], new Random(2), isDeclared)).Value;
            Assert.Equal((500_000, 0), (put.SizeBytes, put.ChunkCount));
            Assert.Equal(500_000, (await fixture.GetAsync("x"))!.Length);
        }

        await NothingIsLeftAsync(fixture);
    }

    /// <summary>A body of another length or digest than was said, or that breaks off: the old object stays, and no chunk.</summary>
    [Theory]
    [InlineData("short")]
    [InlineData("long")]
    [InlineData("digest")]
    [InlineData("kept digest")]
    [InlineData("broken")]
    public async Task OfWhatIsRefusedNothingIsLeft(string what)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, "{" + Chunks + "}");
        var random = new Random(3);
        byte[] old = Bytes(random, 200_000), content = Bytes(random, 300_000);
        Assert.True((await PutAsync(fixture, "x", old, random, isDeclared: true)).Ok);
        if (what == "broken")
        {
            await Assert.ThrowsAsync<IOException>(() => PutAsync(fixture, "x", content, random, isDeclared: true, breaksAt: 250_000));
        }
        else
        {
            Checksum sent = what == "digest" ? Digest.Of(ChecksumType.Md5, old) : what == "kept digest" ? Digest.Of(ChecksumType.XxHash2, old) : Checksum.None;
            Result<ObjectAttributes> refused = await PutAsync(
                fixture, "x", content, random, isDeclared: true, sent, declared: what switch { "short" => 400_000, "long" => 250_000, _ => null });
            string expected = what switch
            {
                "short" => "the body ended after 300000 of its declared 400000 bytes", "long" => "the body is longer than its declared 250000 bytes", _ => "bad data checksum",
            };
            Assert.StartsWith(expected, refused.Error!.Message, StringComparison.Ordinal);
        }

        await CompareAsync(fixture, "x", old, random);
        Assert.True((await fixture.DeleteAsync("x")).Ok);
        await NothingIsLeftAsync(fixture);
    }

    /// <summary>What a crash leaves of an object that was being split is nobody's: no client sees it, and the next start removes it.</summary>
    [Fact]
    public async Task WhatACrashLeavesIsRemovedByTheNextStart()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        string upload = await BeginAsync(fixture, "x");
        await PartAsync(fixture, "x", upload, 1, "one"u8.ToArray());
        string file = fixture.Paths.Select(path => Path.Combine(path, "@ais/b/%ob/%c", upload, "00000")).Single(File.Exists);
        await fixture.CloseAsync();

        // As its note would be if the engine had begun it for itself.
        Assert.True(ManifestRecord.TryParse(await File.ReadAllBytesAsync(file), out Manifest? note, out string? problem), problem);
        byte[] own = ManifestRecord.Format(new Manifest
        {
            State = ManifestState.Partial, IsOwn = true, UploadId = note.UploadId, CreatedNs = note.CreatedNs, Name = note.Name, Chunks = note.Chunks,
        });
        await fixture.OpenAsync();
        ObjectName noteName = new ChunkName(note.UploadId, 0).ToObjectName();
        Assert.True((await fixture.Io.OnItsThreadAsync(() => fixture.Engine.PutObjectAsync(
            Caller.Anonymous,
            new PutRequest { Bucket = fixture.Bucket, Name = noteName, Body = PipeReader.Create(new ReadOnlySequence<byte>(own)), LengthBytes = own.Length },
            CancellationToken.None))).Ok);
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryPartAsync(fixture, "x", upload, 2, "two"u8.ToArray())).Error!.Code);
        Assert.Empty((await fixture.Io.OnItsThreadAsync(() => fixture.Engine.ListUploadsAsync(Caller.Anonymous, fixture.Bucket))).Value);
        await fixture.CloseAsync();
        File.Delete(Path.Combine(fixture.Paths[0], ".sluice/state")); // as after a crash
        await fixture.OpenAsync();
        await NothingIsLeftAsync(fixture);
    }
}
