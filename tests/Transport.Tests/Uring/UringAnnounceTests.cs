// Segments beside the pipe: whose they are after each way in which handing one over can end.
using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Sluice.Native.Memory;
using Sluice.Transport.Http;

namespace Sluice.Transport.Tests.Uring;

public sealed class UringAnnounceTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ABodyBeyondItsLengthLeavesTheSegmentWithItsOwnerAndTheMemoryUsable(bool isFile)
    {
        using var file = new TestFile("0123456789abcdefghij"u8.ToArray());
        using var slab = new BufferSlab(4096, 1);
        await using KestrelBench bench = await KestrelBench.StartAsync(async exchange =>
        {
            await exchange.StartAsync(10);
            PipeWriter body = exchange.Answer.Writer;
            if (isFile)
            {
                Assert.Throws<InvalidOperationException>(() => exchange.Bodies!.TryWriteFile(body, file.Handle, 0, 20));
            }
            else
            {
                Assert.True(slab.TryRent(out BufferLease lease));
                Assert.Throws<InvalidOperationException>(() => exchange.Bodies!.TryWriteLease(body, lease, 0, 20));
                lease.Dispose();
            }

            await body.WriteAsync("the answer"u8.ToArray());
        });
        using Peer peer = await Peer.ConnectAsync(bench.EndPoint);
        await peer.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.EndsWith("\r\n\r\nthe answer", await UringInputTests.AnswerAsync(peer), StringComparison.Ordinal);
        Assert.Empty(await peer.ReceiveAllAsync());
        Assert.Empty(bench.Thrown);
        file.Handle.Dispose();
        Assert.True(file.IsClosed);
        Assert.Equal(0, slab.OutstandingCount);
    }

    [Fact]
    public async Task AnEmptySegmentIsLetGoAtOnce()
    {
        using var file = new TestFile("abc"u8.ToArray());
        using var slab = new BufferSlab(4096, 1);
        await OnConnectionAsync(
            async (output, bodies) =>
            {
                Assert.True(slab.TryRent(out BufferLease lease));
                Assert.True(bodies.TryWriteLease(output, lease, 5, 0));
                Assert.Equal(0, slab.OutstandingCount);
                Assert.True(bodies.TryWriteFile(output, file.Handle, 1, 0));
                file.Handle.Dispose();
                Assert.True(file.IsClosed);
                Assert.Throws<ObjectDisposedException>(() => bodies.TryWriteFile(output, file.Handle, 0, 1));
                await output.WriteAsync("whole"u8.ToArray());
            },
            "whole");
    }

    [Fact]
    public async Task WhatIsOutsideOfTheBufferIsRefusedAndLeavesItWithItsOwner()
    {
        using var slab = new BufferSlab(4096, 1);
        using var file = new TestFile("abc"u8.ToArray());
        await OnConnectionAsync(
            async (output, bodies) =>
            {
                Assert.True(slab.TryRent(out BufferLease lease));
                "the lease"u8.CopyTo(lease.Memory.Span[4087..]);
                Assert.Throws<ArgumentOutOfRangeException>(() => bodies.TryWriteLease(output, lease, 0, 4097));
                Assert.Throws<ArgumentOutOfRangeException>(() => bodies.TryWriteLease(output, lease, 4096, 1));
                Assert.Throws<ArgumentOutOfRangeException>(() => bodies.TryWriteLease(output, lease, 4000, -4001));
                Assert.Throws<ArgumentOutOfRangeException>(() => bodies.TryWriteLease(output, lease, 4000, -100));
                Assert.Throws<ArgumentOutOfRangeException>(() => bodies.TryWriteLease(output, lease, -5, 10));
                Assert.Throws<ArgumentOutOfRangeException>(() => bodies.TryWriteFile(output, file.Handle, 0, -1));
                Assert.Equal(1, slab.OutstandingCount);
                Assert.True(bodies.TryWriteLease(output, lease, 4087, 9));
                await output.FlushAsync();
            },
            "the lease");
        Assert.Equal(0, slab.OutstandingCount);
        file.Handle.Dispose();
        Assert.True(file.IsClosed);
    }

    [Fact]
    public async Task WhoAdvancesBeyondTheMemoryIsToldAndNothingOfItGoesOut() => await OnConnectionAsync(
        async (output, _) =>
        {
            Memory<byte> room = output.GetMemory(10);
            Assert.Throws<ArgumentOutOfRangeException>(() => output.Advance(room.Length + 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => output.Advance(-1));
            Assert.Equal(0, output.UnflushedBytes);
            "abc"u8.CopyTo(room.Span);
            output.Advance(3);
            await output.FlushAsync();
        },
        "abc");

    [Fact]
    public async Task NothingIsWrittenBehindASegmentBeforeAFlush()
    {
        using var file = new TestFile("abc"u8.ToArray());
        await OnConnectionAsync(
            async (output, bodies) =>
            {
                Assert.True(bodies.TryWriteFile(output, file.Handle, 0, 3));
                Assert.Equal(3, output.UnflushedBytes);
                Assert.False(bodies.TryWriteFile(output, file.Handle, 0, 3));
                Assert.Throws<InvalidOperationException>(() => output.GetMemory(1));
                await output.FlushAsync();
                output.Write("d"u8);
                Assert.True(bodies.TryWriteFile(output, file.Handle, 1, 2));
                await output.FlushAsync();
            },
            "abcdbc");
        file.Handle.Dispose();
        Assert.True(file.IsClosed);
    }

    /// <summary>Has the application write on a connection's loop; its peer gets the text, and nothing else.</summary>
    private static async Task OnConnectionAsync(Func<PipeWriter, IConnectionBodies, Task> application, string expected)
    {
        await using var bench = new RingBench();
        IPEndPoint server = await bench.ServeAsync(
            (ConnectionContext connection) => application(connection.Transport.Output, connection.Features.Get<IConnectionBodies>()!));
        using Peer peer = await Peer.ConnectAsync(server);
        Assert.Equal(expected, System.Text.Encoding.Latin1.GetString(await peer.ReceiveAllAsync()));
        peer.HalfClose();
        await bench.IsIdleAsync();
    }
}
