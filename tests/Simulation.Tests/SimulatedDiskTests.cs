using System.Buffers;
using System.Text;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Native.Uring;
using Sluice.Simulation.Tests.Disk;

namespace Sluice.Simulation.Tests;

/// <summary>
/// The simulated disk answers like the kernel, and loses what disks lose. The theory: an inode has data, attributes and names; data reaches
/// the medium by fsync of the file, a name by fsync of its directory or by what the journal carries along.
/// </summary>
public sealed class SimulatedDiskTests
{
    private static readonly byte[] s_new = [.. Enumerable.Range(0, 10_000).Select(i => (byte)i)];

    [Fact]
    public async Task ARenameOfUnsyncedDataOverADurableFileLeavesSizeZeroUnderTheNewRecord()
    {
        (SimulatedDisk disk, FileHandle root) = await OverwrittenAsync(JournalMode.Ordered, syncData: false);
        disk.End(new Crash(CrashKind.CutOrdered, 1));
        Assert.Equal((0, 2), await ContentAsync(disk, "x"));
        Assert.Equal(Errno.EBADF, (await disk.StatAsync(root)).Error);
    }

    [Fact]
    public async Task WhatWasNotSyncedMayBeGoneAltogether()
    {
        (SimulatedDisk disk, _) = await OverwrittenAsync(JournalMode.Ordered, syncData: false);
        disk.End(new Crash(CrashKind.CutOrdered, 0));
        Assert.Equal((100, 1), await ContentAsync(disk, "x"));
    }

    [Fact]
    public async Task AKillLosesNothing()
    {
        (SimulatedDisk disk, _) = await OverwrittenAsync(JournalMode.Unordered, syncData: false);
        disk.End(new Crash(CrashKind.Kill, 0));
        Assert.Equal((s_new.Length, 2), await ContentAsync(disk, "x"));
    }

    [Theory]
    [InlineData(JournalMode.Ordered, CrashKind.CutOrdered)]
    [InlineData(JournalMode.Unordered, CrashKind.CutUnordered)]
    public async Task AnFsyncOfTheDirectoryMakesTheRenameDurable(JournalMode mode, CrashKind kind)
    {
        (SimulatedDisk disk, FileHandle root) = await OverwrittenAsync(mode, syncData: true);
        Assert.True((await disk.SyncAsync(root)).Ok);
        disk.End(new Crash(kind, 0));
        Assert.Equal((s_new.Length, 2), await ContentAsync(disk, "x"));
    }

    [Fact]
    public async Task AnOrderedLogKeepsAPrefixAndAnUnorderedOneAnySubset()
    {
        var seen = new Dictionary<CrashKind, HashSet<string>> { [CrashKind.CutOrdered] = [], [CrashKind.CutUnordered] = [] };
        foreach ((CrashKind kind, HashSet<string> survivors) in seen)
        {
            for (int seed = 0; seed < 200; seed++)
            {
                var disk = new SimulatedDisk(1);
                var crash = new Crash(kind, seed);
                disk.SetMode(crash.Mode);
                using FileHandle root = (await disk.OpenRootAsync("/sim/0")).Value;
                foreach (string name in (string[])["a", "b", "c"])
                {
                    Assert.True((await disk.MakeDirectoryAsync(root, Name(name))).Ok);
                }

                disk.End(crash);
                survivors.Add(string.Concat(disk.Tree().Select(entry => entry.Path[^1])));
            }
        }

        Assert.Equal(["", "a", "ab", "abc"], seen[CrashKind.CutOrdered].Order(StringComparer.Ordinal));
        Assert.Equal(8, seen[CrashKind.CutUnordered].Count);
    }

