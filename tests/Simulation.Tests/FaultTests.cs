using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>Disks that fail while the engine lives: the verb is refused, the old object is served, and nothing is left behind.</summary>
public sealed class FaultTests
{
    private const CrashKind Alive = CrashKind.Kill; // what is acknowledged is served; what is refused is old or new

    public static TheoryData<string, Durability> ObjectScenarios()
    {
        var data = new TheoryData<string, Durability>();
        foreach (Scenario scenario in Scenarios.All.Where(scenario => !scenario.Name.StartsWith("bucket", StringComparison.Ordinal)))
        {
            foreach (Durability durability in Enum.GetValues<Durability>().Where(durability => scenario.RunsStrict || durability == Durability.Relaxed))
            {
                data.Add(scenario.Name, durability);
            }
        }

        return data;
    }

    [Fact]
    public async Task AFailedFsyncRefusesThePutQuarantinesTheFileAndKeepsTheOldObject()
    {
        Session session = await StartAsync("overwrite", Durability.Strict);
        session.Host.Faults.Arm(faults: [new PlannedFault(DiskVerb.Sync, 1, Errno.EIO)]);
        Result put = await session.TryPutAsync("x", 5000);
        Assert.Equal(ErrorCode.StorageFailed, put.Error?.Code);
        List<DiskVerb> behind = [.. session.Host.Faults.Trace.SkipWhile(static verb => verb != DiskVerb.Sync)];
        Assert.Equal([DiskVerb.Sync, DiskVerb.MakeDirectory, DiskVerb.Rename, DiskVerb.Sync], behind); // never retried: the second is that of the directory which the file has left
        session.Life.Of("x").Withdraw();
        Assert.Empty(WorkFiles(session));
        Assert.Single(session.Host.Disk.Tree(), entry => entry.Path.StartsWith("/sim/0/.sluice/quarantine/", StringComparison.Ordinal));
        session.Host.Faults.Disarm();
        await AssertSoundAsync(session, quarantine: true);
    }

    [Fact]
    public async Task AFailedDirectoryFsyncRefusesThePutAndTheObjectIsTheOldOrTheNew()
    {
        Session session = await StartAsync("overwrite", Durability.Strict);
        session.Host.Faults.Arm(faults: [new PlannedFault(DiskVerb.Sync, 2, Errno.EIO)]);
        Result put = await session.TryPutAsync("x", 5000);
        Assert.Equal(ErrorCode.StorageFailed, put.Error?.Code);
        session.Host.Faults.Disarm();
        await AssertSoundAsync(session);
    }

    /// <summary>What the failed PUT has made of its directories is on the medium when something in them is acknowledged.</summary>
    [Theory]
    [InlineData(DiskVerb.Open)]
    [InlineData(DiskVerb.Sync)]
    public async Task ADirectoryThatAFailedPutHasMadeIsDurableWithTheNextPut(DiskVerb verb)
    {
        int refused = 0;
        for (int nth = 1; nth <= 8; nth++)
        {
            for (int seed = 0; seed < 8; seed++)
            {
                var cut = new Crash(CrashKind.CutUnordered, seed);
                Session session = await StartAsync("overwrite", Durability.Strict);
                session.Host.Disk.SetMode(cut.Mode);
                session.Host.Faults.Arm(faults: [new PlannedFault(verb, nth, Errno.EIO)]);
                refused += (await session.TryPutAsync("dir/sub/y", 700)).Ok ? 0 : 1;
                session.Host.Faults.Disarm();
                await session.PutAsync("dir/sub/y", 800);
                session.Host.Crash(cut);
                Assert.Null(await session.Host.OpenAsync());
                var survey = new Survey(session.Host, session.Oracle, cut.Kind) { QuarantineAllowed = true, VersionsRestart = true };
                string lost = string.Join("; ", await survey.RunAsync());
                Assert.True(lost.Length == 0, $"{verb} {nth} failed, then {cut}: {lost}");
                Assert.Null(await session.Host.CloseAsync());
            }
        }

        Assert.True(refused > 0, $"no {verb} of a PUT has failed");
    }

