using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Health;
using Sluice.Engine.Mountpaths;
using Sluice.Native;

namespace Sluice.Simulation.Tests.Health;

/// <summary>What begins a run of the health checker's tests, how often, and what a run finds (contract: storage §8), by a clock that the test has.</summary>
public sealed class HealthRunTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(1);

    [Fact]
    public void TheNumbersAreTheContracts()
    {
        var options = new HealthOptions();
        Assert.Equal((4, 2, 10), (options.TestFiles, options.ErrorLimit, options.SoftErrorLimit));
        Assert.Equal((TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(4)), (options.SoftErrorTime, options.BetweenRuns));
    }

    [Fact]
    public async Task BetweenTwoRunsOfAMountpathLieFourMinutesAndAnotherOneDoesNotWaitForThem()
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        string name = await bench.NameOnAsync(bench.Ill);
        string other = await bench.NameOnAsync(bench.Disk.Mountpaths[2]);
        await bench.FaultAsync(name, Errno.EIO, bench.Ill);
        Assert.Equal(1, await bench.CounterAsync("disk.tests"));
        await bench.FaultAsync(name, Errno.EIO, bench.Ill);
        bench.Time.Advance(TimeSpan.FromMinutes(4) - s_moment);
        await bench.FaultAsync(name, Errno.EIO, bench.Ill);
        Assert.Equal(1, await bench.CounterAsync("disk.tests"));
        await bench.FaultAsync(other, Errno.EIO, bench.Disk.Mountpaths[2]);
        Assert.Equal(2, await bench.CounterAsync("disk.tests"));
        bench.Time.Advance(s_moment);
        await bench.FaultAsync(name, Errno.EIO, bench.Ill);
        Assert.Equal(3, await bench.CounterAsync("disk.tests"));
        Assert.Equal(3, bench.Said("was tested after a fault and works"));
        Assert.All(bench.Disk.Mountpaths, path => Assert.Equal(ServingState.Serving, bench.StateOf(path)));
    }

    /// <summary>The twin: with no time between, each of the same faults does begin a run.</summary>
    [Fact]
    public async Task WithoutATimeBetweenEveryFaultWouldBeginARun()
    {
        await using HealthBench bench = await HealthBench.NewAsync(health: new() { Interval = TimeSpan.FromDays(1), BetweenRuns = TimeSpan.Zero });
        string name = await bench.NameOnAsync(bench.Ill);
        for (int i = 1; i <= 3; i++)
        {
            await bench.FaultAsync(name, Errno.EIO, bench.Ill);
            Assert.Equal(i, await bench.CounterAsync("disk.tests"));
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task AClockThatIsSetNeitherPutsARunOffNorBringsItForward(int years)
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        string name = await bench.NameOnAsync(bench.Ill);
        await bench.FaultAsync(name, Errno.EIO, bench.Ill);
        bench.Time.SetClock(years * TimeSpan.FromDays(365));
        await bench.FaultAsync(name, Errno.EIO, bench.Ill);
        Assert.Equal(1, await bench.CounterAsync("disk.tests"));
        bench.Time.Advance(TimeSpan.FromMinutes(4));
        await bench.FaultAsync(name, Errno.EIO, bench.Ill);
        Assert.Equal(2, await bench.CounterAsync("disk.tests"));
    }

    /// <summary>Errors that are no drive's sign begin a run when there are more than ten within ten seconds.</summary>
    [Theory]
    [InlineData(10, 0, 0)]
    [InlineData(11, 0, 1)]
    [InlineData(11, 1100, 0)]
    [InlineData(11, 900, 1)]
    public async Task ManyLesserErrorsInAShortTimeBeginARun(int errors, int apartMs, int runs)
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        string name = await bench.NameOnAsync(bench.Ill);
        for (int i = 0; i < errors; i++)
        {
            await bench.FaultAsync(name, Errno.EACCES, bench.Ill);
            bench.Time.Advance(TimeSpan.FromMilliseconds(apartMs));
        }

        Assert.Equal(runs, await bench.CounterAsync("disk.tests"));
    }

    /// <summary>A look opens the root, .sluice, the identity and a file of its own. The twin of what follows: a drive that fails one of these is unfit.</summary>
    [Theory]
    [InlineData(Errno.EIO, 0, ServingState.Faulted)]
    [InlineData(Errno.EIO, 1, ServingState.Faulted)]
    [InlineData(Errno.EIO, 2, ServingState.Faulted)]
    [InlineData(Errno.EIO, 3, ServingState.Faulted)]
    [InlineData(Errno.EMFILE, 0, ServingState.Serving)]
    [InlineData(Errno.EMFILE, 1, ServingState.Serving)]
    [InlineData(Errno.EMFILE, 2, ServingState.Serving)]
    [InlineData(Errno.EMFILE, 3, ServingState.Serving)]
    [InlineData(Errno.ENOMEM, 2, ServingState.Serving)]
    public async Task OnlyADrivesOwnErrorIsHeldAgainstIt(Errno error, int opensFirst, ServingState then)
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        bench.Sick[bench.Ill] = new Sickness { Open = error, OpensFirst = opensFirst };
        await bench.LookAsync(1);
        Assert.True(bench.Sick[bench.Ill].Times < int.MaxValue, "it did not strike");
        Assert.Equal(then, bench.StateOf(bench.Ill));
    }

    /// <summary>What the process is short of is nothing that a drive did.</summary>
    [Theory]
    [InlineData(Errno.EMFILE)]
    [InlineData(Errno.ENFILE)]
    [InlineData(Errno.ENOMEM)]
    public async Task WhatTheProcessIsShortOfIs503AndBeginsNoRun(Errno error)
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        string name = await bench.NameOnAsync(bench.Ill);
        bench.Sick[bench.Ill] = new Sickness { Write = error };
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(ErrorCode.Unavailable, (await bench.PutAsync(name)).Error?.Code);
        }

        await bench.LookAsync(3);
        Assert.Equal(0, await bench.CounterAsync("disk.tests"));
        Assert.Equal(ServingState.Serving, bench.StateOf(bench.Ill));
        bench.Sick[bench.Ill] = new Sickness();
        Assert.Equal(name, await bench.GetAsync(name));
        Assert.True((await bench.PutAsync(name)).Ok);
    }

    [Theory]
    [InlineData(1, ServingState.Serving)]
    [InlineData(2, ServingState.Faulted)]
    public async Task TwoTestsThatFailTakeAMountpathOut(int failing, ServingState then)
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        bench.Sick[bench.Ill] = new Sickness { Write = Errno.EIO, Times = failing };
        Assert.True((await bench.Engine.TestMountpathAsync(bench.Ill)).Ok);
        Assert.Equal(0, bench.Sick[bench.Ill].Times);
        Assert.Equal(then, bench.StateOf(bench.Ill));
        Assert.Equal(then == ServingState.Faulted ? 1 : 0, bench.Said("is taken out of service (disabled-by-FSHC): 2 tests failed, the last with EIO"));
    }

    [Theory]
    [InlineData(Errno.EIO)]
    [InlineData(Errno.EROFS)]
    [InlineData(Errno.EUCLEAN)]
    [InlineData(Errno.ENODEV)]
    [InlineData(Errno.ESTALE)]
    public async Task ADriveThatFailsForGoodIsOutWithItsFirstFault(Errno error)
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        string name = await bench.NameOnAsync(bench.Ill);
        bench.Sick[bench.Ill] = new Sickness { Write = error };
        Assert.False((await bench.PutAsync(name)).Ok);
        Assert.Equal(ServingState.Faulted, bench.StateOf(bench.Ill));
        Assert.True((await bench.PutAsync(name)).Ok); // elsewhere
        Assert.Equal(name, await bench.GetAsync(name));
        Assert.Contains((await bench.Engine.StatusAsync()).Warnings, warning => warning.Contains(OutOfService.ByHealth, StringComparison.Ordinal));
    }

    /// <summary>A full drive is tested, as the contract wants, and passes. The twin is EIO at the same place, above.</summary>
    [Theory]
    [InlineData(Errno.ENOSPC)]
    [InlineData(Errno.EDQUOT)]
    public async Task AFullDriveIs507AndStaysInService(Errno error)
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        string name = await bench.NameOnAsync(bench.Ill);
        bench.Sick[bench.Ill] = new Sickness { Write = error };
        Assert.Equal(ErrorCode.OutOfSpace, (await bench.PutAsync($"{name}")).Error?.Code);
        Assert.Equal(1, await bench.CounterAsync("disk.tests"));
        await bench.LookAsync(5);
        Assert.True((await bench.Engine.TestMountpathAsync(bench.Ill)).Ok);
        Assert.Equal(ServingState.Serving, bench.StateOf(bench.Ill));
        Assert.Equal(name, await bench.GetAsync(name));
        Assert.True((await bench.Engine.DeleteObjectAsync(Caller.Anonymous, Matrix.Session.Bucket, Engine.Objects.ObjectName.From(name))).Ok);
        bench.Sick[bench.Ill] = new Sickness();
        Assert.True((await bench.PutAsync(name)).Ok);
        Assert.Contains(bench.Ill, bench.HoldersOf(name));
    }

    /// <summary>A root that does not answer is asked once more, a second later.</summary>
    [Theory]
    [InlineData(1, ServingState.Serving)]
    [InlineData(2, ServingState.Faulted)]
    public async Task ARootThatDoesNotAnswerIsAskedTwice(int failing, ServingState then)
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        bench.Sick[bench.Ill] = new Sickness { Stat = Errno.EIO, Times = failing };
        Task<Result> test = bench.Engine.TestMountpathAsync(bench.Ill);
        bench.Time.Advance(TimeSpan.FromSeconds(1) - s_moment);
        Assert.False(test.IsCompleted);
        bench.Time.Advance(s_moment);
        Assert.True((await test.WaitAsync(s_deadline)).Ok);
        Assert.Equal(then, bench.StateOf(bench.Ill));
    }

    /// <summary>Nobody brings it back but an operator, however well it is by then; and he can, at once.</summary>
    [Fact]
    public async Task AMountpathThatWasTakenOutDoesNotComeBackByItself()
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        bench.Sick[bench.Ill] = new Sickness { Write = Errno.EIO };
        Assert.True((await bench.Engine.TestMountpathAsync(bench.Ill)).Ok);
        bench.Sick[bench.Ill] = new Sickness();
        for (int hour = 0; hour < 48; hour++)
        {
            bench.Time.Advance(TimeSpan.FromHours(1));
            await bench.LookAsync(1);
        }

        Assert.Equal(ServingState.Faulted, bench.StateOf(bench.Ill));
        Assert.Equal(ErrorCode.Busy, (await bench.Engine.TestMountpathAsync(bench.Ill)).Error?.Code);
        Assert.Equal(ErrorCode.Busy, (await bench.Engine.RescanMountpathAsync(bench.Ill)).Error?.Code);
        Assert.True((await bench.Engine.Mountpaths.EnableAsync(bench.Ill).WaitAsync(s_deadline)).Ok);
        await bench.Engine.Jobs.All.Last(job => job.Kind == Engine.Jobs.JobKinds.Resilver).Ended.WaitAsync(s_deadline);
        await bench.LookAsync(5);
        Assert.Equal(ServingState.Serving, bench.StateOf(bench.Ill));
        Assert.Equal(1, await bench.CounterAsync("disk.faulted"));
    }

    /// <summary>The tests and a look find it at the same time, while another change of the set keeps both waiting.</summary>
    [Fact]
    public async Task AMountpathThatSeveralFindUnfitIsTakenOutAndCountedOnce()
    {
        await using HealthBench bench = await HealthBench.NewAsync(mountpaths: 4);
        var hang = new TaskCompletionSource();
        bench.Sick[bench.Disk.Mountpaths[0]] = new Sickness { Hang = hang };
        Task<Result> change = bench.Engine.Mountpaths.DisableAsync(bench.Disk.Mountpaths[3], force: true);
        bench.Sick[bench.Ill] = new Sickness { Open = Errno.EIO };
        Task[] all = [change, bench.Engine.TestMountpathAsync(bench.Ill), bench.Engine.RescanMountpathAsync(bench.Ill)];
        Assert.All(all, one => Assert.False(one.IsCompleted));
        Assert.Equal((ServingState.Serving, 1), (bench.StateOf(bench.Ill), await bench.CounterAsync("disk.tests")));
        hang.SetResult();
        await Task.WhenAll(all).WaitAsync(s_deadline);
        Assert.Equal(ServingState.Faulted, bench.StateOf(bench.Ill));
        Assert.Equal(1, await bench.CounterAsync("disk.faulted"));
        Assert.Equal(1, bench.Said("is taken out of service"));
    }

    /// <summary>One who asks while tests run waits for those; one whose drive hangs is told so in time.</summary>
    [Fact]
    public async Task AnOperatorIsNotKeptWaitingByADriveThatHangs()
    {
        await using HealthBench bench = await HealthBench.NewAsync();
        bench.Sick[bench.Ill] = new Sickness { Hang = new TaskCompletionSource() };
        Task<Result>[] asked = [bench.Engine.TestMountpathAsync(bench.Ill), bench.Engine.TestMountpathAsync(bench.Ill), bench.Engine.RescanMountpathAsync(bench.Ill)];
        bench.Time.Advance(HealthOptions.AskedMax - s_moment);
        Assert.All(asked, one => Assert.False(one.IsCompleted));
        bench.Time.Advance(s_moment);
        Assert.All(await Task.WhenAll(asked).WaitAsync(s_deadline), one => Assert.Equal(ErrorCode.Unavailable, one.Error?.Code));
        Assert.Equal(1, await bench.CounterAsync("disk.tests"));
    }
}
