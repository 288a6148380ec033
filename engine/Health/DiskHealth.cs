using Microsoft.Extensions.Logging;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Health;

/// <summary>
/// The filesystem health checker. A fault that a drive may have caused, or many lesser ones, begin a run of tests over its mountpath
/// (<see cref="DiskExamination"/>); each mountpath is also looked at regularly: is it still the one that was opened, and is a small write much slower
/// than the others'. What fails is taken out of service at once (<see cref="MountpathKeeper.FaultAsync"/>); bringing it back is an operator's. At
/// most one run for each mountpath, and none within <see cref="HealthOptions.BetweenRuns"/> of the last.
/// </summary>
internal sealed class DiskHealth(
    HealthOptions options, EngineEnvironment environment, DiskTable disks, Func<ObjectDisk, string, Task> fault, ILogger log)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Watched> _watched = []; // by uuid, guarded by _gate: it outlives the disk, so that one that comes back does not flap
    private readonly CancellationTokenSource _closing = new();
    private Task _looking = Task.CompletedTask;
    private long _runs;
    private long _faulted;

    /// <summary>Runs of tests since start.</summary>
    public long RunCount => Volatile.Read(ref _runs);

    /// <summary>Mountpaths that were taken out of service since start.</summary>
    public long FaultedCount => Volatile.Read(ref _faulted);

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
        if (!IsOn || !disk.IsOpen || disk.Attachment is not { } attached || error is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM)
        {
            return;
        }

        bool isHard = error is Errno.EIO or Errno.ENODEV or Errno.EUCLEAN or Errno.EROFS or Errno.ENOTDIR or Errno.ENXIO or Errno.EBADF or Errno.ESTALE
            or Errno.ENOSPC or Errno.EDQUOT or Errno.ECANCELED;
        DateTimeOffset now = environment.Time.GetUtcNow();
        lock (_gate)
        {
            Watched watched = Of(attached);
            watched.CountSoft(now, options.SoftErrorTime);
            if (_closing.IsCancellationRequested || !(isHard || watched.SoftErrors > options.SoftErrorLimit) || !watched.TryBegin(now, options.BetweenRuns))
            {
                return;
            }

            byte[] suspect = path.ToArray();
            watched.Run = environment.Background(() => RunAsync(attached, watched, suspect));
        }
    }

    /// <summary>One look at every mountpath, as the timer has it taken.</summary>
    public async Task LookOnceAsync()
    {
        List<(AttachedDisk Attached, Watched Watched)> all;
        lock (_gate)
        {
            all = [.. disks.Current.Open.Select(disk => (disk.Attachment!, Of(disk.Attachment!)))];
        }

        foreach ((AttachedDisk attached, Watched watched) in all.Where(one => one.Watched.Look is not { IsCompleted: false }))
        {
            watched.LookBegan = environment.Time.GetTimestamp();
            watched.Look = LookAtAsync(attached, watched); // one that hangs must not keep the others waiting
        }

        await Task.WhenAny(Task.WhenAll(all.Select(one => one.Watched.Look!)), Task.Delay(options.Interval, environment.Time));
        foreach ((AttachedDisk attached, Watched watched) in all)
        {
            if (watched.Problem is { } problem)
            {
                watched.Problem = null;
                await FaultAsync(attached, problem);
            }
            else if (IsSlow(watched, all.Select(one => one.Watched)) && ++watched.SlowLooks >= options.SlowLooks)
            {
                watched.SlowLooks = 0;
                await FaultAsync(attached, $"a small write took {LatencyOf(watched).TotalSeconds:F1} s, {options.SlowLooks} times in a row, far longer than on the others");
            }
        }
    }

    /// <summary>Ends the looking and waits for runs, but not for a drive that hangs.</summary>
    public async ValueTask CloseAsync()
    {
        await _closing.CancelAsync();
        await _looking;
        Task[] runs;
        lock (_gate)
        {
            runs = [.. _watched.Values.Select(watched => watched.Run)];
        }

        await Task.WhenAny(Task.WhenAll(runs), Task.Delay(TimeSpan.FromSeconds(10), environment.Time));
    }

    /// <summary>Under the gate.</summary>
    private Watched Of(AttachedDisk attached) =>
        _watched.TryGetValue(attached.Mountpath.Uuid, out Watched? watched) ? watched : _watched[attached.Mountpath.Uuid] = new Watched();

    private async Task LookAsync()
    {
        using var timer = new PeriodicTimer(options.Interval, environment.Time);
        await using CancellationTokenRegistration end = _closing.Token.UnsafeRegister(static timer => ((PeriodicTimer)timer!).Dispose(), timer);
        while (await timer.WaitForNextTickAsync(CancellationToken.None))
        {
            await LookOnceAsync();
        }
    }

    private async Task LookAtAsync(AttachedDisk attached, Watched watched)
    {
        using DiskUse use = disks.Enter(); // for as long as it takes: the disk is not closed under it
        if (!attached.Disk.IsOpen)
        {
            return;
        }

        var examination = new DiskExamination(attached, options, environment.Time);
        watched.Problem = await examination.IdentityProblemAsync();
        long began = environment.Time.GetTimestamp();
        Errno written = watched.Problem is null ? await examination.WriteAsync("probe", 4096) : Errno.None;
        watched.Latency = environment.Time.GetElapsedTime(began);
        if (written is not (Errno.None or Errno.ENOSPC or Errno.EDQUOT))
        {
            Report(attached.Disk, written, ".sluice/probe"u8);
        }
    }

    private async Task RunAsync(AttachedDisk attached, Watched watched, byte[] suspect)
    {
        using (DiskUse use = disks.Enter())
        {
            Interlocked.Increment(ref _runs);
            if (attached.Disk.IsOpen && await new DiskExamination(attached, options, environment.Time).RunAsync(suspect) is { } problem)
            {
                watched.Problem = problem;
            }
        }

        if (watched.Problem is { } found)
        {
            watched.Problem = null;
            await FaultAsync(attached, found);
            return;
        }

        log.LogWarning("mountpath {Mountpath} was tested after a fault and works", attached.Disk.Path);
    }

    private async Task FaultAsync(AttachedDisk attached, string problem)
    {
        if (attached.Disk.IsOpen)
        {
            Interlocked.Increment(ref _faulted);
            await fault(attached.Disk, problem);
        }
    }

    private TimeSpan LatencyOf(Watched watched) =>
        watched.Look is { IsCompleted: false } ? environment.Time.GetElapsedTime(watched.LookBegan) : watched.Latency;

    private bool IsSlow(Watched watched, IEnumerable<Watched> all)
    {
        List<TimeSpan> others = [.. all.Where(other => other != watched).Select(LatencyOf).Order()];
        bool isSlow = others.Count > 0 && LatencyOf(watched) >= options.SlowAfter && LatencyOf(watched) >= options.SlowFactor * others[others.Count / 2];
        watched.SlowLooks = isSlow ? watched.SlowLooks : 0;
        return isSlow;
    }

    /// <summary>What is known of one mountpath.</summary>
    private sealed class Watched
    {
        private DateTimeOffset? _ranAt;
        private DateTimeOffset _softSince;

        public int SoftErrors { get; private set; }

        public Task Run { get; set; } = Task.CompletedTask;

        public Task? Look { get; set; }

        public long LookBegan { get; set; }

        public TimeSpan Latency { get; set; }

        public int SlowLooks { get; set; }

        public string? Problem { get; set; }

        public void CountSoft(DateTimeOffset now, TimeSpan span)
        {
            (SoftErrors, _softSince) = now - _softSince > span ? (1, now) : (SoftErrors + 1, _softSince);
        }

        public bool TryBegin(DateTimeOffset now, TimeSpan between)
        {
            if (!Run.IsCompleted || now - _ranAt < between)
            {
                return false;
            }

            _ranAt = now;
            return true;
        }
    }
}