    /// <summary>A copy and its sidecar lie on one mountpath and leave the set together when an fsync of either fails; the PUT goes on with the other copy.</summary>
    [Fact]
    public async Task AnyFsyncOfACopyWithASidecarMayFail()
    {
        int struck = 0;
        for (int nth = 1; nth <= 16; nth++)
        {
            var session = new Session(new SimulatedHost(3), Durability.Strict);
            Assert.Null(await session.Host.OpenAsync());
            await session.CreateBucketAsync();
            Assert.True((await session.Host.Engine.MakeCopiesAsync(Caller.Anonymous, Session.Bucket, 2)).Ok);
            await session.EndOfJobsAsync();
            session.Host.Faults.Arm(faults: [new PlannedFault(DiskVerb.Sync, nth, Errno.EIO)]);
            Result put = await session.TryPutAsync("x", 700, Session.ManyPairs('a'));
            struck += session.Host.Faults.FaultCount;
            session.Host.Faults.Disarm();
            Assert.True(put.Ok || put.Error!.Code == ErrorCode.StorageFailed, $"fsync {nth}: {put.Error?.Message}");
            await session.PutAsync("x", 800, Session.ManyPairs('b'));
            Assert.Null(await session.Host.CloseAsync());
        }

        Assert.True(struck >= 6, $"{struck} fsyncs of a PUT have failed");
    }

