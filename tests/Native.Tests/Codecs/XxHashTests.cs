using System.Text;
using Sluice.Native.Codecs;

namespace Sluice.Native.Tests.Codecs;

/// <summary>xxHash as it is linked, against published values and against twins written after its specification.</summary>
public sealed class XxHashTests
{
    [Theory]
    [InlineData("", 0xef46db3751d8e999)]
    [InlineData("a", 0xd24ec4f1a98c6e5b)]
    [InlineData("abc", 0x44bc2cf5ad770999)]
    public void Xxh64HasItsPublishedValues(string text, ulong expected) => Assert.Equal(expected, XxHash64.Hash(Encoding.ASCII.GetBytes(text)));

    [Theory]
    [InlineData("", 0x2d06800538d394c2)]
    [InlineData("a", 0xe6c632b61e964e1f)]
    [InlineData("abc", 0x78af5f94892f3950)]
    public void Xxh3HasItsPublishedValues(string text, ulong expected) => Assert.Equal(expected, XxHash3.Hash(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void EveryLengthAndAlignmentAgreesWithTheTwins()
    {
        var random = new Random(20260101);
        var data = new byte[2200];
        random.NextBytes(data);
        for (int length = 0; length <= 2100; length += length < 320 ? 1 : 17)
        {
            ReadOnlySpan<byte> piece = data.AsSpan(random.Next(64), length);
            ulong seed = (ulong)random.NextInt64();
            Assert.Equal(Xxh64Scalar.Hash(piece, 0), XxHash64.Hash(piece));
            Assert.Equal(Xxh64Scalar.Hash(piece, seed), XxHash64.Hash(piece, seed));
            Assert.Equal(Xxh3Scalar.Hash(piece), XxHash3.Hash(piece));
        }
    }

    [Fact]
    public void AStreamInPiecesHasTheDigestOfTheWhole()
    {
        var random = new Random(7);
        using XxHashStream stream64 = XxHashStream.New64();
        using XxHashStream stream3 = XxHashStream.New3();
        for (int round = 0; round < 200; round++)
        {
            var data = new byte[random.Next(0, 5000)];
            random.NextBytes(data);
            for (int at = 0; at < data.Length;)
            {
                int take = Math.Min(random.Next(0, 400), data.Length - at);
                stream64.Append(data.AsSpan(at, take));
                stream3.Append(data.AsSpan(at, take));
                at += take;
            }

            Assert.Equal(Xxh64Scalar.Hash(data, 0), stream64.Digest());
            Assert.Equal(Xxh3Scalar.Hash(data), stream3.Digest());
            Assert.Equal(stream3.Digest(), stream3.Digest());
            stream64.Reset();
            stream3.Reset();
        }
    }

    [Fact]
    public void AStreamGoesOnAfterItsDigestWasAsked()
    {
        using XxHashStream stream = XxHashStream.New64();
        stream.Append("ab"u8);
        Assert.Equal(XxHash64.Hash("ab"u8), stream.Digest());
        stream.Append("c"u8);
        Assert.Equal(0x44bc2cf5ad770999UL, stream.Digest());
    }

    [Fact]
    public void ADisposedStreamRefuses()
    {
        XxHashStream stream = XxHashStream.New3();
        stream.Dispose();
        stream.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stream.Append("x"u8));
        Assert.Throws<ObjectDisposedException>(() => stream.Digest());
    }
}
