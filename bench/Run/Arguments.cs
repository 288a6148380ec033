using System.Globalization;
using Sluice.Bench.Machine;

namespace Sluice.Bench.Run;

/// <summary>Flags of the verbs that measure servers.</summary>
internal static class Arguments
{
    /// <summary>Reads flags over the defaults of this machine.</summary>
    /// <exception cref="BenchException">A flag is unknown, lacks its value or has one that it cannot have.</exception>
    public static BenchSettings Parse(IReadOnlyList<string> flags)
    {
        string repository = FindRepository();
        var settings = new BenchSettings
        {
            Repository = repository, Binary = Path.Combine(repository, "out", "sluice"), Output = Path.Combine(repository, "bench", "results"),
        };
        for (int i = 0; i < flags.Count; i++)
        {
            settings = flags[i] switch
            {
                "--full" => settings with { IsFull = true },
                "--in-place" => settings with { IsInPlace = true },
                "--document" => settings with { IsDocumented = true },
                _ => With(settings, flags[i], i + 1 < flags.Count ? flags[++i] : null),
            };
        }

        return settings;
    }

    private static BenchSettings With(BenchSettings settings, string flag, string? value) => (flag, value) switch
    {
        ("--rows", { } text) => settings with { Rows = text },
        ("--rounds", { } text) => settings with { Rounds = (int)Number(flag, text, 1, 100) },
        ("--seconds", { } text) => settings with { Seconds = Number(flag, text, 1, 600) },
        ("--binary", { } text) => settings with { Binary = Path.GetFullPath(text) },
        ("--directory", { } text) => settings with { Directory = Path.GetFullPath(text) },
        ("--output", { } text) => settings with { Output = Path.GetFullPath(text) },
        ("--server-cores", { } text) => settings with { ServerCores = Cores(flag, text) },
        ("--client-cores", { } text) => settings with { ClientCores = Cores(flag, text) },
        (['-', '-', ..], null) => throw new BenchException($"{flag} is unknown or lacks its value"),
        _ => throw new BenchException($"{flag} is no flag; --help lists them"),
    };

    private static double Number(string flag, string text, double least, double most) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= least && value <= most
            ? value
            : throw new BenchException(string.Create(CultureInfo.InvariantCulture, $"{flag} is a number from {least} to {most}, not {text}"));

    private static string Cores(string flag, string text) =>
        text.Split(',').All(part => part.Split('-') is { Length: 1 or 2 } ends
            && ends.All(end => int.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
            ? text
            : throw new BenchException($"{flag} is a list of cores such as 0 or 0-3,8, not {text}");

    /// <summary>The root of the source that this program was built from.</summary>
    private static string FindRepository()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Sluice.slnx")))
            {
                return at.FullName;
            }
        }

        throw new BenchException("the bench runs from its source tree");
    }
}
