using System.Net;
using System.Net.Sockets;
using Sluice.Native.Tests.Support;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>Accept, send, poll and timeouts, and the cancellation of each kind of request.</summary>
public sealed class RingRequestTests
{
    [Fact]
    public async Task AMultishotAcceptTakesConnectionsUntilItIsCancelled()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        Assert.Equal(Errno.None, Sockets.Listen(new IPEndPoint(IPAddress.Loopback, 0), 64, out int listener));
        List<int> accepted = [];
        var accept = new Recorded { Each = completion => accepted.AddRange(completion.Result >= 0 ? [completion.Result] : []) };
        await loop.OnLoop(() => loop.AcceptMultishot(accept, listener));
        List<Socket> clients = [];
        for (int i = 0; i < 20; i++)
        {
            var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(Sockets.LocalEndPoint(listener)!);
            clients.Add(client);
        }

        Assert.True(Kernel.Eventually(() => Volatile.Read(ref accepted).Count == 20));
        Assert.Equal(clients.Select(static client => client.LocalEndPoint).ToHashSet(), accepted.Select(Sockets.RemoteEndPoint).ToHashSet<EndPoint?>());
        await loop.OnLoop(() => loop.Cancel(accept));
        Assert.Equal(Errno.ECANCELED, (await accept.Last).Error);
        accepted.ForEach(Libc.Close);
        clients.ForEach(static client => client.Dispose());
        Libc.Close(listener);
    }

    [Fact]
    public async Task ASendGoesOnUntilAllIsSentHoweverSlowThePeerIs()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        using var pair = new TcpPair();
        Sockets.SetSendBuffer(pair.Near, 4096);
        byte[] data = new byte[4 << 20];
        new Random(3).NextBytes(data);
        var send = new Recorded();
        await loop.OnLoop(() => loop.Send(send, pair.Near, data));
        byte[] received = new byte[data.Length];
        int count = 0;
        while (count < received.Length)
        {
            count += await pair.Far.ReceiveAsync(received.AsMemory(count, Math.Min(10_000, received.Length - count)));
        }

        Assert.Equal(data.Length, (await send.Last).Result);
        Assert.Single(send.All);
        Assert.Equal(data, received);
    }

    [Fact]
    public async Task ASendToAPeerThatIsGoneFailsWithoutASignal()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        using var pair = new TcpPair();
        pair.Far.LingerState = new LingerOption(true, 0);
        pair.Far.Dispose();
        var poll = new Recorded();
        await loop.OnLoop(() => loop.PollReadable(poll, pair.Near));
        await poll.Last;
        _ = Sockets.TakeError(pair.Near);
        var send = new Recorded();
        await loop.OnLoop(() => loop.Send(send, pair.Near, new byte[10]));
        Assert.Equal(Errno.EPIPE, (await send.Last).Error);
    }

    [Fact]
    public async Task APollForWritingCompletesWhenTheSocketHasRoomAgain()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        using var pair = new TcpPair();
        byte[] piece = new byte[1 << 16];
        long full = 0;
        while (Sockets.Send(pair.Near, piece, more: false, out int sent) == Errno.None)
        {
            full += sent;
        }

        var poll = new Recorded();
        await loop.OnLoop(() => loop.PollWritable(poll, pair.Near));
        await loop.OnLoop(static () => { });
        Assert.True(await loop.OnLoop(() => ValueTask.FromResult(poll.InFlight)));
        for (long read = 0; read < full;)
        {
            read += await pair.Far.ReceiveAsync(piece);
        }

        Assert.Equal(4, (await poll.Last).Result & 4); // POLLOUT
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    public async Task ATimeoutCompletesWithoutAnError(int milliseconds)
    {
        using var loop = new RingLoop(new RingLoopOptions());
        var timeout = new RecordedTimeout();
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        await loop.OnLoop(() => loop.Timeout(timeout, TimeSpan.FromMilliseconds(milliseconds)));
        RingCompletion completion = await timeout.Last;
        Assert.Equal((0, Errno.None), (completion.Result, completion.Error));
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) >= TimeSpan.FromMilliseconds(milliseconds));
    }

    [Fact]
    public async Task ACancelledTimeoutIsTold()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        var timeout = new RecordedTimeout();
        await loop.OnLoop(() => loop.Timeout(timeout, TimeSpan.FromDays(1)));
        await loop.OnLoop(() => loop.Cancel(timeout));
        Assert.Equal(Errno.ECANCELED, (await timeout.Last).Error);
    }

    [Fact]
    public async Task EveryKindOfRequestCanBeCancelled()
    {
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 2, ReceiveBufferBytes = 64 });
        using var directory = new TempDirectory();
        using var requests = new BlockedRequests(loop, directory.Path);
        await loop.OnLoop(requests.Submit);
        await loop.OnLoop(static () => { });
        Assert.Equal(requests.Names.Length, await loop.OnLoop(() => ValueTask.FromResult(loop.InFlightCount)));
        await loop.OnLoop(requests.Cancel);
        Assert.All(await requests.EndsAsync(), BlockedRequests.WasCancelled);
        Assert.Equal(0, await loop.OnLoop(() => ValueTask.FromResult(loop.InFlightCount)));
    }

    [Fact]
    public async Task CancellingWhatIsNotInFlightDoesNothing()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        var operation = new Recorded();
        await loop.OnLoop(async () =>
        {
            loop.Cancel(operation);
            return await loop.NopAsync();
        });
        Assert.Empty(operation.All);
    }

    /// <summary>
    /// Cancelled in the same batch in which it completes, and its slot given to the next request at once: the next one is never the victim, and
    /// each completes once.
    /// </summary>
    [Fact]
    public async Task ARequestThatCompletesWhileItIsCancelledCompletesOnce()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        using var pair = new TcpPair();
        await pair.Far.SendAsync(new byte[1]);
        int wrong = await loop.OnLoop(async () =>
        {
            int wrong = 0;
            for (int i = 0; i < 2000; i++)
            {
                Recorded first = new(), next = new();
                loop.PollReadable(first, pair.Near); // ready at once
                if (i % 2 == 0)
                {
                    await loop.NopAsync();
                }

                loop.Cancel(first);
                if (!first.InFlight)
                {
                    loop.PollReadable(next, pair.Near);
                }

                while (first.InFlight || next.InFlight)
                {
                    await loop.NopAsync();
                }

                wrong += first.All.Count == 1 && next.All.TrueForAll(static completion => completion.Result == 1) ? 0 : 1;
            }

            return wrong;
        });
        Assert.Equal(0, wrong);
    }
}
