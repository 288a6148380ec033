namespace Sluice.Loader.Statistics;

/// <summary>A stretch of time and what was counted in it.</summary>
/// <param name="Statistics">The counts.</param>
/// <param name="Start">When it began.</param>
/// <param name="Nanoseconds">How long it lasted.</param>
public readonly record struct Counted(LoadStatistics Statistics, DateTimeOffset Start, long Nanoseconds);

/// <summary>Where statistics go: a table for people or JSON for programs. One user at a time.</summary>
public interface IReport
{
    /// <summary>An interval is over; <paramref name="total"/> is everything until now, this interval included.</summary>
    void Interval(DateTimeOffset now, Counted interval, Counted total);

    /// <summary>The run is over.</summary>
    void Final(DateTimeOffset now, Counted total);
}
