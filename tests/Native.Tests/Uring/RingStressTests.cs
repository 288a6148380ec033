using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Sluice.Native.Tests.Support;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>Limits of the process, signals, kernel threads and allocation: what a loop does under pressure.</summary>
[Collection(ProcessCollection.Name)]
public sealed class RingStressTests
{
    private const int SIGWINCH = 28; // ignored unless handled, and the runtime handles it

    [Fact]
    public async Task WithoutDescriptorsAnAcceptEndsAndGoesOnWhenThereAreSomeAgain()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        Assert.Equal(Errno.None, Sockets.Listen(new IPEndPoint(IPAddress.Loopback, 0), 64, out int listener));
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Recorded starved = new(), fed = new();
        List<int> used = [];
        Kernel.WithDescriptorLimit((ulong)Kernel.DescriptorCount() + 20, () =>
        {
            for (int copy = Kernel.Duplicate(listener); copy >= 0; copy = Kernel.Duplicate(listener))
            {
                used.Add(copy);
            }

            loop.Wait(() => loop.AcceptMultishot(starved, listener));
            client.Connect(Sockets.LocalEndPoint(listener)!);
            Assert.Equal(Errno.EMFILE, starved.Last.GetAwaiter().GetResult().Error);
        });
        Assert.True(used.Count > 0);
        used.ForEach(Libc.Close);
        await loop.OnLoop(() => loop.AcceptMultishot(fed, listener));
        Assert.True(Kernel.Eventually(() => Volatile.Read(ref fed).All.Count == 1)); // the connection waited in the listener, or the client's next does
        Assert.True(fed.All[0].Result >= 0);
        Libc.Close(fed.All[0].Result);
        await loop.OnLoop(() => loop.Cancel(fed));
        await fed.Last;
        Libc.Close(listener);
    }

    /// <summary>io_uring_enter(2) ends with EINTR whenever a signal hits the loop's thread; requests and posts go on as if there were none.</summary>
    [Fact]
    public async Task SignalsDoNotDisturbTheLoop()
    {
        int handled = 0;
        using var handler = PosixSignalRegistration.Create((PosixSignal)SIGWINCH, _ => Interlocked.Increment(ref handled));
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 8, ReceiveBufferBytes = 512 });
        using var pair = new TcpPair();
        int thread = await loop.OnLoop(static () => ValueTask.FromResult(Kernel.ThreadId()));
        long passes = loop.IterationCount;
        Kernel.Signal(thread, SIGWINCH); // asleep, with nothing to do
        Assert.True(Kernel.Eventually(() => loop.IterationCount > passes));
        using var over = new CancellationTokenSource();
        Task storm = Task.Factory.StartNew(
            () =>
            {
                while (!over.IsCancellationRequested)
                {
                    Kernel.Signal(thread, SIGWINCH);
                    Thread.Yield();
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            byte[] data = new byte[1 << 20];
            new Random(4).NextBytes(data);
            await EchoAsync(loop, pair, data);
            int nops = await loop.OnLoop(async () =>
            {
                int done = 0;
                for (int i = 0; i < 2000; i++)
                {
                    done += 1 + await loop.NopAsync();
                    var timeout = new RecordedTimeout();
                    loop.Timeout(timeout, TimeSpan.FromMicroseconds(10));
                    done += (await timeout.Last).Result;
                }

                return done;
            });
            Assert.Equal(2000, nops);
        }
        finally
        {
            await over.CancelAsync();
            await storm;
        }

        Assert.True(handled > 0);
    }

    /// <summary>A tiny queue of completions, posts from many threads, cancellations and receives at once: each request completes once.</summary>
    [Fact]
    public async Task EverythingAtOnceOnSmallQueuesLosesNothing()
    {
        using var loop = new RingLoop(new RingLoopOptions { SubmissionEntries = 4, CompletionEntries = 8, ReceiveBufferCount = 4, ReceiveBufferBytes = 256 });
        using var pair = new TcpPair();
        using var idle = new TcpPair();
        int posts = 0;
        byte[] data = new byte[300_000];
        new Random(5).NextBytes(data);
        int wrong = 0;
        Func<Task>[] atOnce =
        [
            () => Task.Run(() => Parallel.For(0, 4, _ =>
            {
                for (int i = 0; i < 5000; i++)
                {
                    loop.Post(_ => posts++, null);
                }
            })),
            async () => await EchoAsync(loop, pair, data),
            async () => wrong = await CancelManyAsync(loop, idle.Near),
        ];
        await Task.WhenAll(atOnce.Select(static work => work()));
        await loop.OnLoop(static () => { });
        Assert.Equal((20_000, 0), (posts, wrong));
        Assert.True(loop.OverflowCount > 0);
        Assert.Equal(4, loop.ReceiveBuffers!.FreeCount);
    }

    [Fact]
    public async Task RequestsThatBlockHaveAsManyKernelThreadsAsTheLoopAllows()
    {
        using var directory = new TempDirectory();
        using var open = new BlockingOpen(directory.Below("fifo"));
        var loop = new RingLoop(new RingLoopOptions { BlockingWorkersMax = 12 });
        Assert.Equal(12, loop.BlockingWorkersMax);
        int thread = await loop.OnLoop(static () => ValueTask.FromResult(Kernel.ThreadId()));
        Recorded[] opens = [.. Enumerable.Range(0, 200).Select(_ => new Recorded())];
        await loop.OnLoop(() => Array.ForEach(opens, operation => loop.Submit(operation, open.Request)));
        Assert.True(Kernel.Eventually(() => Kernel.WorkerCount(thread) >= 12), $"{Kernel.WorkerCount(thread)} workers");
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(0, await loop.OnLoop(async () => await loop.NopAsync())); // the loop itself does not wait for them
            Assert.InRange(Kernel.WorkerCount(thread), 1, 12);
        }

        loop.Dispose();
        foreach (Recorded operation in opens)
        {
            Assert.True((await operation.Last).Error is Errno.ECANCELED or Errno.EINTR);
        }

        Assert.True(Kernel.Eventually(() => Kernel.WorkerCount(thread) == 0));
    }

    [Fact]
    public async Task TheSteadyStateAllocatesNothing()
    {
        using var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 4, ReceiveBufferBytes = 256 });
        using var pair = new TcpPair();
        var echo = new PingPong(loop, pair.Near);
        _ = Task.Factory.StartNew(() => Reflect(pair.Far), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await loop.OnLoop(() => NopsAsync(1000));
        await loop.OnLoop(() => echo.RunAsync(1000));
        Assert.Equal(0, await loop.OnLoop(() => NopsAsync(100_000)));
        Assert.Equal(0, await loop.OnLoop(() => echo.RunAsync(100_000)));
        pair.Far.Shutdown(SocketShutdown.Both);
        Assert.True(await loop.OnLoop(static () => AllocateAsync()) > 0); // the measure sees what there is

        async ValueTask<long> NopsAsync(int count)
        {
            await loop.NopAsync(); // the method's own state moves to the heap at its first await
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < count; i++)
            {
                await loop.NopAsync();
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        static async ValueTask<long> AllocateAsync()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            GC.KeepAlive(new object());
            await ValueTask.CompletedTask;
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        static void Reflect(Socket socket)
        {
            byte[] buffer = new byte[256];
            for (int count = socket.Receive(buffer); count > 0; count = socket.Receive(buffer))
            {
                socket.Send(buffer.AsSpan(0, count));
            }
        }
    }

    /// <summary>Polls that will not come true and timeouts of no time, all at once; how many did not end as they should.</summary>
    private static async Task<int> CancelManyAsync(RingLoop loop, int idle)
    {
        int wrong = 0;
        for (int round = 0; round < 200; round++)
        {
            Recorded[] polls = [.. Enumerable.Range(0, 40).Select(_ => new Recorded())];
            RecordedTimeout[] timeouts = [.. Enumerable.Range(0, 10).Select(_ => new RecordedTimeout())];
            await loop.OnLoop(() =>
            {
                Array.ForEach(polls, poll => loop.PollReadable(poll, idle));
                Array.ForEach(timeouts, timeout => loop.Timeout(timeout, TimeSpan.Zero));
                Array.ForEach(polls, loop.Cancel);
            });
            foreach (Recorded poll in polls)
            {
                wrong += (await poll.Last).Error == Errno.ECANCELED && poll.All.Count == 1 ? 0 : 1;
            }

            foreach (RecordedTimeout timeout in timeouts)
            {
                wrong += (await timeout.Last).Result == 0 ? 0 : 1;
            }
        }

        return wrong;
    }

    /// <summary>Sends all of it from one end, receives it at the other by a multishot receive, and compares.</summary>
    private static async Task EchoAsync(RingLoop loop, TcpPair pair, byte[] data)
    {
        var received = new MemoryStream();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task sending = Task.Run(async () =>
        {
            await pair.Far.SendAsync(data);
            pair.Far.Shutdown(SocketShutdown.Send);
        });
        await loop.OnLoop(Arm);
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await sending;
        Assert.Equal(data, received.ToArray());

        void Arm() => loop.ReceiveMultishot(
            new Recorded
            {
                Each = completion =>
                {
                    if (completion.HasBuffer)
                    {
                        received.Write(loop.ReceiveBuffers!.Take(completion.BufferId, completion.Result).Span);
                        loop.ReceiveBuffers.Return(completion.BufferId);
                    }

                    if (completion.Result == 0)
                    {
                        ended.SetResult();
                    }
                    else if (!completion.HasMore)
                    {
                        Arm();
                    }
                },
            }, pair.Near);
    }

    /// <summary>A byte to the far end and back, many times: one operation sends, one receives.</summary>
    private sealed class PingPong(RingLoop loop, int socket) : RingOperation
    {
        private readonly Sending _send = new();
        private TaskCompletionSource<long> _done = new();
        private long _before;
        private int _left;

        /// <summary>Bytes that the loop's thread has allocated between the first byte back and the last.</summary>
        public async ValueTask<long> RunAsync(int count)
        {
            if (!InFlight)
            {
                loop.ReceiveMultishot(this, socket);
            }

            (_before, _left, _done) = (-1, count, new TaskCompletionSource<long>());
            loop.Send(_send, socket, _send.Bytes);
            return await _done.Task;
        }

        protected override void Completed(RingCompletion completion)
        {
            if (completion.HasBuffer)
            {
                loop.ReceiveBuffers!.Return(completion.BufferId);
            }

            if (completion.Result <= 0)
            {
                return;
            }

            _before = _before < 0 ? GC.GetAllocatedBytesForCurrentThread() : _before;
            if (--_left > 0)
            {
                loop.Send(_send, socket, _send.Bytes);
                return;
            }

            _done.SetResult(GC.GetAllocatedBytesForCurrentThread() - _before);
        }

        private sealed class Sending : RingOperation
        {
            public byte[] Bytes { get; } = new byte[1];

            protected override void Completed(RingCompletion completion)
            {
                if (completion.Result != 1)
                {
                    throw new IOException($"a send of one byte: {completion.Result}");
                }
            }
        }
    }
}
