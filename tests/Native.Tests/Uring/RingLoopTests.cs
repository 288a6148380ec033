using Sluice.Native.Memory;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>The loop against the real kernel: requests complete on its thread, never inside a verb; a mistake in one leaves nothing behind.</summary>
public sealed class RingLoopTests
{
    [Fact]
    public async Task ARequestCompletesOnTheLoop()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        (int result, bool isOnLoop) = await loop.OnLoop<(int, bool)>(async () =>
        {
            int nop = await loop.NopAsync();
            return (nop, loop.IsCurrent);
        });
        Assert.Equal(0, result);
        Assert.True(isOnLoop);
    }

    [Fact]
    public async Task NothingCompletesInsideAVerb()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        bool wasCompleted = await loop.OnLoop(async () =>
        {
            ValueTask<int> nop = loop.NopAsync();
            bool isCompleted = nop.IsCompleted;
            await nop;
            return isCompleted;
        });
        Assert.False(wasCompleted);
    }

    [Fact]
    public async Task ARequestMadeOffTheLoopIsRefusedAndLeavesTheLoopWhole()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        var operation = new Recorded();
        await loop.OnLoop(async () => await loop.NopAsync()); // its call is in the pool now
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await loop.NopAsync());
        Assert.Throws<InvalidOperationException>(() => loop.PollReadable(operation, 0));
        Assert.Throws<InvalidOperationException>(() => loop.Cancel(operation));
        Assert.Throws<InvalidOperationException>(() => loop.AddTicker(new CountingTicker(static () => { })));
        Assert.Equal((0, 0), await loop.OnLoop<(int, int)>(async () => (await loop.NopAsync(), loop.InFlightCount)));
    }

    [Fact]
    public async Task AnOperationHasOneRequestAtATime()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        using var pair = new TcpPair();
        var operation = new Recorded();
        await loop.OnLoop(() =>
        {
            loop.PollReadable(operation, pair.Near);
            Assert.Throws<InvalidOperationException>(() => loop.PollReadable(operation, pair.Near));
            Assert.Equal(1, loop.InFlightCount);
            loop.Cancel(operation);
        });
        Assert.Equal(Errno.ECANCELED, (await operation.Last).Error);
    }

    [Fact]
    public async Task AnOperationIsCancelledByItsOwnLoopAlone()
    {
        using var one = new RingLoop(new RingLoopOptions());
        using var other = new RingLoop(new RingLoopOptions());
        using var pair = new TcpPair();
        var operation = new Recorded();
        await one.OnLoop(() => one.PollReadable(operation, pair.Near));
        await Assert.ThrowsAsync<InvalidOperationException>(() => other.OnLoop(() => other.Cancel(operation)));
        await one.OnLoop(() => one.Cancel(operation));
        Assert.Equal(Errno.ECANCELED, (await operation.Last).Error);
    }

    /// <summary>Before it was looked after, the request stayed in flight for ever, and a receive of no bytes went to the kernel.</summary>
    [Fact]
    public async Task ALeaseThatIsOverIsRefusedAndNothingIsInFlight()
    {
        using var slab = new BufferSlab(4096, 1);
        using var loop = new RingLoop(new RingLoopOptions());
        using var pair = new TcpPair();
        var operation = new Recorded();
        Assert.True(slab.TryRent(out BufferLease lease));
        Memory<byte> stale = lease.Memory;
        lease.Dispose();
        await loop.OnLoop(() =>
        {
            Assert.Throws<ObjectDisposedException>(() => loop.Receive(operation, pair.Near, stale));
            Assert.False(operation.InFlight);
            Assert.Equal(0, loop.InFlightCount);
            loop.Receive(operation, pair.Near, new byte[10]);
        });
        await pair.Far.SendAsync(new byte[3]);
        Assert.Equal(3, (await operation.Last).Result);
        Assert.Single(operation.All);
    }

    [Fact]
    public async Task AMultishotReceiveWithoutBuffersIsRefusedAndNothingIsInFlight()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        using var pair = new TcpPair();
        await loop.OnLoop(() =>
        {
            Assert.Throws<InvalidOperationException>(() => loop.ReceiveMultishot(new Recorded(), pair.Near));
            Assert.Throws<ArgumentOutOfRangeException>(() => loop.Timeout(new RecordedTimeout(), TimeSpan.FromTicks(-1)));
            Assert.Equal(0, loop.InFlightCount);
        });
    }

    [Fact]
    public async Task SlotsGrowWithTheRequestsInFlight()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        using var pair = new TcpPair();
        Recorded[] polls = [.. Enumerable.Range(0, 3000).Select(_ => new Recorded())];
        int inFlight = await loop.OnLoop(() =>
        {
            Array.ForEach(polls, poll => loop.PollReadable(poll, pair.Near));
            return ValueTask.FromResult(loop.InFlightCount);
        });
        Assert.Equal(3000, inFlight);
        await pair.Far.SendAsync(new byte[1]);
        foreach (Recorded poll in polls)
        {
            Assert.Equal(1, (await poll.Last).Result & 1); // POLLIN
        }
    }

    /// <summary>More requests in one continuation than the queue has entries, and more completions than theirs holds: nothing is lost, and it is counted.</summary>
    [Fact]
    public async Task FullQueuesLoseNothing()
    {
        using var loop = new RingLoop(new RingLoopOptions { SubmissionEntries = 4, CompletionEntries = 8 });
        const int Requests = 10_000;
        int completed = await loop.OnLoop(async () =>
        {
            Task<int>[] nops = [.. Enumerable.Range(0, Requests).Select(_ => loop.NopAsync().AsTask())];
            return (await Task.WhenAll(nops)).Count(static result => result == 0);
        });
        Assert.Equal(Requests, completed);
        Assert.True(loop.OverflowCount > 0);
    }

    [Fact]
    public async Task AContinuationMayMakeTheNextRequestForEver()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        int sum = await loop.OnLoop(async () =>
        {
            int done = 0;
            for (int i = 0; i < 50_000; i++)
            {
                done += 1 + await loop.NopAsync();
            }

            return done;
        });
        Assert.Equal(50_000, sum);
    }

    [Fact]
    public async Task ARemovedTickerIsNotCalledAgainEvenWithinATick()
    {
        using var loop = new RingLoop(new RingLoopOptions { TickInterval = TimeSpan.FromMilliseconds(1) });
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int first = 0, others = 0, last = 0;
        List<IRingTicker> tickers = [];
        tickers.Add(new CountingTicker(() =>
        {
            first++;
            tickers.GetRange(0, 3).ForEach(loop.RemoveTicker); // itself, and two whose turn would come
        }));
        tickers.Add(new CountingTicker(() => others++));
        tickers.Add(new CountingTicker(() => others++));
        tickers.Add(new CountingTicker(() =>
        {
            if (++last == 3)
            {
                tickers.ForEach(loop.RemoveTicker);
                done.SetResult();
            }
        }));
        await loop.OnLoop(() => tickers.ForEach(loop.AddTicker));
        await done.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await loop.OnLoop(static () => { });
        Assert.Equal((1, 0, 3), (first, others, last));
    }

    [Fact]
    public async Task TickersThatEachLeaveInOneTickCostNobodyATurn()
    {
        using var loop = new RingLoop(new RingLoopOptions { TickInterval = TimeSpan.FromMilliseconds(1) });
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<int> turns = [];
        List<IRingTicker> tickers = [];
        for (int i = 0; i < 5; i++)
        {
            int number = i;
            tickers.Add(new CountingTicker(() =>
            {
                turns.Add(number);
                loop.RemoveTicker(tickers[number]); // each itself: at the end of the tick nobody is left but the one who came back
                if (number == 3 && turns.Count < 10)
                {
                    loop.AddTicker(tickers[number]); // has its turn in the next tick
                }
                else if (number == 3)
                {
                    done.SetResult();
                }
            }));
        }

        await loop.OnLoop(() => tickers.ForEach(loop.AddTicker));
        await done.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await loop.OnLoop(static () => { });
        Assert.Equal([0, 1, 2, 3, 4, 3, 3, 3, 3, 3], turns);
    }

    [Fact]
    public async Task ALongTickIntervalDoesNotOverflow()
    {
        using var loop = new RingLoop(new RingLoopOptions { TickInterval = TimeSpan.FromMinutes(20) }); // 2^63 / 10^7 nanoseconds are 15
        int ticks = 0;
        var timeout = new RecordedTimeout();
        await loop.OnLoop(() => loop.AddTicker(new CountingTicker(() => ticks++)));
        await loop.OnLoop(() => loop.Timeout(timeout, TimeSpan.FromMilliseconds(100)));
        long passes = loop.IterationCount;
        await timeout.Last;
        Assert.InRange(loop.IterationCount - passes, 0, 20); // it sleeps meanwhile
        Assert.Equal(1, ticks);
    }

    private sealed class CountingTicker(Action tick) : IRingTicker
    {
        public void Tick() => tick();
    }
}
