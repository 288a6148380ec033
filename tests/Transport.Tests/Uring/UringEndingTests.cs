// How connections end: in peace when both sides let them, in time when one does not; and nothing is left of any of them.
using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Sluice.Transport.Http;
using Sluice.Transport.Tests.Guard;
using Sluice.Transport.Uring;

namespace Sluice.Transport.Tests.Uring;

[Collection(AloneCollection.Name)]
public sealed class UringEndingTests : IAsyncDisposable
{
    private const int BigBytes = 32 << 20; // more than the server's socket takes and that of a peer whose buffer is small
    private const int PeerBytes = 64 << 10;
    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(1);

    private readonly ManualTime _time = new(); // stands still: whatever ends here does not end because of its time, unless a test moves it
    private readonly UringTransportOptions _options;
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously); // the application's part of an answer is
    private int _sockets = -1;

    public UringEndingTests() => _options = RingBench.Small with { Time = _time };

    [Theory]
    [InlineData("at once", 64 << 10)]
    [InlineData("when it is paused", 8 << 10)]
    [InlineData("when no buffer is free", 64 << 10)]
    public async Task ARefusalReachesAPeerThatIsStillSending(string when, int unreadMax)
    {
        await using RingBench bench = Bench(_options with { UnreadSmallBytesMax = unreadMax });
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            await Until.TrueAsync(
                () => when == "at once" || (unreadMax < 64 << 10 ? bench.Transport.PausedCount : bench.Transport.StarvedCount) > 0, when);

            await connection.Transport.Output.WriteAsync("refused"u8.ToArray());
        });
        using Peer peer = await Peer.ConnectAsync(server);
        await peer.SendAsync(new byte[BigBytes]); // to the last byte, though nobody reads one
        Assert.Equal("refused"u8.ToArray(), await peer.ReceiveAllAsync());
        Assert.Equal(1, bench.Transport.ConnectionCount);
        await peer.SendAsync("more"u8.ToArray());
        peer.HalfClose();
        await bench.IsIdleAsync();
        Assert.Empty(await peer.ReceiveAllAsync());
    }

    [Fact]
    public async Task APeerThatDoesNotEndIsWaitedForAMomentWhateverItSends()
    {
        await using RingBench bench = Bench();
        IPEndPoint server = await bench.ServeAsync(async connection => await connection.Transport.Output.WriteAsync("bye"u8.ToArray()));
        using Peer peer = await Peer.ConnectAsync(server);
        Assert.Equal("bye"u8.ToArray(), await peer.ReceiveAllAsync());
        await bench.TicksAsync();
        _time.Advance(_options.DrainTimeout / 2);
        await peer.SendAsync(new byte[100_000]);
        await bench.TicksAsync();
        _time.Advance(_options.DrainTimeout / 2);
        await bench.TicksAsync();
        Assert.Equal(1, bench.Transport.ConnectionCount);
        _time.Advance(s_moment);
        await bench.IsIdleAsync();
    }

    [Fact]
    public async Task APeerThatTakesNothingOfItsAnswerIsBrokenInTime()
    {
        using var file = new TestFile([], BigBytes);
        await using RingBench bench = Bench();
        IPEndPoint server = await bench.ServeAsync(connection => SendAsync(connection, file));
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        await LingersAsync(bench);
        _time.Advance(_options.LingerTimeout);
        await bench.TicksAsync();
        Assert.Equal(1, bench.Transport.ConnectionCount);
        await Until.TrueAsync(
            () =>
            {
                _time.Advance(_options.LingerTimeout / 10); // not at once: its kernel may have acknowledged something just now
                return bench.Transport.ConnectionCount == 0;
            },
            "it is broken");
        await bench.IsIdleAsync();
        (byte[] got, bool isBroken) = await peer.ReceiveAllUnlessBrokenAsync();
        Assert.True(isBroken);
        Assert.InRange(got.Length, 0, BigBytes - 1);
        file.Handle.Dispose();
        Assert.True(file.IsClosed);
    }

    [Fact]
    public async Task APeerThatTakesItsAnswerSlowlyGetsAllOfIt()
    {
        const int StepBytes = 512 << 10; // more than its own socket has, and less than the server's must lose before it takes more
        using var file = new TestFile([], BigBytes);
        await using RingBench bench = Bench();
        IPEndPoint server = await bench.ServeAsync(connection => SendAsync(connection, file));
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        await LingersAsync(bench);
        for (int i = 0; i < 8; i++)
        {
            _time.Advance(_options.LingerTimeout);
            Assert.Equal(StepBytes, (await peer.ReceiveAsync(StepBytes)).Length);
            await bench.TicksAsync();
        }

        Assert.Equal(BigBytes - (8 * StepBytes), (await peer.ReceiveAllAsync()).Length);
        peer.HalfClose();
        await bench.IsIdleAsync();
    }

    [Fact]
    public async Task WhatIsToldAsSentIsWhatThePeerHas()
    {
        using var file = new TestFile([], BigBytes);
        await using RingBench bench = Bench();
        IConnectionBodies bodies = null!;
        IPEndPoint server = await bench.ServeAsync(connection =>
        {
            bodies = connection.Features.Get<IConnectionBodies>()!;
            return SendAsync(connection, file);
        });
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        await LingersAsync(bench);
        Assert.InRange(bodies.SentBytes, 0, 16 * PeerBytes); // its kernel's buffer, with a margin; the server's own has megabytes
        Assert.Equal(1 << 20, (await peer.ReceiveAsync(1 << 20)).Length);
        await Until.TrueAsync(() => bodies.SentBytes >= 1 << 20, "it is told that the peer goes on");
        await peer.ReceiveAllAsync();
        peer.HalfClose();
        await bench.IsIdleAsync();
        Assert.Equal(BigBytes, bodies.SentBytes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task APeerThatResetsWhileAnAnswerLingersLeavesNothing(bool takesSome)
    {
        using var file = new TestFile([], BigBytes);
        await using RingBench bench = Bench();
        IPEndPoint server = await bench.ServeAsync(connection => SendAsync(connection, file));
        using Peer peer = await Peer.ConnectAsync(server, PeerBytes);
        await LingersAsync(bench);
        if (takesSome)
        {
            await peer.ReceiveAsync(1 << 20);
        }

        peer.Reset();
        await bench.IsIdleAsync();
        file.Handle.Dispose();
        Assert.True(file.IsClosed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatTheApplicationHoldsStaysItsOwnWhenTheConnectionBreaks(bool byPeer)
    {
        await using RingBench bench = Bench();
        byte[] sent = new byte[3000];
        new Random(3).NextBytes(sent);
        var holds = new TaskCompletionSource<ConnectionContext>(TaskCreationOptions.RunContinuationsAsynchronously);
        var broken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            PipeReader input = connection.Transport.Input;
            PipeWriter output = connection.Transport.Output;
            ReadResult read = await input.ReadAsync();
            Memory<byte> room = output.GetMemory(1000);
            holds.SetResult(connection);
            await broken.Task;
            Assert.True(sent.AsSpan().StartsWith(read.Buffer.ToArray()));
            room.Span.Fill(7);
            output.Advance(1000);
            Assert.True((await output.FlushAsync()).IsCompleted);
            input.AdvanceTo(read.Buffer.End);
            Exception gone = await Assert.ThrowsAnyAsync<Exception>(async () => await ReadToErrorAsync(input));
            Assert.IsType(byPeer ? typeof(ConnectionResetException) : typeof(ConnectionAbortedException), gone);
        });
        using Peer peer = await Peer.ConnectAsync(server);
        await peer.SendAsync(sent);
        ConnectionContext connection = await holds.Task.WaitAsync(Until.Deadline);
        if (byPeer)
        {
            peer.Reset();
        }
        else
        {
            connection.Abort(new ConnectionAbortedException("by the test"));
        }

        await Until.TrueAsync(() => connection.ConnectionClosed.IsCancellationRequested, "the application is told");
        await bench.TicksAsync();
        Assert.Equal((1, 1), (bench.Transport.ConnectionCount, bench.Transport.HeadCount));
        Assert.InRange(await bench.FreeBuffersAsync(), 0, RingBench.SmallBufferCount - 1);
        broken.SetResult();
        await bench.IsIdleAsync();
    }

    [Fact]
    public async Task TheEndOfAConnectionIsToldToItsApplication()
    {
        await using RingBench bench = Bench();
        CancellationToken closed = default;
        IPEndPoint server = await bench.ServeAsync(connection =>
        {
            closed = connection.ConnectionClosed;
            return Applications.EchoAsync(connection);
        });
        using Peer peer = await Peer.ConnectAsync(server);
        await peer.SendAsync("abc");
        await peer.ReceiveAsync(3);
        Assert.False(closed.IsCancellationRequested);
        peer.HalfClose();
        Assert.Empty(await peer.ReceiveAllAsync());
        await Until.TrueAsync(() => closed.IsCancellationRequested, "it is told");
        await bench.IsIdleAsync();
    }

    [Fact]
    public async Task AStopInPeaceWaitsForAnAnswerThatIsBeingSent()
    {
        using var file = new TestFile([], BigBytes);
        await using KestrelBench bench = await AnswerAsync(file);
        using Peer peer = await Peer.ConnectAsync(bench.EndPoint, PeerBytes);
        await peer.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        await _done.Task.WaitAsync(Until.Deadline);
        Task stopping = bench.StopAsync(CancellationToken.None);
        await bench.Ring.TicksAsync(5);
        Assert.False(stopping.IsCompleted);
        byte[] got = await peer.ReceiveAllAsync();
        Assert.Equal(BigBytes, got.Length - got.AsSpan().IndexOf("\r\n\r\n"u8) - 4);
        peer.HalfClose();
        await stopping.WaitAsync(Until.Deadline);
        await bench.Ring.IsIdleAsync();
    }

    [Fact]
    public async Task AStopAtOnceBreaksAnAnswerThatIsBeingSent()
    {
        using var file = new TestFile([], BigBytes);
        await using KestrelBench bench = await AnswerAsync(file);
        using Peer peer = await Peer.ConnectAsync(bench.EndPoint, PeerBytes);
        await peer.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        await _done.Task.WaitAsync(Until.Deadline);
        await bench.StopAsync(new CancellationToken(canceled: true)).WaitAsync(Until.Deadline);
        await bench.Ring.IsIdleAsync();
        (byte[] got, bool isBroken) = await peer.ReceiveAllUnlessBrokenAsync();
        Assert.True(isBroken);
        Assert.InRange(got.Length, 0, BigBytes);
        file.Handle.Dispose();
        Assert.True(file.IsClosed);
    }

    /// <summary>After each test its sockets are closed.</summary>
    public async ValueTask DisposeAsync() => await Until.TrueAsync(() => AloneCollection.SocketCount() <= _sockets, $"no more than the {_sockets} sockets of before");

    private RingBench Bench(UringTransportOptions? options = null)
    {
        _sockets = AloneCollection.SocketCount();
        return new RingBench(options ?? _options);
    }

    private async Task<KestrelBench> AnswerAsync(TestFile file)
    {
        _sockets = AloneCollection.SocketCount();
        return await KestrelBench.StartAsync(
            async exchange =>
            {
                await exchange.StartAsync(BigBytes);
                while (!exchange.Bodies!.TryWriteFile(exchange.Answer.Writer, file.Handle, 0, BigBytes))
                {
                    await exchange.Answer.Writer.FlushAsync();
                }

                await exchange.Answer.Writer.FlushAsync();
                _done.SetResult();
            },
            _options);
    }

    /// <summary>The answer of a whole connection: the application is done while most of it is still to be sent.</summary>
    private async Task SendAsync(ConnectionContext connection, TestFile file)
    {
        Assert.True(connection.Features.Get<IConnectionBodies>()!.TryWriteFile(connection.Transport.Output, file.Handle, 0, BigBytes));
        await connection.Transport.Output.FlushAsync();
        _done.SetResult();
    }

    private static async Task ReadToErrorAsync(PipeReader input)
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            Assert.False(read.IsCompleted);
            input.AdvanceTo(read.Buffer.End);
        }
    }

    /// <summary>Waits until the application is done, its socket is full, and the connection is watched.</summary>
    private async Task LingersAsync(RingBench bench)
    {
        await _done.Task.WaitAsync(Until.Deadline);
        await bench.TicksAsync(5);
    }
}
