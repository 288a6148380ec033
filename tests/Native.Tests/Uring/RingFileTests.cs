using System.Buffers;
using System.IO.Pipes;
using System.Text;
using Sluice.Native.Tests.Support;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>File verbs of the ring against the real kernel: the numbers are those of the system calls.</summary>
public sealed class RingFileTests : IDisposable
{
    private static readonly byte[] s_attribute = "user.a\0"u8.ToArray();
    private readonly TempDirectory _directory = new();
    private readonly RingLoop _loop = new(new RingLoopOptions { SubmissionEntries = 4, CompletionEntries = 32 });

    [Fact]
    public async Task FilesAreOpenedWrittenReadAndClosed()
    {
        int file = await DoAsync(call => _loop.Open(call, _directory.Descriptor, Bytes("f"), Libc.OpenMode.CreateNew));
        Assert.True(file > 0);
        Assert.Equal(5, await DoAsync(call => _loop.Write(call, file, new ReadOnlySequence<byte>(Bytes("hello")), 3)));
        var buffer = new byte[20];
        Assert.Equal(8, await DoAsync(call => _loop.Read(call, file, buffer, 0)));
        Assert.Equal("\0\0\0hello", Encoding.ASCII.GetString(buffer, 0, 8));
        Assert.Equal(0, await DoAsync(call => _loop.Sync(call, file)));
        var status = new Call();
        Assert.Equal(0, await DoAsync(call => _loop.StatAt(call, _directory.Descriptor, Bytes("f")), status));
        Assert.Equal(8, status.Status.Size);
        Assert.True(status.Status.IsFile);
        Assert.Equal(0, await DoAsync(call => _loop.Close(call, file)));
        // Not the number that was closed: by now it may be another test's, and the eight bytes a loop's wake-up.
        Assert.Equal(-(int)Errno.EBADF, await DoAsync(call => _loop.Read(call, int.MaxValue, buffer, 0)));
        Assert.Equal(-(int)Errno.EXDEV, await DoAsync(call => _loop.Open(call, _directory.Descriptor, Bytes("../f"), Libc.OpenMode.Read)));
    }

    [Fact]
    public async Task AWriteTakesSixtyFourPiecesAndTheSameOperationAgain()
    {
        int file = _directory.Open("f", Libc.OpenMode.CreateNew);
        ReadOnlySequence<byte> data = Sequence(100);
        var call = new Call();
        Assert.Equal(64 * 10, await DoAsync(operation => _loop.Write(operation, file, data, 0), call));
        call.Reset();
        Assert.Equal(36 * 10, await DoAsync(operation => _loop.Write(operation, file, data.Slice(640), 640), call));
        Assert.Equal(string.Concat(Enumerable.Range(0, 100).Select(i => $"{i:d10}")), _directory.Read("f"));
    }

    [Fact]
    public async Task NamesAreMovedLinkedAndRemoved()
    {
        int home = _directory.Descriptor;
        _directory.Write("a", "x");
        Assert.Equal(0, await DoAsync(call => _loop.MakeDirectory(call, home, Bytes("d"))));
        Assert.Equal(0, await DoAsync(call => _loop.Link(call, home, Bytes("a"), home, Bytes("b"))));
        Assert.Equal(-(int)Errno.EEXIST, await DoAsync(call => _loop.Rename(call, home, Bytes("a"), home, Bytes("b"), 1)));
        Assert.Equal(0, await DoAsync(call => _loop.Rename(call, home, Bytes("a"), home, Bytes("d"), 2)));
        Assert.Equal("x", _directory.Read("d"));
        Assert.Equal(-(int)Errno.EISDIR, await DoAsync(call => _loop.Unlink(call, home, Bytes("a"), isDirectory: false)));
        Assert.Equal(0, await DoAsync(call => _loop.Unlink(call, home, Bytes("a"), isDirectory: true)));
        Assert.Equal(0, await DoAsync(call => _loop.Unlink(call, home, Bytes("d"), isDirectory: false)));
        string longName = new('n', 255);
        _directory.Write(longName, "x");
        string path = string.Concat(Enumerable.Repeat("./", 1500)) + longName;
        int opened = await DoAsync(call => _loop.Open(call, home, Bytes(path), Libc.OpenMode.Read));
        Assert.True(opened > 0);
        Libc.Close(opened);
    }

    [Fact]
    public async Task WhatCannotBePassedOnIsRefusedAndNothingIsInFlight()
    {
        var call = new Call();
        (Errno Long, Errno Nul, int InFlight) told = await _loop.RunAsync(() =>
        {
            Errno longName = _loop.Open(call, _directory.Descriptor, new byte[5000], Libc.OpenMode.Read);
            Errno nul = _loop.Unlink(call, _directory.Descriptor, Bytes("a\0b"), isDirectory: false);
            Assert.Throws<ArgumentOutOfRangeException>(() => _loop.Read(call, _directory.Descriptor, new byte[1], -1));
            Assert.Throws<ArgumentOutOfRangeException>(() => _loop.Write(call, _directory.Descriptor, default, -1));
            Assert.Throws<ArgumentException>(() => _loop.GetXattr(call, _directory.Descriptor, Bytes("user.a"), new byte[1]));
            return new ValueTask<(Errno, Errno, int)>((longName, nul, _loop.InFlightCount));
        });
        Assert.Equal((Errno.ENAMETOOLONG, Errno.EINVAL, 0), told);
    }

