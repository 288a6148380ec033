using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Io;
using Sluice.Engine.Redundancy;
using Sluice.Native;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>
/// Reconciling: from any states of the copies, and from a crash after any step of the way, one comes to the copies that are wanted, and the newest
/// generation is never lost. A failure prints the seed that <see cref="TheReplayedSeedHolds"/> runs alone (SLUICE_REPLAY=reconcile/SEED).
/// </summary>
public sealed class ReconcileTests
{
    private const int SeedsShort = 150;
    private const string Prefix = "reconcile/";

    [Fact]
    public async Task FromAnyStateItConvergesAndKeepsTheNewestGeneration()
    {
        int repaired = 0, refused = 0;
        for (int seed = 0; seed < Math.Max(SeedsShort, CrashMatrix.Seeds); seed++)
        {
            bool isRepaired = await RunAsync(seed);
            repaired += isRepaired ? 1 : 0;
            refused += isRepaired ? 0 : 1;
        }

        Assert.True(repaired > 0 && refused > 0, $"{repaired} were repaired and {refused} refused: states of one kind show little");
    }

    [Fact]
    public async Task TheReplayedSeedHolds()
    {
        string? text = Environment.GetEnvironmentVariable("SLUICE_REPLAY");
        await RunAsync(text is not null && text.StartsWith(Prefix, StringComparison.Ordinal) ? int.Parse(text[Prefix.Length..]) : 11);
    }

    [Theory]
    [InlineData("1+0", 3)]
    [InlineData("1+0s", 3)]
    [InlineData("3+0", 1)]
    [InlineData("3+0s", 2)]
    public async Task ACrashAfterAnyStepLeavesTheObjectAndTheNextCallFinishes(string scenario, int copies)
    {
        int steps = int.MaxValue;
        for (int step = 1; step <= steps; step++)
        {
            foreach (CrashKind kind in Enum.GetValues<CrashKind>())
            {
                var crash = new Crash(kind, Seed: step);
                ReplicaSetBench bench = await StartAsync(scenario, crash.Mode);
                bench.Faults.Arm(crashAfter: step);
                if (await UntilTheEndAsync(() => bench.ReconcileAsync(copies, verify: false)))
                {
                    steps = Math.Min(steps, step); // it came to its end before the crash
                }

                bench.Crash(crash);
                await bench.OpenAsync();
                Assert.True(await bench.HasGoodCopyAsync(), $"{scenario} to {copies}, {kind} after step {step}: the object is gone");
                Result<Reconciled> done = await bench.ReconcileAsync(copies, verify: true);
                Assert.True(done.Ok && !done.Value.StillDegraded, done.Error?.Message);
                List<string> violations = await bench.SurveyCopiesAsync(copies);
                Assert.True(violations.Count == 0, $"{scenario} to {copies}, {kind} after step {step}: {string.Join("; ", violations)}");
                bench.Close();
            }
        }
    }

    [Fact]
    public async Task AMountpathWithoutRoomIsPassedOver()
    {
        ReplicaSetBench bench = await StartAsync("4+0", JournalMode.Ordered);
        await bench.HarmAsync(1, CopyState.Gone);
        await bench.HarmAsync(2, CopyState.Gone);
        bench.Faults.Arm(faults: [new PlannedFault(DiskVerb.Create, 1, Errno.ENOSPC)]);
        Result<Reconciled> done = await bench.ReconcileAsync(3, verify: false);
        Assert.Equal((1, 0, false), (done.Value.CopiesMade, done.Value.Removed, done.Value.StillDegraded)); // the third and the fourth stand in
        bench.Faults.Disarm();
        done = await bench.ReconcileAsync(3, verify: false);
        Assert.Equal((1, 1, false), (done.Value.CopiesMade, done.Value.Removed, done.Value.StillDegraded));
        Assert.Empty(await bench.SurveyCopiesAsync(3));
        bench.Close();
    }

    /// <summary>It may have been deleted while the mountpath was away; a repair that came before the comparison brought it back, on all of them.</summary>
    [Fact]
    public async Task NothingIsMadeFromAMountpathThatIsNotComparedYet()
    {
        ReplicaSetBench bench = await StartAsync("4+0", JournalMode.Ordered);
        for (int rank = 1; rank < 4; rank++)
        {
            await bench.HarmAsync(rank, CopyState.Gone);
        }

        Action compared = bench.FirstComesBack();
        Result<Reconciled> done = await bench.ReconcileAsync(3, verify: false);
        Assert.Equal((0, 0), (done.Value.CopiesMade, done.Value.Removed));
        compared();
        done = await bench.ReconcileAsync(3, verify: false);
        Assert.Equal((2, 0), (done.Value.CopiesMade, done.Value.Removed)); // what is newest there is the object
        Assert.Empty(await bench.SurveyCopiesAsync(3));
        bench.Close();
    }

