using System.Buffers;
using System.IO.Pipes;
using System.Text;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Native.Memory;
using Sluice.Native.Uring;

namespace Sluice.Engine.Tests;

/// <summary>What only the ring can do wrong: where continuations run, what a verb leaves to the collector, what happens when a loop ends.</summary>
public sealed class UringFileIoTests : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-ring-");
    private readonly RingLoop _loop = new(new RingLoopOptions());
    private readonly UringFileIo _io;

    public UringFileIoTests()
    {
        _io = new UringFileIo([_loop]);
    }

    [Fact]
    public async Task AVerbThatIsCalledOnALoopContinuesThereAndOthersNever()
    {
        bool[] stays = await _loop.RunAsync<bool[]>(async () =>
        {
            (FileHandle root, FileHandle file) = await OpenAsync();
            using (root)
            using (file)
            {
                await _io.SyncAsync(file);
                bool afterRing = _loop.IsCurrent;
                await _io.ListAsync(root, new Ignored()); // a thread does it
                bool afterThread = _loop.IsCurrent;
                await _io.SyncAsync(file).ConfigureAwait(false);
                return [afterRing, afterThread, _loop.IsCurrent];
            }
        });
        Assert.Equal([true, true, true], stays);

        (FileHandle home, FileHandle same) = await OpenAsync();
        using (home)
        using (same)
        {
            for (int i = 0; i < 100; i++)
            {
                Assert.False(await EndsOnTheLoopAsync(home));
            }
        }
    }

    [Fact]
    public async Task OnALoopAVerbOfTheRingAllocatesNothing()
    {
        string worst = await _loop.RunAsync<string>(async () =>
        {
            (FileHandle root, FileHandle file) = await OpenAsync();
            var buffer = new byte[4096];
            var piece = new ReadOnlySequence<byte>(buffer);
            byte[] name = Name("f"), absent = Name("absent");
            string?[] found =
            [
                await CostAsync("write", () => _io.WriteAsync(file, piece, 0), answer => answer.Ok),
                await CostAsync("read", () => _io.ReadAsync(file, buffer, 0), answer => answer.Ok),
                await CostAsync("setxattr", () => _io.SetXattrAsync(file, XattrName.Record, name), answer => answer.Ok),
                await CostAsync("setxattr and fsync", () => _io.SetXattrAndSyncAsync(file, XattrName.Record, name), answer => answer.Ok),
                await CostAsync("getxattr", () => _io.GetXattrAsync(file, XattrName.Record, buffer), answer => answer.Ok),
                await CostAsync("fsync", () => _io.SyncAsync(root), answer => answer.Ok),
                await CostAsync("statx", () => _io.StatAsync(file), answer => answer.Ok),
                await CostAsync("statx of a name", () => _io.StatAtAsync(root, name), answer => answer.Ok),
                await CostAsync("rename", () => _io.RenameAsync(root, name, root, name, RenameMode.Replace), answer => answer.Ok),
                await CostAsync("refused link", () => _io.LinkAsync(root, name, root, name), answer => answer.Error == Errno.EEXIST),
                await CostAsync("refused unlink", () => _io.UnlinkAsync(root, absent, EntryKind.File), answer => answer.Error == Errno.ENOENT),
                await CostAsync("refused mkdir", () => _io.MakeDirectoryAsync(root, name), answer => answer.Error == Errno.EEXIST),
                await CostAsync("refused open", () => _io.OpenAsync(root, absent, OpenIntent.Read), answer => answer.Error == Errno.ENOENT),
            ];
            file.Dispose();
            root.Dispose();
            return string.Join("; ", found.OfType<string>());
        });
        Assert.Equal("", worst);
    }

    /// <summary>Who reads what is in memory keeps the loop for so many bytes; the next turn has as many again.</summary>
    [Fact]
    public async Task EachTurnOfALoopMayReadSoMuchAtOnce()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        using var io = new UringFileIo([loop], inlineBytesMax: 64 << 10);
        (FileHandle root, FileHandle file) = await OpenAsync();
        using (root)
        using (file)
        {
            Assert.Equal(Errno.None, (await _io.WriteFullyAsync(file, new ReadOnlySequence<byte>(new byte[64 << 10]), 0)).Error);
            byte[] buffer = new byte[32 << 10];
            List<bool> atOnce = await loop.RunAsync<List<bool>>(async () =>
            {
                List<bool> seen = [];
                for (int turn = 1; turn <= 8; turn++)
                {
                    await loop.NextTurn(); // mostly in the same pass
                    for (int read = 0; read < (turn == 8 ? 3 : 2); read++)
                    {
                        ValueTask<IoResult<int>> reading = io.ReadAsync(file, buffer, 0);
                        seen.Add(reading.IsCompleted);
                        Assert.NotEqual(0, (await reading).Value); // perhaps fewer: debug builds shorten transfers
                    }
                }

                return seen;
            });
            Assert.Equal([.. Enumerable.Repeat(true, 16), false], atOnce);
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)] // the table has no place for the slab
    [InlineData(8, 1)]
    public async Task AReadIntoALeaseGoesByItsRegisteredBufferWhereThereIsOne(int places, int isFixed)
    {
        const int Size = (1 << 20) + 12_345;
        using var loop = new RingLoop(new RingLoopOptions { RegisteredBufferCount = places });
        using var io = new UringFileIo([loop], inlineBytesMax: 0);
        using var slab = new BufferSlab(512 << 10, 3);
        byte[] content = new byte[Size];
        new Random(7).NextBytes(content);
        (FileHandle root, FileHandle file) = await OpenAsync();
        using (root)
        using (file)
        {
            Assert.Equal(Errno.None, (await _io.WriteFullyAsync(file, new ReadOnlySequence<byte>(content), 0)).Error);
            Assert.Equal(places == 8, await loop.RunAsync(() => ValueTask.FromResult(loop.RegisterBuffers(slab))));
            int reads = 0;
            for (int offset = 0; offset < Size; offset += 256 << 10)
            {
                Assert.True(slab.TryRent(out BufferLease lease));
                int done = 0;
                int count = Math.Min(256 << 10, Size - offset);
                for (int read = 1; done < count && read > 0; done += read, reads++)
                {
                    IoResult<int> answer = await io.ReadColdAsync(file, lease.Memory[done..(256 << 10)], offset + done);
                    read = answer.Ok ? answer.Value : -1;
                }

                Assert.Equal(content.AsSpan(offset, count), lease.Memory.Span[..count]);
                lease.Dispose();
            }

            byte[] plain = new byte[4096];
            Assert.True((await io.ReadAsync(file, plain, 0)).Ok); // no lease: neither the one nor the other
            Assert.Equal((reads * isFixed, 0), (loop.FixedBufferCount, loop.PlainBufferCount));
        }
    }

    [Fact]
    public async Task ADetectorOfAllocationsSeesOne()
    {
        string? told = await _loop.RunAsync<string?>(async () => await CostAsync(
            "nop",
            () =>
            {
                GC.KeepAlive(new object());
                return _loop.NopAsync();
            },
            answer => answer == 0));
        Assert.StartsWith("nop allocates", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AVerbInFlightWhenItsLoopEndsAnswersEio()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var ending = new RingLoop(new RingLoopOptions());
        using var io = new UringFileIo([ending]);
        using var file = new FileHandle((int)pipe.SafePipeHandle.DangerousGetHandle(), new NoOwner());
        Task<IoResult<int>> read = io.ReadAsync(file, new byte[10], 0).AsTask(); // a pipe that nobody writes to: it waits
        int inFlight = 0;
        while (inFlight == 0 && !read.IsCompleted)
        {
            inFlight = await ending.RunAsync(() => new ValueTask<int>(ending.InFlightCount));
        }

        Assert.False(read.IsCompleted);
        ending.Dispose();
        Assert.Equal(Errno.EIO, (await read.WaitAsync(TimeSpan.FromSeconds(30))).Error);
    }

    [Fact]
    public async Task DescriptorsAreClosedWhoeverClosesThemAndAlsoWithoutAName()
    {
        (FileHandle root, FileHandle file) = await OpenAsync();
        Assert.Equal(2, Descriptors());
        root.Dispose();
        file.Dispose();
        await _loop.RunAsync<bool>(async () =>
        {
            using FileHandle home = (await _io.OpenRootAsync(_home.FullName)).Value;
            for (int i = 0; i < 50; i++)
            {
                FileHandle written = (await _io.OpenAsync(home, Name($"n{i}"), OpenIntent.CreateNew)).Value;
                FileHandle read = (await _io.OpenAsync(home, Name($"n{i}"), OpenIntent.Read)).Value;
                Assert.True((await _io.UnlinkAsync(home, Name($"n{i}"), EntryKind.File)).Ok);
                written.Dispose();
                read.Dispose();
            }

            return true;
        });
        Assert.Equal(0, _io.OpenCount);
        long deadline = Environment.TickCount64 + 30_000;
        while (Descriptors() > 0 && Environment.TickCount64 < deadline) // a kernel worker closes them
        {
            await _loop.RunAsync<int>(() => _loop.NopAsync());
        }

        Assert.Equal(0, Descriptors());
    }

    [Fact]
    public async Task AnIdleOneHasNoThreads()
    {
        (FileHandle root, FileHandle file) = await OpenAsync();
        file.Dispose();
        int one = _io.WorkerCount; // opening a root is a thread's verb
        await _io.SyncAsync(root);
        root.Dispose();
        Assert.Equal((1, 1), (one, _io.WorkerCount));
        using var idle = new UringFileIo([_loop]);
        Assert.Equal(0, idle.WorkerCount);
    }

    public void Dispose()
    {
        _io.Dispose();
        _loop.Dispose();
        _home.Delete(recursive: true);
    }

    private static byte[] Name(string name) => Encoding.ASCII.GetBytes(name);

    /// <summary>What this process has open at or below the test's directory, with a name or without.</summary>
    private int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Count(path => new FileInfo(path).LinkTarget?.StartsWith(_home.FullName, StringComparison.Ordinal) == true);

    /// <summary>What 100 calls allocate on the loop, all of them within one method, whose own state was made before; null for nothing.</summary>
    private async ValueTask<string?> CostAsync<T>(string name, Func<ValueTask<T>> verb, Func<T, bool> isGood)
    {
        bool good = await _loop.NopAsync() == 0; // this method's own state is made where it first waits
        for (int i = 0; i < 20; i++)
        {
            good &= isGood(await verb());
        }

        long least = long.MaxValue; // of several rounds: other tests take from the pools of the process, and what a verb needs is in every round
        for (int round = 0; round < 5 && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++)
            {
                good &= isGood(await verb());
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.True(good, name);
        return least == 0 ? null : $"{name} allocates {least} bytes in 100 calls";
    }

    /// <summary>Continues wherever the verbs leave it: no context brings it back.</summary>
    private async Task<bool> EndsOnTheLoopAsync(FileHandle file)
    {
        await _io.SyncAsync(file).ConfigureAwait(false);
        bool afterRing = _loop.IsCurrent;
        await _io.StatFileSystemAsync(file).ConfigureAwait(false);
        return afterRing || _loop.IsCurrent;
    }

    private async Task<(FileHandle Root, FileHandle File)> OpenAsync()
    {
        FileHandle root = (await _io.OpenRootAsync(_home.FullName)).Value;
        IoResult<FileHandle> made = await _io.OpenAsync(root, Name("f"), OpenIntent.CreateNew);
        return (root, made.Ok ? made.Value : (await _io.OpenAsync(root, Name("f"), OpenIntent.ReadWrite)).Value);
    }

    private sealed class Ignored : IEntrySink
    {
        public void Add(ReadOnlySpan<byte> name, EntryKind kind)
        {
        }
    }

    private sealed class NoOwner : IDescriptorOwner
    {
        public void Close(int descriptor)
        {
        }
    }
}
