using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>Posts reach the loop from anywhere, in order, without end and without stopping it; late ones leave nobody waiting.</summary>
public sealed class RingPostTests
{
    [Fact]
    public async Task EveryPostFromManyThreadsRunsOnceOnTheLoopInItsThreadsOrder()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        const int Threads = 4, Each = 20_000;
        int ran = 0, offLoop = 0, outOfOrder = 0;
        int[] next = new int[Threads];
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Action<object?> count = state =>
        {
            (int thread, int number) = ((int, int))state!;
            offLoop += loop.IsCurrent ? 0 : 1;
            outOfOrder += next[thread]++ == number ? 0 : 1;
            if (++ran == Threads * Each)
            {
                done.SetResult();
            }
        };
        Parallel.For(0, Threads, thread =>
        {
            for (int i = 0; i < Each; i++)
            {
                loop.Post(count, (thread, i));
            }
        });
        await done.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((0, 0), (offLoop, outOfOrder));
    }

    [Fact]
    public async Task PostsFromTheLoopRunInOrderAndNotInside()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        List<int> order = [];
        await loop.OnLoop(async () =>
        {
            SynchronizationContext context = SynchronizationContext.Current!;
            for (int i = 0; i < 5000; i += 2)
            {
                context.Post(static state => ((Action)state!)(), Add(i));
                loop.Post(static state => ((Action)state!)(), Add(i + 1));
            }

            order.Add(-1);
            await loop.NopAsync();
            while (order.Count < 5001)
            {
                await Task.Yield();
            }

            return 0;
        });
        Assert.Equal(Enumerable.Range(-1, 5001), order);

        Action Add(int number) => () => order.Add(number);
    }

    /// <summary>Kestrel completes flushes that had to wait by sources whose continuations run asynchronously: without the context, in the thread pool.</summary>
    [Fact]
    public async Task AnAwaitThatIsAnsweredElsewhereComesBackToTheLoop()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        var source = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        Assert.Equal((7, true, true), await loop.OnLoop<(int, bool, bool)>(async () =>
        {
            _ = Task.Run(() => source.SetResult(7));
            int answer = await source.Task;
            bool first = loop.IsCurrent;
            await Task.Run(static () => { }); // of the pool itself
            return (answer, first, loop.IsCurrent);
        }));
    }

    /// <summary>Yielding posts to the loop itself. When posts had no bound, a wait by yielding kept the ring from being reaped, for ever.</summary>
    [Fact]
    public async Task YieldingOnTheLoopDoesNotStopIt()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        Assert.Equal(0, await loop.OnLoop(async () =>
        {
            Task<int> nop = loop.NopAsync().AsTask();
            while (!nop.IsCompleted)
            {
                await Task.Yield();
            }

            return await nop;
        }));
    }

    [Fact]
    public async Task PostingFromElsewhereWithoutEndDoesNotStopTheLoop()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        using var over = new CancellationTokenSource();
        Task[] posters = [.. Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(
            () =>
            {
                while (!over.IsCancellationRequested)
                {
                    loop.Post(static _ => { }, null);
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        int nops = await loop.OnLoop(async () =>
        {
            int done = 0;
            for (int i = 0; i < 20; i++)
            {
                done += 1 + await loop.NopAsync();
            }

            return done;
        });
        await over.CancelAsync();
        await Task.WhenAll(posters);
        Assert.Equal(20, nops);
    }

    [Fact]
    public async Task WorkForALoopThatHasEndedFails()
    {
        var loop = new RingLoop(new RingLoopOptions());
        loop.Dispose();
        loop.Post(static _ => throw new InvalidOperationException("ran after the end"), null);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => loop.OnLoop(static () => { }));
    }

    [Fact]
    public async Task WorkThatRacesWithTheEndIsAnsweredEitherWay()
    {
        int ran = 0, refused = 0;
        for (int round = 0; round < 50; round++)
        {
            var loop = new RingLoop(new RingLoopOptions { SubmissionEntries = 8, CompletionEntries = 16 });
            var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Task<Task<int>[]> asking = Task.Run(async () =>
            {
                await start.Task;
                return Enumerable.Range(0, 200).Select(_ => loop.RunAsync(static () => ValueTask.FromResult(1))).ToArray();
            });
            start.SetResult();
            loop.Dispose();
            foreach (Task<int> work in await asking)
            {
                try
                {
                    ran += await work.WaitAsync(TimeSpan.FromSeconds(30));
                }
                catch (ObjectDisposedException)
                {
                    refused++;
                }
            }
        }

        Assert.Equal(50 * 200, ran + refused);
    }

    /// <summary>What an await holds must be given back, also when its loop has ended before the answer came.</summary>
    [Fact]
    public async Task AnAwaitWhoseLoopHasEndedGoesOnElsewhere()
    {
        var loop = new RingLoop(new RingLoopOptions());
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var finished = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.OnLoop(() => _ = WaitAsync());
        loop.Dispose();
        source.SetResult();
        Assert.False(await finished.Task.WaitAsync(TimeSpan.FromSeconds(30)));

        async Task WaitAsync()
        {
            await source.Task;
            finished.SetResult(loop.IsCurrent);
        }
    }

    [Fact]
    public async Task ExceptionsOfWorkReachWhoAsked()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        await Assert.ThrowsAsync<FormatException>(() => loop.OnLoop(static () => throw new FormatException()));
        await Assert.ThrowsAsync<FormatException>(() => loop.OnLoop(async () =>
        {
            await loop.NopAsync();
            return int.Parse("x", System.Globalization.CultureInfo.InvariantCulture);
        }));
    }

    [Fact]
    public async Task TheResultOfARequestMayBeTakenOnAnotherThread()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        for (int i = 0; i < 2000; i++)
        {
            ValueTask<int> nop = default;
            await loop.OnLoop(() => { nop = loop.NopAsync(); });
            Assert.Equal(0, await Task.Run(async () => await nop));
        }

        Assert.Equal(0, await loop.OnLoop(async () => await loop.NopAsync()));
    }
}
