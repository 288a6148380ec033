using System.Text;
using Sluice.Contract;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>The digest of an object that came in parts: of the bucket's type when they came one behind the other, put together from CRCs when not.</summary>
public sealed class DigestInOrderTests
{
    private static readonly byte[][] s_parts = [.. Enumerable.Range(1, 4).Select(number => Bytes(new Random(number), 700_000 * number))];

    [Theory]
    [InlineData("xxhash2", ChecksumType.XxHash2)]
    [InlineData("xxh3", ChecksumType.Xxh3)]
    [InlineData("md5", ChecksumType.Md5)]
    [InlineData("sha256", ChecksumType.Sha256)]
    [InlineData("sha512", ChecksumType.Sha512)]
    [InlineData("crc32c", ChecksumType.Crc32C)]
    [InlineData("crc64nvme", ChecksumType.Crc64Nvme)]
    [InlineData("none", ChecksumType.None)]
    public async Task OfPartsInOrderItIsTheBuckets(string name, ChecksumType type)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, "{\"checksum\":{\"type\":\"" + name + "\"}}");
        Assert.Equal(Digest.Of(type, [.. s_parts.SelectMany(part => part)]), await MadeAsync(fixture, [1, 2, 3, 4]));
    }

    /// <summary>In another order, with a part that comes twice, with one that was refused, over a restart: no byte is read again for it.</summary>
    [Theory]
    [InlineData(ChecksumType.Crc32C, 2, 1, 3, 4)]
    [InlineData(ChecksumType.Crc32C, 1, 3, 2, 4)]
    [InlineData(ChecksumType.Crc32C, 1, 2, 3, 4, 3)]
    [InlineData(ChecksumType.Crc32C, 1, 1, 2, 3, 4)]
    [InlineData(ChecksumType.Crc32C, 1, 2, Restart, 3, 4)]
    [InlineData(ChecksumType.XxHash2, Restart, 1, 2, 3, 4)]
    [InlineData(ChecksumType.XxHash2, 1, 2, Restart, 1, 2, 3, 4)]
    [InlineData(ChecksumType.Crc32C, 1, 2, Refused + 3, 3, 4)]
    [InlineData(ChecksumType.Crc32C, Refused + 1, 1, 2, 3, 4)]
    [InlineData(ChecksumType.XxHash2, 1, 2, 3, 4, Incomplete)]
    [InlineData(ChecksumType.Crc32C, 1, 2, 3, 4, Incomplete, 4)]
    public async Task OfOthersItIsPutTogether(ChecksumType type, params int[] steps)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        Assert.Equal(Digest.Of(type, [.. s_parts.SelectMany(part => part)]), await MadeAsync(fixture, steps));
    }

    /// <summary>Parts that are on their way at the same time are in no order, whichever is first.</summary>
    [Fact]
    public async Task PartsThatComeTogetherAreInNoOrder()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        byte[] whole = [.. s_parts.SelectMany(part => part)];
        for (int round = 0; round < 20; round++)
        {
            string upload = await BeginAsync(fixture, "x");
            await Task.WhenAll(Enumerable.Range(1, s_parts.Length).Append(1).Select(number => PartAsync(fixture, "x", upload, number, s_parts[number - 1])));
            ObjectAttributes made = await CompleteAsync(fixture, "x", upload, s_parts.Length);
            Assert.Equal(Digest.Of(made.Checksum.Type, whole), made.Checksum);
        }
    }

    /// <summary>Parts whose MD5s are known, since they were sent with them, make the entity tag that Amazon S3 gives: in any order, over a restart; one part without makes none.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PartsWithTheirMd5sMakeAnEntityTag(bool isOneWithout)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        string upload = await BeginAsync(fixture, "x");
        foreach (int number in (int[])[3, 1, 2, 4])
        {
            byte[] part = s_parts[number - 1];
            bool isWithout = isOneWithout && number == 2;
            Assert.True((await TryPartAsync(fixture, "x", upload, number, part, expected: isWithout ? default : Digest.Of(ChecksumType.Md5, part))).Ok);
        }

        await fixture.CloseAsync();
        await fixture.OpenAsync();
        ObjectAttributes made = await CompleteAsync(fixture, "x", upload, s_parts.Length);
        byte[] md5s = [.. s_parts.SelectMany(part => Digest.Of(ChecksumType.Md5, part).Value.ToArray())];
        string tag = $"{Digest.Of(ChecksumType.Md5, md5s).Hex}-{s_parts.Length}";
        KeyValuePair<string, string>[] expected = isOneWithout ? [] : [new("ETag", tag)];
        Assert.Equal(expected, made.Custom);
        using ChunkedReader reader = await OpenAsync(fixture, "x");
        Assert.Equal(isOneWithout ? "" : tag, reader.Manifest.ETag);
        Assert.Equal(Digest.Of(ChecksumType.Md5, s_parts[3]).Value.ToArray(), reader.Manifest.Chunks.Md5Of(3).ToArray());
    }

    private const int Restart = -1;
    private const int Incomplete = -2; // completing that is refused
    private const int Refused = 100; // a part with another digest than was sent, before

    private static async Task<Checksum> MadeAsync(EngineFixture fixture, int[] steps)
    {
        string upload = await BeginAsync(fixture, "x");
        foreach (int step in steps)
        {
            if (step == Restart)
            {
                await fixture.CloseAsync();
                await fixture.OpenAsync();
            }
            else if (step == Incomplete)
            {
                Assert.False((await TryCompleteAsync(fixture, "x", upload, [1, 2, 3])).Ok);
            }
            else if (step > Refused)
            {
                Result<ObjectAttributes> refused = await TryPartAsync(
                    fixture, "x", upload, step - Refused, s_parts[step - Refused - 1], expected: Digest.Of(ChecksumType.Md5, Encoding.ASCII.GetBytes("else")));
                Assert.Equal(ErrorCode.BadDigest, refused.Error?.Code);
            }
            else
            {
                await PartAsync(fixture, "x", upload, step, s_parts[step - 1]);
            }
        }

        ObjectAttributes made = await CompleteAsync(fixture, "x", upload, s_parts.Length);
        return made.Checksum;
    }
}
