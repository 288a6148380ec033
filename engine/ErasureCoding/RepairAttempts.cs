using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine.ErasureCoding;

/// <summary>What one repair of an object has learnt, over its attempts. One repair at a time.</summary>
/// <param name="job">That waits for what is read or written; null when nobody does.</param>
internal sealed class RepairAttempts(JobContext? job)
{
    /// <summary>Mountpaths that took nothing.</summary>
    public HashSet<string> Refusing { get; } = [];

    /// <summary>Parts that have their names, though no head may ever speak of them.</summary>
    public List<PartPlace> Published { get; } = [];

    /// <summary>The job waits for that many bytes.</summary>
    public ValueTask PaceAsync(long bytes) => job?.PaceAsync(bytes) ?? default;
}
