namespace Sluice.Endurance.Tests.Crash;

/// <summary>How a run goes.</summary>
public sealed record CrashOptions
{
    /// <summary>Rounds, each of which ends with a cut.</summary>
    public required int Rounds { get; init; }

    /// <summary>Of the plan. When exactly a cut comes is up to the machine.</summary>
    public required int Seed { get; init; }

    /// <summary>File systems, one a mountpath.</summary>
    public IReadOnlyList<string> Kinds { get; init; } = ["ext4", "xfs", "ext4", "xfs"];

    /// <summary>What is preloaded into the server, if it is to be a twin that leaves something out.</summary>
    public Twin? Twin { get; init; }

    /// <summary>The only buckets that are written; all when there are none. A single one has one writer.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Whether to go on after something was found.</summary>
    public bool StopsAtFirst { get; init; }

    /// <summary>Told how it goes.</summary>
    public Action<string> Progress { get; init; } = static _ => { };
}

/// <summary>One round: drawn from the seed and the round's number.</summary>
public sealed class CrashPlan
{
    private static readonly string[] s_backends = ["uring", "sockets", "threads"];
    private static readonly string[] s_flushIntervals = ["20ms", "1s"];

    /// <summary>Draws it.</summary>
    public CrashPlan(CrashOptions options, int round)
    {
        Random = new Random(unchecked((options.Seed * 1_000_003) + round));
        Backend = options.Twin is null ? s_backends[Random.Next(s_backends.Length)] : "threads";
        FlushInterval = s_flushIntervals[Random.Next(s_flushIntervals.Length)];
        HasOneWriter = options.Only.Count == 1 || (options.Only.Count == 0 && Random.Next(3) == 0);
        IsPowerCut = Random.Next(6) != 0 || options.Twin is not null;
        WritersStop = HasOneWriter && Random.Next(2) == 0;
        Answers = HasOneWriter ? Random.Next(1, 30) : Random.Next(1, 400);
    }

    /// <summary>For further choices.</summary>
    public Random Random { get; }

    /// <summary>Value of <c>--io</c>.</summary>
    public string Backend { get; }

    /// <summary>Value of <c>--flush-interval</c>.</summary>
    public string FlushInterval { get; }

    /// <summary>One writer only: where many are at work, the fsyncs of others hide one that is missing.</summary>
    public bool HasOneWriter { get; }

    /// <summary>The power is cut after the kill.</summary>
    public bool IsPowerCut { get; }

    /// <summary>The writer stops after the last answer, so that the cut comes right behind an acknowledgement; else in the midst of requests.</summary>
    public bool WritersStop { get; }

    /// <summary>Acknowledgements before the cut.</summary>
    public int Answers { get; }
}
