// What comes in: exact whatever the lengths, and never stuck, though a loop has eight buffers of 4 KiB and two blocks.
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Sluice.Transport.Http;
using Sluice.Transport.Uring;

namespace Sluice.Transport.Tests.Uring;

public sealed class UringInputTests
{
    [Theory]
    [InlineData(1, 100)]
    [InlineData(2, 5_000)]
    [InlineData(3, 200_000)]
    [InlineData(4, 1)]
    public async Task AnEchoIsExactWhateverThePieces(int seed, int pieceMax)
    {
        await using var bench = new RingBench();
        IPEndPoint server = await bench.ServeAsync(Applications.EchoAsync);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async i =>
        {
            var random = new Random((seed * 100) + i);
            byte[] sent = new byte[Math.Min(pieceMax * 200, random.Next(1, 2 << 20))];
            random.NextBytes(sent);
            using Peer peer = await Peer.ConnectAsync(server);
            Task sending = peer.SendInPiecesAsync(sent, random, pieceMax);
            Assert.Equal(sent, await peer.ReceiveAsync(sent.Length));
            await sending;
            peer.HalfClose();
            Assert.Empty(await peer.ReceiveAllAsync());
        }));
        await bench.IsIdleAsync();
    }

    [Fact]
    public async Task AsManySlowHeadsAsThereAreBuffersStopNobody()
    {
        await using KestrelBench bench = await KestrelBench.StartAsync(exchange => exchange.WriteAsync("ok"u8.ToArray()));
        List<Peer> slow = [];
        for (int i = 0; i < 3 * RingBench.SmallBufferCount; i++)
        {
            slow.Add(await Peer.ConnectAsync(bench.EndPoint));
            await slow[i].SendAsync("GET / HT");
        }

        using Peer quick = await Peer.ConnectAsync(bench.EndPoint);
        for (int i = 0; i < 3; i++)
        {
            await quick.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            Assert.EndsWith("\r\n\r\nok", await AnswerAsync(quick), StringComparison.Ordinal);
        }

        await Until.TrueAsync(() => bench.Ring.FreeBuffersAsync().GetAwaiter().GetResult() == RingBench.SmallBufferCount, "slow heads hold no buffer");
        foreach (Peer peer in slow)
        {
            foreach (char next in "TP/1.1\r\nHost: x\r\n\r\n") // byte by byte
            {
                await peer.SendAsync(next.ToString());
            }

            Assert.EndsWith("\r\n\r\nok", await AnswerAsync(peer), StringComparison.Ordinal);
            peer.Dispose();
        }
    }

    [Fact]
    public async Task AReaderThatLeavesWhatItSeesGetsItAllAgainWithWhatFollows()
    {
        await using var bench = new RingBench(new UringTransportOptions { BlockCount = 2, HeadCount = 2, UnreadBytesMax = 16 << 10 });
        byte[] sent = new byte[300_000];
        new Random(5).NextBytes(sent);
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            PipeReader input = connection.Transport.Input;
            int skipped = 0;
            while (true)
            {
                ReadResult read = await input.ReadAsync();
                byte[] seen = System.Buffers.BuffersExtensions.ToArray(read.Buffer);
                Assert.Equal(sent[skipped..(skipped + seen.Length)], seen);
                if (read.IsCompleted)
                {
                    Assert.Equal(sent.Length, skipped + seen.Length);
                    await connection.Transport.Output.WriteAsync("y"u8.ToArray());
                    return;
                }

                int taken = seen.Length % 7 == 0 ? seen.Length / 3 : 0; // sometimes it takes a part
                skipped += taken;
                input.AdvanceTo(read.Buffer.GetPosition(taken), read.Buffer.End);
            }
        });
        using Peer peer = await Peer.ConnectAsync(server);
        await peer.SendInPiecesAsync(sent, new Random(6), 9_000);
        peer.HalfClose();
        Assert.Equal("y"u8.ToArray(), await peer.ReceiveAllAsync());
    }

    [Fact]
    public async Task AReaderThatStopsStopsItsSenderAndNobodyElse()
    {
        await using var bench = new RingBench(new UringTransportOptions { BlockCount = 2, HeadCount = 2, UnreadBytesMax = 8 << 10, UnreadSmallBytesMax = 8 << 10 });
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        byte[] sent = new byte[32 << 20];
        new Random(7).NextBytes(sent);
        int connections = 0;
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            if (Interlocked.Increment(ref connections) == 1)
            {
                await goOn.Task;
            }

            await Applications.EchoAsync(connection);
        });
        using Peer stopped = await Peer.ConnectAsync(server);
        Task sending = stopped.SendAsync(sent);
        await Until.TrueAsync(() => bench.Transport.PausedCount == 1, "the receive is paused");
        using Peer other = await Peer.ConnectAsync(server);
        await other.SendAsync(sent.AsMemory(0, 4000));
        Assert.Equal(sent[..4000], await other.ReceiveAsync(4000));
        Assert.False(sending.IsCompleted); // 32 MiB are more than both sockets hold
        goOn.SetResult();
        Exactly.Same(sent, await stopped.ReceiveAsync(sent.Length));
        await sending;
        Assert.True(bench.Transport.PausedCount >= 1);
    }

    [Fact]
    public async Task FiftyUploadsShareTwoBlocks()
    {
        await using KestrelBench bench = await KestrelBench.StartAsync(HashAsync);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async i =>
        {
            byte[] body = new byte[300_000 + (i * 1000)];
            new Random(i).NextBytes(body);
            using Peer peer = await Peer.ConnectAsync(bench.EndPoint);
            await peer.SendAsync(PutHead(body.Length));
            await peer.SendInPiecesAsync(body, new Random(i), 100_000);
            Assert.EndsWith(Hash(body), await AnswerAsync(peer), StringComparison.Ordinal);
        }));
        Assert.Empty(bench.Thrown);
    }

    [Fact]
    public async Task ABodyIntoBlocksIsExactAndSoIsTheRequestBehindIt()
    {
        await using KestrelBench bench = await KestrelBench.StartAsync(HashAsync);
        using Peer peer = await Peer.ConnectAsync(bench.EndPoint);
        var random = new Random(8);
        int[] lengths = [65_535, 65_536, 65_537, UringTransportOptions.BlockBytes, (2 * UringTransportOptions.BlockBytes) + 1, 1, 1 << 20, 100_000];
        using var wire = new MemoryStream();
        StringBuilder expected = new();
        for (int round = 0; round < 3; round++)
        {
            foreach (int length in lengths)
            {
                byte[] body = new byte[length];
                random.NextBytes(body);
                wire.Write(Encoding.Latin1.GetBytes(PutHead(length)));
                wire.Write(body);
                expected.Append(Hash(body)).Append(' ');
            }
        }

        Task sending = peer.SendInPiecesAsync(wire.ToArray(), random, 150_000);
        StringBuilder answered = new();
        for (int i = 0; i < 3 * lengths.Length; i++)
        {
            answered.Append((await AnswerAsync(peer))[^64..]).Append(' ');
        }

        await sending;
        Assert.Equal(expected.ToString(), answered.ToString());
        await bench.Ring.IsIdleAsync(connections: 1);
    }

    [Fact]
    public async Task ABlockThatIsBegunWhileNoBufferIsFreeIsFilled()
    {
        // Two connections hold all buffers of the loop; when one of them begins a body and lets go of its last segment, that wakes its own receive.
        await using var bench = new RingBench(new UringTransportOptions { BlockCount = 2, HeadCount = 2, UnreadBytesMax = 1 << 20 });
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        byte[] body = new byte[500_000];
        new Random(9).NextBytes(body);
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            await hold.Task;
            connection.Features.Get<IConnectionBodies>()!.BeginBody(body.Length);
            byte[]? got = await Applications.TakeAsync(connection.Transport.Input, body.Length);
            Assert.Equal(body, got);
            await connection.Transport.Output.WriteAsync("y"u8.ToArray());
        });
        using Peer first = await Peer.ConnectAsync(server);
        Task sending = first.SendAsync(body);
        await Until.TrueAsync(() => bench.Transport.StarvedCount > 0, "no buffer is free");
        hold.SetResult();
        await sending;
        Assert.Equal("y"u8.ToArray(), await first.ReceiveAsync(1));
    }

    [Fact]
    public async Task ACancelledReadThrowsAndLeavesTheInputAsItWas()
    {
        await using var bench = new RingBench();
        using var cancel = new CancellationTokenSource();
        var waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            PipeReader input = connection.Transport.Input;
            ValueTask<ReadResult> read = input.ReadAsync(cancel.Token);
            waits.SetResult();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);
            Assert.True(bench.Loop.IsCurrent);
            await Applications.EchoAsync(connection);
        });
        using Peer peer = await Peer.ConnectAsync(server);
        await waits.Task.WaitAsync(Until.Deadline);
        await cancel.CancelAsync();
        await peer.SendAsync("abc");
        Assert.Equal("abc"u8.ToArray(), await peer.ReceiveAsync(3));
    }

    [Fact]
    public async Task APendingReadCanBeCancelledFromAnyThread()
    {
        await using var bench = new RingBench();
        var waits = new TaskCompletionSource<PipeReader>(TaskCreationOptions.RunContinuationsAsynchronously);
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            PipeReader input = connection.Transport.Input;
            for (int i = 0; i < 100; i++)
            {
                ValueTask<ReadResult> read = input.ReadAsync();
                if (i == 0)
                {
                    waits.SetResult(input);
                }

                ReadResult result = await read;
                Assert.True(bench.Loop.IsCurrent);
                Assert.True(result.IsCanceled);
                input.AdvanceTo(result.Buffer.Start);
                await Task.Factory.StartNew(input.CancelPendingRead, CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default);
            }

            Assert.True((await input.ReadAsync()).IsCanceled);
            await Applications.EchoAsync(connection);
        });
        using Peer peer = await Peer.ConnectAsync(server);
        PipeReader pending = await waits.Task.WaitAsync(Until.Deadline);
        pending.CancelPendingRead();
        await peer.SendAsync("abc");
        Assert.Equal("abc"u8.ToArray(), await peer.ReceiveAsync(3));
    }

    [Fact]
    public async Task AnApplicationOffTheLoopIsAnsweredOnIt()
    {
        await using var bench = new RingBench();
        byte[] sent = new byte[1 << 20];
        new Random(10).NextBytes(sent);
        int offLoop = 0;
        IPEndPoint server = await bench.ServeAsync(async connection =>
        {
            while (true)
            {
                await Task.Yield();
                await Task.Factory.StartNew(static () => { }, CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default).ConfigureAwait(false);
                ReadResult read = await connection.Transport.Input.ReadAsync().ConfigureAwait(false);
                offLoop += bench.Loop.IsCurrent ? 0 : 1;
                await Task.Factory.StartNew(static () => { }, CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default).ConfigureAwait(false);
                foreach (ReadOnlyMemory<byte> piece in read.Buffer)
                {
                    await connection.Transport.Output.WriteAsync(piece).ConfigureAwait(false);
                }

                connection.Transport.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        });
        using Peer peer = await Peer.ConnectAsync(server);
        Task sending = peer.SendInPiecesAsync(sent, new Random(11), 20_000);
        Assert.Equal(sent, await peer.ReceiveAsync(sent.Length));
        await sending;
        Assert.Equal(0, offLoop);
    }

    internal static string PutHead(int length, string path = "/") => $"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n";

    internal static string Hash(byte[] body) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(body));

    /// <summary>An answer of a declared length, whole.</summary>
    internal static async Task<string> AnswerAsync(Peer peer)
    {
        StringBuilder head = new();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            byte[] next = await peer.ReceiveAsync(1);
            Assert.True(next.Length == 1, $"the server ended within a head: {head}");
            head.Append((char)next[0]);
        }

        int at = head.ToString().IndexOf("Content-Length: ", StringComparison.Ordinal) + 16;
        int length = int.Parse(head.ToString().AsSpan(at, head.ToString().IndexOf("\r\n", at, StringComparison.Ordinal) - at), System.Globalization.CultureInfo.InvariantCulture);
        return head + Encoding.Latin1.GetString(await peer.ReceiveAsync(length));
    }

    private static async Task HashAsync(Exchange exchange)
    {
        if (exchange.Request.Headers.ContentLength is { } length)
        {
            exchange.Bodies!.BeginBody(length);
        }

        await exchange.WriteAsync(Encoding.Latin1.GetBytes(Hash(await exchange.ReadAsync())));
    }
}
