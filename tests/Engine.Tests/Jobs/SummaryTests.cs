using System.Text;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Summaries;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>
/// A summary counts what a listing shows, and of the disk what the files of those objects hold, however the bucket keeps them. It is made beside clients, and says by its id how far it is.
/// </summary>
public sealed class SummaryTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("", 5, 30, 1, 6, 16)]
    [InlineData("d/", 3, 26, 2, 9, 16)]
    [InlineData("d/s", 1, 16, 16, 16, 16)]
    [InlineData("a", 1, 1, 1, 1, 1)]
    [InlineData("nothing", 0, 0, 0, 0, 0)]
    public async Task ObjectsAreCountedBelowAPrefix(string prefix, long count, long bytes, long smallest, long average, long largest)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        foreach ((string name, int size) in new[] { ("a", 1), ("b", 3), ("d/x", 2), ("d/y", 8), ("d/s/z", 16) })
        {
            await fixture.PutAsync(name, new byte[size]);
        }

        (Job job, SummaryAnswer answer) = await SumUpAsync(fixture, fixture.Bucket, prefix);
        BucketSummary one = Assert.Single(answer.Buckets);
        Assert.Equal((fixture.Bucket, count, bytes, bytes), (one.Bucket, one.ObjectCount, one.ContentBytes, one.DiskBytes));
        Assert.Equal((smallest, average, largest), (one.SmallestBytes, one.AverageBytes, one.LargestBytes));
        Assert.Equal((JobKinds.Summary, "", count, bytes, 1.0), (job.Kind, job.Error, job.Objects, job.Bytes, job.Progress));
        Assert.Equal(prefix.Length == 0 ? "" : $$"""{"prefix":"{{prefix}}"}""", job.Arguments);
        Assert.True(answer.CapacityBytes > 0);
        Assert.Equal(count > 0, answer.HasBegun);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("""{"mirror":{"enabled":true,"copies":3}}""")]
    [InlineData("""{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":1000}}""")]
    [InlineData("""{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":1000,"keep_replica":true}}""")]
    [InlineData("""{"chunks":{"objsize_limit":4096,"chunk_size":4096}}""")]
    [InlineData("""{"mirror":{"enabled":true,"copies":2},"chunks":{"objsize_limit":4096,"chunk_size":4096}}""")]
    public async Task WhatLiesOnTheDrivesIsTheFilesOfTheObjects(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        long content = 0;
        foreach (int size in (int[])[0, 1, 999, 5000, 70_000, 300_000])
        {
            await fixture.PutAsync($"o{size}", new byte[size]);
            content += size;
        }

        BucketSummary one = (await SumUpAsync(fixture, fixture.Bucket)).Answer.Buckets[0];
        Assert.Equal((6, content, 0, 300_000), (one.ObjectCount, one.ContentBytes, one.SmallestBytes, one.LargestBytes));
        long files = fixture.Paths.Select(path => Path.Combine(path, "@ais")).Where(Directory.Exists)
            .SelectMany(path => Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)).Sum(path => new FileInfo(path).Length);
        Assert.Equal(files, one.DiskBytes);
    }

    [Fact]
    public async Task UploadsInProgressAreNoObjectsYet()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        await fixture.PutAsync("kept", new byte[10]);
        string upload = await BeginAsync(fixture, "big");
        await PartAsync(fixture, "big", upload, 1, "first"u8.ToArray());
        await PartAsync(fixture, "big", upload, 2, "second"u8.ToArray());
        BucketSummary before = (await SumUpAsync(fixture, fixture.Bucket)).Answer.Buckets[0];
        Assert.Equal((1, 10, 10), (before.ObjectCount, before.ContentBytes, before.DiskBytes));
        await CompleteAsync(fixture, "big", upload, 2);
        BucketSummary after = (await SumUpAsync(fixture, fixture.Bucket)).Answer.Buckets[0];
        Assert.Equal((2, 21, 11), (after.ObjectCount, after.ContentBytes, after.LargestBytes));
        Assert.True(after.DiskBytes > 21, "its manifest counts too");
    }

    [Fact]
    public async Task AllBucketsAreThoseThatMayBeLookedAt()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("x", new byte[7]);
        foreach ((string name, string properties) in new[] { ("a", "null"), ("hidden", """{"access":"3"}"""), ("z", "null") })
        {
            Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name(name), EngineFixture.Json(properties))).Ok);
        }

        SummaryAnswer answer = (await SumUpAsync(fixture, null)).Answer;
        Assert.Equal(["ais://a", "ais://b", "ais://z"], answer.Buckets.Select(one => one.Bucket.ToString()));
        Assert.Equal([0, 1, 0], answer.Buckets.Select(one => one.ObjectCount));
        Job other = (await fixture.Engine.StartSummaryAsync(Caller.Anonymous, new SummaryRequest { Provider = "aws" })).Value;
        await other.Ended.WaitAsync(s_deadline);
        Assert.Empty((await fixture.Engine.SummariseAsync(Caller.Anonymous, other.Id, null)).Value.Buckets);
    }

    [Fact]
    public async Task ObjectsMayComeAndGoMeanwhile()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, """{"mirror":{"enabled":true,"copies":2}}""");
        for (int i = 0; i < 100; i++)
        {
            await fixture.PutAsync($"stays-{i:d3}", new byte[10]);
        }

        using var stop = new CancellationTokenSource();
        Task changing = Task.Run(async () =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                await fixture.PutAsync($"comes-{i % 20:d3}", new byte[1000]);
                await fixture.PutAsync($"stays-{i % 100:d3}", new byte[10]);
                await fixture.DeleteAsync($"comes-{(i + 7) % 20:d3}");
            }
        });
        for (int round = 0; round < 5; round++)
        {
            (Job job, SummaryAnswer answer) = await SumUpAsync(fixture, fixture.Bucket, "stays-");
            Assert.Equal((100, 1000, ""), (answer.Buckets[0].ObjectCount, answer.Buckets[0].ContentBytes, job.Error));
            Assert.InRange(answer.Buckets[0].DiskBytes, 1000, 2000); // one that is being replaced may be seen with its first copy
            (job, answer) = await SumUpAsync(fixture, fixture.Bucket);
            Assert.InRange(answer.Buckets[0].ObjectCount, 100, 120);
            Assert.Equal("", job.Error);
        }

        await stop.CancelAsync();
        await changing;
        await fixture.RepairedAsync();
        Assert.Equal(2000, (await SumUpAsync(fixture, fixture.Bucket, "stays-")).Answer.Buckets[0].DiskBytes);
    }

    [Fact]
    public async Task WhatCannotBeLookedAtIsToldByTheJobAndTheRestIsCounted()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("good", new byte[10]);
        await fixture.PutAsync("cut", new byte[10]);
        await fixture.CloseAsync();
        File.WriteAllText(Path.Combine(fixture.Paths[0], "@ais/b/%ob/cut"), "cut");
        await fixture.OpenAsync();
        (Job job, SummaryAnswer answer) = await SumUpAsync(fixture, fixture.Bucket);
        Assert.Equal((1, 10), (answer.Buckets[0].ObjectCount, answer.Buckets[0].ContentBytes));
        Assert.Equal(1, job.Failed);
        Assert.StartsWith("1 object could not be done; the first: ais://b/cut: ", job.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task IdsOfOthersAndOfTheForgottenAreRefused()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name("c"), EngineFixture.Json("null"))).Ok);
        Job job = (await SumUpAsync(fixture, fixture.Bucket)).Job;
        await RefusedAsync(ErrorCode.JobNotFound, "jnosuch", fixture.Bucket);
        await RefusedAsync(ErrorCode.JobNotFound, job.Id, EngineFixture.Name("c"));
        await RefusedAsync(ErrorCode.BucketNotFound, job.Id, EngineFixture.Name("nosuch"));
        Assert.True((await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json("""{"access":"1024"}"""))).Ok);
        await RefusedAsync(ErrorCode.AccessDenied, job.Id, fixture.Bucket);
        Assert.Equal(ErrorCode.AccessDenied, (await StartAsync(fixture, fixture.Bucket)).Error!.Code);
        Assert.Empty((await fixture.Engine.SummariseAsync(Caller.Anonymous, job.Id, null)).Value.Buckets);
        Assert.Equal(ErrorCode.BadRequest, (await StartAsync(fixture, fixture.Bucket, new string('x', 1025))).Error!.Code);

        async Task RefusedAsync(ErrorCode code, string id, BucketName bucket) =>
            Assert.Equal(code, (await fixture.Engine.SummariseAsync(Caller.Anonymous, id, bucket)).Error!.Code);
    }

    [Fact]
    public async Task OfABucketThatIsMadeAgainTheOldSummaryIsGone()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("a", new byte[10]);
        Job job = (await SumUpAsync(fixture, fixture.Bucket)).Job;
        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, fixture.Bucket)).Ok);
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json("null"))).Ok);
        Assert.Equal(ErrorCode.JobNotFound, (await fixture.Engine.SummariseAsync(Caller.Anonymous, job.Id, fixture.Bucket)).Error!.Code);
    }

    [Fact]
    public async Task OneThatIsStoppedSaysSoAndNotWhatItHad()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        for (int i = 0; i < 200; i++)
        {
            await fixture.PutAsync($"o{i}", "content");
        }

        Job job;
        do
        {
            job = (await StartAsync(fixture, fixture.Bucket)).Value;
            fixture.Engine.Jobs.Abort(job.Id, "enough");
            await job.Ended.WaitAsync(s_deadline);
        }
        while (!job.IsAborted); // one that was done before it heard of it

        Result<SummaryAnswer> answer = await fixture.Engine.SummariseAsync(Caller.Anonymous, job.Id, fixture.Bucket);
        Assert.True(answer is { Ok: true, Value.IsComplete: true } or { Ok: false, Error: { Code: ErrorCode.Busy, Message: "the summary was stopped: enough" } }, answer.Error?.Message);
    }

    private static ValueTask<Result<Job>> StartAsync(EngineFixture fixture, BucketName? bucket, string prefix = "") =>
        fixture.Engine.StartSummaryAsync(Caller.Anonymous, new SummaryRequest { Bucket = bucket, Prefix = Encoding.UTF8.GetBytes(prefix) });

    private static async Task<(Job Job, SummaryAnswer Answer)> SumUpAsync(EngineFixture fixture, BucketName? bucket, string prefix = "")
    {
        Result<Job> started = await StartAsync(fixture, bucket, prefix);
        Assert.True(started.Ok, started.Error?.Message);
        await started.Value.Ended.WaitAsync(s_deadline);
        Result<SummaryAnswer> answer = await fixture.Engine.SummariseAsync(Caller.Anonymous, started.Value.Id, bucket);
        Assert.True(answer.Ok, answer.Error?.Message);
        Assert.True(answer.Value.IsComplete);
        return (started.Value, answer.Value);
    }
}
