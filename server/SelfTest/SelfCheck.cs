// The self-test's frame: named checks, run one after another, each timed, each with a verdict in one sentence.
namespace Sluice.Server.SelfTest;

/// <summary>What is wrong, in one sentence. Thrown by checks only.</summary>
public sealed class SelfTestException(string sentence) : Exception(sentence);

/// <summary>A check.</summary>
/// <param name="Name">Lower case with dashes.</param>
/// <param name="Run">Answers in a few words what was checked; throws when it does not hold.</param>
public sealed record SelfCheck(string Name, Func<string> Run);

/// <summary>What became of a check.</summary>
/// <param name="Name">Which.</param>
/// <param name="Ok">Whether it held.</param>
/// <param name="Detail">What was checked, or what is wrong.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record SelfCheckOutcome(string Name, bool Ok, string Detail, TimeSpan Elapsed);

/// <summary>Runs checks.</summary>
public static class SelfTestRun
{
    /// <summary>Runs them all, whatever the first ones say.</summary>
    public static IReadOnlyList<SelfCheckOutcome> Run(IEnumerable<SelfCheck> checks, TimeProvider time)
    {
        var outcomes = new List<SelfCheckOutcome>();
        foreach (SelfCheck check in checks)
        {
            long start = time.GetTimestamp();
            (bool ok, string detail) = Verdict(check);
            outcomes.Add(new SelfCheckOutcome(check.Name, ok, detail, time.GetElapsedTime(start)));
        }

        return outcomes;
    }

    /// <summary>Throws <see cref="SelfTestException"/> unless both are the same.</summary>
    internal static void Same<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new SelfTestException($"{what} is {Show(actual)}, not {Show(expected)}");
        }
    }

    /// <summary>Throws <see cref="SelfTestException"/> unless <paramref name="holds"/>.</summary>
    internal static void That(bool holds, string problem)
    {
        if (!holds)
        {
            throw new SelfTestException(problem);
        }
    }

    private static (bool Ok, string Detail) Verdict(SelfCheck check)
    {
        try
        {
            return (true, check.Run());
        }
        catch (SelfTestException failure)
        {
            return (false, failure.Message);
        }
        catch (Exception error)
        {
            return (false, $"{error.GetType().Name}: {error.Message}");
        }
    }

    private static string Show<T>(T value) => value is ulong number ? $"{number:x16}" : value?.ToString() ?? "null";
}
