using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Native;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>Mountpaths that come and go and fail meanwhile.</summary>
public sealed class MountpathFaultTests
{
    private const int Mountpaths = 3;

    private static readonly string[] s_names = [.. Enumerable.Range(0, 9).Select(i => $"d/{i}")]; // on three mountpaths, three each about

    /// <summary>
    /// A mountpath leaves after a flush of it has failed, and the power goes. When it comes back it is looked through: what the flush has dropped is not served.
    /// </summary>
    [Fact]
    public async Task AMountpathWhoseFlushFailedDoesNotLeaveAsClean()
    {
        for (int nth = 1; nth <= Mountpaths; nth++)
        {
            Session session = await StartAsync(Durability.Relaxed);
            await PutAllAsync(session);
            session.Host.Faults.Arm(faults: [new PlannedFault(DiskVerb.SyncFileSystem, nth, Errno.EIO)]);
            await Assert.ThrowsAsync<StorageException>(session.FlushAsync);
            session.Host.Faults.Disarm();
            string failed = session.Host.Engine.Mountpaths.Rows().Single(row => row.Disk!.FaultCount > 0).Path;
            session.Host.Disk.LoseDirtyPages(failed);
            await DoneAsync(session.Host.Engine.Mountpaths.DisableAsync(failed, force: true));
            await session.EndOfJobsAsync();
            Assert.Null(await session.Host.CloseAsync());
            session.Host.Crash(new Crash(CrashKind.CutOrdered, 1)); // all metadata and no data
            Assert.Null(await session.Host.OpenAsync());
            await DoneAsync(session.Host.Engine.Mountpaths.EnableAsync(failed));
            await session.EndOfJobsAsync();
            await IsSoundAsync(session, CrashKind.CutOrdered, $"the flush of {failed} failed");
        }
    }

    /// <summary>What a resilver cannot bring to its first mountpath, because that fails, is not in its place: as long as that is so all are searched.</summary>
    [Fact]
    public async Task WhatAResilverCouldNotBringHomeIsFound()
    {
        int struck = 0;
        for (int nth = 1; nth <= 40; nth++)
        {
            Session session = await StartAsync(Durability.Strict);
            string away = session.Host.Disk.Mountpaths[1];
            await DoneAsync(session.Host.Engine.Mountpaths.DisableAsync(away, force: true));
            await PutAllAsync(session);
            session.Host.Faults.Arm(faults: [new PlannedFault(DiskVerb.Write, nth, Errno.EIO)]);
            await session.Host.Engine.Mountpaths.EnableAsync(away); // may be refused: it is the set's document then that could not be written
            await session.EndOfJobsAsync();
            struck += session.Host.Faults.FaultCount;
            session.Host.Faults.Disarm();
            await IsSoundAsync(session, CrashKind.Kill, $"write {nth} failed");
        }

        Assert.True(struck >= 20, $"{struck} writes have failed");
    }

    /// <summary>A fault while it is compared leaves a mountpath beside the others, read by nobody; who enables it once more has it compared anew.</summary>
    [Fact]
    public async Task AMountpathThatCouldNotBeComparedIsComparedWhenItIsEnabledAgain()
    {
        int left = 0;
        for (int nth = 1; nth <= 12; nth++)
        {
            Session session = await StartAsync(Durability.Strict);
            await PutAllAsync(session);
            string away = session.Host.Disk.Mountpaths[1];
            await DoneAsync(session.Host.Engine.Mountpaths.DisableAsync(away, force: true));
            session.Host.Faults.Arm(faults: [new PlannedFault(DiskVerb.List, nth, Errno.EIO)]);
            await session.Host.Engine.Mountpaths.EnableAsync(away);
            await session.EndOfJobsAsync();
            left += StateOf(session, away) == ServingState.Joining ? 1 : 0;
            session.Host.Faults.Disarm();
            await DoneAsync(session.Host.Engine.Mountpaths.EnableAsync(away));
            await session.EndOfJobsAsync();
            Assert.Equal(ServingState.Serving, StateOf(session, away));
            await IsSoundAsync(session, CrashKind.Kill, $"list {nth} failed");
        }

        Assert.True(left > 0, "no comparison has failed");
    }

    private static ServingState StateOf(Session session, string mountpath) =>
        session.Host.Engine.Mountpaths.Rows().Single(row => row.Path == mountpath).State;

    private static async Task<Session> StartAsync(Durability durability)
    {
        var session = new Session(new SimulatedHost(Mountpaths), durability);
        Assert.Null(await session.Host.OpenAsync());
        await session.CreateBucketAsync();
        return session;
    }

    private static async Task PutAllAsync(Session session)
    {
        foreach (string name in s_names)
        {
            await session.PutAsync(name, 5000);
        }
    }

    private static async Task IsSoundAsync(Session session, CrashKind kind, string where)
    {
        var survey = new Survey(session.Host, session.Oracle, kind) { VersionsRestart = true, TreeCompared = false };
        string wrong = string.Join("; ", await survey.RunAsync());
        Assert.True(wrong.Length == 0, $"{where}: {wrong}");
        Assert.Null(await session.Host.CloseAsync());
    }

    private static async Task DoneAsync(Task<Result> change)
    {
        Result done = await change.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(done.Ok, done.Error?.Message);
    }
}
