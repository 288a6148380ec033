using System.IO.Pipelines;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests;

/// <summary>Appends: nobody sees a byte before the flush, which makes the object what a PUT of all of it would; and whatever ends one early leaves the object as it was, and no file.</summary>
public sealed class AppendTests
{
    private static readonly int[] s_pieces = [5, 0, 70_000, (1 << 20) + 1, 1];

    public static TheoryData<string> Properties => new(
        """{"durability":"strict"}""",
        """{"durability":"relaxed","checksum":{"type":"md5"}}""",
        """{"mirror":{"enabled":true,"copies":2},"checksum":{"type":"none"}}""",
        """{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":90000}}""",
        """{"chunks":{"objsize_limit":100000,"chunk_size":70000}}""");

    [Theory]
    [MemberData(nameof(Properties))]
    public async Task PiecesAreTheObjectWhenTheyAreFlushed(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(4, properties);
        foreach (int before in (int[])[-1, 0, 1000, 200_000])
        {
            var x = new AnyObject(fixture, fixture.Bucket, "dir/x");
            byte[]? old = before < 0 ? null : Bytes(new Random(1), before);
            ObjectAttributes had = old is null ? default : await x.PutAsync(old, new KeyValuePair<string, string>("who", "me"));
            byte[] whole = old ?? [];
            string handle = "";
            foreach (int size in s_pieces)
            {
                byte[] piece = Bytes(new Random(size), size);
                string next = await AppendAsync(x, piece, handle);
                Assert.NotEqual(handle, next);
                (handle, whole) = (next, [.. whole, .. piece]);
                Assert.Equal(old, await x.ReadAsync());
                Assert.Equal(old is null ? [] : ["dir/x"], await fixture.NamesAsync());
            }

            Assert.Equal(1, (await fixture.Engine.StatusAsync()).Counters["append.open"]);
            Result<ObjectAttributes> flushed = await FlushAsync(x, handle, Digest.Of(ChecksumType.Sha256, whole));
            Assert.True(flushed.Ok, flushed.Error?.Message);
            Assert.Equal(whole, await x.ReadAsync());
            Assert.Equal(0, (await fixture.Engine.StatusAsync()).Counters["append.open"]);

            ObjectAttributes put = await new AnyObject(fixture, fixture.Bucket, "put").PutAsync(whole);
            Assert.Equal((put.SizeBytes, put.Checksum, put.ChunkCount), (flushed.Value.SizeBytes, flushed.Value.Checksum, flushed.Value.ChunkCount));
            Assert.Equal(old is null ? "1" : (int.Parse(had.Version, System.Globalization.CultureInfo.InvariantCulture) + 1).ToString(System.Globalization.CultureInfo.InvariantCulture), flushed.Value.Version);
            Assert.Equal(old is null ? [] : had.Custom, flushed.Value.Custom);
            await x.DeleteAsync();
            await new AnyObject(fixture, fixture.Bucket, "put").DeleteAsync();
        }

        await NothingIsLeftAsync(fixture);
        Assert.Empty(fixture.WorkFiles());
    }

    [Fact]
    public async Task AHandleIsGoodForOnePieceOfOneObject()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        string first = await AppendAsync(x, "one "u8.ToArray(), "");
        string second = await AppendAsync(x, "two "u8.ToArray(), first);
        Assert.Equal(second, await AppendAsync(x, "two "u8.ToArray(), first)); // its answer was lost
        Assert.Equal(ErrorCode.Busy, (await TryAppendAsync(x, "2wo "u8.ToArray(), first)).Error!.Code);
        Assert.Equal(ErrorCode.Busy, (await TryAppendAsync(x, "two"u8.ToArray(), first)).Error!.Code);
        string third = await AppendAsync(x, "three"u8.ToArray(), second);
        Assert.Equal(ErrorCode.Busy, (await TryAppendAsync(x, "two "u8.ToArray(), first)).Error!.Code);
        Assert.Equal(ErrorCode.Busy, (await FlushAsync(x, second)).Error!.Code);
        foreach (string wrong in (string[])["", "x", third + "0", "0" + third, "0123456789abcdef-3", third.Replace('-', '+')])
        {
            Assert.NotEqual(default, (await FlushAsync(x, wrong)).Error!.Code);
        }