    [Fact]
    public async Task AnAttributeAndItsFsyncAreBothTold()
    {
        int file = _directory.Open("f", Libc.OpenMode.CreateNew);
        var value = new byte[10];
        Assert.All(await ChainAsync(file, Bytes("value"), []), result => Assert.Equal(0, result));
        Assert.Equal(5, await DoAsync(call => _loop.GetXattr(call, file, s_attribute, value)));
        Assert.Equal("value", Encoding.ASCII.GetString(value, 0, 5));
        int refused = await DoAsync(call => _loop.SetXattr(call, file, s_attribute, new byte[65_536]));
        Assert.True(refused < 0);
        Assert.Equal(refused, (await ChainAsync(file, new byte[65_536], []))[0]);
        Assert.Equal(5, await DoAsync(call => _loop.GetXattr(call, file, s_attribute, value)));
    }

    [Fact]
    public async Task AChainIsWholeAlsoWhenTheQueueWasAlmostFull()
    {
        int file = _directory.Open("f", Libc.OpenMode.CreateNew);
        int other = _directory.Open("g", Libc.OpenMode.CreateNew);
        for (int round = 0; round < 64; round++)
        {
            var order = new List<int>();
            Call[] before = [.. Enumerable.Range(0, round % 8).Select(_ => new Call())];
            Assert.All(await ChainAsync(file, Bytes("value"), before, order, other), result => Assert.Equal(0, result));
            Assert.Equal([0, 1], order); // not linked, they would race
            Assert.All(await Task.WhenAll(before.Select(call => call.Result)), result => Assert.Equal(0, result));
        }
    }

    [Fact]
    public async Task AReadThatWaitsIsCancelled()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        var call = new Call();
        int descriptor = (int)pipe.SafePipeHandle.DangerousGetHandle();
        int inFlight = await _loop.RunAsync(() =>
        {
            _loop.Read(call, descriptor, new byte[10], 0);
            return new ValueTask<int>(_loop.InFlightCount);
        });
        Assert.Equal(1, inFlight);
        _loop.Post(_ => _loop.Cancel(call), null);
        Assert.Equal(-(int)Errno.ECANCELED, await call.Result.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void ASecondDescriptorReadsPastTheCacheAndSurvivesTheName()
    {
        int file = _directory.Open("f", Libc.OpenMode.CreateNew);
        Assert.Equal(Errno.None, Libc.Unlink(_directory.Descriptor, Bytes("f"), isDirectory: false));
        Assert.Equal(Errno.None, Libc.OpenDirect(file, out int direct));
        string flags = File.ReadLines($"/proc/self/fdinfo/{direct}").Single(line => line.StartsWith("flags:", StringComparison.Ordinal));
        const int O_DIRECT = 0x4000;
        Assert.Equal(O_DIRECT, Convert.ToInt32(flags[6..].Trim(), 8) & O_DIRECT);
        Libc.Close(direct);
        Assert.Equal(Errno.ENOENT, Libc.OpenDirect(1 << 20, out _));
    }

    [Fact]
    public void AnOpenFromMemoryFindsWhatWasJustUsedAndAsksForTheRest()
    {
        _directory.Write("f", "x");
        Assert.Equal(Errno.None, Libc.OpenCached(_directory.Descriptor, Bytes("f"), Libc.OpenMode.Read, out int file));
        Libc.Close(file);
        Assert.Equal(Errno.EAGAIN, Libc.OpenCached(_directory.Descriptor, Bytes("never-looked-up"), Libc.OpenMode.Read, out int absent));
        Assert.Equal(-1, absent);
        Assert.NotEqual(Errno.None, Libc.OpenCached(_directory.Descriptor, Bytes("../f"), Libc.OpenMode.Read, out _)); // EXDEV, or EAGAIN to find that out
    }

    public void Dispose()
    {
        _loop.Dispose();
        _directory.Dispose();
    }

    private static byte[] Bytes(string text) => TempDirectory.Bytes(text);

    private static ReadOnlySequence<byte> Sequence(int count)
    {
        Piece? first = null, last = null;
        for (int i = 0; i < count; i++)
        {
            byte[] piece = Bytes($"{i:d10}");
            last = last is null ? new Piece(piece, 0) : last.Then(piece);
            first ??= last;
        }

        return new ReadOnlySequence<byte>(first!, 0, last!, 10);
    }

    private Task<int> DoAsync(Action<Call> submit, Call? call = null) => DoAsync(
        operation =>
        {
            submit(operation);
            return Errno.None;
        },
        call);

    /// <summary>Answers what the attribute and the fsync completed with; the queue of four entries holds some fsyncs of another file before.</summary>
    private async Task<int[]> ChainAsync(int file, byte[] value, Call[] before, List<int>? order = null, int other = -1)
    {
        Call set = new() { Told = () => order?.Add(0) }, sync = new() { Told = () => order?.Add(1) };
        Assert.True(await _loop.RunAsync(() =>
        {
            Array.ForEach(before, call => _loop.Sync(call, other));
            return new ValueTask<bool>(_loop.TrySetXattrThenSync(set, sync, file, s_attribute, value));
        }));
        return await Task.WhenAll(set.Result, sync.Result).WaitAsync(TimeSpan.FromSeconds(30));
    }

    private async Task<int> DoAsync(Func<Call, Errno> submit, Call? call = null)
    {
        Call operation = call ?? new Call();
        Errno refused = await _loop.RunAsync(() => new ValueTask<Errno>(submit(operation)));
        Assert.Equal(Errno.None, refused);
        return await operation.Result.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private sealed class Call : RingFileOperation
    {
        private TaskCompletionSource<int> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<int> Result => _done.Task;

        public void Reset() => _done = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);

        public Action? Told { get; init; }

        protected override void Ended(int result)
        {
            Told?.Invoke();
            _done.SetResult(result);
        }
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long before) => (Memory, RunningIndex) = (memory, before);

        public Piece Then(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
