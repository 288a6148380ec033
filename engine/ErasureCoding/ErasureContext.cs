using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;

namespace Sluice.Engine.ErasureCoding;

/// <summary>What the parts of erasure coding share.</summary>
internal sealed class ErasureContext(ErasureMemory memory, ILogger log)
{
    /// <summary>Its memory.</summary>
    public ErasureMemory Memory => memory;

    /// <summary>The engine's log.</summary>
    public ILogger Log => log;

    /// <summary>The mountpath of that uuid; null when there is none that serves.</summary>
    public required Func<Guid, ObjectDisk?> DiskOf { get; init; }

    /// <summary>An object was found to lack slices or to have damaged ones; the name is borrowed.</summary>
    public Action<Bucket, ObjectName, ulong> RepairWanted { get; set; } = static (_, _, _) => { };

    /// <summary>Units that were rebuilt for readers.</summary>
    public Counter RebuiltUnits { get; } = new();

    /// <summary>Slices that a reader found missing, units that it found damaged, and replicas that it found either.</summary>
    public Counter LostSlices { get; } = new();

    /// <summary>Objects of which more was lost than can be rebuilt.</summary>
    public Counter LostObjects { get; } = new();

    /// <summary>Objects that were written in slices.</summary>
    public Counter Encoded { get; } = new();

    /// <summary>PUTs that had no memory for parity while their body came, and computed it afterwards.</summary>
    public Counter LateParity { get; } = new();

    /// <summary>Slices that were rebuilt on disk.</summary>
    public Counter RepairedSlices { get; } = new();

    /// <summary>Replicas that were written anew, or for objects that had none.</summary>
    public Counter RepairedReplicas { get; } = new();

    /// <summary>Damaged replicas that were put into quarantine; counted with other files there.</summary>
    public Counter Quarantined { get; } = new();

    /// <summary>The counters by name.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counters() =>
    [
        new("ec.encoded", Encoded.Value),
        new("ec.late_parity", LateParity.Value),
        new("ec.lost_slices", LostSlices.Value),
        new("ec.lost_objects", LostObjects.Value),
        new("ec.rebuilt_units", RebuiltUnits.Value),
        new("ec.repaired_slices", RepairedSlices.Value),
        new("ec.repaired_replicas", RepairedReplicas.Value),
        new("ec.memory.parity", memory.ParityBytes),
        new("ec.memory.rebuilt", memory.Rebuilt.RentedBytes),
    ];
}
