using System.Text;

namespace Sluice.Cli;

/// <summary>
/// What a verb touches outside the network and the file system's ordinary files: the process's streams, its variables, the clock. Tests bring
/// their own.
/// </summary>
public sealed record ClientEnvironment
{
    /// <summary>Answers, as text.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Error sentences and progress.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Opens standard input as bytes.</summary>
    public required Func<Stream> OpenInput { get; init; }

    /// <summary>Opens standard output as bytes.</summary>
    public required Func<Stream> OpenOutput { get; init; }

    /// <summary>An environment variable, null when unset.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>What lies at an absolute path; the composition root knows, this project makes no system calls.</summary>
    public required Func<string, LocalFileKind> KindOf { get; init; }

    /// <summary>True when a person watches <see cref="Error"/>.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>Clock of rates and remaining times.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>That of this process. Output is buffered: a listing is not one write a line. Every verb flushes it at its end.</summary>
    public static ClientEnvironment OfProcess(Func<string, LocalFileKind> kindOf) => new()
    {
        Output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 64 * 1024),
        Error = Console.Error,
        OpenInput = Console.OpenStandardInput,
        OpenOutput = Console.OpenStandardOutput,
        Variable = Environment.GetEnvironmentVariable,
        KindOf = kindOf,
        ErrorIsTerminal = !Console.IsErrorRedirected,
    };
}
