using System.Text;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Tests.Support;
using Sluice.Native;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>
/// Many objects are removed by one job: those of a list, of a template, below a prefix, and no other. What is counted is what was removed; what is missing
/// matters in a list alone; a fault ends the job unless it was told to go on.
/// </summary>
public sealed class DeletionTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(7)]
    public async Task TheNamesOfATemplateGoAndNoOther(int workers)
    {
        await using EngineFixture fixture = await WithObjectsAsync("shard-000.tar", "shard-001.tar", "shard-002.tar", "shard-003.tar", "shard-02.tar", "other");
        Job job = await EndedAsync(fixture, Template("shard-{001..100}.tar"), workers: workers);
        Assert.Equal((3, 30, 100, "", false), (job.Objects, job.Bytes, job.ObjectsExpected, job.Error, job.IsAborted));
        Assert.Equal(["other", "shard-000.tar", "shard-02.tar"], await fixture.NamesAsync());
        Assert.Equal(workers switch { 0 => 4, -1 => 1, _ => workers }, job.Workers);
        Assert.Equal((JobKinds.DeleteObjects, fixture.Bucket, 1.0), (job.Kind, job.Target.Bucket, job.Progress));
    }

    [Fact]
    public async Task TheNamesOfAListGoOnceEach()
    {
        await using EngineFixture fixture = await WithObjectsAsync("a", "b/c", "é{1..2}", "kept");
        Job job = await EndedAsync(fixture, NameSelection.OfList(["a", "é{1..2}", "b/c", "a"]));
        Assert.Equal((3, 30, 3, ""), (job.Objects, job.Bytes, job.ObjectsExpected, job.Error));
        Assert.Equal(["kept"], await fixture.NamesAsync());
        Assert.Equal("""{"names":3}""", job.Arguments);
    }

    [Theory]
    [InlineData("", false, "")]
    [InlineData("*", false, "")]
    [InlineData("d/", false, "a ab e/f")]
    [InlineData("d/*", true, "a ab d/s/x d/s/t/y e/f")]
    [InlineData("d/x", true, "a ab d/s/t/y d/s/x d/y e/f")]
    [InlineData("a", false, "d/s/t/y d/s/x d/x d/xy d/y e/f")]
    [InlineData("", true, "d/s/t/y d/s/x d/x d/xy d/y e/f")]
    [InlineData("d", true, "a ab d/s/t/y d/s/x d/x d/xy d/y e/f")]
    [InlineData("nothing", false, "a ab d/s/t/y d/s/x d/x d/xy d/y e/f")]
    public async Task WhatBeginsWithAPrefixGoes(string prefix, bool isFlat, string left)
    {
        await using EngineFixture fixture = await WithObjectsAsync("a", "ab", "d/x", "d/xy", "d/y", "d/s/x", "d/s/t/y", "e/f");
        Job job = await EndedAsync(fixture, NameSelection.OfTemplate(prefix, isFlat));
        string[] names = left.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(names.Order(StringComparer.Ordinal), await fixture.NamesAsync());
        Assert.Equal((8 - names.Length, (8 - names.Length) * 10, 0, ""), (job.Objects, job.Bytes, job.ObjectsExpected, job.Error));
    }

    [Fact]
    public async Task APrefixMayLookLikeATemplate()
    {
        await using EngineFixture fixture = await WithObjectsAsync("x{1..2}y", "x1y", "user@site", "50%");
        await EndedAsync(fixture, NameSelection.OfPrefix("x{1..2}", isFlat: false));
        Assert.Equal(["50%", "user@site", "x1y"], await fixture.NamesAsync());
        await EndedAsync(fixture, NameSelection.OfPrefix("user@", isFlat: true));
        Assert.Equal(["50%", "x1y"], await fixture.NamesAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatIsMissingMattersInAListAlone(bool continues)
    {
        await using EngineFixture fixture = await WithObjectsAsync("a", "b");
        Job list = await EndedAsync(fixture, NameSelection.OfList(["nosuch", "a", "neither"]), continues, workers: -1);
        Assert.Equal(1, list.Objects);
        Assert.Equal(continues ? (0, "") : (2, "2 objects could not be done; the first: ais://b/nosuch does not exist"), (list.Failed, list.Error));
        Job template = await EndedAsync(fixture, Template("@3"), continues);
        Assert.Equal((0, 0, ""), (template.Objects, template.Failed, template.Error));
        Assert.Equal(["b"], await fixture.NamesAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFaultEndsTheJobUnlessItGoesOn(bool continues)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        RefusingDisk disk = await ReopenOverAsync(fixture);
        foreach (string name in (string[])["n0", "n1", "n2", "n3"])
        {
            await fixture.PutAsync(name, new byte[10]);
        }

        disk.Refused = "n1";
        Job job = await EndedAsync(fixture, Template("n{0..3}"), continues, workers: -1);
        Assert.Equal((continues ? 3 : 1, 1, false), (job.Objects, job.Failed, job.IsAborted));
        Assert.StartsWith("1 object could not be done; the first: ais://b/n1: ", job.Error, StringComparison.Ordinal);
        Assert.Equal(continues ? ["n1"] : ["n1", "n2", "n3"], await fixture.NamesAsync());
    }

    [Fact]
    public async Task ABucketThatForbidsOrIsNotThereIsRefused()
    {
        await using EngineFixture fixture = await WithObjectsAsync("a");
        await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json("""{"access":"ro"}"""));
        Result<Job> refused = await StartAsync(fixture, Template("a"));
        Assert.Equal(ErrorCode.AccessDenied, refused.Error!.Code);
        Assert.Equal(["a"], await fixture.NamesAsync());
        Result<Job> unknown = await fixture.Engine.StartDeletionAsync(
            Caller.Anonymous, new DeletionRequest { Bucket = EngineFixture.Name("nosuch"), Objects = Template("a").Value });
        Assert.Equal(ErrorCode.BucketNotFound, unknown.Error!.Code);
        Assert.Empty(fixture.Engine.Jobs.All);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ABucketThatBeginsToForbidEndsTheJob(bool continues)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        RefusingDisk disk = await ReopenOverAsync(fixture);
        for (int i = 0; i < 9; i++)
        {
            await fixture.PutAsync($"n{i}", "x");
        }

        disk.Held = "n1";
        Job job = (await StartAsync(fixture, Template("n@8"), continues, workers: -1)).Value;
        await disk.Holds.WaitAsync(s_deadline);
        await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json("""{"access":"ro"}"""));
        disk.LetGo();
        await job.Ended.WaitAsync(s_deadline);
        Assert.Equal((2, 1, false), (job.Objects, job.Failed, job.IsAborted));
        Assert.Contains("DELETE access denied", job.Error, StringComparison.Ordinal);
        Assert.Equal(7, (await fixture.NamesAsync()).Length);
    }

    [Fact]
    public async Task AJobThatIsStoppedLeavesTheRest()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        RefusingDisk disk = await ReopenOverAsync(fixture);
        for (int i = 0; i < 20; i++)
        {
            await fixture.PutAsync($"n{i:d2}", "x");
        }

        disk.Held = "n05";
        Job job = (await StartAsync(fixture, NameSelection.OfPrefix("", isFlat: false), workers: -1)).Value;
        await disk.Holds.WaitAsync(s_deadline);
        Assert.True(fixture.Engine.Jobs.Abort(job.Id, "stopped by a user"));
        disk.LetGo();
        await job.Ended.WaitAsync(s_deadline);
        Assert.Equal((true, "stopped by a user", 6), (job.IsAborted, job.AbortReason, job.Objects));
        Assert.Equal(14, (await fixture.NamesAsync()).Length);
    }

    [Fact]
    public async Task SeveralRunInOneBucketAtOnceAndWithItsEndTheyEnd()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        RefusingDisk disk = await ReopenOverAsync(fixture);
        await fixture.PutAsync("held", "x");
        await fixture.PutAsync("other", "x");
        disk.Held = "held";
        Job first = (await StartAsync(fixture, Template("held"))).Value;
        await disk.Holds.WaitAsync(s_deadline);
        await EndedAsync(fixture, NameSelection.OfList(["other"]));
        Assert.True(first.IsRunning);
        Task<Result> destroyed = fixture.Engine.DestroyBucketAsync(Caller.Anonymous, fixture.Bucket).AsTask();
        disk.LetGo();
        Assert.True((await destroyed.WaitAsync(s_deadline)).Ok);
        Assert.True(first.Ended.IsCompleted);
    }

    [Fact]
    public async Task CopiesAndSlicesGoWithTheirObjects()
    {
        foreach (string properties in (string[])["""{"mirror":{"enabled":true}}""", """{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":1000}}"""])
        {
            await using EngineFixture fixture = await EngineFixture.NewAsync(4, properties);
            for (int i = 0; i < 12; i++)
            {
                await fixture.PutAsync($"n{i}", new byte[5000]);
            }

            Job job = await EndedAsync(fixture, Template("n@11"));
            Assert.Equal((2, 10_000, ""), (job.Objects, job.Bytes, job.Error)); // n10 and n11: the others are no n00 to n09
            job = await EndedAsync(fixture, NameSelection.OfTemplate("n", isFlat: true));
            Assert.Equal((10, 50_000, ""), (job.Objects, job.Bytes, job.Error));
            await fixture.RepairedAsync();
            Assert.Empty(fixture.Paths.SelectMany(path => Directory.EnumerateFiles(Path.Combine(path, "@ais/b"), "*", SearchOption.AllDirectories)));
        }
    }

    [Fact]
    public async Task TenMillionNamesAreBegunAtOnceAndStopped()
    {
        await using EngineFixture fixture = await WithObjectsAsync("n0000000");
        Job job = (await StartAsync(fixture, Template("n%07d"))).Value;
        while (job.Objects == 0)
        {
            Assert.True(job.IsRunning, job.Error);
            await Task.Yield();
        }

        fixture.Engine.Jobs.Abort(job.Id, "that is enough");
        await job.Ended.WaitAsync(s_deadline);
        Assert.Equal((1, 10_000_000), (job.Objects, job.ObjectsExpected));
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(Limits.JobWorkersMax + 1)]
    public async Task WorkersAreBounded(int workers)
    {
        await using EngineFixture fixture = await WithObjectsAsync("a");
        Assert.Equal(ErrorCode.BadRequest, (await StartAsync(fixture, Template("a"), workers: workers)).Error!.Code);
    }

    [Theory]
    [InlineData("a/../{1..2}")]
    [InlineData("a{1..2}/")]
    [InlineData("a\n{1..2}")]
    public void NamesThatNoObjectCanHaveAreRefused(string template)
    {
        Assert.Equal(ErrorCode.InvalidObjectName, NameSelection.OfTemplate(template, isFlat: false).Error!.Code);
        Assert.Equal(ErrorCode.InvalidObjectName, NameSelection.OfList(["a", "a//.."]).Error!.Code);
        Assert.StartsWith("name 2 of the list: ", NameSelection.OfList(["a", ""]).Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATemplateWhoseLongestNameIsTooLongIsRefused()
    {
        string prefix = new('x', 1022);
        Assert.True(NameSelection.OfTemplate(prefix + "{1..99}", isFlat: false).Ok);
        Assert.Equal(ErrorCode.InvalidObjectName, NameSelection.OfTemplate(prefix + "{1..100}", isFlat: false).Error!.Code);
        Assert.Equal(ErrorCode.BadRequest, NameSelection.OfTemplate(new string('x', 1025), isFlat: false).Error!.Code);
        Assert.Equal(ErrorCode.BadRequest, NameSelection.OfTemplate("x{2..1}", isFlat: false).Error!.Code);
        Assert.Equal(ErrorCode.BadRequest, NameSelection.OfList([]).Error!.Code);
    }

    private static Result<NameSelection> Template(string text) => NameSelection.OfTemplate(text, isFlat: false);

    private static async Task<EngineFixture> WithObjectsAsync(params string[] names)
    {
        EngineFixture fixture = await EngineFixture.NewAsync(2);
        foreach (string name in names)
        {
            await fixture.PutAsync(name, new byte[10]);
        }

        return fixture;
    }

    private static async Task<RefusingDisk> ReopenOverAsync(EngineFixture fixture)
    {
        RefusingDisk? disk = null;
        fixture.Over = io => disk = new RefusingDisk(io);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        return disk!;
    }

    private static ValueTask<Result<Job>> StartAsync(EngineFixture fixture, Result<NameSelection> objects, bool continues = false, int workers = 0)
    {
        Assert.True(objects.Ok, objects.Error?.Message);
        return fixture.Engine.StartDeletionAsync(
            Caller.Anonymous, new DeletionRequest { Bucket = fixture.Bucket, Objects = objects.Value, ContinuesOnError = continues, Workers = workers });
    }

    private static async Task<Job> EndedAsync(EngineFixture fixture, Result<NameSelection> objects, bool continues = false, int workers = 0)
    {
        Result<Job> started = await StartAsync(fixture, objects, continues, workers);
        Assert.True(started.Ok, started.Error?.Message);
        await started.Value.Ended.WaitAsync(s_deadline);
        return started.Value;
    }

    /// <summary>A disk that does not remove one name, or takes until it is told to.</summary>
    private sealed class RefusingDisk(IFileIo inner) : DelegatingFileIo(inner)
    {
        private readonly TaskCompletionSource _holds = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _letGo = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string? Refused { get; set; }

        public string? Held { get; set; }

        public Task Holds => _holds.Task;

        public void LetGo() => _letGo.TrySetResult();

        public override async ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind)
        {
            string text = Encoding.UTF8.GetString(name.Span);
            if (text == Refused)
            {
                return new IoResult(Errno.EIO);
            }

            if (text == Held)
            {
                _holds.TrySetResult();
                await _letGo.Task;
            }

            return await base.UnlinkAsync(directory, name, kind);
        }
    }
}
