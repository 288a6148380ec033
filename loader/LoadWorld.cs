namespace Sluice.Loader;

/// <summary>What a run touches outside the network: handed in, so that a test can run any command line in its own process.</summary>
public sealed record LoadWorld
{
    /// <summary>Standard output.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Standard error.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>An environment variable, null when unset.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>Version of the binary.</summary>
    public required string Version { get; init; }

    /// <summary>Wall clock of rows and of a seed of 0.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