    [Theory]
    [InlineData(Durability.Strict)]
    [InlineData(Durability.Relaxed)]
    public async Task AFullDiskRefusesThePutLeavesNothingAndRecoversByADelete(Durability durability)
    {
        Session session = await StartAsync("overwrite", durability);
        await session.PutAsync("y", 50_000);
        await session.FlushAsync();
        SimulatedFileSystem disk = session.Host.Disk.FileSystem("/sim/0");
        disk.CapacityBytes = disk.UsedBytes + 6_000;
        Result put = await session.TryPutAsync("x", 8_000);
        Assert.Equal(ErrorCode.OutOfSpace, put.Error?.Code);
        session.Life.Of("x").Withdraw();
        Assert.Empty(WorkFiles(session));
        await session.DeleteAsync("y");
        await session.PutAsync("x", 8_000);
        disk.CapacityBytes = long.MaxValue;
        await AssertSoundAsync(session);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFailedFlushIsNotTakenForASuccessByTheNextOne(bool stopped)
    {
        Session session = await StartAsync("overwrite", Durability.Relaxed);
        await session.PutAsync("x", 5000);
        session.Host.Faults.Arm(faults: [new PlannedFault(DiskVerb.SyncFileSystem, 1, Errno.EIO)]);
        await Assert.ThrowsAsync<StorageException>(session.FlushAsync);
        session.Host.Disk.LoseDirtyPages();
        session.Host.Faults.Disarm();
        await session.PutAsync("y", 3000);
        Action flushed = session.Life.Of("y").BeginFlush(); // y is on the medium by the next flush, x is not
        await session.Host.Engine.FlushAsync();
        flushed();
        if (stopped)
        {
            Assert.Null(await session.Host.CloseAsync());
        }

        session.Host.Crash(new Crash(CrashKind.CutOrdered, 0));
        Assert.Null(await session.Host.OpenAsync());
        Assert.Empty(await new Survey(session.Host, session.Oracle, CrashKind.CutOrdered).RunAsync());
        Assert.Equal(1, session.Host.Engine.Recovered.RolledBack);
        Assert.Null(await session.Host.CloseAsync());
    }

    /// <summary>What a PUT that failed there left is seen, and may be on no disk.</summary>
    [Fact]
    public async Task AFlushVouchesForNothingBehindADirectorysFailedFsync()
    {
        Session session = await StartAsync("overwrite", Durability.Relaxed);
        await session.PutAsync("x", 5000);
        Assert.True(await session.Host.Engine.FlushAsync());
        Assert.True((await session.TryMakeStrictAsync()).Ok);

        session.Host.Faults.Arm(faults: [new PlannedFault(DiskVerb.Sync, 1, Errno.EIO, FaultKind.DropsPages)]);
        Assert.False((await session.TryPutAsync("x", 3000)).Ok); // the file's fsync: it never had the name
        Assert.True(await session.Host.Engine.FlushAsync());
        session.Host.Faults.Arm(faults: [new PlannedFault(DiskVerb.Sync, 2, Errno.EIO, FaultKind.DropsPages)]);
        Assert.False((await session.TryPutAsync("x", 4000)).Ok);
        session.Host.Faults.Disarm();
        Assert.False(await session.Host.Engine.FlushAsync());
        await session.PutAsync("y", 3000);
        Assert.False(await session.Host.Engine.FlushAsync());
        Assert.Null(await session.Host.CloseAsync());
    }

    /// <summary>Neither by the flush that fails (twice: before the change and behind it) nor by one that comes after a failed one.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ABucketWhoseFlushFailedDoesNotBecomeStrict(int failingFlush)
    {
        Session session = await StartAsync("overwrite", Durability.Relaxed);
        await session.PutAsync("x", 5000);
        if (failingFlush == 0)
        {
            session.Host.Faults.Arm(faults: [new PlannedFault(DiskVerb.SyncFileSystem, 1, Errno.EIO)]);
            await Assert.ThrowsAsync<StorageException>(session.FlushAsync);
        }

        // The second flush of the change has something to do when somebody writes between the two.
        session.Host.Faults.Arm(faults: failingFlush == 0 ? [] : [new PlannedFault(DiskVerb.SyncFileSystem, failingFlush, Errno.EIO)]);
        session.Host.Faults.BeforeRename(() => failingFlush == 2 ? session.PutAsync("y", 3000) : Task.CompletedTask);
        Assert.Equal(ErrorCode.StorageFailed, (await session.TryMakeStrictAsync()).Error?.Code);
        session.Host.Disk.LoseDirtyPages();
        session.Host.Faults.Disarm();
        Assert.Equal(Durability.Relaxed, session.Host.Engine.HeadBucket(Caller.Anonymous, Session.Bucket).Value.Properties.Durability);
        Assert.Equal(ErrorCode.StorageFailed, (await session.TryMakeStrictAsync()).Error?.Code); // not by asking again either

        Assert.Null(await session.Host.CloseAsync());
        session.Host.Crash(new Crash(CrashKind.CutOrdered, 0));
        Assert.Null(await session.Host.OpenAsync());
        Assert.Empty(await new Survey(session.Host, session.Oracle, CrashKind.CutOrdered).RunAsync());
        Assert.True((await session.TryMakeStrictAsync()).Ok); // the start has verified it
        Assert.Null(await session.Host.CloseAsync());
    }

    [Theory]
    [InlineData(Durability.Strict)]
    [InlineData(Durability.Relaxed)]
    public async Task MakingRoomThatFailsLeavesNothingInTheWorkDirectory(Durability durability)
    {
        IReadOnlyList<DiskVerb> trace = await CrashRun.TraceAsync(Scenarios.Named("nested-after"), durability);
        int refused = 0;
        for (int step = 0; step < trace.Count; step++)
        {
            Session session = await StartAsync("nested-after", durability);
            int nth = trace.Take(step + 1).Count(verb => verb == trace[step]);
            session.Host.Faults.Arm(faults: [new PlannedFault(trace[step], nth, Errno.EIO)]);
            refused += (await session.TryPutAsync("a/b", 700)).Ok ? 0 : 1;
            Assert.True(session.Host.Faults.FaultCount == 1, $"{trace[step]} at step {step + 1}");
            string left = string.Join(' ', WorkFiles(session));
            Assert.True(left.Length == 0, $"{trace[step]} at step {step + 1} left {left}");
            session.Host.Faults.Disarm();
            await session.PutAsync("a/c", 800);
            await AssertSoundAsync(session, quarantine: true, $"{trace[step]} at step {step + 1}");
        }

        Assert.True(refused > 5, $"{refused} of {trace.Count} faults refused the PUT");
    }

    [Theory]
    [MemberData(nameof(ObjectScenarios))]
    public async Task ShortReadsAndWritesChangeNothing(string scenario, Durability durability)
    {
        for (int seed = 0; seed < 3; seed++)
        {
            Session session = await StartAsync(scenario, durability);
            session.Host.Faults.Arm(shortSeed: seed);
            await Scenarios.Named(scenario).Act(session);
            session.Host.Crash(new Crash(CrashKind.Kill, 0));
            session.Host.Faults.Arm(shortSeed: seed);
            Assert.Null(await session.Host.OpenAsync());
            Assert.Empty(await new Survey(session.Host, session.Oracle, CrashKind.Kill) { IsCoded = session.IsCoded, KeepsReplica = session.WantsReplica }.RunAsync());
            Assert.Null(await session.Host.CloseAsync());
        }
    }

    [Theory]
    [MemberData(nameof(ObjectScenarios))]
    public async Task AnyOneStepMayFail(string scenario, Durability durability)
    {
        IReadOnlyList<DiskVerb> trace = await CrashRun.TraceAsync(Scenarios.Named(scenario), durability);
        int missed = 0;
        for (int step = 0; step < trace.Count; step++)
        {
            int nth = trace.Take(step + 1).Count(verb => verb == trace[step]);
            foreach (FaultKind kind in trace[step] == DiskVerb.Write ? new[] { FaultKind.Fails, FaultKind.Tears } : [FaultKind.Fails])
            {
                Session session = await StartAsync(scenario, durability);
                session.Host.Faults.Arm(faults: [new PlannedFault(trace[step], nth, Errno.EIO, kind)]);
                string where = $"{scenario}/{durability}: {kind} at step {step + 1}, {trace[step]}";
                try
                {
                    await Scenarios.Named(scenario).Act(session);
                }
                catch (Exception refused) when (refused is StorageException or Xunit.Sdk.XunitException)
                {
                    // The session asserts that its verbs succeed; this one was refused.
                }

                missed += session.Host.Faults.FaultCount == 1 ? 0 : 1;
                session.Host.Faults.Disarm();
                await AssertSoundAsync(session, quarantine: true, where);
            }
        }

        // The repair that the loss of a slice asks for runs beside the one that is tested, so their steps are not the same ones each time.
        int missedMax = Scenarios.Named(scenario).LosesSlice ? trace.Count / 2 : 0;
        Assert.True(missed <= missedMax, $"{missed} of the faults at {trace.Count} steps did not happen");
    }

    [Fact]
    public async Task ALostDirectoryEntryIsAnAbsentObjectAndHarmsNoOther()
    {
        Session session = await StartAsync("overwrite", Durability.Strict);
        await session.PutAsync("y", 3000);
        session.Host.Faults.Arm(faults: [new PlannedFault(DiskVerb.Rename, 1, Errno.None, FaultKind.LosesEntry)]);
        await session.PutAsync("x", 5000);
        session.Life.Of("x").Begin(null); // what the disk made of it
        session.Life.Of("x").Acknowledge();
        session.Host.Crash(new Crash(CrashKind.Kill, 0));
        Assert.Null(await session.Host.OpenAsync());
        Assert.Empty(await new Survey(session.Host, session.Oracle, CrashKind.Kill).RunAsync());
        Assert.Null(await session.Host.CloseAsync());
    }

    private static async Task<Session> StartAsync(string scenario, Durability durability)
    {
        Scenario named = Scenarios.Named(scenario);
        var session = new Session(new SimulatedHost(named.Mountpaths), durability, named.IsCoded) { KeepsReplica = named.KeepsReplica };
        Assert.Null(await session.Host.OpenAsync());
        await named.Before(session);
        return session;
    }

    private static IEnumerable<string> WorkFiles(Session session) =>
        session.Host.Disk.Tree().Select(entry => entry.Path).Where(path => path.Contains("/%wk/", StringComparison.Ordinal));

    /// <summary>The living engine serves what it may, and so does the next one; nothing is left by then.</summary>
    private static async Task AssertSoundAsync(Session session, bool quarantine = false, string where = "")
    {
        var serving = new Survey(session.Host, session.Oracle, Alive) { QuarantineAllowed = quarantine, TreeCompared = false, IsCoded = session.IsCoded, KeepsReplica = session.KeepsReplica };
        IReadOnlyList<string> violations = await serving.RunAsync();
        Assert.True(violations.Count == 0, $"{where}, alive: {string.Join("; ", violations)}");
        string? left = await session.Host.CloseAsync();
        Assert.True(left is null, $"{where}: {left}");
        string? problem = await session.Host.OpenAsync();
        Assert.True(problem is null, $"{where}: {problem}");

        // An upload whose disk failed may owe a slice until it is repaired.
        violations = await new Survey(session.Host, session.Oracle, Alive)
        {
            QuarantineAllowed = quarantine,
            IsCoded = session.IsCoded,
            KeepsReplica = session.KeepsReplica,
            LosesSlice = session.IsCoded,
        }.RunAsync();
        Assert.True(violations.Count == 0, $"{where}, after a clean stop: {string.Join("; ", violations)}");
        Assert.Null(await session.Host.CloseAsync());
    }
}
