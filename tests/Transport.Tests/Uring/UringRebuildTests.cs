// A file that cannot be read to its end while it goes out, and whose bytes are to be had from others: the peer gets every byte, in its order, and whatever the
// others are made of is held until the last one is sent.
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Transport.Http;
using Sluice.Transport.Uring;

namespace Sluice.Transport.Tests.Uring;

public sealed class UringRebuildTests
{
    private const int PeerBytes = 64 << 10;
    private const int BigBytes = 4 << 20;

    [Theory]
    [InlineData(20_000, 0)] // read by the ring, behind the head
    [InlineData(20_000, 4097)]
    [InlineData(BigBytes, 0)]
    [InlineData(BigBytes, 1_000_001)]
    [InlineData(BigBytes, BigBytes - 1)]
    public async Task WhatAFileLacksIsRebuilt(int count, int fileBytes)
    {
        byte[] content = Bytes(count);
        using var file = new TestFile(content[..fileBytes]);
        using var others = new TestFile([]);
        var rebuilt = new Rebuilt(content, others);
        await using var bench = new RingBench();
        IPEndPoint server = await bench.ServeAsync(connection => SendAsync(connection, file, count, rebuilt));
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        byte[] got = await peer.ReceiveAllAsync();
        peer.HalfClose();
        Exactly.Same([.. "head"u8, .. content, .. "tail"u8], got);
        Assert.Equal(count <= 32 << 10 ? 0 : fileBytes, rebuilt.Least); // of what the ring reads behind the head nothing is sent when that falls short
        await bench.IsIdleAsync();
        file.Handle.Dispose();
        others.Handle.Dispose();
        Assert.True(file.IsClosed && others.IsClosed, "nothing is held");
    }

    [Theory]
    [InlineData(20_000, 4097)]
    [InlineData(BigBytes, 1_000_001)]
    public async Task WhatCannotBeRebuiltBreaksTheConnection(int count, int fileBytes)
    {
        byte[] content = Bytes(count);
        using var file = new TestFile(content[..fileBytes]);
        using var others = new TestFile([]);
        await using var bench = new RingBench();
        using Peer peer = await ConnectAsync(bench, connection => SendAsync(connection, file, count, new Rebuilt(null, others)));
        byte[] got = (await peer.ReceiveAllUnlessBrokenAsync()).Bytes;
        Assert.InRange(got.Length, 0, count <= 32 << 10 ? 0 : 4 + fileBytes);
        await bench.IsIdleAsync();
        file.Handle.Dispose();
        others.Handle.Dispose();
        Assert.True(file.IsClosed && others.IsClosed, "nothing is held");
    }

