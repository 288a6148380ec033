using System.Net.Sockets;
using Sluice.Native.Tests.Support;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>Multishot receives and their provided buffers: exhaustion, any order of return, the tail's wrap, ends of each kind.</summary>
public sealed class RingReceiveTests
{
    [Fact]
    public async Task AMultishotReceiveFillsProvidedBuffersUntilThePeerEnds()
    {
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 8, ReceiveBufferBytes = 4096 });
        using var pair = new TcpPair();
        var received = new Received(loop, pair.Near);
        byte[] sent = new byte[100_000];
        new Random(1).NextBytes(sent);
        await loop.OnLoop(received.Arm);
        await pair.Far.SendAsync(sent);
        pair.Far.Shutdown(SocketShutdown.Send);
        Assert.Equal(sent, await received.All.Task.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(8, loop.ReceiveBuffers!.FreeCount);
    }

    /// <summary>The ring's tail has 16 bits: more than 65536 buffers go round, each with the bytes that were sent.</summary>
    [Fact]
    public async Task TheTailOfTheBuffersWraps()
    {
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 4, ReceiveBufferBytes = 16 });
        using var pair = new TcpPair();
        var received = new Received(loop, pair.Near);
        byte[] sent = new byte[16 * 70_000];
        new Random(2).NextBytes(sent);
        await loop.OnLoop(received.Arm);
        await pair.Far.SendAsync(sent);
        pair.Far.Shutdown(SocketShutdown.Send);
        Assert.Equal(sent, await received.All.Task.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.True(received.BuffersSeen > 1 << 16, $"{received.BuffersSeen} buffers");
        Assert.Equal(4, loop.ReceiveBuffers!.FreeCount);
    }

    [Fact]
    public async Task WithoutAFreeBufferItEndsWithNoBufsAndGoesOnWhenArmedAgain()
    {
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 2, ReceiveBufferBytes = 10 });
        using var pair = new TcpPair();
        List<(int Id, byte[] Bytes)> kept = [];
        Recorded Receive() => new()
        {
            Each = completion =>
            {
                if (completion.HasBuffer)
                {
                    kept.Add((completion.BufferId, loop.ReceiveBuffers!.Take(completion.BufferId, completion.Result).ToArray()));
                }
            },
        };
        Recorded first = Receive(), second = Receive();
        await pair.Far.SendAsync(Enumerable.Range(0, 35).Select(i => (byte)i).ToArray());
        await loop.OnLoop(() => loop.ReceiveMultishot(first, pair.Near));
        Assert.Equal(Errno.ENOBUFS, (await first.Last).Error);
        Assert.Equal([10, 10, -(int)Errno.ENOBUFS], first.All.Select(static completion => completion.Result));
        Assert.Equal(0, loop.ReceiveBuffers!.FreeCount);
        await loop.OnLoop(() =>
        {
            loop.ReceiveBuffers.Return(kept[1].Id); // not in the order in which they were taken
            loop.ReceiveBuffers.Return(kept[0].Id);
            loop.ReceiveMultishot(second, pair.Near);
        });
        Assert.True(Kernel.Eventually(() => Volatile.Read(ref kept).Sum(static buffer => buffer.Bytes.Length) == 35));
        pair.Far.Shutdown(SocketShutdown.Send);
        Assert.True((await second.Last).Error is Errno.None or Errno.ENOBUFS); // the kernel may take a buffer before it looks at the socket
        Assert.Equal(Enumerable.Range(0, 35), kept.SelectMany(static buffer => buffer.Bytes).Select(static value => (int)value));
        Assert.Equal(kept[1].Id, kept[2].Id); // what was given back first is taken first
    }

    [Fact]
    public async Task ABufferGivenBackTwiceIsCaught()
    {
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 2, ReceiveBufferBytes = 64 });
        using var pair = new TcpPair();
        var receive = new Recorded();
        await loop.OnLoop(() =>
        {
            Assert.Throws<InvalidOperationException>(() => loop.ReceiveBuffers!.Return(0)); // the kernel's from the start
            loop.ReceiveMultishot(receive, pair.Near);
        });
        await pair.Far.SendAsync(new byte[1]);
        pair.Far.Shutdown(SocketShutdown.Send);
        await receive.Last;
        await loop.OnLoop(() =>
        {
            int id = receive.All[0].BufferId;
            Assert.Equal(1, loop.ReceiveBuffers!.FreeCount);
            loop.ReceiveBuffers.Return(id);
            Assert.Throws<InvalidOperationException>(() => loop.ReceiveBuffers.Return(id));
            Assert.Equal(2, loop.ReceiveBuffers.FreeCount);
        });
    }

    /// <summary>A receive that fails may name a buffer or not: either way every one that was taken can be given back, and none is lost.</summary>
    [Fact]
    public async Task AFailedReceiveLosesNoBuffer()
    {
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 4, ReceiveBufferBytes = 64 });
        Recorded Receive() => new()
        {
            Each = completion =>
            {
                if (completion.HasBuffer)
                {
                    Assert.Equal(Math.Max(0, completion.Result), loop.ReceiveBuffers!.Take(completion.BufferId, completion.Result).Length);
                    loop.ReceiveBuffers.Return(completion.BufferId);
                }
            },
        };
        for (int i = 0; i < 20; i++)
        {
            using var pair = new TcpPair();
            Recorded receive = Receive();
            await loop.OnLoop(() => loop.ReceiveMultishot(receive, pair.Near));
            if (i % 2 == 0)
            {
                pair.Far.LingerState = new LingerOption(true, 0); // a reset
            }

            pair.Far.Dispose();
            Assert.Equal(i % 2 == 0 ? Errno.ECONNRESET : Errno.None, (await receive.Last).Error);
        }

        var notASocket = Receive();
        (int read, int write) = Kernel.Pipe();
        await loop.OnLoop(() => loop.ReceiveMultishot(notASocket, read));
        Assert.True((await notASocket.Last).Result < 0);
        Libc.Close(read);
        Libc.Close(write);
        Assert.Equal(4, loop.ReceiveBuffers!.FreeCount);
    }

    [Fact]
    public async Task ACancelledMultishotReceiveEndsOnceAndItsBytesStayInTheSocket()
    {
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 4, ReceiveBufferBytes = 64 });
        using var pair = new TcpPair();
        Recorded multishot = new(), single = new();
        byte[] buffer = new byte[64];
        await loop.OnLoop(() => loop.ReceiveMultishot(multishot, pair.Near));
        await loop.OnLoop(() => loop.Cancel(multishot));
        Assert.Equal(Errno.ECANCELED, (await multishot.Last).Error);
        Assert.Single(multishot.All);
        await pair.Far.SendAsync("after"u8.ToArray());
        await loop.OnLoop(() => loop.Receive(single, pair.Near, buffer));
        Assert.Equal(5, (await single.Last).Result);
        Assert.Equal("after"u8.ToArray(), buffer[..5]);
    }

    /// <summary>Data arrives while the receive is cancelled, many times over: each byte is in a completion or still in the socket.</summary>
    [Fact]
    public async Task CancellingWhileDataArrivesLosesNoByte()
    {
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 64, ReceiveBufferBytes = 64 });
        using var pair = new TcpPair();
        const int Total = 60_000;
        Task sending = Task.Run(async () =>
        {
            byte[] piece = new byte[60];
            for (int sent = 0; sent < Total; sent += piece.Length)
            {
                for (int i = 0; i < piece.Length; i++)
                {
                    piece[i] = (byte)((sent + i) % 251);
                }

                await pair.Far.SendAsync(piece);
            }
        });
        int received = 0, wrong = 0, cancelled = 0;
        while (received < Total)
        {
            var receive = new Recorded
            {
                Each = completion =>
                {
                    if (completion.HasBuffer)
                    {
                        foreach (byte value in loop.ReceiveBuffers!.Take(completion.BufferId, completion.Result).Span)
                        {
                            wrong += value == received++ % 251 ? 0 : 1;
                        }

                        loop.ReceiveBuffers.Return(completion.BufferId);
                    }
                },
            };
            await loop.OnLoop(() => loop.ReceiveMultishot(receive, pair.Near));
            await loop.OnLoop(() => loop.Cancel(receive));
            cancelled += (await receive.Last).Error == Errno.ECANCELED ? 1 : 0;
        }

        await sending;
        Assert.Equal((Total, 0), (received, wrong));
        Assert.True(cancelled > 0);
        Assert.Equal(64, loop.ReceiveBuffers!.FreeCount);
    }

    [Theory]
    [InlineData(ReceiveMode.Some, 5)]
    [InlineData(ReceiveMode.All, 12)]
    [InlineData(ReceiveMode.Discard, 5)]
    public async Task ASingleReceiveTakesWhatItsModeSays(ReceiveMode mode, int expected)
    {
        using var loop = new RingLoop(new RingLoopOptions());
        using var pair = new TcpPair();
        byte[] buffer = [.. Enumerable.Repeat((byte)0xee, 12)];
        var receive = new Recorded();
        await pair.Far.SendAsync("first"u8.ToArray());
        await loop.OnLoop(() => loop.Receive(receive, pair.Near, buffer, mode));
        await loop.OnLoop(static () => { });
        await pair.Far.SendAsync("-second"u8.ToArray());
        RingCompletion completion = await receive.Last;
        Assert.True(receive.WasOnLoop);
        Assert.Equal(expected, completion.Result);
        Assert.Equal(
            mode switch { ReceiveMode.Some => "first", ReceiveMode.All => "first-second", _ => "" },
            System.Text.Encoding.ASCII.GetString(buffer.AsSpan().TrimEnd((byte)0xee)));
    }

    private sealed class Received(RingLoop loop, int socket) : RingOperation
    {
        private readonly MemoryStream _bytes = new();

        public TaskCompletionSource<byte[]> All { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int BuffersSeen { get; private set; }

        public void Arm() => loop.ReceiveMultishot(this, socket);

        protected override void Completed(RingCompletion completion)
        {
            if (completion.HasBuffer)
            {
                BuffersSeen++;
                _bytes.Write(loop.ReceiveBuffers!.Take(completion.BufferId, completion.Result).Span);
                loop.ReceiveBuffers.Return(completion.BufferId);
            }

            if (completion.Result == 0)
            {
                All.SetResult(_bytes.ToArray());
            }
            else if (!completion.HasMore)
            {
                Arm(); // ENOBUFS: all were taken at once
            }
        }
    }
}
