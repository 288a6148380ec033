using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Native;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>A job is found from its start on, ends once, tells how, and does not run beside another one of its kind.</summary>
public sealed class JobTableTests
{
    private static readonly JobTarget s_target = JobTarget.Of(JobBench.Bucket("b"));

    [Fact]
    public async Task AJobIsKnownFromItsStartAndStaysWhenItHasEnded()
    {
        await using JobBench bench = await JobBench.NewAsync();
        var gate = new TaskCompletionSource();
        Job job = await bench.StartAsync(JobKinds.Scrub, JobTarget.All, async context =>
        {
            context.BytesExpected = 400;
            context.Count(1, 100);
            context.Detail = "a quarter";
            await gate.Task;
            context.Count(3, 300);
        });
        Assert.Same(job, bench.Table.Find(job.Id));
        Assert.Matches("^[a-z][0-9a-z]{8,30}$", job.Id);
        Assert.True(job.IsRunning);
        Assert.False(job.IsIdle);
        gate.SetResult();
        await job.Ended;
        Assert.Same(job, bench.Table.Find(job.Id));
        Assert.Equal((4, 400, 1.0, TimeSpan.Zero), (job.Objects, job.Bytes, job.Progress!.Value, job.Remaining!.Value));
        Assert.Equal(("", false, true, "a quarter"), (job.Error, job.IsAborted, job.IsIdle, job.Detail));
        Assert.True(job.EndedAt >= job.StartedAt);
    }

    [Fact]
    public async Task ProgressAndRemainingTimeFollowWhatIsDone()
    {
        await using JobBench bench = await JobBench.NewAsync();
        var counted = new TaskCompletionSource();
        Job job = await bench.StartAsync(JobKinds.Scrub, JobTarget.All, async context =>
        {
            context.ObjectsExpected = 8;
            context.Count(2, 0);
            counted.SetResult();
            await Forever(context.Aborted);
        });
        await counted.Task;
        Assert.Equal(0.25, job.Progress);
        TimeSpan elapsed = job.Elapsed;
        Assert.InRange(job.Remaining!.Value, elapsed * 2.9, TimeSpan.MaxValue);
    }

    [Fact]
    public async Task AnAbortedJobSaysSo()
    {
        await using JobBench bench = await JobBench.NewAsync();
        Job byToken = await bench.StartAsync(JobKinds.Scrub, JobTarget.All, context => Forever(context.Aborted));
        Assert.True(bench.Table.Abort(byToken.Id, "told to"));
        await byToken.Ended;
        Assert.Equal((true, "told to", ""), (byToken.IsAborted, byToken.AbortReason, byToken.Error));
        Assert.False(bench.Table.Abort(byToken.Id, "once more"), "it has ended");
        Assert.Equal("told to", byToken.AbortReason);
        Assert.False(bench.Table.Abort("jnobody", "told to"));
    }

    [Fact]
    public async Task WhatABodyThrowsEndsTheJobAlone()
    {
        await using JobBench bench = await JobBench.NewAsync();
        Job disk = await bench.StartAsync(JobKinds.Scrub, JobTarget.All, _ => throw new StorageException("mountpath /secret", "read", Errno.EIO));
        await disk.Ended;
        Assert.Equal("a disk failed on read; the server's log says which", disk.Error);
        Job defect = await bench.StartAsync(JobKinds.Scrub, JobTarget.All, _ => throw new InvalidOperationException("/secret"));
        await defect.Ended;
        Assert.DoesNotContain("secret", defect.Error, StringComparison.Ordinal);
        Assert.NotEqual("", defect.Error);
        Assert.False(defect.IsAborted);
        Job foreign = await bench.StartAsync(JobKinds.Scrub, JobTarget.All, _ => throw new OperationCanceledException());
        await foreign.Ended;
        Assert.False(foreign.IsAborted, "nobody aborted it");
        Assert.NotEqual("", foreign.Error);
    }

    [Fact]
    public async Task ObjectsThatFailAreCountedAndTheFirstIsTold()
    {
        await using JobBench bench = await JobBench.NewAsync();
        Job job = await bench.StartAsync(JobKinds.Scrub, JobTarget.All, context =>
        {
            context.Fail("ais://b/x: no room");
            context.Fail("ais://b/y: no room");
            return Task.CompletedTask;
        });
        await job.Ended;
        Assert.Equal((2, "2 objects could not be done; the first: ais://b/x: no room"), (job.Failed, job.Error));
    }