    [Theory]
    [InlineData(20_000)]
    [InlineData(BigBytes)]
    public async Task ItArrivesThoughTheApplicationIsDoneBefore(int count)
    {
        byte[] content = Bytes(count);
        using var file = new TestFile([]);
        using var others = new TestFile([]);
        var rebuilt = new Rebuilt(content, others) { MayGoOn = NewSignal() };
        await using var bench = new RingBench();
        var isDone = NewSignal();
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            await BeginAsync(connection, file, count, rebuilt);
            isDone.SetResult();
        });
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        await isDone.Task.WaitAsync(Until.Deadline);
        await rebuilt.HasBegun.Task.WaitAsync(Until.Deadline);
        await bench.TicksAsync(); // the connection waits for its last bytes by now
        rebuilt.MayGoOn.SetResult();
        byte[] got = await peer.ReceiveAllAsync();
        peer.HalfClose();
        Exactly.Same([.. "head"u8, .. content], got);
        await bench.IsIdleAsync();
    }

    [Theory]
    [InlineData("peer")]
    [InlineData("application")]
    [InlineData("stop")]
    public async Task AConnectionThatBreaksMeanwhileEndsWhenTheDisksAreDone(string who)
    {
        using var file = new TestFile([]);
        using var others = new TestFile([]);
        var rebuilt = new Rebuilt(Bytes(BigBytes), others) { MayGoOn = NewSignal() };
        var bench = new RingBench();
        ConnectionContext? served = null;
        IPEndPoint server = await bench.ServeAsync(connection => BeginAsync(served = connection, file, BigBytes, rebuilt));
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        await rebuilt.HasBegun.Task.WaitAsync(Until.Deadline);
        var closed = NewSignal();
        using CancellationTokenRegistration told = served!.ConnectionClosed.Register(closed.SetResult);
        Task? stopped = null;
        if (who == "peer")
        {
            peer.Reset();
        }
        else if (who == "application")
        {
            served.Abort(new ConnectionAbortedException("by the test"));
        }
        else
        {
            stopped = bench.DisposeAsync().AsTask();
        }

        await closed.Task.WaitAsync(Until.Deadline);
        await bench.TicksAsync();
        Assert.Equal(1, bench.Transport.ConnectionCount);
        others.Handle.Dispose();
        Assert.False(others.IsClosed, "what is read is held until it is read");
        rebuilt.MayGoOn.SetResult();
        file.Handle.Dispose();
        await (stopped ?? bench.DisposeAsync().AsTask());
        Assert.Equal((true, true, 1), (file.IsClosed, others.IsClosed, bench.Served));
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(1, UringTransportOptions.HeadBytes)] // the one that there is has the head
    public async Task WhatIsRebuiltIsInABufferOfHeadsOrCountsWithTheArraysInTheirPlace(int heads, int arrayBytes)
    {
        byte[] content = Bytes(BigBytes);
        using var file = new TestFile([]);
        using var others = new TestFile([]);
        var rebuilt = new Rebuilt(content, others) { MayGoOn = NewSignal() };
        await using var bench = new RingBench(new UringTransportOptions { BlockCount = 2, HeadCount = heads });
        IPEndPoint server = await bench.ServeAsync(connection => BeginAsync(connection, file, BigBytes, rebuilt));
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        await rebuilt.HasBegun.Task.WaitAsync(Until.Deadline);
        Assert.Equal(arrayBytes, bench.Transport.ArrayBytes);
        Assert.Equal(heads, bench.Transport.LeaseCount);
        rebuilt.MayGoOn.SetResult();
        byte[] got = await peer.ReceiveAllAsync();
        peer.HalfClose();
        Exactly.Same([.. "head"u8, .. content], got);
        await bench.IsIdleAsync();
        Assert.Equal(0, bench.Transport.ArrayBytes);
    }

    /// <summary>Only a file's errors make another file, or what is rebuilt, go on; after a socket's nobody is there to send to.</summary>
    [Theory]
    [InlineData(true, Errno.EIO, Errno.ENXIO, Errno.ENODEV, Errno.ENODATA, Errno.ENOLINK, Errno.EBADMSG, Errno.EILSEQ, Errno.ESTALE, Errno.EUCLEAN, Errno.EREMOTEIO)]
    [InlineData(false, Errno.None, Errno.EAGAIN, Errno.EPIPE, Errno.ECONNRESET, Errno.ECONNABORTED, Errno.ENOTCONN, Errno.ETIMEDOUT, Errno.ENOBUFS, Errno.EBADF)]
    public void WhatSendfileSaysIsTheFilesOrTheSockets(bool isOfFile, params Errno[] errors) =>
        Assert.All(errors, error => Assert.Equal(isOfFile, UringOutput.IsOfFile(error)));

    [Fact]
    public async Task WhoThrowsBreaksTheConnection()
    {
        using var file = new TestFile([]);
        using var others = new TestFile([]);
        await using var bench = new RingBench();
        using Peer peer = await ConnectAsync(bench, connection => BeginAsync(connection, file, BigBytes, new Rebuilt([], others))); // its content is too short
        Assert.InRange((await peer.ReceiveAllUnlessBrokenAsync()).Bytes.Length, 0, 4);
        await bench.IsIdleAsync();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A peer that is connected before its connection is served: a reset in the midst of connecting would fail that.</summary>
    private static async Task<Peer> ConnectAsync(RingBench bench, Func<ConnectionContext, Task> application)
    {
        TaskCompletionSource isConnected = NewSignal();
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            await isConnected.Task;
            await application(connection);
        });
        Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        isConnected.SetResult();
        return peer;
    }

    private static async Task SendAsync(ConnectionContext connection, TestFile file, int count, Rebuilt rebuilt)
    {
        if (await BeginAsync(connection, file, count, rebuilt))
        {
            await connection.Transport.Output.WriteAsync("tail"u8.ToArray());
        }
    }

    /// <summary>A head and a file are on their way; false when the connection is broken.</summary>
    private static async Task<bool> BeginAsync(ConnectionContext connection, TestFile file, int count, Rebuilt rebuilt)
    {
        PipeWriter output = connection.Transport.Output;
        "head"u8.CopyTo(output.GetSpan(4));
        output.Advance(4);
        Assert.True(connection.Features.Get<IConnectionBodies>()!.TryWriteFile(output, file.Handle, 0, count, rebuilt));
        return !(await output.FlushAsync()).IsCompleted;
    }

    private static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Knows the content, or nothing.</summary>
    private sealed class Rebuilt(byte[]? content, TestFile others) : IReadFaults
    {
        private long _least = long.MaxValue;

        /// <summary>Where the first byte was that was asked for.</summary>
        public long Least => Interlocked.Read(ref _least);

        public TaskCompletionSource HasBegun { get; } = NewSignal();

        /// <summary>It waits for that, if there is one.</summary>
        public TaskCompletionSource? MayGoOn { get; init; }

        public FileHandle? RebuiltWith => others.Handle;

        public void ReadFailed(Errno error) => Assert.Fail($"no read failed, but {error} was told");

        public void EndsAt(long offset)
        {
        }

        public async ValueTask<bool> RebuildAsync(Memory<byte> bytes, long offset)
        {
            Assert.False(others.IsClosed, "it is held");
            Interlocked.Exchange(ref _least, Math.Min(Least, offset));
            HasBegun.TrySetResult();
            await (MayGoOn?.Task ?? Task.CompletedTask);
            Assert.False(others.IsClosed, "it is held");
            content?.AsSpan((int)offset, bytes.Length).CopyTo(bytes.Span);
            return content is not null;
        }
    }
}
