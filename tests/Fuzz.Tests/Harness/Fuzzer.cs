using System.Diagnostics;

namespace Sluice.Fuzz.Tests.Harness;

/// <summary>How long a target is tried: so many inputs, or as many as there is time for.</summary>
public sealed record FuzzBudget(int Seed, long Inputs)
{
    /// <summary>First input that is tried.</summary>
    public long First { get; init; }

    /// <summary>Time; null for as long as it takes.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>How long one input may take. A parser needs microseconds; a busy machine may take a thread away for seconds.</summary>
    public TimeSpan InputTimeMax { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>What came of a run: inputs tried, those that the parser took, and what is wrong with one of them, with the line that tries it again.</summary>
public sealed record FuzzOutcome(long Tried, long Taken, string? Failure);

/// <summary>
/// Tries inputs one after the other until one fails. The number of an input and the seed of the run make the input, so that one of them can be had without
/// those before it.
/// </summary>
public static class Fuzzer
{
    private const int ShorteningsMax = 2000;

    /// <summary>Runs on a thread of its own, which is left behind when the parser does not come back.</summary>
    public static FuzzOutcome Run(FuzzTarget target, FuzzBudget budget)
    {
        foreach (byte[] seed in target.Seeds)
        {
            // The first calls make tables and code; and a seed that is refused teaches nothing.
            Assert.True(target.Takes(seed), $"{target.Name}: refuses its seed {InputText.Of(seed)}");
        }

        var run = new Attempts(target, budget);
        var thread = new Thread(run.TryAll) { IsBackground = true, Name = target.Name };
        thread.Start();
        while (!thread.Join(TimeSpan.FromMilliseconds(100)))
        {
            if (run.InputTime > budget.InputTimeMax)
            {
                return new FuzzOutcome(run.Tried, run.Taken, Line(target, budget, run.Tried, $"does not come back within {budget.InputTimeMax.TotalSeconds} s", Input(target, budget.Seed, run.Tried)));
            }
        }

        return run.Failed is { } failed
            ? new FuzzOutcome(run.Tried, run.Taken, Line(target, budget, failed.Number, failed.Problem, Shorter(target, Input(target, budget.Seed, failed.Number))))
            : new FuzzOutcome(run.Tried, run.Taken, null);
    }

    private static byte[] Input(FuzzTarget target, int seed, long number) => Mutator.Next(target, new Random(unchecked((int)((seed * 1_000_003L) + number))));

    private static string Line(FuzzTarget target, FuzzBudget budget, long number, string problem, byte[] input) =>
        $"make fuzz TARGET='{target.Name}' SEED={budget.Seed} INPUT={number}  {problem}\n  {InputText.Of(input)}";

    /// <summary>Leaves out of an input what it does not need to fail in some way; the halves first, single bytes last.</summary>
    private static byte[] Shorter(FuzzTarget target, byte[] input)
    {
        int left = ShorteningsMax;
        for (int length = input.Length / 2; length > 0; length /= 2)
        {
            for (int at = 0; at + length <= input.Length && left > 0; left--)
            {
                byte[] cut = [.. input[..at], .. input[(at + length)..]];
                byte[] whole = target.Seal?.Invoke(cut) ?? cut;
                byte[]? failing = target.Problem(cut) is not null ? cut : target.Problem(whole) is not null ? whole : null;
                (input, at) = failing is { Length: var bytes } && bytes < input.Length ? (failing, at) : (input, at + length);
            }
        }

        return input;
    }

    private sealed class Attempts(FuzzTarget target, FuzzBudget budget)
    {
        private readonly long _start = Stopwatch.GetTimestamp();
        private long _tried = budget.First;
        private long _taken;
        private long _inputStart = Stopwatch.GetTimestamp();

        public long Tried => Volatile.Read(ref _tried);

        public long Taken => Volatile.Read(ref _taken);

        public TimeSpan InputTime => Stopwatch.GetElapsedTime(Volatile.Read(ref _inputStart));

        // Written before the thread ends, read after it has.
        public (long Number, string Problem)? Failed { get; private set; }

        public void TryAll()
        {
            for (long number = budget.First; number < budget.First + budget.Inputs; number++)
            {
                byte[] input = Input(target, budget.Seed, number);
                Volatile.Write(ref _inputStart, Stopwatch.GetTimestamp());
                if (target.Problem(input) is { } problem)
                {
                    Failed = (number, problem);
                    return;
                }

                _taken += target.Takes(input) ? 1 : 0;
                Volatile.Write(ref _tried, number + 1);
                if (budget.Time is { } time && Stopwatch.GetElapsedTime(_start) > time)
                {
                    return;
                }
            }
        }
    }
}
