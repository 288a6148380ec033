namespace Sluice.Simulation.Tests.Histories;

/// <summary>Leaves out of a history what it does not need to fail in the same way: steps in halves, quarters and so on, then operations, faults and crashes one by one.</summary>
public sealed class Minimiser
{
    private readonly Func<History, HistoryOutcome> _run;
    private readonly string _kind;
    private readonly int _runsMax;

    private Minimiser(string kind, Func<History, HistoryOutcome> run, int runsMax)
    {
        (_kind, _run, _runsMax) = (kind, run, runsMax);
    }

    /// <summary>Histories that were tried.</summary>
    public int Runs { get; private set; }

    /// <summary>The shortest history found that fails with the word <paramref name="kind"/>, within so many runs.</summary>
    public static History Shorten(History history, string kind, Func<History, HistoryOutcome> run, int runsMax = 1_000)
    {
        var minimiser = new Minimiser(kind, run, runsMax);
        int before;
        do
        {
            before = history.OperationCount + history.FaultCount;
            history = minimiser.Simplified(minimiser.Fewer(history));
        }
        while (history.OperationCount + history.FaultCount < before && minimiser.Runs < runsMax);
        return history;
    }

    private History Fewer(History history)
    {
        for (int size = Math.Max(1, history.Steps.Count / 2); size > 0; size /= 2)
        {
            for (int end = history.Steps.Count; end > 0;)
            {
                int begin = Math.Max(0, end - size);
                History shorter = history with { Steps = [.. history.Steps.Take(begin), .. history.Steps.Skip(end)] };
                history = Fails(shorter) ? shorter : history;
                end = begin;
            }
        }

        return history;
    }

    private History Simplified(History history)
    {
        for (int at = history.Steps.Count - 1; at >= 0; at--)
        {
            foreach (Step simpler in SimplerThan(history.Steps[at]))
            {
                History shorter = history with { Steps = [.. history.Steps.Take(at), simpler, .. history.Steps.Skip(at + 1)] };
                if (Fails(shorter))
                {
                    history = shorter;
                    at++; // there may be more to leave out of it
                    break;
                }
            }
        }

        return history;
    }

    private static IEnumerable<Step> SimplerThan(Step step)
    {
        for (int i = 0; i < step.Operations.Count && step.Operations.Count > 1; i++)
        {
            yield return step with { Operations = [.. step.Operations.Take(i), .. step.Operations.Skip(i + 1)] };
        }

        if (step.Fault is not null)
        {
            yield return step with { Fault = null };
        }

        if (step.ShortSeed is not null)
        {
            yield return step with { ShortSeed = null };
        }

        if (step.Crash is { } crash)
        {
            yield return step with { Crash = null };
            if (crash.RecoveryAnswers is not null)
            {
                yield return step with { Crash = crash with { RecoveryAnswers = null } };
            }

            if (crash.Crash is { Seed: > 0 })
            {
                yield return step with { Crash = crash with { Crash = crash.Crash with { Seed = 0 } } };
            }
        }
    }

    private bool Fails(History history)
    {
        if (Runs >= _runsMax)
        {
            return false;
        }

        Runs++;
        return _run(history).Kind == _kind;
    }
}
