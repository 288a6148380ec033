using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests;

/// <summary>Copies of objects: the bytes and custom metadata of the source, everything else by the rules of the destination; and never anything that the source was not at one moment.</summary>
public sealed class ObjectCopyTests
{
    private const int Drives = 4;
    private static readonly int[] s_sizes = [0, 1, 16_384, 100_000, (1 << 20) + 1, 3_300_000];

    private static readonly string[] s_properties =
    [
        """{"durability":"strict"}""",
        """{"durability":"relaxed","checksum":{"type":"md5"}}""",
        """{"mirror":{"enabled":true,"copies":2},"versioning":{"enabled":false}}""",
        """{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":90000}}""",
        """{"chunks":{"objsize_limit":100000,"chunk_size":70000},"checksum":{"type":"sha256"}}""",
        """{"chunks":{"objsize_limit":100000,"chunk_size":70000},"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":0},"checksum":{"type":"none"}}""",
    ];

    public static TheoryData<string> Properties => new(s_properties);

    /// <summary>From a bucket of every kind to a bucket of every kind, and within each, over an older object and where there is none.</summary>
    [Theory]
    [MemberData(nameof(Properties))]
    public async Task ACopyHasTheBytesOfItsSourceAndTheRulesOfItsBucket(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(Drives, properties);
        BucketName[] buckets = [.. s_properties.Select((_, i) => EngineFixture.Name($"to{i}"))];
        for (int i = 0; i < buckets.Length; i++)
        {
            Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, buckets[i], EngineFixture.Json(s_properties[i]))).Ok);
        }

        foreach (int size in s_sizes)
        {
            byte[] content = Bytes(new Random(size), size);
            var source = new AnyObject(fixture, fixture.Bucket, "dir/source");
            ObjectAttributes before = await source.PutAsync(content, new("who", "me"), new("ETag", "x"));
            foreach (BucketName bucket in buckets.Prepend(fixture.Bucket))
            {
                var target = new AnyObject(fixture, bucket, "other/copy");
                Result<ObjectAttributes> old = await target.HeadAsync();
                ObjectAttributes copied = await source.CopyToAsync(target);
                Assert.Equal(content, await target.ReadAsync());

                ObjectAttributes put = await new AnyObject(fixture, bucket, "put").PutAsync(content);
                Assert.Equal((put.SizeBytes, put.Checksum, put.ChunkCount), (copied.SizeBytes, copied.Checksum, copied.ChunkCount));
                Assert.Equal(before.Custom, copied.Custom);
                Assert.Equal(put.Version.Length == 0 ? "" : old.Ok ? NextOf(old.Value.Version) : "1", copied.Version);
                ObjectAttributes seen = (await target.HeadAsync()).Value;
                Assert.Equal((copied.SizeBytes, copied.Checksum, copied.Version, copied.ModifiedNs), (seen.SizeBytes, seen.Checksum, seen.Version, seen.ModifiedNs));
            }

            ObjectAttributes after = (await source.HeadAsync()).Value;
            Assert.Equal((before.Version, before.Checksum, before.ModifiedNs), (after.Version, after.Checksum, after.ModifiedNs));
            Assert.Equal(content, await source.ReadAsync());
        }

        foreach (BucketName bucket in buckets.Prepend(fixture.Bucket))
        {
            foreach (string name in (string[])["dir/source", "other/copy", "put"])
            {
                if (bucket == fixture.Bucket || name != "dir/source")
                {
                    await new AnyObject(fixture, bucket, name).DeleteAsync();
                }
            }
        }

        await NothingIsLeftAsync(fixture);
    }

    [Fact]
    public async Task AnObjectThatIsCopiedOntoItselfStaysAsItIs()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        ObjectAttributes put = await x.PutAsync("content"u8.ToArray());
        ObjectAttributes copied = await x.CopyToAsync(x);
        Assert.Equal((put.Version, put.ModifiedNs), (copied.Version, copied.ModifiedNs));
        Assert.Equal((put.Version, put.ModifiedNs), ((await x.HeadAsync()).Value.Version, (await x.HeadAsync()).Value.ModifiedNs));
        Assert.Equal(ErrorCode.ObjectNotFound, (await (x with { Name = "none" }).TryCopyToAsync(x with { Name = "none" })).Error!.Code);
    }

    [Fact]
    public async Task WhatIsNotThereOrNotAllowedIsRefused()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        await x.PutAsync("content"u8.ToArray());
        Failure noObject = (await (x with { Name = "none" }).TryCopyToAsync(x)).Error!;
        Assert.Equal((ErrorCode.ObjectNotFound, "ais://b/none does not exist"), (noObject.Code, noObject.Message));
        Failure noTarget = (await x.TryCopyToAsync(x with { Bucket = EngineFixture.Name("none") })).Error!;
        Assert.Equal((ErrorCode.BucketNotFound, "bucket \"ais://none\" does not exist"), (noTarget.Code, noTarget.Message));
        Failure noSource = (await (x with { Bucket = EngineFixture.Name("none") }).TryCopyToAsync(x)).Error!;
        Assert.Equal((ErrorCode.BucketNotFound, "bucket \"ais://none\" does not exist"), (noSource.Code, noSource.Message));

        BucketName other = EngineFixture.Name("other");
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, other, EngineFixture.Json("null"))).Ok);
        var y = new AnyObject(fixture, other, "y");
        foreach ((BucketName bucket, AccessBits missing, bool isAllowed) in ((BucketName, AccessBits, bool)[])[
            (fixture.Bucket, AccessBits.GetObject, false), (other, AccessBits.PutObject, false),
            (fixture.Bucket, AccessBits.PutObject | AccessBits.HeadObject, true), (other, AccessBits.GetObject | AccessBits.HeadObject, true)])
        {
            await SetAccessAsync(fixture, bucket, AccessBits.All & ~missing);
            Result<ObjectAttributes> copied = await x.TryCopyToAsync(y);
            Assert.Equal(isAllowed ? null : ErrorCode.AccessDenied, copied.Error?.Code);
            Assert.Equal(isAllowed ? "content"u8.ToArray() : null, await ReadWithAllAsync(y));
            await SetAccessAsync(fixture, bucket, AccessBits.All);
        }

        async Task<byte[]?> ReadWithAllAsync(AnyObject read)
        {
            await SetAccessAsync(fixture, read.Bucket, AccessBits.All);
            return await read.ReadAsync();
        }
    }

    /// <summary>A source that is damaged is no source: what stood under the destination's name stays.</summary>
    [Theory]
    [InlineData("null", "@ais/b/%ob/x")]
    [InlineData("""{"chunks":{"objsize_limit":100000,"chunk_size":70000}}""", "/%c/")]
    public async Task WrongBytesAreNeverCopied(string properties, string damaged)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, properties);
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        await x.PutAsync(Bytes(new Random(1), 200_000));
        var y = new AnyObject(fixture, fixture.Bucket, "y");
        await y.PutAsync("old"u8.ToArray());
        await fixture.CloseAsync();
        string file = Directory.EnumerateFiles(fixture.Paths[0], "*", SearchOption.AllDirectories)
            .Where(file => file.Contains(damaged, StringComparison.Ordinal)).MaxBy(static file => new FileInfo(file).Length)!;
        using (FileStream bytes = File.OpenWrite(file))
        {
            bytes.Position = 50_000;
            bytes.Write("damage"u8);
        }

        await fixture.OpenAsync();
        Assert.Equal(ErrorCode.Damaged, (await x.TryCopyToAsync(y)).Error!.Code);
        Assert.Equal("old"u8.ToArray(), await y.ReadAsync());
        Assert.Equal(ErrorCode.Damaged, (await x.TryCopyToAsync(y with { Name = "new" })).Error!.Code);
        Assert.Null(await (y with { Name = "new" }).ReadAsync());
    }

    /// <summary>One copy of two is damaged: the other one's bytes are copied.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task ADamagedCopyOfTheSourceIsGoneOver(int drive)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, """{"mirror":{"enabled":true,"copies":2}}""");
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        byte[] content = Bytes(new Random(2), 300_000);
        await x.PutAsync(content);
        await fixture.CloseAsync();
        using (FileStream bytes = File.OpenWrite(Path.Combine(fixture.Paths[drive], "@ais/b/%ob/x")))
        {
            bytes.Position = 50_000;
            bytes.Write("damage"u8);
        }

        await fixture.OpenAsync();
        await x.CopyToAsync(x with { Name = "y" });
        Assert.Equal(content, await (x with { Name = "y" }).ReadAsync());
    }

    /// <summary>Source and destination are replaced, removed and read all the time: a copy is one of the contents that the source had, whole.</summary>
    [Theory]
    [InlineData("null")]
    [InlineData("""{"chunks":{"objsize_limit":100000,"chunk_size":70000}}""")]
    [InlineData("""{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":90000}}""")]
    public async Task ReadersAndWritersOfBothGoOn(string properties)
    {
        const int Rounds = 40;
        await using EngineFixture fixture = await EngineFixture.NewAsync(Drives, properties);
        byte[][] contents = [.. ((int[])[5, 80_000, 250_000, 400_000]).Select(size => Bytes(new Random(size), size))];
        var x = new AnyObject(fixture, fixture.Bucket, "x");
        var y = new AnyObject(fixture, fixture.Bucket, "y");
        await x.PutAsync(contents[0]);
        await y.PutAsync(contents[0]);
        await Task.WhenAll(CopyAsync(), PutAsync(x, 1), PutAsync(y, 2), ReadAsync(x), ReadAsync(y));
        await x.DeleteAsync();
        await y.DeleteAsync();
        await NothingIsLeftAsync(fixture);

        async Task CopyAsync()
        {
            for (int i = 0; i < Rounds; i++)
            {
                await x.CopyToAsync(y);
            }
        }

        async Task PutAsync(AnyObject written, int seed)
        {
            var random = new Random(seed);
            for (int i = 0; i < Rounds; i++)
            {
                await written.PutAsync(contents[random.Next(contents.Length)]);
            }
        }

        async Task ReadAsync(AnyObject read)
        {
            for (int i = 0; i < Rounds; i++)
            {
                byte[]? bytes = await read.ReadAsync();
                Assert.Contains(contents, content => content.AsSpan().SequenceEqual(bytes));
            }
        }
    }

    private static string NextOf(string version) => (int.Parse(version, System.Globalization.CultureInfo.InvariantCulture) + 1).ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static async Task SetAccessAsync(EngineFixture fixture, BucketName bucket, AccessBits access) =>
        Assert.True((await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, bucket, EngineFixture.Json($$"""{"access":"{{(ulong)access}}"}"""))).Ok);
}