    [Fact]
    public async Task ASecondOneIsRefusedJoinedOrSupersedes()
    {
        await using JobBench bench = await JobBench.NewAsync();
        Job first = await bench.StartAsync(JobKinds.MakeCopies, s_target, context => Forever(context.Aborted));
        Result<Job> refused = await bench.Table.StartAsync(JobKinds.MakeCopies, s_target, _ => Task.CompletedTask, WhenRunning.Refuse);
        Assert.Equal(ErrorCode.Busy, refused.Error!.Code);
        Assert.Same(first, await bench.StartAsync(JobKinds.MakeCopies, s_target, _ => Task.CompletedTask, WhenRunning.Join));
        Job other = await bench.StartAsync(JobKinds.MakeCopies, JobTarget.Of(JobBench.Bucket("c")), context => Forever(context.Aborted));
        Job second = await bench.StartAsync(JobKinds.MakeCopies, s_target, context => Forever(context.Aborted), WhenRunning.Supersede);
        Assert.True(first.IsAborted, "it had ended before the other one began");
        Assert.True(second.IsRunning);
        Assert.True(other.IsRunning, "another bucket is another matter");
    }

    [Fact]
    public async Task SomeRunBesideEachOtherUpToABound()
    {
        await using JobBench bench = await JobBench.NewAsync();
        Job first = await bench.StartAsync(JobKinds.DeleteObjects, s_target, context => Forever(context.Aborted), WhenRunning.Beside);
        for (int i = 1; i < Limits.JobsBesideMax; i++)
        {
            await bench.StartAsync(JobKinds.DeleteObjects, JobTarget.Of(JobBench.Bucket($"b{i % 3}")), context => Forever(context.Aborted), WhenRunning.Beside);
        }

        Assert.True(first.IsRunning);
        Result<Job> refused = await bench.Table.StartAsync(JobKinds.DeleteObjects, s_target, _ => Task.CompletedTask, WhenRunning.Beside);
        Assert.Equal(ErrorCode.Busy, refused.Error!.Code);
        bench.Table.Abort(first.Id, "told to");
        await first.Ended;
        await bench.StartAsync(JobKinds.DeleteObjects, s_target, _ => Task.CompletedTask, WhenRunning.Beside);
    }

    [Theory]
    [InlineData(null, null, "b", null, true)]
    [InlineData("b", null, "c", null, false)]
    [InlineData("b", "/1", null, "/1", true)]
    [InlineData("b", "/1", "b", "/2", false)]
    [InlineData(null, "/1", "b", null, true)]
    public void TargetsOverlapWhereTheyHaveSomethingInCommon(string? bucket, string? path, string? otherBucket, string? otherPath, bool overlap)
    {
        var one = new JobTarget(bucket is null ? null : JobBench.Bucket(bucket), path);
        var other = new JobTarget(otherBucket is null ? null : JobBench.Bucket(otherBucket), otherPath);
        Assert.Equal(overlap, one.Overlaps(other));
        Assert.Equal(overlap, other.Overlaps(one));
    }

    [Fact]
    public async Task EndedJobsAreKeptUpToALimit()
    {
        await using JobBench bench = await JobBench.NewAsync();
        Job running = await bench.StartAsync(JobKinds.MakeCopies, s_target, context => Forever(context.Aborted));
        List<Job> ended = [];
        for (int i = 0; i < JobTable.EndedMax + 5; i++)
        {
            ended.Add(await bench.StartAsync(JobKinds.Scrub, JobTarget.All, _ => Task.CompletedTask));
            await ended[i].Ended;
        }

        Assert.Equal(JobTable.EndedMax + 1, bench.Table.All.Count);
        Assert.Same(running, bench.Table.Find(running.Id));
        Assert.Null(bench.Table.Find(ended[4].Id));
        Assert.Same(ended[5], bench.Table.Find(ended[5].Id));
    }

    [Fact]
    public async Task NothingStartsWhenTheTableIsClosed()
    {
        await using JobBench bench = await JobBench.NewAsync();
        Job job = await bench.StartAsync(JobKinds.Scrub, JobTarget.All, context => Forever(context.Aborted));
        JobTable table = bench.Table;
        await bench.CloseAsync();
        Assert.True(job.IsAborted);
        Result<Job> late = await table.StartAsync(JobKinds.Scrub, JobTarget.All, _ => Task.CompletedTask, WhenRunning.Refuse);
        Assert.Equal(ErrorCode.Unavailable, late.Error!.Code);
    }

    [Fact]
    public void KindsHaveNamesThatAreFound()
    {
        Assert.Equal(JobKinds.All.Count, JobKinds.All.SelectMany(kind => new[] { kind.Name, kind.DisplayName }.Distinct()).Select(JobKinds.Find).Distinct().Count());
        Assert.Same(JobKinds.MakeCopies, JobKinds.Find("mirror"));
        Assert.Null(JobKinds.Find("nothing"));
    }

    internal static async Task Forever(CancellationToken cancellation)
    {
        var never = new TaskCompletionSource();
        await never.Task.WaitAsync(cancellation);
    }
}