    [Fact]
    public async Task TheLockEndsWithItsHandleAndWithTheProcess()
    {
        var disk = new SimulatedDisk(1);
        using FileHandle root = (await disk.OpenRootAsync("/sim/0")).Value;
        FileHandle one = (await disk.OpenAsync(root, Name("lock"), OpenIntent.CreateNew)).Value;
        using FileHandle other = (await disk.OpenAsync(root, Name("lock"), OpenIntent.ReadWrite)).Value;
        Assert.True((await disk.LockAsync(one)).Ok);
        Assert.Equal(Errno.EAGAIN, (await disk.LockAsync(other)).Error);
        one.Dispose();
        Assert.True((await disk.LockAsync(other)).Ok);
        disk.End(new Crash(CrashKind.Kill, 0));
        using FileHandle again = (await disk.OpenRootAsync("/sim/0")).Value;
        using FileHandle next = (await disk.OpenAsync(again, Name("lock"), OpenIntent.ReadWrite)).Value;
        Assert.True((await disk.LockAsync(next)).Ok);
    }

    /// <summary>Random verbs on a real directory and on the simulated one: the same error numbers, the same contents.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public async Task RandomVerbsAnswerLikeTheKernel(int seed, bool isRing)
    {
        DirectoryInfo home = Directory.CreateTempSubdirectory("sluice-simulation-");
        try
        {
            using var loop = new RingLoop(new RingLoopOptions());
            using var threads = new ThreadFileIo(workers: 1);
            using var ring = new UringFileIo([loop]);
            IFileIo kernel = isRing ? ring : threads;
            var disk = new SimulatedDisk(1);
            using FileHandle real = (await kernel.OpenRootAsync(home.FullName)).Value;
            using FileHandle simulated = (await disk.OpenRootAsync("/sim/0")).Value;
            var random = new Random(seed);
            for (int i = 0; i < 600; i++)
            {
                int draw = random.Next();
                string expected = isRing
                    ? await loop.RunAsync(async () => await RandomVerb.RunAsync(kernel, real, new Random(draw)))
                    : await RandomVerb.RunAsync(kernel, real, new Random(draw));
                string answered = await RandomVerb.RunAsync(disk, simulated, new Random(draw));
                Assert.True(expected == answered, $"seed {seed}, verb {i}: the kernel says {expected}, the simulation {answered}");
            }
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    private static byte[] Name(string name) => Encoding.ASCII.GetBytes(name);

    private static async Task<(SimulatedDisk Disk, FileHandle Root)> OverwrittenAsync(JournalMode mode, bool syncData)
    {
        var disk = new SimulatedDisk(1);
        disk.SetMode(mode);
        FileHandle root = (await disk.OpenRootAsync("/sim/0")).Value;
        using (FileHandle old = (await disk.OpenAsync(root, Name("x"), OpenIntent.CreateNew)).Value)
        {
            await disk.WriteAsync(old, new ReadOnlySequence<byte>(new byte[100]), 0);
            await disk.SetXattrAsync(old, XattrName.Record, new byte[] { 1 });
        }

        await disk.SyncFileSystemAsync(root);
        using FileHandle file = (await disk.OpenAsync(root, Name("w"), OpenIntent.CreateNew)).Value;
        await disk.WriteAsync(file, new ReadOnlySequence<byte>(s_new), 0);
        await disk.SetXattrAsync(file, XattrName.Record, new byte[] { 2 });
        if (syncData)
        {
            await disk.SyncAsync(file);
        }

        Assert.True((await disk.RenameAsync(root, Name("w"), root, Name("x"), RenameMode.Replace)).Ok);
        return (disk, root);
    }

    private static async Task<(int Size, int Record)> ContentAsync(SimulatedDisk disk, string name)
    {
        using FileHandle root = (await disk.OpenRootAsync("/sim/0")).Value;
        using FileHandle file = (await disk.OpenAsync(root, Name(name), OpenIntent.Read)).Value;
        var record = new byte[1];
        await disk.GetXattrAsync(file, XattrName.Record, record);
        return ((int)(await disk.StatAsync(file)).Value.SizeBytes, record[0]);
    }
}
