using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests;

/// <summary>Another name for an object: the same bytes and custom metadata under it, nothing under the old one, and nobody's change lost.</summary>
public sealed class RenameTests
{
    public static TheoryData<string> Properties => new(
        """{"durability":"strict"}""",
        """{"durability":"relaxed"}""",
        """{"mirror":{"enabled":true,"copies":2}}""",
        """{"chunks":{"objsize_limit":100000,"chunk_size":70000},"durability":"relaxed"}""");

    [Theory]
    [MemberData(nameof(Properties))]
    public async Task TheObjectIsUnderItsNewNameAlone(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        foreach (int size in (int[])[0, 1000, 300_000])
        {
            byte[] content = Bytes(new Random(size), size);
            var x = new AnyObject(fixture, fixture.Bucket, "dir/x");
            ObjectAttributes put = await x.PutAsync(content, new KeyValuePair<string, string>("who", "me"));
            foreach ((string from, string to) in ((string, string)[])[("dir/x", "dir/x/y"), ("dir/x/y", "z"), ("z", "dir/x")])
            {
                ObjectAttributes moved = await RenameAsync(x with { Name = from }, to);
                Assert.Null(await (x with { Name = from }).ReadAsync());
                Assert.Equal(content, await (x with { Name = to }).ReadAsync());
                Assert.Equal([to], await fixture.NamesAsync());
                Assert.Equal((put.SizeBytes, put.Checksum, put.ChunkCount, "1"), (moved.SizeBytes, moved.Checksum, moved.ChunkCount, moved.Version));
                Assert.Equal(put.Custom, (await (x with { Name = to }).HeadAsync()).Value.Custom);
            }

            await new AnyObject(fixture, fixture.Bucket, "over").PutAsync("old"u8.ToArray());
            Assert.Equal("2", (await RenameAsync(x, "over")).Version);
            Assert.Equal(content, await (x with { Name = "over" }).ReadAsync());
            await (x with { Name = "over" }).DeleteAsync();
        }

        await NothingIsLeftAsync(fixture);
    }

    [Fact]
    public async Task WhatCannotBeIsRefused()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        await x.PutAsync("content"u8.ToArray());
        Assert.Equal(ErrorCode.BadRequest, (await TryRenameAsync(x, "x")).Error!.Code);
        Failure none = (await TryRenameAsync(x with { Name = "none" }, "y")).Error!;
        Assert.Equal((ErrorCode.ObjectNotFound, "ais://b/none does not exist"), (none.Code, none.Message));
        Assert.Equal(ErrorCode.BucketNotFound, (await TryRenameAsync(x with { Bucket = EngineFixture.Name("none") }, "y")).Error!.Code);
        BucketName coded = EngineFixture.Name("coded");
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, coded, EngineFixture.Json("""{"ec":{"enabled":true,"data_slices":2,"parity_slices":1}}"""))).Ok);
        await (x with { Bucket = coded }).PutAsync("content"u8.ToArray());
        Assert.Equal(ErrorCode.NotImplemented, (await TryRenameAsync(x with { Bucket = coded }, "y")).Error!.Code);
        Assert.Equal("content"u8.ToArray(), await (x with { Bucket = coded }).ReadAsync());
        Assert.Equal(["x"], await fixture.NamesAsync());
    }

    /// <summary>Writers of the old name, of its metadata too: what they were acknowledged is under one of the names in the end.</summary>
    [Theory]
    [InlineData("null")]
    [InlineData("""{"chunks":{"objsize_limit":100000,"chunk_size":70000}}""")]
    public async Task WhatIsWrittenMeanwhileIsNotLost(string properties)
    {
        const int Rounds = 60;
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, properties);
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        for (int round = 0; round < Rounds; round++)
        {
            await x.PutAsync(Bytes(new Random(1), 150_000));
            byte[] written = Bytes(new Random(round), 150_000 + round);
            Task<Result<ObjectAttributes>> renaming = TryRenameAsync(x, "y");
            Task writing = round % 2 == 0 ? x.PutAsync(written) : fixture.Io.OnItsThreadAsync(() => fixture.Engine.SetCustomAsync(
                Caller.Anonymous, fixture.Bucket, ObjectName.From("x"), [new("round", $"{round}")], replaceAll: true));
            await Task.WhenAll(renaming, writing);
            Result<ObjectAttributes> renamed = await renaming;
            Assert.True(renamed.Ok || renamed.Error!.Code == ErrorCode.Busy, renamed.Error?.Message);
            if (round % 2 == 0)
            {
                byte[]? left = await x.ReadAsync();
                Assert.Equal(written, left ?? await (x with { Name = "y" }).ReadAsync());
            }
            else if (await (Task<Result<ObjectAttributes>>)writing is { Ok: true })
            {
                Result<ObjectAttributes> seen = await x.HeadAsync() is { Ok: true } old ? old : await (x with { Name = "y" }).HeadAsync();
                Assert.Equal([new KeyValuePair<string, string>("round", $"{round}")], seen.Value.Custom);
            }
        }
    }

    /// <summary>Of two that give it different names one does, and there is one object in the end.</summary>
    [Fact]
    public async Task AnObjectGetsOneNameAlone()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        for (int round = 0; round < 40; round++)
        {
            await x.PutAsync(Bytes(new Random(round), 50_000));
            Result<ObjectAttributes>[] renamed = await Task.WhenAll(TryRenameAsync(x, "y"), TryRenameAsync(x, "z"));
            Assert.Single(renamed, one => one.Ok);
            Assert.Equal(ErrorCode.ObjectNotFound, renamed.Single(one => !one.Ok).Error!.Code);
            await (x with { Name = Assert.Single(await fixture.NamesAsync()) }).DeleteAsync();
        }
    }

    private static Task<Result<ObjectAttributes>> TryRenameAsync(AnyObject x, string to) => x.Fixture.Io.OnItsThreadAsync(() =>
        x.Fixture.Engine.RenameObjectAsync(Caller.Anonymous, x.Bucket, ObjectName.From(x.Name), ObjectName.From(to), CancellationToken.None));

    private static async Task<ObjectAttributes> RenameAsync(AnyObject x, string to)
    {
        Result<ObjectAttributes> renamed = await TryRenameAsync(x, to);
        Assert.True(renamed.Ok, renamed.Error?.Message);
        return renamed.Value;
    }
}
