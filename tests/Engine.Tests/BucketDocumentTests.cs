using System.Text;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>
/// The bucket metadata lies on three mountpaths of more: any one may be lost or damaged, the newest valid copy wins, and with none left the
/// engine refuses to start rather than believe that there are no buckets.
/// </summary>
public sealed class BucketDocumentTests
{
    private const int CopyCount = 3;

    [Fact]
    public async Task ThereAreThreeCopiesOfTheSameBytes()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(5);
        string[] copies = Copies(fixture);
        Assert.Equal(CopyCount, copies.Length);
        Assert.Single(copies.Select(File.ReadAllText).Distinct());
    }

    [Theory]
    [InlineData("lost")]
    [InlineData("damaged")]
    [InlineData("cut")]
    [InlineData("empty")]
    public async Task AnyTwoCopiesMayGo(string how)
    {
        for (int survivor = 0; survivor < CopyCount; survivor++)
        {
            await using EngineFixture fixture = await EngineFixture.NewAsync(3);
            await fixture.PutAsync("x", "content");
            await fixture.CloseAsync();
            string[] copies = Copies(fixture);
            for (int i = 0; i < copies.Length; i++)
            {
                if (i != survivor)
                {
                    Spoil(copies[i], how);
                }
            }

            await fixture.OpenAsync();
            Assert.Equal("content", await fixture.GetTextAsync("x"));

            // The next change writes all copies anew.
            await MakeAsync(fixture, "c");
            Assert.Equal(CopyCount, Copies(fixture).Length);
            Assert.Single(Copies(fixture).Select(File.ReadAllText).Distinct());
        }
    }

    [Fact]
    public async Task TheNewestValidCopyWins()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        await fixture.CloseAsync();
        string[] copies = Copies(fixture);
        byte[] old = await File.ReadAllBytesAsync(copies[0]);
        await fixture.OpenAsync();
        await MakeAsync(fixture, "newer");
        await fixture.CloseAsync();
        await File.WriteAllBytesAsync(copies[0], old);
        await File.WriteAllBytesAsync(copies[1], old);
        await fixture.OpenAsync();
        Assert.Equal(["b", "newer"], Names(fixture));
        await fixture.CloseAsync();

        // Of the newer version, but damaged: the older one is what is left.
        await File.WriteAllBytesAsync(copies[0], old);
        await File.WriteAllBytesAsync(copies[1], old);
        Spoil(copies[2], "damaged");
        await fixture.OpenAsync();
        Assert.Equal(["b"], Names(fixture));
    }

    [Theory]
    [InlineData("damaged", "cannot be used: its checksum does not match")]
    [InlineData("empty", "cannot be used: it is no document of ours")]
    public async Task WithEveryCopyDamagedTheEngineDoesNotStart(string how, string sentence)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        await fixture.PutAsync("x", "content");
        await fixture.CloseAsync();
        string[] copies = Copies(fixture);
        byte[][] good = [.. copies.Select(File.ReadAllBytes)];
        Array.ForEach(copies, copy => Spoil(copy, how));
        string refusal = await RefusalAsync(fixture);
        Assert.StartsWith("mountpath ", refusal, StringComparison.Ordinal);
        Assert.EndsWith($".sluice/bmd {sentence}", refusal, StringComparison.Ordinal);
        await File.WriteAllBytesAsync(copies[1], good[1]);
        await fixture.OpenAsync();
        Assert.Equal("content", await fixture.GetTextAsync("x"));
    }

    /// <summary>What a crash in the middle of a change leaves: only one mountpath knows of a bucket that is then written into.</summary>
    [Fact]
    public async Task TheNewestCopyIsBroughtToTheOthersAtTheStart()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        string[] copies = Copies(fixture);
        byte[] old = await File.ReadAllBytesAsync(copies[0]);
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name("newer"), default)).Ok);
        await fixture.CloseAsync();
        await File.WriteAllBytesAsync(copies[0], old);
        await File.WriteAllBytesAsync(copies[2], old);
        await fixture.OpenAsync();
        Assert.Single(copies.Select(File.ReadAllText).Distinct());
        await fixture.CloseAsync();
        File.Delete(copies[1]); // the one that knew
        await fixture.OpenAsync();
        Assert.True(fixture.Engine.HeadBucket(Caller.Anonymous, EngineFixture.Name("newer")).Ok);
    }

    [Fact]
    public async Task WithEveryCopyLostBucketsOnTheMountpathsAreNotForgotten()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        await fixture.PutAsync("x", "content");
        await fixture.CloseAsync();
        string[] copies = Copies(fixture);
        byte[] good = await File.ReadAllBytesAsync(copies[0]);
        Array.ForEach(copies, File.Delete);
        Assert.EndsWith("holds buckets, but no mountpath has their metadata (.sluice/bmd)", await RefusalAsync(fixture), StringComparison.Ordinal);
        await File.WriteAllBytesAsync(copies[0], good);
        await fixture.OpenAsync();
        Assert.Equal("content", await fixture.GetTextAsync("x"));
    }

    [Fact]
    public async Task ADocumentOfAnotherClusterIsRefused()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.CloseAsync();
        string copy = Copies(fixture)[0];
        byte[] good = await File.ReadAllBytesAsync(copy);
        Assert.True(SealedDocument.TryParse(BucketDocument.Kind, good, out ReadOnlyMemory<byte> json, out _));
        BucketDocument document = BucketDocument.Parse(json.Span).Document!;
        document.Cluster = "cSomebodyElse";
        await File.WriteAllBytesAsync(copy, SealedDocument.Format(BucketDocument.Kind, document.Format()));
        Assert.StartsWith("the bucket metadata belongs to cluster cSomebodyElse, the mountpaths to ", await RefusalAsync(fixture), StringComparison.Ordinal);
        await File.WriteAllBytesAsync(copy, good);
        await fixture.OpenAsync();
    }

    [Theory]
    [InlineData("{}", "it has no version")]
    [InlineData("null", "it is empty")]
    [InlineData("""{"version":1,"surprise":2}""", "surprise")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":0,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1}]}""", "bucket b has no generation")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1,"home":"ais/@#/a%5"}]}""", "bucket b has a home that is none")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1,"home":"ais/@#/a/b"}]}""", "bucket b has a home that is none")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1,"home":"ais/@#/%0123456789abcdef"}]}""", "bucket b has a home that is none")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1,"features":1}]}""", "bucket b has features or a policy that is not known")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1,"md_policy":"immediate"}]}""", "bucket b has features or a policy that is not known")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1,"lru":{"batch_size":1}}]}""", "bucket b: property \"lru.batch_size\"")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1,"rate_limit":{"frontend":3}}]}""", "bucket b: property \"frontend\"")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1,"extra":{"aws":{"max_pagesize":-1}}}]}""", "bucket b: property \"extra.aws.max_pagesize\"")]
    [InlineData("""{"version":1,"defaults":{"checksum":{"type":"sha3"}}}""", "the defaults: property \"checksum.type\"")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"sha3","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1}]}""", "bucket b has an unknown checksum type")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"../x","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1}]}""", "bucket name")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b"}]}""", "bid")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1,"mirror":{"copies":99}}]}""", "bucket b: property \"mirror.copies\"")]
    [InlineData("""{"version":1,"buckets":null}""", "buckets")]
    [InlineData("""{"version":1,"destroyed":[null]}""", "a row is empty")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":7,"access":1}]}""", "bucket b has a durability or a verification that is not known")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1,"verify":-1}]}""", "bucket b has a durability or a verification that is not known")]
    [InlineData("""{"version":1,"buckets":[{"provider":"ais","name":"b","bid":5,"created":1,"checksum":"none","validate_warm_get":false,"versioning":true,"durability":"Strict","access":1,"ec":{"enabled":"\ud800"}}]}""", "surrogate")]
    public void ADocumentThatIsNoneOfThisVersionIsRefused(string json, string sentence)
    {
        (BucketDocument? document, string? problem) = BucketDocument.Parse(Encoding.UTF8.GetBytes(json));
        Assert.Null(document);
        Assert.Contains(sentence, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void EverySingleByteCorruptionOfASealedDocumentIsRefused()
    {
        byte[] document = SealedDocument.Format("bmd", """{"version":1}"""u8);
        Assert.True(SealedDocument.TryParse("bmd", document, out _, out _));
        Assert.False(SealedDocument.TryParse("identity", document, out _, out _));
        for (int at = 0; at < document.Length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                document[at] ^= (byte)(1 << bit);
                Assert.False(SealedDocument.TryParse("bmd", document, out _, out string? problem), $"byte {at}, bit {bit}");
                Assert.NotEmpty(problem);
                document[at] ^= (byte)(1 << bit);
            }

            Assert.False(SealedDocument.TryParse("bmd", document.AsMemory(0, at), out _, out _));
        }
    }

    private static string[] Copies(EngineFixture fixture) =>
        [.. fixture.Paths.Select(path => Path.Combine(path, ".sluice/bmd")).Where(File.Exists)];

    private static void Spoil(string file, string how)
    {
        byte[] bytes = File.ReadAllBytes(file);
        switch (how)
        {
            case "lost":
                File.Delete(file);
                return;
            case "damaged":
                bytes[^5] ^= 1;
                break;
            default:
                bytes = how == "cut" ? bytes[..^1] : [];
                break;
        }

        File.WriteAllBytes(file, bytes);
    }

    private static async Task<string> RefusalAsync(EngineFixture fixture)
    {
        Result<ObjectEngine> opened = await fixture.TryOpenAsync();
        Assert.False(opened.Ok, "the engine started");
        Assert.Equal(ErrorCode.StorageFailed, opened.Error!.Code);
        Assert.Equal(0, fixture.Io.OpenCount);
        return opened.Error.Message;
    }

    private static async Task MakeAsync(EngineFixture fixture, string bucket) =>
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name(bucket), default)).Ok);

    private static IEnumerable<string> Names(EngineFixture fixture) =>
        fixture.Engine.ListBuckets(Caller.Anonymous, null).Value.Select(record => record.Name.Name);
}
