using Sluice.Engine;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;

namespace Sluice.Simulation.Tests.Health;

/// <summary>A drive that is far slower than the others is as bad as one that fails; one that is as slow as they are is not.</summary>
public sealed class SlowDriveTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task AnOutlierIsTakenOutWithItsThirdSlowLookAndToldWithWhatItTook()
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        bench.Sick[bench.Ill] = new Sickness { Flush = TimeSpan.FromSeconds(3) };
        await bench.LookAsync(2);
        Assert.Equal(ServingState.Serving, bench.StateOf(bench.Ill));
        await bench.LookAsync(1);
        Assert.Equal(ServingState.Faulted, bench.StateOf(bench.Ill));
        Assert.Equal(1, bench.Said("a small write took 3.0 s, 3 times in a row, far longer than on the others"));
        await bench.LookAsync(10);
        Assert.All(bench.Disk.Mountpaths.Except([bench.Ill]), path => Assert.Equal(ServingState.Serving, bench.StateOf(path)));
        Assert.Equal(1, await bench.CounterAsync("disk.faulted"));
    }

    /// <summary>Seconds that a small write takes on the one and on the others, and whether the one is an outlier.</summary>
    [Theory]
    [InlineData(2.0, 0.1, true)]
    [InlineData(1.9, 0.0, false)] // nothing that a busy drive does not do
    [InlineData(2.0, 0.11, false)] // less than twenty times the others
    [InlineData(30.0, 30.0, false)] // all alike: not this drive
    public async Task OnlyAnOutlierIsSlow(double one, double others, bool isOut)
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        foreach (string path in bench.Disk.Mountpaths)
        {
            bench.Sick[path] = new Sickness { Flush = TimeSpan.FromSeconds(path == bench.Ill ? one : others) };
        }

        await bench.LookAsync(6);
        Assert.Equal(isOut ? ServingState.Faulted : ServingState.Serving, bench.StateOf(bench.Ill));
        Assert.Equal(isOut ? 1 : 0, await bench.CounterAsync("disk.faulted"));
    }

    [Fact]
    public async Task ADriveThatIsSlowNowAndThenStays()
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        for (int i = 0; i < 5; i++)
        {
            bench.Sick[bench.Ill] = new Sickness { Flush = TimeSpan.FromSeconds(60) };
            await bench.LookAsync(2);
            bench.Sick[bench.Ill] = new Sickness();
            await bench.LookAsync(1);
        }

        Assert.Equal(ServingState.Serving, bench.StateOf(bench.Ill));
    }

    [Fact]
    public async Task TheOnlyDriveHasNoneToBeSlowerThan()
    {
        await using HealthBench bench = await HealthBench.NewAsync(mountpaths: 1);
        bench.Sick[bench.Disk.Mountpaths[0]] = new Sickness { Flush = TimeSpan.FromMinutes(1) };
        await bench.LookAsync(6);
        Assert.Equal(ServingState.Serving, bench.StateOf(bench.Disk.Mountpaths[0]));
    }

    /// <summary>When it comes back, looks of before are not held against it: it is out again with its third slow look, not with its first.</summary>
    [Fact]
    public async Task AMountpathThatComesBackBeginsAnew()
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        bench.Sick[bench.Ill] = new Sickness { Flush = TimeSpan.FromSeconds(3) };
        await bench.LookAsync(2);
        Assert.True((await bench.Engine.Mountpaths.DisableAsync(bench.Ill, force: true)).Ok);
        Assert.True((await bench.Engine.Mountpaths.EnableAsync(bench.Ill).WaitAsync(s_deadline)).Ok);
        await ResilveredAsync(bench);
        await bench.LookAsync(2);
        Assert.Equal(ServingState.Serving, bench.StateOf(bench.Ill));
        await bench.LookAsync(1);
        Assert.Equal(ServingState.Faulted, bench.StateOf(bench.Ill));
    }

    /// <summary>
    /// A drive that does not answer at all: found by the timer, and what was on it is rebuilt on the others although the look at it has not ended.
    /// </summary>
    [Fact]
    public async Task ADriveThatHangsIsTakenOutAndRebuiltElsewhere()
    {
        await using HealthBench bench = await HealthBench.NewAsync(
            health: new() { Interval = TimeSpan.FromSeconds(10) }, properties: """{"mirror":{"enabled":true,"copies":2}}""");
        string name = await bench.NameOnAsync(bench.Ill);
        for (int i = 0; i < 60; i++)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(10)); // nothing is wrong for ten minutes
            await Task.Yield();
        }

        Assert.Equal(ServingState.Serving, bench.StateOf(bench.Ill));
        bench.Sick[bench.Ill] = new Sickness { Hang = new TaskCompletionSource() };
        DateTime until = DateTime.UtcNow + s_deadline;
        while (bench.StateOf(bench.Ill) == ServingState.Serving)
        {
            Assert.True(DateTime.UtcNow < until, "it is never taken out");
            bench.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        while (!bench.Engine.Jobs.All.Last(job => job.Kind == JobKinds.Resilver).Detail.StartsWith("waiting for uploads", StringComparison.Ordinal))
        {
            Assert.True(DateTime.UtcNow < until, "what was on it is not rebuilt");
            await Task.Yield();
        }

        Assert.Equal(name, await bench.GetAsync(name));
        Assert.All(bench.Disk.Mountpaths.Except([bench.Ill]), path => Assert.Equal(ServingState.Serving, bench.StateOf(path)));
        Assert.Equal(2, bench.HoldersOf(name).Count(path => path != bench.Ill));
    }

    /// <summary>A request hangs on a drive that leaves: what was on that drive is rebuilt on the others, and the name that the request is about when it has ended.</summary>
    [Fact]
    public async Task ARequestThatHangsKeepsNobodyElseFromHisCopies()
    {
        await using HealthBench bench = await HealthBench.NewAsync(properties: """{"mirror":{"enabled":true,"copies":2}}""");
        string name = await bench.NameOnAsync(bench.Ill);
        var hang = new TaskCompletionSource();
        bench.Sick[bench.Ill] = new Sickness { Hang = hang };
        List<Task<Result>> puts = [];
        for (int i = 0; bench.Sick[bench.Ill].HangCount == 0; i++)
        {
            puts.Add(bench.PutAsync($"hung{i}"));
        }

        Assert.True((await bench.Engine.Mountpaths.DisableAsync(bench.Ill, force: true)).Ok);
        DateTime until = DateTime.UtcNow + s_deadline;
        while (bench.HoldersOf(name).Count(path => path != bench.Ill) < 2)
        {
            Assert.True(DateTime.UtcNow < until, "what was on it is not rebuilt");
            bench.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.False(puts[^1].IsCompleted, "it hangs");
        Assert.False(bench.Engine.Jobs.All.Last(job => job.Kind == JobKinds.Resilver).Ended.IsCompleted, "its name is looked at afterwards");
        hang.SetResult();
        await ResilveredAsync(bench);
        await Task.WhenAll(puts);
        Assert.False(bench.Engine.Mountpaths.Map.MisplacedPossible);
    }

    private static Task ResilveredAsync(HealthBench bench) =>
        bench.Engine.Jobs.All.Last(job => job.Kind == JobKinds.Resilver).Ended.WaitAsync(s_deadline);
}
