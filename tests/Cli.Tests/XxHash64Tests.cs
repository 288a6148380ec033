using System.Text;
using Sluice.Cli.Transfers;

namespace Sluice.Cli.Tests;

/// <summary>The managed XXH64 against digests computed by the reference implementation (libxxhash 0.8.1, seed 0).</summary>
public sealed class XxHash64Tests
{
    [Theory]
    [InlineData("", 0xef46db3751d8e999)]
    [InlineData("a", 0xd24ec4f1a98c6e5b)]
    [InlineData("abc", 0x44bc2cf5ad770999)]
    [InlineData("Nobody inspects the spammish repetition", 0xfbcea83c8a378bf1)]
    public void KnownDigests(string text, ulong expected) => Assert.Equal(expected, Of(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void KnownDigestsOfLongerContent()
    {
        Assert.Equal(0xe99038495f85381eUL, Of([.. Enumerable.Range(0, 101).Select(i => (byte)i)]));
        Assert.Equal(0xcbab15ce50b1eb20UL, Of([.. Enumerable.Range(0, 100_003).Select(i => (byte)(i % 251))]));
    }

    [Fact]
    public void PiecesOfAnySizeGiveTheDigestOfTheWhole()
    {
        byte[] content = new byte[257];
        new Random(7).NextBytes(content);
        ulong whole = Of(content);
        for (int first = 0; first <= content.Length; first++)
        {
            for (int step = 1; step <= 70; step += 3)
            {
                var hash = new XxHash64();
                hash.Append(content.AsSpan(0, first));
                for (int at = first; at < content.Length; at += step)
                {
                    hash.Append(content.AsSpan(at, Math.Min(step, content.Length - at)));
                }

                Assert.Equal(whole, hash.Current());
            }
        }
    }

    [Fact]
    public void AskingInBetweenChangesNothing()
    {
        byte[] content = new byte[100];
        var hash = new XxHash64();
        hash.Append(content.AsSpan(0, 45));
        Assert.Equal(Of(content[..45]), hash.Current());
        hash.Append(content.AsSpan(45));
        Assert.Equal(Of(content), hash.Current());
    }

    [Theory]
    [InlineData("xxhash", "44bc2cf5ad770999")]
    [InlineData("xxhash2", "44bc2cf5ad770999")]
    [InlineData("md5", "900150983cd24fb0d6963f7d28e17f72")]
    [InlineData("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("sha512", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")]
    public void EveryDigestOfTheContractThatWeClaim(string type, string expected)
    {
        using ContentDigest digest = ContentDigest.TryCreate(type)!;
        digest.Append("a"u8);
        digest.Append("bc"u8);
        Assert.Equal(expected, digest.Value());
    }

    [Fact]
    public void ATypeThatWeCannotComputeIsNotGuessed() => Assert.Null(ContentDigest.TryCreate("crc32c"));

    private static ulong Of(byte[] content)
    {
        var hash = new XxHash64();
        hash.Append(content);
        return hash.Current();
    }
}
