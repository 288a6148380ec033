namespace Sluice.Engine.Mountpaths;

/// <summary>A sealed document of a mountpath that is not what it should be.</summary>
/// <param name="Mountpath">The mountpath, as configured.</param>
/// <param name="Kind">Its kind, which is its name in <c>.sluice</c>.</param>
/// <param name="Problem">What is wrong with it.</param>
/// <param name="Repaired">It was written anew.</param>
public sealed record DamagedDocument(string Mountpath, string Kind, string Problem, bool Repaired = false);
