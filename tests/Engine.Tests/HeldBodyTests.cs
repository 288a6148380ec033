using System.IO.Pipelines;
using Sluice.Contract;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>Small bodies are held in memory until their record is known: what that must not change.</summary>
public sealed class HeldBodyTests
{
    private const int Held = Limits.HeldBodyBytesMax;

    public static TheoryData<string, int> Bodies
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (string durability in (string[])["strict", "relaxed"])
            {
                foreach (int size in (int[])[0, 1, Held - 1, Held, Held + 1, (3 * Held) + 7])
                {
                    data.Add(durability, size);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task ABodyOfAnyLengthComesInPiecesAndIsWholeOverARestart(string durability, int size)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, $$"""{"durability":"{{durability}}"}""");
        var content = new byte[size];
        new Random(size).NextBytes(content);
        ObjectAttributes put = await PutInPiecesAsync(fixture, "a/b", content);
        Assert.Equal(Digest.Of(ChecksumType.XxHash2, content), put.Checksum);
        Assert.Equal(content, await fixture.GetAsync("a/b"));
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("a/b"));
    }

    /// <summary>Its name is in no cache: that something stands there is found by the rename, when the file has its first record already.</summary>
    [Theory]
    [InlineData("strict")]
    [InlineData("relaxed")]
    public async Task AnOverwriteOfWhatNobodyKnewOfHasTheNextVersion(string durability)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, $$"""{"durability":"{{durability}}"}""");
        await fixture.PutAsync("x", "one");
        await fixture.PutAsync("d/x", new byte[100_000]);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal("2", (await fixture.PutAsync("x", "two")).Version);
        Assert.Equal("2", (await fixture.PutAsync("d/x", "small")).Version);
        Assert.Equal("1", (await fixture.PutAsync("d", "where a directory stands")).Version);
        Assert.Equal("two", await fixture.GetTextAsync("x"));
        Assert.Equal("small", await fixture.GetTextAsync("d/x"));
        Assert.Equal("where a directory stands", await fixture.GetTextAsync("d"));
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal("two", await fixture.GetTextAsync("x"));
        Assert.Equal(["d", "d/x", "x"], await fixture.NamesAsync());
    }

    [Fact]
    public async Task ARefusedBodyHasMadeNoFile()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        Assert.Equal(ErrorCode.BadDigest, (await fixture.TryPutAsync("x", "evil"u8.ToArray(), Digest.Of(ChecksumType.Md5, "good"u8))).Error!.Code);
        Assert.Equal(0, fixture.WorkFileCount());
        Assert.Null(await fixture.GetAsync("x"));
    }

    [Fact]
    public async Task ASmallObjectWithMuchMetadataHasItsSidecar()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, """{"durability":"relaxed"}""");
        KeyValuePair<string, string>[] custom = [new("k", new string('v', 4000))];
        Result<ObjectAttributes> put = await PutAsync(fixture, "x", PipeReader.Create(new MemoryStream("body"u8.ToArray())), 4, custom);
        Assert.True(put.Ok, put.Error?.Message);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal("body", await fixture.GetTextAsync("x"));
        Result<ObjectAttributes> head = await fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"));
        Assert.Equal(custom, head.Value.Custom);
    }

    private static async Task<ObjectAttributes> PutInPiecesAsync(EngineFixture fixture, string name, byte[] content)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        Task<Result<ObjectAttributes>> put = PutAsync(fixture, name, pipe.Reader, lengthBytes: null, []);
        foreach (byte[] piece in content.Chunk(5000))
        {
            await pipe.Writer.WriteAsync(piece);
        }

        await pipe.Writer.CompleteAsync();
        Result<ObjectAttributes> answer = await put;
        Assert.True(answer.Ok, answer.Error?.Message);
        return answer.Value;
    }

    private static Task<Result<ObjectAttributes>> PutAsync(
        EngineFixture fixture, string name, PipeReader body, long? lengthBytes, IReadOnlyList<KeyValuePair<string, string>> custom) =>
        fixture.Io.OnItsThreadAsync(() => fixture.Engine.PutObjectAsync(
            Caller.Anonymous,
            new PutRequest { Bucket = fixture.Bucket, Name = ObjectName.From(name), Body = body, LengthBytes = lengthBytes, Custom = custom },
            CancellationToken.None));
}
