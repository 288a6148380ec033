using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;

namespace Sluice.Engine.ErasureCoding;

/// <summary>How an object of a bucket with erasure coding is kept, as clients are told: in slices, or, when it is too small for them, as P+1 whole copies.</summary>
/// <param name="Generation">Of its slices, or of its copies.</param>
/// <param name="DataSlices">Of copies: those that the bucket's larger objects have.</param>
/// <param name="ParitySlices">Of copies: the further ones; as many mountpaths may be lost.</param>
/// <param name="IsReplicated">It is copied.</param>
public readonly record struct ErasureLayout(ulong Generation, int DataSlices, int ParitySlices, bool IsReplicated)
{
    /// <summary>
    /// That of an object with this record; null of one that has no slices and is not to be copied either: the bucket has no erasure coding, or its job has not
    /// come to the object yet.
    /// </summary>
    internal static ErasureLayout? Of(EcProperties ec, ObjectMetadata metadata) =>
        metadata.Slices is { } slices ? new ErasureLayout(slices.Generation, slices.Geometry.DataSlices, slices.Geometry.ParitySlices, IsReplicated: false)
        : ec.Enabled && !ErasureWriter.IsSliced(ec, metadata.SizeBytes) ? new ErasureLayout(metadata.Generation, ec.DataSlices, ec.ParitySlices, IsReplicated: true)
        : null;
}
