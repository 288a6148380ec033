using Sluice.Native.Tests.Support;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>What a slow pass is told to be: work of the loop, or time that its thread did not have.</summary>
public sealed class PassTimesTests
{
    private static readonly TimeSpan s_long = RingLoop.SlowIteration * 4;

    [Fact]
    public async Task APassThatWorksIsSlowByBothClocks()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        await loop.OnLoop(static () => { }); // the first pass is not timed
        await loop.OnLoop(static () =>
        {
            TimeSpan end = Libc.ThreadProcessorTime() + s_long;
            while (Libc.ThreadProcessorTime() < end)
            {
                // works
            }
        });
        (long slow, long slowByProcessor, TimeSpan longest) = await CountsAsync(loop);
        Assert.True(slow >= 1 && slowByProcessor >= 1, $"{slow} slow passes, {slowByProcessor} by the processor's clock");
        Assert.InRange(longest, s_long, loop.LongestIteration);
    }

    /// <summary>
    /// A host that takes the processor away in the middle of a pass charges it with what it did not work, so one of a few passes has to be told apart: by a clock
    /// that counts waits as work none would be.
    /// </summary>
    [Fact]
    public async Task APassThatWaitsIsSlowByTheClockOnTheWallOnly()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        await loop.OnLoop(() => WaitFor(TimeSpan.Zero)); // what is compiled on the way is work
        for (int pass = 1; ; pass++)
        {
            (long slow, long slowByProcessor, _) = await CountsAsync(loop);
            await loop.OnLoop(() => WaitFor(s_long));
            (long slowAfter, long slowByProcessorAfter, TimeSpan longest) = await CountsAsync(loop);
            Assert.True(slowAfter > slow, "the pass was not seen to be slow");
            if (slowByProcessorAfter == slowByProcessor)
            {
                Assert.True(longest < loop.LongestIteration, $"{longest} of {loop.LongestIteration}");
                return;
            }

            Assert.True(pass < 8, $"{slowByProcessorAfter} of {slowAfter} slow passes are told to have worked");
        }
    }

    /// <summary>Has another thread work so long, and waits for it.</summary>
    private static void WaitFor(TimeSpan work)
    {
        var other = new Thread(() =>
        {
            TimeSpan end = Libc.ThreadProcessorTime() + work;
            while (Libc.ThreadProcessorTime() < end)
            {
                // the loop's thread waits at least that long
            }
        });
        other.Start();
        other.Join();
    }

    private static Task<(long Slow, long SlowByProcessor, TimeSpan Longest)> CountsAsync(RingLoop loop) => loop.RunAsync(() =>
        ValueTask.FromResult((loop.SlowIterationCount, loop.SlowIterationProcessorCount, loop.LongestIterationProcessorTime)));
}
