using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Jobs;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests;

/// <summary>A bucket gets another name: everything in it is there under the new one, nothing moves, and the old name is free.</summary>
public sealed class BucketRenameTests
{
    private static readonly BucketName s_new = EngineFixture.Name("new");

    public static TheoryData<string> Properties { get; } =
    [
        "{}",
        """{"durability":"relaxed"}""",
        """{"mirror":{"enabled":true,"copies":2}}""",
        """{"mirror":{"enabled":true,"copies":2,"sync":false}}""",
        """{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":4096}}""",
    ];

    [Theory]
    [MemberData(nameof(Properties))]
    public async Task EverythingIsThereUnderTheNewNameAndNothingMoves(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        byte[] large = Bytes(new Random(1), 100_000);
        await fixture.PutAsync("dir/large", large);
        await fixture.PutAsync("a", "whole");
        await UploadAsync(fixture, "chunked", "one ", "two");
        string begun = await BeginAsync(fixture, "later");
        await PartAsync(fixture, "later", begun, 1, "first "u8.ToArray());
        Assert.True(await fixture.Engine.FlushAsync());
        string[] files = Files(fixture);
        BucketProperties before = fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties;
        using (ChunkedReader reader = await OpenAsync(fixture, "chunked"))
        {
            Job job = await RenamedAsync(fixture, s_new);
            Assert.Equal((JobKinds.RenameBucket, EngineFixture.Name("b"), s_new, false, ""), (job.Kind, job.Target.Bucket, job.Target.To, job.IsRunning, job.Error));
            Assert.Equal("one two", await TextAsync(fixture, reader, 0, 7));
        }

        Assert.Equal(ErrorCode.BucketNotFound, fixture.Engine.HeadBucket(Caller.Anonymous, EngineFixture.Name("b")).Error!.Code);
        Assert.Equal(before, fixture.Engine.HeadBucket(Caller.Anonymous, s_new).Value.Properties);
        if (!properties.Contains("sync", StringComparison.Ordinal)) // else further copies come meanwhile
        {
            Assert.Equal(files, Files(fixture));
        }

        for (int start = 0; start < 3; start++)
        {
            Assert.Equal(["a", "chunked", "dir/large"], await fixture.NamesAsync());
            Assert.Equal(large, await fixture.GetAsync("dir/large"));
            Assert.Equal("whole", await fixture.GetTextAsync("a"));
            Assert.Equal("one two"u8.ToArray(), await ReadAsync(fixture, "chunked", 0, 7));
            await fixture.CloseAsync();
            await fixture.OpenAsync();
        }

        await PartAsync(fixture, "later", begun, 2, "second"u8.ToArray());
        await CompleteAsync(fixture, "later", begun, 2);
        Assert.Equal("first second"u8.ToArray(), await ReadAsync(fixture, "later", 0, 12));
        Result<Job> scrub = await fixture.Engine.Jobs.StartAsync(JobKinds.Scrub, new JobRequest(JobTarget.Of(s_new), ""), WhenRunning.Refuse);
        await scrub.Value.Ended;
        Assert.Empty(scrub.Value.Findings);
        foreach (string name in (string[])["a", "chunked", "dir/large", "later"])
        {
            Assert.True((await fixture.DeleteAsync(name)).Ok);
        }

        await NothingIsLeftAsync(fixture);
    }

