using System.Globalization;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>Runs histories of many seeds on several threads, and says of the first that fails how to run it again.</summary>
public sealed class HistorySeeds
{
    private readonly Lock _gate = new();
    private readonly HistoryTwin? _twin;
    private readonly bool _goesOn;
    private readonly List<(int Seed, HistoryOutcome Outcome)> _failed = []; // guarded by _gate, as the rest
    private int _next;
    private int _end;

    private HistorySeeds(HistoryTwin? twin, bool goesOn)
    {
        (_twin, _goesOn) = (twin, goesOn);
    }

    /// <summary>Histories that came to their end.</summary>
    public int Done { get; private set; }

    /// <summary>Operations of all of them.</summary>
    public long Operations { get; private set; }

    /// <summary>Fewest operations of one.</summary>
    public int OperationsMin { get; private set; } = int.MaxValue;

    /// <summary>Faults of all of them.</summary>
    public long Faults { get; private set; }

    /// <summary>Fewest faults of one.</summary>
    public int FaultsMin { get; private set; } = int.MaxValue;

    /// <summary>What all of them did at moments that no seed has drawn.</summary>
    public long Strangers { get; private set; }

    /// <summary>Those that did not hold, in order of their seeds.</summary>
    public IReadOnlyList<(int Seed, HistoryOutcome Outcome)> Failed
    {
        get
        {
            lock (_gate)
            {
                return [.. _failed.OrderBy(failed => failed.Seed)];
            }
        }
    }

    /// <summary>
    /// Runs the seeds from <paramref name="first"/> on, on a thread for each processor; after the first that fails no other is begun, unless <paramref name="goesOn"/>.
    /// <paramref name="progress"/> is called after each, with the line of one that failed, by any of the threads, one at a time.
    /// </summary>
    public static HistorySeeds Run(int first, int count, HistoryTwin? twin = null, bool goesOn = false, Action<HistorySeeds, string?>? progress = null)
    {
        var seeds = new HistorySeeds(twin, goesOn) { _next = first, _end = first + count };
        Thread[] threads = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(() => seeds.Work(progress)))];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        return seeds;
    }

    /// <summary>The line that runs a seed again, and what was found.</summary>
    public static string Replay(int seed, HistoryOutcome outcome) => string.Create(
        CultureInfo.InvariantCulture, $"make simulate SEED={seed}  {outcome.Kind} in step {outcome.Step}: {outcome.What}");

    private void Work(Action<HistorySeeds, string?>? progress)
    {
        while (TryTake(out int seed))
        {
            HistoryOutcome outcome = HistoryRun.Of(HistoryMaker.Make(seed), _twin);
            lock (_gate)
            {
                Done++;
                Operations += outcome.Operations;
                Faults += outcome.Faults;
                Strangers += outcome.StrangerCount;
                if (outcome.Holds)
                {
                    OperationsMin = Math.Min(OperationsMin, outcome.Operations);
                    FaultsMin = Math.Min(FaultsMin, outcome.Faults);
                }
                else
                {
                    _failed.Add((seed, outcome));
                    _end = _goesOn ? _end : 0;
                }

                progress?.Invoke(this, outcome.Holds ? null : Replay(seed, outcome));
            }
        }
    }

    private bool TryTake(out int seed)
    {
        lock (_gate)
        {
            seed = _next;
            bool isOne = _next < _end;
            _next += isOne ? 1 : 0;
            return isOne;
        }
    }
}
