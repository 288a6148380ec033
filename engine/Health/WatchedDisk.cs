using Sluice.Engine.Mountpaths;

namespace Sluice.Engine.Health;

/// <summary>What the health checker knows of one mountpath, by its identity. Counters and <see cref="Run"/> under the checker's gate.</summary>
internal sealed class WatchedDisk
{
    private AttachedDisk? _attached;
    private long? _ranAt; // timestamps, not times of day: a clock that is set back must not put off a run
    private long _softSince;
    private string? _problem;

    /// <summary>Faults of any kind within the span that began with the first of them.</summary>
    public int SoftErrors { get; private set; }

    /// <summary>The newest run of tests.</summary>
    public Task Run { get; set; } = Task.CompletedTask;

    /// <summary>The newest look.</summary>
    public Task Look { get; set; } = Task.CompletedTask;

    /// <summary>When that began.</summary>
    public long LookBegan { get; set; }

    /// <summary>What the last look's small write took.</summary>
    public TimeSpan Latency { get; set; }

    /// <summary>Slow looks in a row.</summary>
    public int SlowLooks { get; set; }

    /// <summary>A look has found what makes it unfit, until somebody takes that; or nothing.</summary>
    public void Found(string? problem) => Volatile.Write(ref _problem, problem);

    /// <summary>The problem, for one taker.</summary>
    public string? TakeProblem() => Interlocked.Exchange(ref _problem, null);

    /// <summary>It is seen by way of that disk. When it has come back, what was found before it left is nothing to hold against it; when it was tested is.</summary>
    public void Meet(AttachedDisk attached)
    {
        if (_attached != attached)
        {
            _attached = attached;
            (SoftErrors, SlowLooks, Latency) = (0, 0, TimeSpan.Zero);
            Found(null);
        }
    }

    /// <summary>Counts a fault.</summary>
    public void CountSoft(TimeProvider time, long now, TimeSpan span)
    {
        (SoftErrors, _softSince) = SoftErrors == 0 || time.GetElapsedTime(_softSince, now) > span ? (1, now) : (SoftErrors + 1, _softSince);
    }

    /// <summary>True when a run may begin: none is under way, and the last one began long enough ago.</summary>
    public bool TryBegin(TimeProvider time, long now, TimeSpan between)
    {
        if (!Run.IsCompleted || (_ranAt is { } ranAt && time.GetElapsedTime(ranAt, now) < between))
        {
            return false;
        }

        _ranAt = now;
        return true;
    }
}
