using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>
/// A disk did not do what was asked: where, which verb, which error number. Caught once, where a request or a job ends; its text is
/// for the log and the operator, a client gets the sentence of the error table without any path.
/// </summary>
public sealed class StorageException(string place, string verb, Errno error, string? advice = null)
    : Exception($"{place}: {error} on {verb}{(advice is null ? "" : $"; {advice}")}")
{
    /// <summary>The mountpath, and the path below it where one is known.</summary>
    public string Place { get; } = place;

    /// <summary>The path of the mountpath by itself; null when it is none of a store's.</summary>
    public string? Mountpath { get; init; }

    /// <summary>The disk verb that failed.</summary>
    public string Verb { get; } = verb;

    /// <summary>Why.</summary>
    public Errno Error { get; } = error;

    /// <summary>What a client is told when no disk has failed; null otherwise.</summary>
    public Failure? Told { get; init; }
}
