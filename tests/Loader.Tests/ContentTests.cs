// Content follows from name and size at any offset; a verifier that is fed something else says where it begins.
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Loader.Content;

namespace Sluice.Loader.Tests;

public sealed class ContentTests
{
    [Fact]
    public void AnyRangeIsThePartOfTheWhole() => Check.QuickThrowOnFailure(Prop.ForAll(
        Gen.Choose(0, 300).Two().ToArbitrary(),
        pair =>
        {
            byte[] whole = Bytes(7, 0, 600);
            byte[] part = Bytes(7, pair.Item1, pair.Item2);
            return whole.AsSpan(pair.Item1, pair.Item2).SequenceEqual(part) && ContentPattern.FirstDifference(7, pair.Item1, part) == -1;
        }));

    [Fact]
    public void OffsetsBeyondFourGibibytesAreReached()
    {
        const long Far = (5L << 32) + 3;
        byte[] part = Bytes(7, Far, 100);
        Assert.Equal(part[50..], Bytes(7, Far + 50, 50));
        Assert.NotEqual(part, Bytes(7, 3, 100));
    }

    [Fact]
    public void EveryFlippedBitIsFoundAtItsByte()
    {
        for (int offset = 0; offset < 9; offset++)
        {
            byte[] good = Bytes(99, offset, 67);
            for (int bit = 0; bit < good.Length * 8; bit++)
            {
                byte[] bad = [.. good];
                bad[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Equal(bit / 8, ContentPattern.FirstDifference(99, offset, bad));
            }
        }
    }

    [Fact]
    public void NameAndSizeBothMakeTheKey()
    {
        ulong key = ContentPattern.Key("a/b"u8, 100);
        Assert.Equal(key, ContentPattern.Key("a/b"u8, 100));
        Assert.NotEqual(key, ContentPattern.Key("a/c"u8, 100));
        Assert.NotEqual(key, ContentPattern.Key("a/b"u8, 101));
    }

    /// <summary>Objects of earlier versions must stay verifiable. The numbers are SplitMix64's for seed 1234567, which others publish too.</summary>
    [Fact]
    public void ContentOfAKeyIsFrozen() =>
        Assert.Equal("85fc08fb17d09e59a50f545884f0732c777cf2a3e5bc3e88", Convert.ToHexStringLower(Bytes(1234567, 0, 24)));

    [Theory]
    [InlineData("xxhash", "44bc2cf5ad770999")]
    [InlineData("xxhash2", "44bc2cf5ad770999")]
    [InlineData("crc32c", "364b3fb7")]
    [InlineData("md5", "900150983cd24fb0d6963f7d28e17f72")]
    [InlineData("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    public void ADigestIsTheContractsAndCanBeUsedAgain(string type, string expected)
    {
        using BodyDigest digest = BodyDigest.TryCreate(type)!;
        byte[] hex = new byte[BodyDigest.HexMax];
        for (int round = 0; round < 2; round++)
        {
            digest.Append("a"u8);
            digest.Append("bc"u8);
            Assert.Equal(expected, Encoding.ASCII.GetString(hex, 0, digest.Finish(hex)));
        }

        digest.Append("left over"u8);
        digest.Reset();
        digest.Append("abc"u8);
        Assert.Equal(expected, Encoding.ASCII.GetString(hex, 0, digest.Finish(hex)));
    }

    [Fact]
    public void EveryKnownTypeButNoneCanBeComputed()
    {
        foreach (string type in BodyDigest.KnownTypes.Split(", "))
        {
            Assert.True(BodyDigest.IsKnown(type));
            using BodyDigest? digest = BodyDigest.TryCreate(type);
            Assert.Equal(type == "none", digest is null);
        }

        Assert.False(BodyDigest.IsKnown("crc16"));
    }

    private static byte[] Bytes(ulong key, long offset, int count)
    {
        byte[] bytes = new byte[count];
        ContentPattern.Fill(key, offset, bytes);
        return bytes;
    }
}
