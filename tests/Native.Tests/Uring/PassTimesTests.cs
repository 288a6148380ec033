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

    [Fact]
    public async Task APassThatWaitsIsSlowByTheClockOnTheWallOnly()
    {
        using var loop = new RingLoop(new RingLoopOptions());
        using var over = new ManualResetEventSlim();
        await loop.OnLoop(static () => { });
        await loop.OnLoop(() =>
        {
            var other = new Thread(() =>
            {
                TimeSpan end = Libc.ThreadProcessorTime() + s_long;
                while (Libc.ThreadProcessorTime() < end)
                {
                    // the loop's thread waits at least that long
                }

                over.Set();
            });
            other.Start();
            other.Join();
        });
        (long slow, long slowByProcessor, TimeSpan longest) = await CountsAsync(loop);
        Assert.True(slow >= 1, "the pass was not seen to be slow");
        Assert.Equal(0, slowByProcessor);
        Assert.True(longest < loop.LongestIteration, $"{longest} of {loop.LongestIteration}");
    }

    private static Task<(long Slow, long SlowByProcessor, TimeSpan Longest)> CountsAsync(RingLoop loop) => loop.RunAsync(() =>
        ValueTask.FromResult((loop.SlowIterationCount, loop.SlowIterationProcessorCount, loop.LongestIterationProcessorTime)));
}