    /// <summary>
    /// Somebody puts "dir/set/other" while "dir/set" is copied, whose file becomes the leaf of a directory then. What is not a file any more is no damaged
    /// file: quarantine would take the directory, and every object in it.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task AFileThatBecomesADirectoryWhileItIsCopiedIsNotSetAside(int copies)
    {
        ReplicaSetBench bench = await StartAsync("4+0", JournalMode.Ordered, io => new BeforeVerb(io));
        await bench.HarmAsync(0, CopyState.Gone);
        var io = (BeforeVerb)bench.Io;
        io.Arm(DiskVerb.Create, bench.MakeRoomBelowAsync);
        Result<Reconciled> done = await bench.ReconcileAsync(copies, verify: false);
        Assert.False(io.IsArmed);
        Assert.True(done.Ok && !done.Value.StillDegraded, done.Error?.Message);
        Assert.Empty(await bench.SurveyCopiesAsync(copies));
        List<string> files = [.. bench.Disk.Tree().Where(entry => entry.Inode.Kind == EntryKind.File).Select(entry => entry.Path)];
        Assert.Single(files, path => path.EndsWith("/dir/set/other", StringComparison.Ordinal));
        Assert.DoesNotContain(files, path => path.Contains("/quarantine/", StringComparison.Ordinal));
        bench.Close();
    }

    /// <summary>True when it was repaired, false when it was rightly refused.</summary>
    private static async Task<bool> RunAsync(int seed)
    {
        var random = new Random(seed);
        var crash = new Crash((CrashKind)random.Next(3), seed);
        ReplicaSetBench bench = await StartAsync("4+0", crash.Mode);
        int copies = random.Next(1, 5);
        var states = new CopyState[4];
        for (int rank = 0; rank < states.Length; rank++)
        {
            states[rank] = (CopyState)random.Next(5);
            if (states[rank] != CopyState.Good)
            {
                await bench.HarmAsync(rank, states[rank]);
            }
        }

        string what = $"SLUICE_REPLAY={Prefix}{seed}  [{string.Join(' ', states)}] to {copies}: ";
        bool isThere = states.Contains(CopyState.Good);
        if (random.Next(2) == 0)
        {
            bench.Faults.Arm(crashAfter: random.Next(1, 30));
            await UntilTheEndAsync(() => bench.ReconcileAsync(copies, verify: true));
            bench.Crash(crash);
            await bench.OpenAsync();
            Assert.True(await bench.HasGoodCopyAsync() == isThere, what + "the newest generation is lost");
        }

        Result<Reconciled> done = await bench.ReconcileAsync(copies, verify: true);
        if (isThere)
        {
            Assert.True(done.Ok && !done.Value.StillDegraded, what + done.Error?.Message);
            List<string> violations = await bench.SurveyCopiesAsync(copies);
            Assert.True(violations.Count == 0, what + string.Join("; ", violations));
            Assert.True((await bench.ReconcileAsync(copies, verify: true)).Value == Reconciled.None, what + "the second time there is nothing to do");
        }
        else if (states.Contains(CopyState.Flipped) || states.All(state => state is CopyState.NoRecord or CopyState.Gone))
        {
            // A newer generation than the good one was there: it is not quietly replaced by the older.
            Assert.True(states.All(state => state == CopyState.Gone) ? done.Value == Reconciled.None : done.Error?.Code == ErrorCode.Damaged, what + "is not refused");
        }

        bench.Close();
        return isThere;
    }

    private static async Task<ReplicaSetBench> StartAsync(string scenario, JournalMode mode, Func<IFileIo, IFileIo>? twin = null)
    {
        var bench = new ReplicaSetBench(scenario + ",4+0", mode, twin: twin);
        await bench.OpenAsync();
        for (int i = 0; i < bench.CommitCount - 1; i++) // the last one is only there for its number of disks
        {
            await bench.CommitAsync(i);
        }

        bench.Disk.SyncAll();
        return bench;
    }

    /// <summary>True when it came to its end.</summary>
    private static async Task<bool> UntilTheEndAsync(Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (ProcessEndedException)
        {
            return false; // the crash that was asked for
        }
    }
}
