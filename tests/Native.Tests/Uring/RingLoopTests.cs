using System.Net;
using System.Net.Sockets;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>The loop against the real kernel: requests complete on its thread, posts reach it from anywhere, its end waits for the kernel.</summary>
public sealed class RingLoopTests
{
    [Fact]
    public async Task ARequestCompletesOnTheLoop()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        (int result, bool isOnLoop) = await loop.RunAsync<(int, bool)>(async () =>
        {
            int nop = await loop.NopAsync();
            return (nop, loop.IsCurrent);
        });
        Assert.Equal(0, result);
        Assert.True(isOnLoop);
    }

    [Fact]
    public async Task EveryPostFromManyThreadsRunsOnceOnTheLoop()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        int ran = 0, offLoop = 0;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        const int Threads = 4, Each = 20_000;
        void Count(object? state)
        {
            offLoop += loop.IsCurrent ? 0 : 1;
            if (++ran == Threads * Each)
            {
                done.SetResult();
            }
        }

        Action<object?> count = Count;
        Parallel.For(0, Threads, _ =>
        {
            for (int i = 0; i < Each; i++)
            {
                loop.Post(count, null);
            }
        });
        await done.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, offLoop);
    }

    [Fact]
    public async Task AMultishotReceiveFillsProvidedBuffersUntilThePeerEnds()
    {
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 8, ReceiveBufferBytes = 4096 });
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using Socket server = await listener.AcceptSocketAsync();
        var received = new Received(loop, (int)server.Handle);
        loop.Post(static state => ((Received)state!).Arm(), received);
        byte[] sent = new byte[100_000];
        new Random(1).NextBytes(sent);
        await client.GetStream().WriteAsync(sent);
        client.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(sent, await received.All.Task.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(8, loop.ReceiveBuffers!.FreeCount);
    }

    private sealed class Received(RingLoop loop, int socket) : RingOperation
    {
        private readonly MemoryStream _bytes = new();

        public TaskCompletionSource<byte[]> All { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Arm() => loop.ReceiveMultishot(this, socket);

        protected override void Completed(RingCompletion completion)
        {
            if (completion.HasBuffer)
            {
                _bytes.Write(loop.ReceiveBuffers!.Take(completion.BufferId, completion.Result).Span);
                loop.ReceiveBuffers.Return(completion.BufferId);
            }

            if (completion.Result == 0)
            {
                All.SetResult(_bytes.ToArray());
            }
            else if (!completion.HasMore)
            {
                Arm(); // ENOBUFS: all eight were taken at once
            }
        }
    }
}
