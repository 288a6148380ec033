namespace Sluice.Fuzz.Tests.Harness;

/// <summary>A parser, and beside it one with a defect that the same inputs must find.</summary>
/// <param name="Target">The parser.</param>
/// <param name="Twin">The one that is known to be wrong.</param>
/// <param name="Caught">Words that say how it must be found wrong.</param>
public sealed record Fuzzed(FuzzTarget Target, FuzzTarget Twin, string Caught);
