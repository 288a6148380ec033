using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Scrub;
using Sluice.Engine.Tests.Support;
using Sluice.Native;

namespace Sluice.Engine.Tests.Scrub;

/// <summary>What a scrub looks at beside the bytes, what it leaves alone, and how it behaves as a job.</summary>
public sealed class ScrubTests
{
    [Fact]
    public async Task AWholeStoreHasNoFindingsAndAllOfItIsRead()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync(3);
        string[] names = ["a", "a/b", "a/b/c", "d/", "..", "e//f", "%o", new string('x', 600), "sub/é"];
        int bytes = 0;
        for (int i = 0; i < names.Length; i++)
        {
            int size = i switch { 0 => 0, 1 => 1 << 20, 2 => (3 << 20) + 1, _ => 1000 * i };
            await bench.PutAsync(names[i], ScrubBench.Content(size, i), i % 3 == 0 ? ScrubBench.Pairs(3000) : null);
            bytes += size;
        }

        Job job = await bench.ScrubAsync("""{"repair":false,"rate_mib":0}""");
        Assert.Empty(job.Findings);
        Assert.Equal((names.Length, bytes, bytes, 1.0), (job.Objects, job.Bytes, job.BytesExpected, job.Progress!.Value));
        Assert.Equal($"{names.Length} objects, {bytes >> 20} MiB read, 0 findings, 0 of them cured", job.Detail);
    }

    /// <summary>Until then a power cut may bring back the head that needs them. One flush does for all: each may take as long as the drive has dirty pages.</summary>
    [Fact]
    public async Task PartsThatNoHeadSpeaksOfAreKeptUntilAFlushHasSucceeded()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync();
        await bench.PutAsync("o", [1], ScrubBench.Pairs(1000));
        string sidecar = Assert.Single(bench.Sidecars());
        string[] orphans = [.. Enumerable.Range(0, 20).Select(i => $"{sidecar[..^4]}be{i:d2}")];
        Array.ForEach(orphans, orphan => File.Copy(sidecar, orphan));
        int flushes = 0;
        bench.Flush = () =>
        {
            flushes++;
            return false;
        };
        Assert.Empty((await bench.ScrubOtherwiseAsync(repair: new ScrubBench.NoRepair())).Findings);
        bench.Flush = () =>
        {
            flushes++;
            throw new StorageException(bench.Fixture.Paths[0], "syncfs", Errno.EIO);
        };
        Assert.Empty((await bench.ScrubOtherwiseAsync(repair: new ScrubBench.NoRepair())).Findings);
        Assert.All(orphans, orphan => Assert.True(File.Exists(orphan), "it was removed"));
        Assert.Equal(2, flushes);

        bench.Flush = () =>
        {
            flushes++;
            return true;
        };
        Job job = await bench.ScrubOtherwiseAsync(repair: new ScrubBench.NoRepair());
        Assert.Equal((20, 3), (job.Findings.Count(finding => finding is { Kind: "part", Action: "removed" }), flushes));
        Assert.Equal(sidecar, Assert.Single(bench.Sidecars()));
    }

    [Fact]
    public async Task FilesThatNoObjectSpeaksOfAreFoundAndRemovedWhenWanted()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync();
        await bench.PutAsync("o", [1], ScrubBench.Pairs(1000));
        string sidecar = Assert.Single(bench.Sidecars());
        string home = Path.Combine(bench.Fixture.Paths[0], "@ais/b");
        string orphan = sidecar[..^4] + "beef";
        string work = Path.Combine(home, "%wk", "0123456789abcdef.0123456789abcdef.1");
        File.Copy(sidecar, orphan);
        File.WriteAllText(work, "left");
        File.WriteAllText(Path.Combine(home, "%ob/%strange"), "no name");
        File.WriteAllText(Path.Combine(home, "%ob/by-hand"), "no record");
        File.WriteAllText(Path.Combine(home, "%sc/strange"), "no part");
        string[] rest = ["record by-hand", "stray @ais/b/%ob/%strange", "stray @ais/b/%sc/strange"];
        string[] all = [.. rest, $"part @ais/b/%sc/{Path.GetFileName(orphan)}", $"work-file @ais/b/%wk/{Path.GetFileName(work)}"];
        Assert.Equal(all.Order(StringComparer.Ordinal), await bench.FindingsAsync());
        Assert.True(File.Exists(orphan), "without repair nothing is touched");

        Job repaired = await bench.ScrubAsync("""{"repair":true}""");
        Assert.Equal(all.Order(StringComparer.Ordinal), ScrubBench.Texts(repaired));
        Assert.Equal(2, repaired.Findings.Count(finding => finding.Action == "removed"));
        Assert.Equal((false, false, true), (File.Exists(orphan), File.Exists(work), File.Exists(sidecar)));
        Assert.Equal(rest.Order(StringComparer.Ordinal), await bench.FindingsAsync());
        File.Delete(Path.Combine(home, "%ob/by-hand")); // what a client would meet as damage is not left behind
    }

    [Fact]
    public async Task AnObjectOfAnEarlierBucketIsFound()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync();
        BucketName other = EngineFixture.Name("c");
        await bench.Fixture.Engine.CreateBucketAsync(Caller.Anonymous, other, EngineFixture.Json("null"));
        await bench.PutAsync("o", [1]);
        string path = Path.Combine(bench.Fixture.Paths[0], "@ais/c/%ob/o");
        await bench.CopyAsync(bench.FileOf("o"), path);
        Assert.Equal(["foreign o"], await bench.FindingsAsync());
    }

    [Fact]
    public async Task MisplacedMissingAndOlderCopiesAreFoundOnce()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync(1);
        await bench.PutAsync("o", [1]);
        string first = bench.FileOf("o");
        bench.Fixture.Paths.Add(Directory.CreateTempSubdirectory("sluice-scrub-").FullName);
        bench.Fixture.Paths.Add(Directory.CreateTempSubdirectory("sluice-scrub-").FullName);
        try
        {
            string second = Path.Combine(bench.Fixture.Paths[1], "@ais/b/%ob/o");
            string third = Path.Combine(bench.Fixture.Paths[2], "@ais/b/%ob/o");
            static BucketProperties Mirrored(BucketProperties plain) => plain with { Mirror = new MirrorProperties { Enabled = true, Copies = 2 } };

            Assert.Equal(["copies o"], ScrubBench.Texts(await bench.ScrubOtherwiseAsync(Mirrored)));
            await bench.CopyAsync(first, second);
            Assert.Empty(ScrubBench.Texts(await bench.ScrubOtherwiseAsync(Mirrored)));
            Assert.Equal(["misplaced o"], ScrubBench.Texts(await bench.ScrubOtherwiseAsync()));
            await bench.CopyAsync(first, third);
            Assert.Equal(["misplaced o"], ScrubBench.Texts(await bench.ScrubOtherwiseAsync(Mirrored)));
            File.Delete(third);

            await bench.PutAsync("o", [2]);
            await bench.Fixture.Engine.FlushAsync();
            Job job = await bench.ScrubOtherwiseAsync(Mirrored);
            JobFinding finding = Assert.Single(job.Findings);
            Assert.Equal(("generation", bench.Fixture.Paths[1]), (finding.Kind, finding.Mountpath));
            ScrubBench.Flip(second, 0, 1);
            Assert.Equal(["block o"], ScrubBench.Texts(await bench.ScrubOtherwiseAsync(Mirrored)));
        }
        finally
        {
            Directory.Delete(bench.Fixture.Paths[2], recursive: true);
            Directory.Delete(bench.Fixture.Paths[1], recursive: true);
            bench.Fixture.Paths.RemoveRange(1, 2);
        }
    }

    [Theory]
    [InlineData(RepairOutcome.Repaired, "repaired", 1)]
    [InlineData(RepairOutcome.Impossible, "reported", 0)]
    [InlineData(RepairOutcome.Failed, "failed", 0)]
    public async Task WhatIsDamagedIsGivenToWhoeverRepairs(RepairOutcome outcome, string action, int cured)
    {
        await using ScrubBench bench = await ScrubBench.NewAsync();
        await bench.PutAsync("good", [1]);
        await bench.PutAsync("bad", [1, 2]);
        ScrubBench.Flip(bench.FileOf("bad"), 1, 1);
        var repair = new RecordingRepair(outcome);
        Job job = await bench.ScrubOtherwiseAsync(repair: repair);
        Assert.Equal(["bad"], repair.Names);
        Assert.Equal(action, Assert.Single(job.Findings).Action);
        Assert.EndsWith($"{cured} of them cured", job.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheScopeIsABucketAMountpathOrAll()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync(2);
        BucketName other = EngineFixture.Name("c");
        await bench.Fixture.Engine.CreateBucketAsync(Caller.Anonymous, other, EngineFixture.Json("null"));
        for (int i = 0; i < 20; i++)
        {
            await bench.PutAsync($"o{i}", [1]);
        }

        Assert.Equal(20, (await bench.ScrubAsync()).Objects);
        Assert.Equal(0, (await bench.ScrubAsync(target: JobTarget.Of(other))).Objects);
        long one = (await bench.ScrubAsync(target: JobTarget.On(bench.Fixture.Paths[0]))).Objects;
        long two = (await bench.ScrubAsync(target: new JobTarget(bench.Fixture.Bucket, bench.Fixture.Paths[1]))).Objects;
        Assert.Equal(20, one + two);
        Assert.InRange(one, 1, 19);
    }

    [Theory]
    [InlineData("""{"repair":1}""", ErrorCode.BadRequest)]
    [InlineData("""{"rate_mib":-1}""", ErrorCode.BadRequest)]
    [InlineData("""{"rate_mib":1048577}""", ErrorCode.BadRequest)]
    [InlineData("""{"colour":"red"}""", ErrorCode.BadRequest)]
    public async Task SettingsThatMakeNoSenseAreRefused(string settings, ErrorCode code)
    {
        await using ScrubBench bench = await ScrubBench.NewAsync();
        JobTable jobs = bench.Fixture.Engine.Jobs;
        Assert.Equal(code, (await jobs.StartAsync(JobKinds.Scrub, new JobRequest(JobTarget.All, settings), WhenRunning.Refuse)).Error!.Code);
        Assert.Equal(code, (await jobs.StartAsync(JobKinds.Scrub, new JobRequest(JobTarget.On("/nosuch"), ""), WhenRunning.Refuse)).Error!.Code);
        Assert.Empty(jobs.All);
    }

    [Fact]
    public async Task AScrubHoldsItsRateAndEndsWhenItIsTold()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync();
        await bench.PutAsync("large", new byte[30 << 20]);
        Result<Job> started = await bench.Fixture.Engine.Jobs.StartAsync(
            JobKinds.Scrub, new JobRequest(JobTarget.All, """{"rate_mib":1}"""), WhenRunning.Refuse);
        bench.Fixture.Engine.Jobs.Abort(started.Value.Id, "enough");
        await started.Value.Ended;
        Assert.True(started.Value.IsAborted, "thirty MiB at one a second take longer than this test");
        Assert.InRange(started.Value.Bytes, 0, 29 << 20);
        Assert.Equal(0, started.Value.FindingCount);
    }

    [Fact]
    public async Task ObjectsThatComeAndGoMeanwhileAreNoFindings()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync(2);
        using var done = new CancellationTokenSource();
        Task writers = Task.WhenAll(Enumerable.Range(0, 3).Select(async writer =>
        {
            for (int i = 0; !done.IsCancellationRequested; i++)
            {
                await Task.Yield(); // verbs may end without a wait, and then nothing else would run here
                string name = $"n{writer}/{i % 5}";
                await bench.PutAsync(name, ScrubBench.Content(i % 7 * 20_000, i), i % 2 == 0 ? ScrubBench.Pairs(1500) : null);
                if (i % 3 == 0)
                {
                    await bench.Fixture.DeleteAsync(name);
                }

                if (i % 11 == 0)
                {
                    await bench.Fixture.Engine.FlushAsync();
                }
            }
        }));
        try
        {
            for (int round = 0; round < 8; round++)
            {
                Job job = await bench.ScrubAsync("""{"repair":true}""");
                Assert.Equal([], job.Findings.Select(finding => $"{finding.Kind} {finding.Name}: {finding.Detail}"));
            }
        }
        finally
        {
            await done.CancelAsync();
            await writers;
        }

        await bench.Fixture.Engine.FlushAsync();
        Assert.Empty(await bench.FindingsAsync());
    }

    private sealed class RecordingRepair(RepairOutcome outcome) : IScrubRepair
    {
        public List<string> Names { get; } = [];

        public ValueTask<RepairOutcome> RepairAsync(Bucket bucket, ObjectName name, ulong digest, JobContext job)
        {
            Names.Add(name.ToString());
            return ValueTask.FromResult(outcome);
        }

        public ValueTask SettledAsync(ulong digest) => default;

        public ValueTask<RepairOutcome> RepairTombstoneAsync(Bucket bucket, ObjectDisk disk, byte[] file) => ValueTask.FromResult(outcome);
    }
}
