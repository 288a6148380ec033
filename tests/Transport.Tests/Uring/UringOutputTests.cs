// What goes out: exact and in its order whatever it is made of, held no longer than it is sent, and never short as if it were whole.
using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Native.Memory;
using Sluice.Transport.Guard;
using Sluice.Transport.Http;

namespace Sluice.Transport.Tests.Uring;

public sealed class UringOutputTests
{
    private const int BigBytes = 32 << 20; // more than the server's socket takes and that of a peer whose buffer is small
    private const int PeerBytes = 64 << 10;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task MemoryFilesAndLeasesComeInTheirOrder(int seed)
    {
        byte[] content = RandomBytes(seed, 1 << 20);
        Step[] steps = Steps(new Random(seed), content.Length);
        using var file = new TestFile(content);
        using var slab = new BufferSlab(64 << 10, 4);
        await using var bench = new RingBench();
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            foreach (Step step in steps)
            {
                await SendAsync(connection, step, content, file, slab);
            }
        });
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        byte[] got = await peer.ReceiveAllAsync();
        peer.HalfClose();

        using var expected = new MemoryStream();
        foreach (Step step in steps)
        {
            expected.Write(content, step.Start, step.Written);
            expected.Write(content, step.Offset, step.Count);
        }

        Exactly.Same(expected.ToArray(), got);
        await bench.IsIdleAsync();
        Assert.Equal(0, slab.OutstandingCount);
        file.Handle.Dispose();
        Assert.True(file.IsClosed);
    }

    [Theory]
    [InlineData("peer")]
    [InlineData("application")]
    [InlineData("stop")]
    public async Task WhatIsBeingSentIsLetGoWhenTheConnectionBreaks(string who)
    {
        using var file = new TestFile([], BigBytes);
        using var slab = new BufferSlab(64 << 10, 2);
        var bench = new RingBench();
        var stuck = new TaskCompletionSource<ConnectionContext>(TaskCreationOptions.RunContinuationsAsynchronously);
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            PipeWriter output = connection.Transport.Output;
            IConnectionBodies bodies = connection.Features.Get<IConnectionBodies>()!;
            Assert.True(bodies.TryWriteFile(output, file.Handle, 0, BigBytes));
            Assert.False((await output.FlushAsync()).IsCompleted);
            output.Write("x"u8);
            Assert.True(slab.TryRent(out BufferLease lease));
            Assert.True(bodies.TryWriteLease(output, lease, 0, 1000));
            ValueTask<FlushResult> waits = output.FlushAsync();
            Assert.False(waits.IsCompleted);
            stuck.SetResult(connection);
            Assert.True((await waits).IsCompleted);
            output.Write("y"u8); // goes nowhere, and does no harm
            Assert.True((await output.FlushAsync()).IsCompleted);
            Assert.True(slab.TryRent(out lease));
            Assert.True(bodies.TryWriteLease(output, lease, 0, 1000));
            Assert.True((await output.FlushAsync()).IsCompleted);
        });
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        ConnectionContext connection = await stuck.Task.WaitAsync(Until.Deadline);
        Assert.Equal(1, slab.OutstandingCount);
        if (who == "peer")
        {
            peer.Reset();
            await bench.IsIdleAsync();
        }
        else if (who == "application")
        {
            connection.Abort(new ConnectionAbortedException("by the test"));
            await bench.IsIdleAsync();
        }

        await bench.DisposeAsync();
        Assert.Equal(0, slab.OutstandingCount);
        file.Handle.Dispose();
        Assert.True(file.IsClosed);
        Assert.Equal(1, bench.Served);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task ACancelledFlushLosesNothing(bool byToken, bool goesOn)
    {
        using var file = new TestFile([], BigBytes);
        await using var bench = new RingBench();
        using var cancel = new CancellationTokenSource();
        var stuck = new TaskCompletionSource<PipeWriter>(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            PipeWriter output = connection.Transport.Output;
            Assert.True(connection.Features.Get<IConnectionBodies>()!.TryWriteFile(output, file.Handle, 0, BigBytes));
            await output.FlushAsync();
            output.Write("tail"u8);
            ValueTask<FlushResult> flush = output.FlushAsync(cancel.Token);
            Assert.False(flush.IsCompleted);
            stuck.SetResult(output);
            if (byToken)
            {
                await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await flush);
            }
            else
            {
                Assert.True((await flush).IsCanceled);
            }

            Assert.True(bench.Loop.IsCurrent);
            cancelled.SetResult();
            if (goesOn)
            {
                await arrived.Task; // the wait was cancelled, not what was flushed: that goes out by itself
                await output.WriteAsync("more"u8.ToArray());
            }
        });
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        PipeWriter pending = await stuck.Task.WaitAsync(Until.Deadline);
        if (byToken)
        {
            await cancel.CancelAsync();
        }
        else
        {
            pending.CancelPendingFlush();
        }

        await cancelled.Task.WaitAsync(Until.Deadline);
        byte[] got = await peer.ReceiveAsync(BigBytes + 4);
        Assert.Equal("tail", Encoding.Latin1.GetString(got.AsSpan(Math.Min(BigBytes, got.Length))));
        arrived.SetResult();
        Assert.Equal(goesOn ? "more" : "", Encoding.Latin1.GetString(await peer.ReceiveAllAsync()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatWasWrittenAndNeverFlushedIsSentAtTheEnd(bool behindAFile)
    {
        using var file = new TestFile([], BigBytes);
        await using var bench = new RingBench();
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            PipeWriter output = connection.Transport.Output;
            if (behindAFile)
            {
                Assert.True(connection.Features.Get<IConnectionBodies>()!.TryWriteFile(output, file.Handle, 0, BigBytes));
                await output.FlushAsync();
            }

            output.Write("end"u8);
            output.GetMemory(100).Span.Fill(9); // lent and never written
        });
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        byte[] got = await peer.ReceiveAllAsync();
        Assert.Equal("end", Encoding.Latin1.GetString(got.AsSpan(behindAFile ? Math.Min(BigBytes, got.Length) : 0)));
    }

    [Theory]
    [InlineData(BigBytes, BigBytes, 8 << 20)] // cut short while it is sent
    [InlineData(1000, 2000, -1)] // too short from the beginning
    public async Task AFileThatEndsEarlyBreaksTheConnection(int fileBytes, int promisedBytes, int cutTo)
    {
        byte[] content = RandomBytes(fileBytes, fileBytes);
        using var file = new TestFile(content);
        var sending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var faults = new Faults();
        await using KestrelBench bench = await KestrelBench.StartAsync(async exchange =>
        {
            await exchange.StartAsync(promisedBytes);
            while (!exchange.Bodies!.TryWriteFile(exchange.Answer.Writer, file.Handle, 0, promisedBytes, faults))
            {
                if ((await exchange.Answer.Writer.FlushAsync()).IsCompleted)
                {
                    return; // the second request
                }
            }

            await exchange.Answer.Writer.FlushAsync();
            sending.TrySetResult();
        });
        using Peer peer = await Peer.ConnectAsync(bench.EndPoint, PeerBytes);
        await peer.SendAsync("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"); // the second is not answered behind half of the first
        await sending.Task.WaitAsync(Until.Deadline);
        if (cutTo >= 0)
        {
            file.Truncate(cutTo);
        }

        byte[] got = (await peer.ReceiveAllUnlessBrokenAsync()).Bytes; // with a reset or an end behind it: short of what the head promised, in any case
        bool isRead = promisedBytes <= 32 << 10; // before the head is sent, which then is not
        int body = isRead ? 0 : got.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
        Assert.InRange(body, isRead ? 0 : 4, got.Length);
        Assert.Equal(isRead, got.Length == 0);
        await Until.TrueAsync(() => !faults.Told.IsEmpty, "whose file it is was told");
        Assert.Equal([cutTo >= 0 ? cutTo : fileBytes], faults.Told);
        Assert.InRange(got.Length - body, 0, cutTo >= 0 ? cutTo : fileBytes);
        Assert.True(content.AsSpan().StartsWith(got.AsSpan(body)), "what came is the file's, not made up");
        await bench.Ring.IsIdleAsync();
        file.Handle.Dispose();
        Assert.True(file.IsClosed);
    }

    [Fact]
    public async Task ManyPipelinedAnswersComeInTheirOrder()
    {
        const int Count = 3000;
        await using KestrelBench bench = await KestrelBench.StartAsync(exchange => exchange.WriteAsync(Encoding.Latin1.GetBytes($"<{exchange.Number}>")));
        using Peer peer = await Peer.ConnectAsync(bench.EndPoint, PeerBytes);
        string requests = string.Concat(Enumerable.Range(0, Count).Select(i => $"GET /{i} HTTP/1.1\r\nHost: x\r\n{(i == Count - 1 ? "Connection: close\r\n" : "")}\r\n"));
        Task sending = peer.SendInPiecesAsync(Encoding.Latin1.GetBytes(requests), new Random(12), 10_000);
        string[] answers = Encoding.Latin1.GetString(await peer.ReceiveAllAsync()).Split("HTTP/1.1 200 OK\r\n", StringSplitOptions.RemoveEmptyEntries);
        await sending;
        Assert.Equal(Count, answers.Length);
        for (int i = 0; i < Count; i++)
        {
            Assert.EndsWith($"\r\n\r\n<{i}>", answers[i], StringComparison.Ordinal);
        }

        peer.HalfClose();
        await bench.Ring.IsIdleAsync();
    }

    [Theory]
    [InlineData(5_000)]
    [InlineData(60_000)] // a buffer each
    [InlineData(200_000)] // more than a buffer
    public async Task AWriterWaitsForAPeerThatTakesNothing(int piece)
    {
        byte[] content = RandomBytes(piece, BigBytes / piece * piece);
        await using var bench = new RingBench();
        var waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int written = 0;
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            PipeWriter output = connection.Transport.Output;
            for (int at = 0; at < content.Length; at += piece)
            {
                output.Write(content.AsSpan(at, piece));
                Volatile.Write(ref written, at + piece);
                ValueTask<FlushResult> flush = output.FlushAsync();
                if (!flush.IsCompleted)
                {
                    waits.TrySetResult();
                }

                Assert.False((await flush).IsCompleted);
            }
        });
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        await waits.Task.WaitAsync(Until.Deadline);
        await bench.TicksAsync(5);
        Assert.InRange(Volatile.Read(ref written), 0, BigBytes / 2);
        Assert.InRange(bench.Transport.HeadCount, 0, 2);
        Assert.InRange(bench.Transport.ArrayBytes, 0, 4 * 200_000);
        Exactly.Same(content, await peer.ReceiveAllAsync());
        peer.HalfClose();
        await bench.IsIdleAsync();
        Assert.Equal(0, bench.Transport.ArrayBytes);
    }

    [Fact]
    public async Task AConnectionThatIsIdleAgainKeepsNothingOfAnAnswerThatWasTakenSlowly()
    {
        var options = RingBench.Small with { SocketBuffers = new SocketBuffers(tunedMax: 0, bufferBytes: 16 << 10) };
        byte[] answer = RandomBytes(13, 60_000); // with its head in one buffer, and more than both sockets take
        await using KestrelBench bench = await KestrelBench.StartAsync(exchange => exchange.WriteAsync(answer), options);
        using Peer peer = await Peer.ConnectAsync(bench.EndPoint, receiveBuffer: 4096);
        await peer.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        await Until.TrueAsync(() => bench.Ring.Transport.HeadCount == 1, "the answer waits for its peer");
        await bench.Ring.TicksAsync(5);
        Assert.Equal(1, bench.Ring.Transport.HeadCount);
        Assert.EndsWith(Encoding.Latin1.GetString(answer), await UringInputTests.AnswerAsync(peer), StringComparison.Ordinal);
        await bench.Ring.IsIdleAsync(connections: 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ARequestThatBreaksItsConnectionSendsNothingMoreAndIsTold(bool onTheLoop)
    {
        using var file = new TestFile("abc"u8.ToArray());
        int refusals = 0;
        await using KestrelBench bench = await KestrelBench.StartAsync(async exchange =>
        {
            await exchange.StartAsync(BigBytes);
            Task aborting = Task.CompletedTask;
            if (onTheLoop)
            {
                exchange.Abort();
            }
            else
            {
                aborting = Task.Factory.StartNew(exchange.Abort, CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default);
                SpinWait.SpinUntil(() => aborting.IsCompleted, Until.Deadline);
            }

            while (!exchange.Bodies!.TryWriteFile(exchange.Answer.Writer, file.Handle, 0, 3) && ++refusals < 100)
            {
                if ((await exchange.Answer.Writer.FlushAsync()).IsCompleted)
                {
                    break;
                }
            }

            await aborting;
        });
        using Peer peer = await Peer.ConnectAsync(bench.EndPoint);
        await peer.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.InRange((await peer.ReceiveAllUnlessBrokenAsync()).Bytes.Length, 0, 1000); // the head at most
        await bench.Ring.IsIdleAsync();
        Assert.InRange(refusals, 0, 1);
        file.Handle.Dispose();
        Assert.True(file.IsClosed);
    }

    private static async Task SendAsync(ConnectionContext connection, Step step, byte[] content, TestFile file, BufferSlab slab)
    {
        PipeWriter output = connection.Transport.Output;
        IConnectionBodies bodies = connection.Features.Get<IConnectionBodies>()!;
        output.Write(content.AsSpan(step.Start, step.Written));
        if (step.IsLease)
        {
            Assert.True(slab.TryRent(out BufferLease lease)); // two are on their way at most
            content.AsSpan(step.Offset, step.Count).CopyTo(lease.Memory.Span[step.LeaseStart..]);
            Assert.True(bodies.TryWriteLease(output, lease, step.LeaseStart, step.Count));
        }
        else if (step.Count > 0)
        {
            Assert.True(bodies.TryWriteFile(output, file.Handle, step.Offset, step.Count));
        }

        Assert.False((await output.FlushAsync()).IsCompleted);
    }

    private static Step[] Steps(Random random, int contentBytes) =>
    [
        .. Enumerable.Range(0, 80).Select(_ =>
        {
            bool isLease = random.Next(3) == 0;
            int count = random.Next(4) == 0 ? 0 : random.Next(1, isLease ? 60_000 : 300_000);
            int written = random.Next(5) == 0 ? 0 : random.Next(1, random.Next(4) == 0 ? 150_000 : 2_000);
            return new Step(random.Next(contentBytes - written), written, random.Next(contentBytes - count), count, isLease && count > 0, random.Next(1000));
        }),
    ];

    private static byte[] RandomBytes(int seed, int count)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>What is written, and the segment behind it.</summary>
    private sealed record Step(int Start, int Written, int Offset, int Count, bool IsLease, int LeaseStart);

    /// <summary>Remembers where files were said to end.</summary>
    private sealed class Faults : IReadFaults
    {
        public System.Collections.Concurrent.ConcurrentQueue<long> Told { get; } = new();

        public void ReadFailed(Errno error) => Assert.Fail($"no read failed, but {error} was told");

        public void EndsAt(long offset) => Told.Enqueue(offset);
    }
}
