using Sluice.Native.Tests.Support;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>Long work on a loop: whatever has come in goes before it, a little of it runs between two looks, and none is lost when the loop ends.</summary>
public sealed class RingTurnTests
{
    private const int Turns = 50;

    /// <summary>Turns that each take longer than a pass may spend on them: between two of them the loop looks, and what was posted meanwhile runs.</summary>
    [Fact]
    public async Task BetweenTwoLongTurnsTheLoopLooksAtWhatHasComeIn()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        var order = new List<string>();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.OnLoop(() =>
        {
            for (int i = 0; i < Turns; i++)
            {
                loop.TakeTurn(_ => LongTurn(), null);
            }

            loop.TakeTurn(_ => done.SetResult(), null);
            loop.Post(_ => order.Add("posted before"), null);
        });
        await done.Task.WaitAsync(TimeSpan.FromSeconds(30));
        string[] expected = ["posted before", .. Enumerable.Range(0, Turns).SelectMany(static _ => (string[])["turn", "nop"])];
        Assert.Equal(expected, await loop.RunAsync(() => ValueTask.FromResult(order.ToArray())));

        void LongTurn()
        {
            order.Add("turn");
            _ = NopAsync(); // a request to the kernel: its completion is seen in the next look
            long end = Environment.TickCount64 + 2;
            while (Environment.TickCount64 < end)
            {
                Thread.SpinWait(10);
            }
        }

        async Task NopAsync()
        {
            await loop.NopAsync();
            order.Add("nop");
        }
    }

    [Fact]
    public async Task ShortTurnsShareAPass()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        var passes = new List<long>();
        await loop.OnLoop(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                loop.TakeTurn(_ => passes.Add(loop.IterationCount), null);
            }
        });
        while (await loop.RunAsync(() => ValueTask.FromResult(passes.Count)) < 1000)
        {
            // each look is a pass
        }

        Assert.InRange(passes.Distinct().Count(), 1, 500);
    }

    [Fact]
    public async Task AnAwaitedTurnGoesOnOnTheLoopAfterThoseBeforeIt()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        var order = new List<int>();
        int[] seen = await loop.RunAsync<int[]>(async () =>
        {
            loop.TakeTurn(_ => order.Add(1), null);
            await loop.NextTurn();
            order.Add(loop.IsCurrent ? 2 : -2);
            await loop.NextTurn();
            order.Add(loop.IsCurrent ? 3 : -3);
            return [.. order];
        });
        Assert.Equal([1, 2, 3], seen);
        Assert.Throws<InvalidOperationException>(() => loop.TakeTurn(static _ => { }, null)); // not on the loop
        Assert.Throws<InvalidOperationException>(() => loop.NextTurn());
    }

    [Fact]
    public async Task TurnsThatWaitWhenTheLoopEndsAreTaken()
    {
        var loop = new RingLoop(new RingLoopOptions());
        int taken = 0;
        await loop.OnLoop(() =>
        {
            for (int i = 0; i < Turns; i++)
            {
                loop.TakeTurn(_ => Step(2), null);
            }

            loop.Dispose(); // on the loop it only begins the end
        });
        loop.Dispose();
        Assert.Equal(Turns * 3, taken);

        void Step(int more) // a turn may ask for another
        {
            taken++;
            if (more > 0)
            {
                loop.TakeTurn(_ => Step(more - 1), null);
            }
        }
    }
}
