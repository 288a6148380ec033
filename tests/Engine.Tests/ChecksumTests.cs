using Sluice.Contract;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>
/// Digests from end to end: what the bucket keeps is right for every algorithm, what the client says is compared before anything is
/// visible, and bytes that changed on the disk are found.
/// </summary>
public sealed class ChecksumTests
{
    public static TheoryData<ChecksumType> Types => [.. Enum.GetValues<ChecksumType>()];

    // Published check values of "123456789", most significant byte first, as they read on the wire.
    [Theory]
    [InlineData(ChecksumType.None, "")]
    [InlineData(ChecksumType.XxHash2, "8cb841db40e6ae83")]
    [InlineData(ChecksumType.Crc32C, "e3069283")]
    [InlineData(ChecksumType.Crc64Nvme, "ae8b14860a799888")]
    [InlineData(ChecksumType.Md5, "25f9e794323b453885f5181f1b624d0b")]
    [InlineData(ChecksumType.Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225")]
    public void DigestsHaveTheirPublishedValues(ChecksumType type, string hex) => Assert.Equal(hex, Digest.Of(type, "123456789"u8).Hex);

    [Theory]
    [MemberData(nameof(Types))]
    public async Task EveryTypeIsStoredVerifiedAndKeptOverARestart(ChecksumType type)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, TypeOf(type));
        byte[] content = Content(300_001);
        Checksum right = Digest.Of(type, content);
        Assert.Equal(right, (await fixture.PutAsync("x", content)).Checksum);
        Assert.True((await fixture.TryPutAsync("x", content, right)).Ok);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Result<ObjectAttributes> head = await HeadAsync(fixture);
        Assert.Equal(right, head.Value.Checksum);
        Assert.Equal(type, head.Value.Checksum.Type);
        Assert.Equal(content, await fixture.GetAsync("x"));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task ADigestThatDoesNotMatchLeavesTheOldObjectWhateverTheBucketKeeps(ChecksumType type)
    {
        if (type == ChecksumType.None)
        {
            Assert.Equal(0, Checksum.SizeBytes(type)); // no digest can be wrong
            return;
        }

        foreach (ChecksumType kept in (ChecksumType[])[type, ChecksumType.None, ChecksumType.Sha256])
        {
            await using EngineFixture fixture = await EngineFixture.NewAsync(1, TypeOf(kept));
            await fixture.PutAsync("x", "old");
            byte[] wrong = Digest.Of(type, "new"u8).Value.ToArray();
            wrong[^1] ^= 1;
            Result<ObjectAttributes> refused = await fixture.TryPutAsync("x", "new"u8.ToArray(), new Checksum(type, wrong));
            Assert.Equal(ErrorCode.BadDigest, refused.Error?.Code);
            Assert.Equal("old", await fixture.GetTextAsync("x"));
            Assert.Equal("1", (await HeadAsync(fixture)).Value.Version);
            Result<ObjectAttributes> refusedNew = await fixture.TryPutAsync("y", "new"u8.ToArray(), new Checksum(type, wrong));
            Assert.False(refusedNew.Ok);
            Assert.Equal(["x"], await fixture.NamesAsync());
            Assert.Equal(0, fixture.WorkFileCount());
            Assert.True((await fixture.TryPutAsync("x", "new"u8.ToArray(), Digest.Of(type, "new"u8))).Ok);
            Assert.Equal(kept, (await HeadAsync(fixture)).Value.Checksum.Type);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task AByteThatChangedOnTheDiskIsFoundInItsBlockAndOnlyThere(int block)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, """{"checksum":{"type":"none"}}""");
        byte[] content = Content((2 * Limits.BlockBytes) + 1000);
        await fixture.PutAsync("x", content);
        using (FileStream file = File.OpenWrite(Path.Combine(fixture.Paths[0], "@ais/b/%ob/x")))
        {
            file.Position = (block * (long)Limits.BlockBytes) + 500;
            file.WriteByte((byte)(content[file.Position] ^ 1));
        }

        Result<ObjectReader> open = await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"));
        using ObjectReader reader = open.Value;
        for (int i = 0; i < 3; i++)
        {
            Result verified = await reader.VerifyAsync((i * (long)Limits.BlockBytes) + 1, 10);
            Assert.Equal(i == block ? ErrorCode.Damaged : null, verified.Error?.Code);
        }

        Assert.Equal(ErrorCode.Damaged, (await reader.VerifyAsync(0, reader.SizeBytes)).Error?.Code);
        Assert.True((await reader.VerifyAsync(0, 0)).Ok);
        Assert.Equal(2, (await fixture.Engine.StatusAsync()).Counters["damaged.count"]);
    }

    [Fact]
    public async Task ManyVerificationsAtOnceShareFewBuffers()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        byte[] content = Content((3 * Limits.BlockBytes) + 1);
        await fixture.PutAsync("x", content);
        Result<ObjectReader> open = await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"));
        using ObjectReader reader = open.Value;
        Result[] verified = await Task.WhenAll(Enumerable.Range(0, 4 * BlockBuffers.CountMax)
            .Select(_ => Task.Run(() => reader.VerifyAsync(0, reader.SizeBytes).AsTask())));
        Assert.All(verified, result => Assert.True(result.Ok));
    }

