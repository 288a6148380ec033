using System.Text;
using Sluice.Cli.Transfers;

namespace Sluice.Cli.Tests;

/// <summary>The managed digests against published values and, XXH64 and XXH3, those computed by the reference implementation (libxxhash 0.8.1, seed 0).</summary>
public sealed class ContentDigestTests
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
    [InlineData("xxh3", "78af5f94892f3950")]
    [InlineData("crc32c", "364b3fb7")]
    [InlineData("crc64nvme", "05e5cabb3fc1faeb")]
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
    public void ATypeThatWeCannotComputeIsNotGuessed() => Assert.Null(ContentDigest.TryCreate("crc99"));

    [Theory]
    [InlineData("xxhash2")]
    [InlineData("xxh3")]
    [InlineData("crc32c")]
    [InlineData("crc64nvme")]
    public void TheManagedDigestsAreThoseOfTheNativeOnes(string type)
    {
        // Every way that XXH3 treats short content, the edges of its stripes and blocks, and a length that no buffer divides.
        foreach (int length in (IEnumerable<int>)[.. Enumerable.Range(0, 300), .. Enumerable.Range(1000, 100), .. Enumerable.Range(2040, 20), 100_003])
        {
            byte[] content = new byte[length];
            new Random(length).NextBytes(content);
            string expected = type switch
            {
                "xxhash2" => Native.Codecs.XxHash64.Hash(content).ToString("x16"),
                "xxh3" => Native.Codecs.XxHash3.Hash(content).ToString("x16"),
                "crc32c" => Native.Codecs.Crc32C.Hash(content).ToString("x8"),
                _ => Native.Codecs.Crc64Nvme.Hash(content).ToString("x16"),
            };
            foreach (int step in (int[])[Math.Max(length, 1), 1, 7, 64, 1023])
            {
                using ContentDigest digest = ContentDigest.TryCreate(type)!;
                for (int at = 0; at < length; at += step)
                {
                    digest.Append(content.AsSpan(at, Math.Min(step, length - at)));
                }

                Assert.True(expected == digest.Value(), $"{type} of {length} bytes by {step}: {digest.Value()}, not {expected}");
            }
        }
    }

    private static ulong Of(byte[] content)
    {
        var hash = new XxHash64();
        hash.Append(content);
        return hash.Current();
    }
}
