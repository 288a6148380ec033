using System.Text;
using Sluice.Engine.Jobs;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>A resumable job that does not come to its end goes on when the table is opened again, with its target and settings; others do not.</summary>
public sealed class JobMarkerTests
{
    private static readonly JobRequest s_request = new(JobTarget.Of(JobBench.Bucket("b")), """{"copies":2}""");

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task AnUnfinishedJobGoesOn(int mountpaths)
    {
        await using JobBench bench = await JobBench.NewAsync(mountpaths);
        Result<Job> first = await bench.Table.StartAsync(JobKinds.MakeCopies, s_request, context => JobTableTests.Forever(context.Aborted), WhenRunning.Refuse);
        Assert.Equal(Math.Min(3, mountpaths), bench.MarkerFiles().Length);
        await bench.CloseAsync();
        Assert.True(first.Value.IsAborted);
        Assert.Equal(Math.Min(3, mountpaths), bench.MarkerFiles().Length);

        List<JobRequest> resumed = [];
        await bench.OpenAsync(table => table.Register(JobKinds.MakeCopies, request =>
        {
            resumed.Add(request);
            return (Result<Func<JobContext, Task>>)(static _ => Task.CompletedTask);
        }));
        Assert.Equal([s_request], resumed);
        await Assert.Single(bench.Table.All).Ended;
        Assert.Empty(bench.MarkerFiles());
    }

    [Fact]
    public async Task AJobThatWasStoppedGoesOnAndOneThatFailedToo()
    {
        await using JobBench bench = await JobBench.NewAsync();
        Job stopped = await bench.StartAsync(JobKinds.MakeCopies, JobTarget.Of(JobBench.Bucket("b")), context => JobTableTests.Forever(context.Aborted));
        bench.Table.Abort(stopped.Id, "told to");
        await stopped.Ended;
        Job failed = await bench.StartAsync(JobKinds.MakeCopies, JobTarget.Of(JobBench.Bucket("c")), _ => throw new InvalidOperationException("no"));
        await failed.Ended;
        await bench.CloseAsync();
        List<string> resumed = [];
        await bench.OpenAsync(table => table.Register(JobKinds.MakeCopies, request =>
        {
            resumed.Add(request.Target.ToString());
            return (Result<Func<JobContext, Task>>)(static _ => Task.CompletedTask);
        }));
        Assert.Equal(["ais://b", "ais://c"], resumed);
    }

    [Fact]
    public async Task OthersLeaveNoMarker()
    {
        await using JobBench bench = await JobBench.NewAsync();
        await bench.StartAsync(JobKinds.Scrub, JobTarget.All, context => JobTableTests.Forever(context.Aborted));
        Job done = await bench.StartAsync(JobKinds.MakeCopies, JobTarget.Of(JobBench.Bucket("b")), _ => Task.CompletedTask);
        await done.Ended;
        await bench.StartAsync(JobKinds.EcEncode, JobTarget.Of(JobBench.Bucket("gone")), context => JobTableTests.Forever(context.Aborted));
        await bench.Table.EndBucketAsync(JobBench.Bucket("gone"));
        await bench.CloseAsync();
        Assert.Empty(bench.MarkerFiles());
    }

    /// <summary>A mountpath comes back while the job runs: three others have the marker, and not all of them are among the first three by its end.</summary>
    [Fact]
    public async Task TheMarkerGoesFromMountpathsThatAreNotTheFirstAnyMore()
    {
        await using JobBench bench = await JobBench.NewAsync(4);
        bench.Away = bench.InOrder[0];
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Job job = await bench.StartAsync(JobKinds.Resilver, JobTarget.All, _ => end.Task);
        Assert.Equal(3, bench.MarkerFiles().Length);
        bench.Away = null;
        end.SetResult();
        await job.Ended;
        Assert.Empty(bench.MarkerFiles());
    }

    [Fact]
    public async Task AKindThatNobodyKnowsKeepsItsMarker()
    {
        await using JobBench bench = await JobBench.NewAsync();
        await bench.StartAsync(JobKinds.MakeCopies, JobTarget.Of(JobBench.Bucket("b")), context => JobTableTests.Forever(context.Aborted));
        await bench.CloseAsync();
        await bench.OpenAsync();
        Assert.Empty(bench.Table.All);
        Assert.Equal(["job-make-n-copies"], bench.MarkerFiles());
    }

    [Fact]
    public void TheDocumentsBytesAreFrozen()
    {
        byte[] json = """
            {
              "version": 7,
              "jobs": [
                {
                  "id": "j0123456789a",
                  "bucket": "ais/@u#n/b",
                  "mountpath": "/mnt/1",
                  "arguments": "{}"
                }
              ]
            }
            """u8.ToArray();
        (JobDocument? document, string? problem) = JobDocument.Parse(json);
        Assert.Null(problem);
        Assert.Equal(Encoding.UTF8.GetString(json), Encoding.UTF8.GetString(document!.Format()));
        JobRow row = Assert.Single(document.Jobs);
        Assert.Equal(("ais/@u#n/b", "/mnt/1", "{}"), (row.Bucket, row.Mountpath, row.Arguments));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("""{"version":1,"jobs":[{"id":"x","bucket":"b"}]}""")]
    [InlineData("""{"version":1,"jobs":[{"id":"x","bucket":"ais/@#/.."}]}""")]
    [InlineData("""{"version":1,"jobs":[{}]}""")]
    [InlineData("""{"version":1,"jobs":[],"more":1}""")]
    [InlineData("""{"version":1,"jobs":null}""")]
    [InlineData("""{"version":1,"jobs":[null]}""")]
    [InlineData("""{"version":1,"jobs":[{"id":null}]}""")]
    [InlineData("""{"version":1,"jobs":[{"id":"x","arguments":null}]}""")]
    public void ADamagedDocumentIsRefused(string json)
    {
        (JobDocument? document, string? problem) = JobDocument.Parse(Encoding.UTF8.GetBytes(json));
        Assert.Null(document);
        Assert.NotNull(problem);
    }
}
