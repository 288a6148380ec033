namespace Sluice.Engine.Health;

/// <summary>How drives are watched (contract: storage §8, <c>fshc</c>).</summary>
public sealed record HealthOptions
{
    /// <summary>How long an operator who asks for a look or for the tests is kept waiting: clients give up after 20 s.</summary>
    public static readonly TimeSpan AskedMax = TimeSpan.FromSeconds(15);

    /// <summary>How often each mountpath is looked at: its identity, and one small write. Zero: never, nor after a fault (tests).</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Files that a run reads, and files that it writes.</summary>
    public int TestFiles { get; init; } = 4;

    /// <summary>Errors in a run that make a mountpath unfit.</summary>
    public int ErrorLimit { get; init; } = 2;

    /// <summary>Other errors within <see cref="SoftErrorTime"/> that begin a run.</summary>
    public int SoftErrorLimit { get; init; } = 10;

    /// <summary>The span in which they are counted.</summary>
    public TimeSpan SoftErrorTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Least time between two runs over one mountpath: a drive that passes is left in peace.</summary>
    public TimeSpan BetweenRuns { get; init; } = TimeSpan.FromMinutes(4);

    /// <summary>A small write that takes this long is slow, when it also takes <see cref="SlowFactor"/> times as long as the others' median.</summary>
    public TimeSpan SlowAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>See <see cref="SlowAfter"/>.</summary>
    public int SlowFactor { get; init; } = 20;

    /// <summary>So many slow looks in a row make a mountpath unfit.</summary>
    public int SlowLooks { get; init; } = 3;
}
