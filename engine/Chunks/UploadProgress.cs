using Sluice.Engine.Objects;

namespace Sluice.Engine.Chunks;

/// <summary>How far an upload in progress is.</summary>
/// <param name="Note">What it was begun with.</param>
/// <param name="Parts">The parts that are stored, by rising number.</param>
public sealed record UploadProgress(Manifest Note, IReadOnlyList<UploadedPart> Parts);

/// <summary>A part that is stored.</summary>
/// <param name="Number">1 to <see cref="Limits.ChunksMax"/>.</param>
/// <param name="SizeBytes">Bytes.</param>
/// <param name="Checksum">Digest of its bytes; none in a bucket that keeps none.</param>
public readonly record struct UploadedPart(int Number, long SizeBytes, Checksum Checksum);
