using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Health;

/// <summary>
/// The filesystem health checker. A fault that a drive may have caused, or many lesser ones, begin a run of tests over its mountpath
/// (<see cref="DiskExamination"/>); each mountpath is also looked at regularly: is it still the one that was opened, and is a small write much slower
/// than the others'. What fails is taken out of service at once (<see cref="MountpathKeeper.FaultAsync"/>); bringing it back is an operator's. At
/// most one run for each mountpath, and none within <see cref="HealthOptions.BetweenRuns"/> of the last but those that an operator asks for.
/// </summary>
internal sealed class DiskHealth(
    HealthOptions options, EngineEnvironment environment, DiskTable disks, Func<ObjectDisk, string, Task> fault, ILogger log)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, WatchedDisk> _watched = []; // by uuid, guarded by _gate: it outlives the disk, so that one that comes back does not flap
    private readonly CancellationTokenSource _closing = new();
    private Task _looking = Task.CompletedTask;
    private long _runs;

    /// <summary>Runs of tests since start.</summary>
    public long RunCount => Volatile.Read(ref _runs);

    private bool IsOn => options.Interval > TimeSpan.Zero;

    /// <summary>Looks at all mountpaths regularly from here on.</summary>
    public void Start()
    {
        if (IsOn)
        {
            _looking = LookAsync();
        }
    }

    /// <summary>A disk saw a fault. Returns at once; any thread.</summary>
    public void Report(ObjectDisk disk, Errno error, ReadOnlySpan<byte> path)
    {
        if (!IsOn || !disk.IsOpen || disk.Attachment is not { } attached || DiskExamination.IsShortage(error))
        {
            return;
        }

        bool isHard = error is Errno.EIO or Errno.ENODEV or Errno.EUCLEAN or Errno.EROFS or Errno.ENOTDIR or Errno.ENXIO or Errno.EBADF or Errno.ESTALE
            or Errno.ENOSPC or Errno.EDQUOT or Errno.ECANCELED;
        long now = environment.Time.GetTimestamp();
        lock (_gate)
        {
            WatchedDisk watched = Of(attached);
            watched.CountSoft(environment.Time, now, options.SoftErrorTime);
            if (_closing.IsCancellationRequested || !(isHard || watched.SoftErrors > options.SoftErrorLimit)
                || !watched.TryBegin(environment.Time, now, options.BetweenRuns))
            {
                return;
            }

            byte[] suspect = path.ToArray();
            watched.Run = environment.Background(() => RunAsync(attached, watched, suspect, afterFault: true));
        }
    }

    /// <summary>The tests now, because an operator asks, or the end of those that run already. What they find is in force when this returns.</summary>
    public async Task<Result> TestAsync(AttachedDisk attached)
    {
        Task run;
        lock (_gate)
        {
            WatchedDisk watched = Of(attached);
            if (!_closing.IsCancellationRequested && watched.TryBegin(environment.Time, environment.Time.GetTimestamp(), TimeSpan.Zero))
            {
                watched.Run = environment.Background(() => RunAsync(attached, watched, [], afterFault: false));
            }

            run = watched.Run;
        }

        return await EndsAsync(run) ? Result.Done : Unanswered(attached, "the tests go on, and the log will say how they end");
    }

    /// <summary>One look at a mountpath because an operator asks: likewise.</summary>
    public async Task<Result> RescanAsync(AttachedDisk attached)
    {
        WatchedDisk watched;
        lock (_gate)
        {
            watched = Of(attached);
        }

        if (!await EndsAsync(Look(attached, watched)))
        {
            return Unanswered(attached, "it is looked at again later");
        }

        await FaultIfUnfitAsync(attached, watched);
        return Result.Done;
    }

    /// <summary>One look at every mountpath, as the timer has it taken.</summary>
    public async Task LookOnceAsync()
    {
        List<(AttachedDisk Attached, WatchedDisk Watched)> all;
        lock (_gate)
        {
            all = [.. disks.Current.Open.Select(disk => (disk.Attachment!, Of(disk.Attachment!)))];
        }

        Task[] looks = [.. all.Select(one => Look(one.Attached, one.Watched))]; // one that hangs must not keep the others waiting
        await Task.WhenAny(Task.WhenAll(looks), Task.Delay(options.Interval, environment.Time));
        foreach ((AttachedDisk attached, WatchedDisk watched) in all)
        {
            if (!await FaultIfUnfitAsync(attached, watched)
                && IsSlow(watched, all.Select(one => one.Watched)) && ++watched.SlowLooks >= options.SlowLooks)
            {
                watched.SlowLooks = 0;
                await FaultAsync(attached, $"a small write took {LatencyOf(watched).TotalSeconds:F1} s, {options.SlowLooks} times in a row, far longer than on the others");
            }
        }
    }

    /// <summary>Ends the looking and waits for runs and looks, but not for a drive that hangs.</summary>
    public async ValueTask CloseAsync()
    {
        _closing.CancelHere();
        await _looking;
        Task[] last;
        lock (_gate)
        {
            last = [.. _watched.Values.SelectMany<WatchedDisk, Task>(watched => [watched.Run, watched.Look])];
        }

        await Task.WhenAny(Task.WhenAll(last), Task.Delay(TimeSpan.FromSeconds(10), environment.Time));
    }

    private static Failure Unanswered(AttachedDisk attached, string what) =>
        new(ErrorCode.Unavailable, $"mountpath {attached.Disk.Path} has not answered within {HealthOptions.AskedMax.TotalSeconds:F0} s: {what}");

    /// <summary>Under the gate.</summary>
    private WatchedDisk Of(AttachedDisk attached)
    {
        if (!_watched.TryGetValue(attached.Mountpath.Uuid, out WatchedDisk? watched))
        {
            watched = _watched[attached.Mountpath.Uuid] = new WatchedDisk();
        }

        watched.Meet(attached);
        return watched;
    }

    private async Task LookAsync()
    {
        using var timer = new PeriodicTimer(options.Interval, environment.Time);
        await using CancellationTokenRegistration end = _closing.Token.UnsafeRegister(static timer => ((PeriodicTimer)timer!).Dispose(), timer);
        while (await timer.WaitForNextTickAsync(CancellationToken.None))
        {
            await LookOnceAsync();
        }
    }

    /// <summary>The look that is being taken, or a new one.</summary>
    private Task Look(AttachedDisk attached, WatchedDisk watched)
    {
        lock (_gate)
        {
            if (watched.Look.IsCompleted)
            {
                watched.LookBegan = environment.Time.GetTimestamp();
                watched.Look = environment.Background(() => LookAtAsync(attached, watched));
            }

            return watched.Look;
        }
    }

    private async Task LookAtAsync(AttachedDisk attached, WatchedDisk watched)
    {
        using DiskUse use = disks.Enter(DiskUseKind.Upload); // the disk is not closed under it; if it hangs, what was on it is rebuilt meanwhile
        if (!attached.Disk.IsOpen)
        {
            return;
        }

        var examination = new DiskExamination(attached, options, environment.Time);
        string? problem = await examination.IdentityProblemAsync();
        watched.Found(problem);
        long began = environment.Time.GetTimestamp();
        Errno written = problem is null ? await examination.WriteAsync("probe", 4096) : Errno.None;
        watched.Latency = environment.Time.GetElapsedTime(began);
        if (written is not (Errno.None or Errno.ENOSPC or Errno.EDQUOT))
        {
            Report(attached.Disk, written, ".sluice/probe"u8);
        }
    }

    private async Task RunAsync(AttachedDisk attached, WatchedDisk watched, byte[] suspect, bool afterFault)
    {
        string? problem = null;
        using (DiskUse use = disks.Enter(DiskUseKind.Upload))
        {
            Interlocked.Increment(ref _runs);
            problem = attached.Disk.IsOpen ? await new DiskExamination(attached, options, environment.Time).RunAsync(suspect) : null;
        }

        if (problem is not null)
        {
            await FaultAsync(attached, problem);
        }
        else if (afterFault)
        {
            log.LogWarning("mountpath {Mountpath} was tested after a fault and works", attached.Disk.Path);
        }
        else
        {
            log.LogInformation("mountpath {Mountpath} was tested and works", attached.Disk.Path);
        }
    }

    /// <summary>False when it takes too long, as on a drive that hangs.</summary>
    private async Task<bool> EndsAsync(Task work)
    {
        try
        {
            await work.WaitAsync(HealthOptions.AskedMax, environment.Time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task<bool> FaultIfUnfitAsync(AttachedDisk attached, WatchedDisk watched)
    {
        if (watched.TakeProblem() is not { } problem)
        {
            return false;
        }

        await FaultAsync(attached, problem);
        return true;
    }

    private async Task FaultAsync(AttachedDisk attached, string problem)
    {
        if (attached.Disk.IsOpen)
        {
            await fault(attached.Disk, problem);
        }
    }

    private TimeSpan LatencyOf(WatchedDisk watched) =>
        watched.Look.IsCompleted ? watched.Latency : environment.Time.GetElapsedTime(watched.LookBegan);

    private bool IsSlow(WatchedDisk watched, IEnumerable<WatchedDisk> all)
    {
        List<TimeSpan> others = [.. all.Where(other => other != watched).Select(LatencyOf).Order()];
        bool isSlow = others.Count > 0 && LatencyOf(watched) >= options.SlowAfter && LatencyOf(watched) >= options.SlowFactor * others[others.Count / 2];
        watched.SlowLooks = isSlow ? watched.SlowLooks : 0;
        return isSlow;
    }
}
