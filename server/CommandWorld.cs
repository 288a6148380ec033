// What a command may see of the outside: handed in, so that a test can run any command line in this process.
using System.Collections;

namespace Sluice.Server;

/// <summary>Output, environment and machine of one invocation.</summary>
public sealed record CommandWorld
{
    /// <summary>Standard output.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Standard error.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>The environment.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Absolute path that relative ones start from.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>The machine.</summary>
    public required MachineReport Machine { get; init; }

    /// <summary>That of this process.</summary>
    public static CommandWorld OfProcess() => new()
    {
        Output = Console.Out,
        Error = Console.Error,
        Environment = System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(pair => (string)pair.Key, pair => (string?)pair.Value ?? ""),
        WorkingDirectory = System.Environment.CurrentDirectory,
        Machine = MachineReport.Read(),
    };
}