    [Fact]
    public async Task AFileThatWasCutShortIsDamagedNotShort()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("x", Content(5000));
        await fixture.CloseAsync();
        using (FileStream file = File.OpenWrite(Path.Combine(fixture.Paths[0], "@ais/b/%ob/x")))
        {
            file.SetLength(4999);
        }

        await fixture.OpenAsync();
        Result<ObjectReader> open = await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"));
        Assert.Equal(ErrorCode.Damaged, open.Error?.Code);
        Assert.DoesNotContain(fixture.Paths[0], open.Error!.Message, StringComparison.Ordinal);
        await fixture.PutAsync("x", "whole again");
        Assert.Equal("whole again", await fixture.GetTextAsync("x"));
    }

    [Fact]
    public async Task AChangedTypeHoldsForNewObjectsOnly()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("old", "content");
        Result<Buckets.BucketRecord> changed = await fixture.Engine.SetBucketPropertiesAsync(
            Caller.Anonymous, fixture.Bucket, EngineFixture.Json("""{"checksum":{"type":"md5"}}"""));
        Assert.True(changed.Ok, changed.Error?.Message);
        Assert.Equal(ChecksumType.Md5, (await fixture.PutAsync("new", "content")).Checksum.Type);
        Assert.Equal("content", await fixture.GetTextAsync("old"));
        Result<ObjectAttributes> old = await fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("old"));
        Assert.Equal(Digest.Of(ChecksumType.XxHash2, "content"u8), old.Value.Checksum);
    }

    [Theory]
    [InlineData("md5", "25f9", "a md5 checksum has 32 hexadecimal digits")]
    [InlineData("crc32c", "zzzzzzzz", "a crc32c checksum has 8 hexadecimal digits")]
    [InlineData("none", "00", "a none checksum has 0 hexadecimal digits")]
    [InlineData("sha3", "", "unknown checksum type: expecting none, xxhash2, xxhash, xxh3, crc32c, crc64nvme, md5, sha256 or sha512")]
    public void ATextThatIsNoChecksumIsRefusedWithASentence(string type, string hex, string sentence)
    {
        Assert.False(Checksum.TryParse(type, hex, out _, out string? problem));
        Assert.Equal(sentence, problem);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void AChecksumsTextReadsBack(ChecksumType type)
    {
        Checksum checksum = Digest.Of(type, "text"u8);
        Assert.True(Checksum.TryParse(Checksum.Name(type), checksum.Hex, out Checksum read, out string? problem), problem);
        Assert.Equal(checksum, read);
        Assert.True(Checksum.TryParse(Checksum.Name(type), checksum.Hex.ToUpperInvariant(), out read, out _));
        Assert.Equal(checksum, read);
    }

    private static async Task<Result<ObjectAttributes>> HeadAsync(EngineFixture fixture) =>
        await fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"));

    private static string TypeOf(ChecksumType type) => $$$"""{"checksum":{"type":"{{{Checksum.Name(type)}}}"}}""";

    private static byte[] Content(int bytes)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        return content;
    }
}