    /// <summary>A bucket of the old name is another one, whatever its objects are called; each can go, and a third can be made.</summary>
    [Theory]
    [MemberData(nameof(Properties))]
    public async Task TheOldNameIsFree(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        BucketName old = fixture.Bucket;
        await fixture.PutAsync("x", "first");
        await RenamedAsync(fixture, s_new);
        foreach (string content in (string[])["second", "third"])
        {
            Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, old, EngineFixture.Json(properties))).Ok);
            fixture.Bucket = old;
            Assert.Null(await fixture.GetTextAsync("x"));
            await fixture.PutAsync("x", content);
            await fixture.CloseAsync();
            await fixture.OpenAsync();
            Assert.Equal(content, await fixture.GetTextAsync("x"));
            fixture.Bucket = s_new;
            Assert.Equal("first", await fixture.GetTextAsync("x"));
            Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, old)).Ok);
        }

        await RenamedAsync(fixture, old); // back, and its directory has its name again
        Assert.Equal("first", await fixture.GetTextAsync("x"));
        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, old)).Ok);
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, old, EngineFixture.Json(properties))).Ok);
        fixture.Bucket = old;
        Assert.Empty(await fixture.NamesAsync());
    }

    /// <summary>Writers that have begun under the old name end well, and everything acknowledged is there.</summary>
    [Theory]
    [MemberData(nameof(Properties))]
    public async Task WritersAndReadersGoOn(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        BucketName[] names = [fixture.Bucket, s_new];
        var stop = new TaskCompletionSource();
        int acknowledged = 0;
        Task writing = Task.Run(WriteAsync);
        for (int i = 1; i <= 20; i++)
        {
            int seen = Volatile.Read(ref acknowledged);
            Result<Job> renamed = await fixture.Engine.RenameBucketAsync(Caller.Anonymous, names[(i - 1) % 2], names[i % 2]);
            Assert.True(renamed.Ok, renamed.Error?.Message);
            while (Volatile.Read(ref acknowledged) == seen && !writing.IsCompleted)
            {
                await Task.Yield();
            }
        }

        stop.SetResult();
        await writing;
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.True(acknowledged >= 20);
        int listed = 0;
        string after = "";
        do
        {
            ListPage page = await fixture.ListAsync(after: after, attributes: false);
            listed += page.Entries.Count;
            after = System.Text.Encoding.UTF8.GetString(page.ContinuationToken.Span);
        }
        while (after.Length > 0);
        Assert.Equal(acknowledged, listed);

        async Task WriteAsync()
        {
            while (!stop.Task.IsCompleted)
            {
                foreach (BucketName name in names)
                {
                    Result<ObjectAttributes> put = await PutAsync(fixture, name, $"o{acknowledged}");
                    Assert.True(put.Ok || put.Error!.Code == ErrorCode.BucketNotFound, put.Error?.Message);
                    acknowledged += put.Ok ? 1 : 0;
                }
            }
        }
    }

    [Fact]
    public async Task WhatCannotBeRenamedIsRefused()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, s_new, EngineFixture.Json("{}"))).Ok);
        Assert.True(BucketName.TryCreate("aws", "", "", "x", out BucketName? remote, out _));
        foreach ((BucketName from, BucketName to, ErrorCode expected) in ((BucketName, BucketName, ErrorCode)[])
        [
            (fixture.Bucket, s_new, ErrorCode.BucketExists),
            (fixture.Bucket, fixture.Bucket, ErrorCode.BadRequest),
            (fixture.Bucket, remote, ErrorCode.NotImplemented),
            (EngineFixture.Name("nosuch"), EngineFixture.Name("to"), ErrorCode.BucketNotFound),
        ])
        {
            Assert.Equal(expected, (await fixture.Engine.RenameBucketAsync(Caller.Anonymous, from, to)).Error?.Code);
        }

        var going = new TaskCompletionSource();
        Result<Job> other = await fixture.Engine.Jobs.StartAsync(JobKinds.Summary, JobTarget.Of(fixture.Bucket), _ => going.Task, WhenRunning.Refuse);
        Failure busy = (await fixture.Engine.RenameBucketAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Name("to"))).Error!;
        Assert.Equal((ErrorCode.Busy, $"job {other.Value.Id} (summary-bck, ais://b) is running: wait for it or stop it"), (busy.Code, busy.Message));
        going.SetResult();
        await other.Value.Ended;
        await RenamedAsync(fixture, EngineFixture.Name("to"));
    }

    /// <summary>A job that a stop cut short goes on under the new name, and not in a new bucket of the old one.</summary>
    [Fact]
    public async Task WhatAJobHasNotFinishedGoesOnInTheRenamedBucket()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, """{"mirror":{"enabled":true,"copies":2}}""");
        BucketName old = fixture.Bucket;
        await fixture.PutAsync("x", "content");
        Result<Job> cut = await fixture.Engine.Jobs.StartAsync(JobKinds.MakeCopies, JobTarget.Of(old), job => Jobs.JobTableTests.Forever(job.Aborted), WhenRunning.Refuse);
        fixture.Engine.Jobs.Abort(cut.Value.Id, "as a stop does");
        await cut.Value.Ended;
        await RenamedAsync(fixture, s_new);
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, old, EngineFixture.Json("{}"))).Ok);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Job resumed = Assert.Single(fixture.Engine.Jobs.All, job => job.Kind == JobKinds.MakeCopies);
        await resumed.Ended;
        Assert.Equal((s_new, 1, ""), (resumed.Target.Bucket, resumed.Objects, resumed.Error));
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.DoesNotContain(fixture.Engine.Jobs.All, job => job.Kind == JobKinds.MakeCopies);
    }

    private static Task<Result<ObjectAttributes>> PutAsync(EngineFixture fixture, BucketName bucket, string name) => fixture.Io.OnItsThreadAsync(() => fixture.Engine.PutObjectAsync(
        Caller.Anonymous,
        new PutRequest
        {
            Bucket = bucket,
            Name = ObjectName.From(name),
            Body = System.IO.Pipelines.PipeReader.Create(new MemoryStream(new byte[5000])),
            LengthBytes = 5000,
        },
        CancellationToken.None));

    private static async Task<Job> RenamedAsync(EngineFixture fixture, BucketName to)
    {
        Result<Job> renamed = await fixture.Engine.RenameBucketAsync(Caller.Anonymous, fixture.Bucket, to);
        Assert.True(renamed.Ok, renamed.Error?.Message);
        fixture.Bucket = to;
        return renamed.Value;
    }

    /// <summary>The files of all buckets.</summary>
    private static string[] Files(EngineFixture fixture) =>
        [.. fixture.Paths.SelectMany(path => Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)).Where(file => file.Contains("/@ais/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
