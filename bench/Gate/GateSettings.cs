using System.Globalization;
using Sluice.Bench.Machine;
using Sluice.Bench.Run;

namespace Sluice.Bench.Gate;

/// <summary>Which commits a gate compares, and how.</summary>
internal sealed record GateSettings
{
    public required string Base { get; init; }

    public string Head { get; init; } = "HEAD";

    public required BenchSettings Bench { get; init; }

    /// <summary>The gate's own flags, and those of the bench.</summary>
    /// <exception cref="BenchException">There is no --base, or another flag is wrong.</exception>
    public static GateSettings Parse(IReadOnlyList<string> flags)
    {
        List<string> rest = [.. flags];
        string head = Take(rest, "--head") ?? "HEAD";
        string from = Take(rest, "--base") ?? throw new BenchException("bench gate needs --base REV (make bench-gate BASE=REV)");
        if (!rest.Contains("--rounds"))
        {
            rest.AddRange(["--rounds", "6"]);
        }

        BenchSettings bench = Arguments.Parse(rest);
        return bench.Rounds >= GateJudge.RoundsMin
            ? new GateSettings { Base = from, Head = head, Bench = bench }
            : throw new BenchException(string.Create(CultureInfo.InvariantCulture, $"a gate needs {GateJudge.RoundsMin} rounds at least"));
    }

    private static string? Take(List<string> flags, string flag)
    {
        int at = flags.IndexOf(flag);
        if (at < 0 || at + 1 >= flags.Count)
        {
            return null;
        }

        string value = flags[at + 1];
        flags.RemoveRange(at, 2);
        return value;
    }
}
