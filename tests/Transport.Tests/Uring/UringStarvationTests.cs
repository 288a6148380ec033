// A loop whose receive buffers are held by readers that are behind: those wait, nobody else does, and the loop does not spin.
using System.Net;
using Sluice.Transport.Http;
using Sluice.Transport.Uring;

namespace Sluice.Transport.Tests.Uring;

public sealed class UringStarvationTests
{
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task AReaderThatIsBehindHoldsAllBuffersAndTheLoopSleeps(int buffers)
    {
        byte[] sent = new byte[1 << 20];
        new Random(buffers).NextBytes(sent);
        await using var bench = new RingBench(RingBench.Small with { UnreadSmallBytesMax = 1 << 20 }, bufferCount: buffers);
        (Peer behind, Task sending) = await HoldBuffersAsync(bench, sent);
        long starved = bench.Transport.StarvedCount;
        long passes = bench.Loop.IterationCount;
        await bench.TicksAsync(10);
        Assert.InRange(bench.Transport.StarvedCount - starved, 0, 1);
        Assert.InRange(bench.Loop.IterationCount - passes, 0, 2000); // the waiting for the ticks posts, too
        _goOn.SetResult();
        Exactly.Same(sent, await behind.ReceiveAsync(sent.Length));
        await sending;
        behind.Dispose();
    }

    [Fact]
    public async Task OthersGoOnWhileAReaderThatIsBehindHoldsAllBuffers()
    {
        byte[] sent = new byte[1 << 20];
        new Random(4).NextBytes(sent);
        await using var bench = new RingBench(RingBench.Small with { UnreadSmallBytesMax = 1 << 20 });
        (Peer behind, Task sending) = await HoldBuffersAsync(bench, sent);
        IPEndPoint server = await bench.ServeAsync(Applications.EchoAsync);
        await Task.WhenAll(Enumerable.Range(0, 5).Select(async i =>
        {
            using Peer other = await Peer.ConnectAsync(server);
            byte[] asked = sent[(i * 1000)..((i * 1000) + 300_000)];
            Task asking = other.SendInPiecesAsync(asked, new Random(i), 50_000);
            Exactly.Same(asked, await other.ReceiveAsync(asked.Length));
            await asking;
        }));
        Assert.False(_goOn.Task.IsCompleted);
        _goOn.SetResult();
        Exactly.Same(sent, await behind.ReceiveAsync(sent.Length));
        await sending;
        behind.Dispose();
    }

    [Fact]
    public async Task ABodyThatEndsBeforeItsLengthGivesItsBlockBack()
    {
        await using var bench = new RingBench();
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            connection.Features.Get<IConnectionBodies>()!.BeginBody(10 << 20);
            Assert.Null(await Applications.TakeAsync(connection.Transport.Input, 10 << 20));
        });
        using Peer peer = await Peer.ConnectAsync(server);
        await peer.SendAsync(new byte[UringTransportOptions.BlockBytes + 1000]);
        await Until.TrueAsync(() => bench.Transport.BlockCount > 0, "it comes into blocks");
        peer.HalfClose();
        Assert.Empty(await peer.ReceiveAllAsync());
        await bench.IsIdleAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnApplicationThatGivesUpInABodyLeavesNoBlock(bool peerResets)
    {
        await using var bench = new RingBench();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            connection.Features.Get<IConnectionBodies>()!.BeginBody(100 << 20);
            await Applications.TakeAsync(connection.Transport.Input, UringTransportOptions.BlockBytes / 2);
            await Until.TrueAsync(() => bench.Transport.BlockCount > 0, "what follows comes into a block");
            begun.SetResult();
            if (peerResets)
            {
                await _goOn.Task;
            }
        });
        using Peer peer = await Peer.ConnectAsync(server);
        await peer.SendAsync(new byte[2 * UringTransportOptions.BlockBytes]);
        await begun.Task.WaitAsync(Until.Deadline);
        if (peerResets)
        {
            peer.Reset();
            _goOn.SetResult();
        }
        else
        {
            peer.HalfClose();
        }

        await bench.IsIdleAsync();
    }

    /// <summary>A connection whose application reads nothing yet, and whose peer has filled all buffers.</summary>
    private async Task<(Peer Behind, Task Sending)> HoldBuffersAsync(RingBench bench, byte[] sent)
    {
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            await _goOn.Task;
            await Applications.EchoAsync(connection);
        });
        Peer behind = await Peer.ConnectAsync(server);
        Task sending = behind.SendAsync(sent);
        await Until.TrueAsync(() => bench.Transport.StarvedCount > 0, "no buffer is free");
        Assert.Equal(0, await bench.FreeBuffersAsync());
        return (behind, sending);
    }
}
