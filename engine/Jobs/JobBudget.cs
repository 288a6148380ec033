namespace Sluice.Engine.Jobs;

/// <summary>
/// What all jobs together may move while clients want something: one budget in bytes a second, first come, first served. While no client
/// has asked for anything for a moment, jobs run as fast as they can, and the budget does not fill up behind them.
/// </summary>
public sealed class JobBudget
{
    /// <summary>A job's share of each mountpath beside clients, in bytes a second: a seventh of what a slow disk reads, a hundredth of a fast one's.</summary>
    public const long MountpathBytesPerSecond = 32 << 20;

    /// <summary>What an object counts at least: opening it costs a drive as much as 64 KiB.</summary>
    private const long ObjectBytesMin = 64 << 10;

    // Long enough to see the next request of a client that waits for a spinning disk, short enough to use a pause.
    private static readonly TimeSpan s_quietAfter = TimeSpan.FromMilliseconds(200);

    private readonly TimeProvider _time;
    private readonly Func<long> _clientVerbs;
    private readonly long _bytesPerSecond;
    private readonly Lock _gate = new();
    private long _lastVerbs;
    private long _lastVerbAt;
    private long _freeAt; // when what was taken so far is paid off, in the ticks of the time provider

    /// <summary>
    /// <paramref name="clientVerbs"/> answers how many verbs clients have asked for so far. 0 bytes a second: jobs never wait.
    /// </summary>
    public JobBudget(TimeProvider time, Func<long> clientVerbs, long bytesPerSecond)
    {
        _time = time;
        _clientVerbs = clientVerbs;
        _bytesPerSecond = bytesPerSecond;
        _lastVerbs = clientVerbs();
        _lastVerbAt = long.MinValue / 2;
    }

    /// <summary>Waits until so many bytes may be moved.</summary>
    public ValueTask TakeAsync(long bytes, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        TimeSpan wait = _bytesPerSecond == 0 ? TimeSpan.Zero : Take(Math.Max(bytes, ObjectBytesMin));
        return wait <= TimeSpan.Zero ? ValueTask.CompletedTask : new ValueTask(Task.Delay(wait, _time, cancellation));
    }

    /// <summary>Takes the bytes and answers how long to wait for them.</summary>
    private TimeSpan Take(long bytes)
    {
        lock (_gate)
        {
            long now = _time.GetTimestamp();
            long verbs = _clientVerbs();
            if (verbs != _lastVerbs)
            {
                (_lastVerbs, _lastVerbAt) = (verbs, now);
            }

            if (_time.GetElapsedTime(_lastVerbAt, now) > s_quietAfter)
            {
                _freeAt = now;
                return TimeSpan.Zero;
            }

            long begin = Math.Max(_freeAt, now);
            _freeAt = begin + (long)((double)bytes / _bytesPerSecond * _time.TimestampFrequency);
            return _time.GetElapsedTime(now, begin);
        }
    }
}
