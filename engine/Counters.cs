namespace Sluice.Engine;

/// <summary>A number that only grows; safe from any thread.</summary>
public sealed class Counter
{
    private long _value;

    /// <summary>Its value now.</summary>
    public long Value => Volatile.Read(ref _value);

    /// <summary>One more.</summary>
    public void Add() => Interlocked.Increment(ref _value);
}

/// <summary>What the engine counts since it was opened.</summary>
internal sealed class Counters
{
    public Counter Gets { get; } = new();

    public Counter Puts { get; } = new();

    public Counter Deletes { get; } = new();

    public Counter Appends { get; } = new();

    /// <summary>Verbs of clients that wanted a disk.</summary>
    public long ClientVerbs => Gets.Value + Puts.Value + Deletes.Value + Appends.Value;

    public Counter Damaged { get; } = new();

    public Counter Faults { get; } = new();
}
