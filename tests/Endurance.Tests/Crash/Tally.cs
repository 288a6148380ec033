using System.Collections.Concurrent;
using System.Globalization;

namespace Sluice.Endurance.Tests.Crash;

/// <summary>What can be wrong after a cut.</summary>
public enum Wrong
{
    /// <summary>Something acknowledged is not there, or something older or deleted is.</summary>
    Loss,

    /// <summary>An object that is none of the attempts in full.</summary>
    Torn,

    /// <summary>Something that nobody has any use for, or that a scrub finds.</summary>
    Leak,

    /// <summary>A request that a healthy server refused, or a server that ended by itself.</summary>
    Refused,
}

/// <summary>Counts of a run, and what was wrong in words.</summary>
public sealed class Tally
{
    private readonly ConcurrentQueue<(Wrong Kind, string What)> _wrong = new();
    private long _acknowledged;

    /// <summary>Power cuts.</summary>
    public int PowerCuts { get; set; }

    /// <summary>Kills without one.</summary>
    public int Kills { get; set; }

    /// <summary>Requests that were acknowledged.</summary>
    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <summary>Objects that were read and compared after a cut.</summary>
    public long Verified { get; set; }

    /// <summary>What was wrong, each with its kind.</summary>
    public IReadOnlyCollection<(Wrong Kind, string What)> All => _wrong;

    /// <summary>Counts an acknowledgement.</summary>
    public void Acknowledge() => Interlocked.Increment(ref _acknowledged);

    /// <summary>Something is wrong.</summary>
    public void Add(Wrong kind, string what) => _wrong.Enqueue((kind, what));

    /// <summary>The first things that were wrong, a line each.</summary>
    public string Report() => string.Join('\n', _wrong.Take(20).Select(one => $"{one.Kind}: {one.What}"));

    /// <summary>The result in one line.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"cuts {PowerCuts} and kills {Kills} | acknowledged {Acknowledged} | verified {Verified} | "
        + $"losses {Count(Wrong.Loss)} | torn {Count(Wrong.Torn)} | leaks {Count(Wrong.Leak)} | refused {Count(Wrong.Refused)}");

    private int Count(Wrong kind) => _wrong.Count(one => one.Kind == kind);
}
