using System.Diagnostics;
using Sluice.Loader.Statistics;

namespace Sluice.Loader.Run;

/// <summary>Adds intervals up and hands both to a report. One user at a time.</summary>
internal sealed class Intervals(TimeProvider clock, IReport report)
{
    private readonly DateTimeOffset _start = clock.GetLocalNow();
    private readonly long _started = Stopwatch.GetTimestamp();
    private DateTimeOffset _intervalStart = clock.GetLocalNow();
    private long _intervalStarted = Stopwatch.GetTimestamp();

    /// <summary>Everything since the start.</summary>
    public LoadStatistics Total { get; } = new();

    /// <summary>An interval is over.</summary>
    public void Row(LoadStatistics interval)
    {
        Total.Add(interval);
        DateTimeOffset now = clock.GetLocalNow();
        report.Interval(now, new Counted(interval, _intervalStart, Since(_intervalStarted)), Whole());
        (_intervalStart, _intervalStarted) = (now, Stopwatch.GetTimestamp());
    }

    /// <summary>The run is over; <paramref name="rest"/> is what no row has told.</summary>
    public void End(LoadStatistics rest)
    {
        Total.Add(rest);
        report.Final(clock.GetLocalNow(), Whole());
    }

    private static long Since(long started) => (long)Stopwatch.GetElapsedTime(started).TotalNanoseconds;

    private Counted Whole() => new(Total, _start, Since(_started));
}