        Assert.Equal(ErrorCode.ObjectNotFound, (await TryAppendAsync(x with { Name = "y" }, [1], third)).Error!.Code);
        Assert.Equal(ErrorCode.ObjectNotFound, (await FlushAsync(x with { Name = "y" }, third)).Error!.Code);
        Assert.Null(await x.ReadAsync());
        Assert.True((await FlushAsync(x, third)).Ok);
        Assert.Equal("one two three"u8.ToArray(), await x.ReadAsync());
        Assert.Equal(ErrorCode.ObjectNotFound, (await FlushAsync(x, third)).Error!.Code);
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryAppendAsync(x, [1], third)).Error!.Code);
        Assert.DoesNotContain("://", (await FlushAsync(x, third)).Error!.Message, StringComparison.Ordinal); // clients would try again and again
    }

    /// <summary>The start is what the object was when the append began; who writes it meanwhile is replaced by the flush.</summary>
    [Fact]
    public async Task TheStartIsTheObjectOfTheFirstPiece()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        await x.PutAsync("old "u8.ToArray());
        string handle = await AppendAsync(x, "piece"u8.ToArray(), "");
        await x.PutAsync("other"u8.ToArray());
        Assert.True((await FlushAsync(x, handle)).Ok);
        Assert.Equal("old piece"u8.ToArray(), await x.ReadAsync());
        Assert.Equal("3", (await x.HeadAsync()).Value.Version);
    }

    [Fact]
    public async Task ADigestIsThatOfThePieceOrOfAll()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        await x.PutAsync("0"u8.ToArray());
        string handle = await AppendAsync(x, "12"u8.ToArray(), "", Digest.Of(ChecksumType.Md5, "12"u8));
        Assert.Equal(ErrorCode.BadDigest, (await TryAppendAsync(x, "34"u8.ToArray(), handle, Digest.Of(ChecksumType.Md5, "12"u8))).Error!.Code);
        handle = await AppendAsync(x, "56"u8.ToArray(), handle, Digest.Of(ChecksumType.XxHash2, "56"u8));
        Assert.Equal(ErrorCode.BadDigest, (await FlushAsync(x, handle, Digest.Of(ChecksumType.Md5, "1256"u8))).Error!.Code);
        Assert.Equal("0"u8.ToArray(), await x.ReadAsync());
        Assert.True((await FlushAsync(x, handle, Digest.Of(ChecksumType.Md5, "01256"u8))).Ok);
        Assert.Equal("01256"u8.ToArray(), await x.ReadAsync());
        Assert.Equal(ErrorCode.BadDigest, (await TryAppendAsync(x, "7"u8.ToArray(), "", Digest.Of(ChecksumType.Md5, "8"u8))).Error!.Code);
        Assert.Empty(fixture.WorkFiles()); // nobody has a handle of that one
    }

    /// <summary>A client that is gone in the midst of a piece, or sends less than it said: the piece is sent again with the same handle.</summary>
    [Fact]
    public async Task APieceThatBreaksOffDoesNotCount()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        string handle = await AppendAsync(x, "begin "u8.ToArray(), "");
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        await pipe.Writer.WriteAsync(new byte[200_000]);
        await pipe.Writer.CompleteAsync(new IOException("the client is gone"));
        await Assert.ThrowsAsync<IOException>(() => TryAppendAsync(x, pipe.Reader, 300_000, handle));
        Assert.Equal(ErrorCode.BadBody, (await TryAppendAsync(x, PipeReader.Create(new MemoryStream(new byte[100_000])), 100_001, handle)).Error!.Code);
        handle = await AppendAsync(x, "end"u8.ToArray(), handle);
        Assert.True((await FlushAsync(x, handle)).Ok);
        Assert.Equal("begin end"u8.ToArray(), await x.ReadAsync());
    }

    [Fact]
    public async Task OnlyOneWorksWithAHandle()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        string handle = await AppendAsync(x, "1"u8.ToArray(), "");
        var pipe = new Pipe();
        Task<Result<string>> slow = TryAppendAsync(x, pipe.Reader, null, handle);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Result<string> second;
        do
        {
            second = await TryAppendAsync(x, PipeReader.Create(new MemoryStream([])), 5, handle); // it is refused before, or for the body that is too short
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), "two requests append with one handle");
        }
        while (second.Error!.Code == ErrorCode.BadBody);

        Assert.Equal(ErrorCode.Busy, second.Error.Code);
        Assert.Equal(ErrorCode.Busy, (await FlushAsync(x, handle)).Error!.Code);
        await pipe.Writer.WriteAsync("2"u8.ToArray());
        await pipe.Writer.CompleteAsync();
        Result<string> last = await slow;
        Assert.True(last.Ok, last.Error?.Message);
        Assert.True((await FlushAsync(x, last.Value)).Ok);
        Assert.Equal("12"u8.ToArray(), await x.ReadAsync());
    }

    /// <summary>Many appends of one name, all at the same time: the object is one of them, whole.</summary>
    [Fact]
    public async Task AppendsOfOneNameDoNotMix()
    {
        const int Clients = 8;
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async client =>
        {
            string handle = "";
            for (int i = 0; i < 10; i++)
            {
                handle = await AppendAsync(x with { Name = $"x{client % 2}" }, Enumerable.Repeat((byte)client, 10_000).ToArray(), handle);
            }

            Assert.True((await FlushAsync(x with { Name = $"x{client % 2}" }, handle)).Ok);
        }));
        foreach (string name in (string[])["x0", "x1"])
        {
            byte[] content = (await (x with { Name = name }).ReadAsync())!;
            Assert.Equal(0, content.Length % 100_000); // some began with what another had flushed
            Assert.All(content.Chunk(100_000), part => Assert.Equal(Enumerable.Repeat(part[0], 100_000), part));
        }
    }

    [Fact]
    public async Task AStopEndsItAndLeavesNothing()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        await x.PutAsync("old"u8.ToArray());
        string handle = await AppendAsync(x, new byte[100_000], "");
        Assert.Single(fixture.WorkFiles());
        await fixture.CloseAsync();
        Assert.Empty(fixture.WorkFiles());
        await fixture.OpenAsync();
        Failure refused = (await FlushAsync(x, handle)).Error!;
        Assert.Equal((ErrorCode.ObjectNotFound, true), (refused.Code, refused.Message.Contains("does not exist", StringComparison.Ordinal)));
        Assert.Equal("old"u8.ToArray(), await x.ReadAsync());
    }

    [Fact]
    public async Task WhatNobodyGoesOnWithIsRemoved()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.CloseAsync();
        await fixture.OpenAsync(fixture.Options with { UploadAge = TimeSpan.FromSeconds(1) });
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        string left = await AppendAsync(x, "left"u8.ToArray(), "");
        string used = await AppendAsync(x with { Name = "used" }, "0"u8.ToArray(), "");
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (fixture.WorkFileCount() > 1)
        {
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), "an append that nobody goes on with is there");
            used = await AppendAsync(x with { Name = "used" }, "1"u8.ToArray(), used);
        }

        Assert.Equal(ErrorCode.ObjectNotFound, (await FlushAsync(x, left)).Error!.Code);
        Assert.True((await FlushAsync(x with { Name = "used" }, used)).Ok);
        Assert.StartsWith("011", System.Text.Encoding.ASCII.GetString((await (x with { Name = "used" }).ReadAsync())!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABucketThatIsDestroyedEndsIt()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        string handle = await AppendAsync(x, "1"u8.ToArray(), "");
        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, fixture.Bucket)).Ok);
        Assert.Equal(ErrorCode.BucketNotFound, (await TryAppendAsync(x, [1], handle)).Error!.Code);
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json("null"))).Ok);
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryAppendAsync(x, [1], handle)).Error!.Code);
        Assert.Equal(ErrorCode.ObjectNotFound, (await FlushAsync(x, handle)).Error!.Code);
        Assert.Equal(0, (await fixture.Engine.StatusAsync()).Counters["append.open"]);
    }

    [Fact]
    public async Task AMountpathThatLeavesEndsIt()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        await x.PutAsync("old"u8.ToArray());
        string handle = await AppendAsync(x, "1"u8.ToArray(), "");
        string path = fixture.Paths.Single(path => fixture.WorkFiles().Single().StartsWith(path, StringComparison.Ordinal));
        Assert.True((await fixture.Engine.Mountpaths.DisableAsync(path, force: false)).Ok);
        await Task.WhenAll(fixture.Engine.Jobs.All.Where(job => job.Kind == JobKinds.Resilver).Select(job => job.Ended));
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryAppendAsync(x, [1], handle)).Error!.Code);
        Assert.Equal("old"u8.ToArray(), await x.ReadAsync());
        Assert.True((await fixture.Engine.Mountpaths.EnableAsync(path)).Ok);
        await Task.WhenAll(fixture.Engine.Jobs.All.Where(job => job.Kind == JobKinds.Resilver).Select(job => job.Ended));
        Assert.Empty(fixture.WorkFiles());
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryAppendAsync(x, [1], handle)).Error!.Code);
        Assert.Equal("old"u8.ToArray(), await x.ReadAsync());
    }

    /// <summary>What a drive makes of the bytes that wait there is not flushed as if it had been sent.</summary>
    [Fact]
    public async Task WrongBytesAreNeverFlushed()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        await x.PutAsync("old"u8.ToArray());
        string handle = await AppendAsync(x, new byte[100_000], "");
        using (FileStream file = File.OpenWrite(fixture.WorkFiles().Single()))
        {
            file.Position = 50_000;
            file.WriteByte(1);
        }

        Assert.Equal(ErrorCode.Damaged, (await FlushAsync(x, handle)).Error!.Code);
        Assert.Equal("old"u8.ToArray(), await x.ReadAsync());
    }

    private static Task<Result<string>> TryAppendAsync(AnyObject x, PipeReader body, long? length, string handle, Checksum sent = default) =>
        x.Fixture.Io.OnItsThreadAsync(() => x.Fixture.Engine.AppendObjectAsync(
            Caller.Anonymous,
            new PutRequest { Bucket = x.Bucket, Name = ObjectName.From(x.Name), Body = body, LengthBytes = length, Expected = sent },
            handle,
            CancellationToken.None));

    private static Task<Result<string>> TryAppendAsync(AnyObject x, byte[] piece, string handle, Checksum sent = default) =>
        TryAppendAsync(x, PipeReader.Create(new MemoryStream(piece)), piece.Length % 2 == 0 ? piece.Length : null, handle, sent);

    private static async Task<string> AppendAsync(AnyObject x, byte[] piece, string handle, Checksum sent = default)
    {
        Result<string> next = await TryAppendAsync(x, piece, handle, sent);
        Assert.True(next.Ok, next.Error?.Message);
        return next.Value;
    }

    private static Task<Result<ObjectAttributes>> FlushAsync(AnyObject x, string handle, Checksum sent = default) =>
        x.Fixture.Io.OnItsThreadAsync(() => x.Fixture.Engine.FlushAppendAsync(
            Caller.Anonymous, x.Bucket, ObjectName.From(x.Name), handle, sent, [], CancellationToken.None));
}
