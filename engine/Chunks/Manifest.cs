using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Chunks;

/// <summary>How far an upload is. Persisted; may only grow.</summary>
public enum ManifestState : byte
{
    /// <summary>An upload in progress: the chunks that it has so far.</summary>
    Partial = 1,

    /// <summary>An object: all its chunks, in order.</summary>
    Complete = 2,
}

/// <summary>
/// What a chunked object is made of. Immutable; a change makes another one. <see cref="ManifestRecord"/> gives its bytes. Where a chunk lies is not in it:
/// that follows from upload and number.
/// </summary>
public sealed class Manifest
{
    /// <summary>Longest <see cref="ETag"/> in bytes.</summary>
    public const int ETagBytesMax = 80;

    /// <summary>Whether the object is there, or still coming.</summary>
    public required ManifestState State { get; init; }

    /// <summary>The number that the files of the chunks are named by; never 0.</summary>
    public required ulong UploadId { get; init; }

    /// <summary>A generation of the time when it was completed; 0 while partial.</summary>
    public ulong Generation { get; init; }

    /// <summary>When the upload began, in nanoseconds since 1970 (UTC); 0 or more.</summary>
    public required long CreatedNs { get; init; }

    /// <summary>Name of the object; the bytes are the manifest's own.</summary>
    public required ObjectName Name { get; init; }

    /// <summary>Custom pairs in the order they were given; while partial those that the upload was begun with.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Custom { get; init; } = [];

    /// <summary>Digest of the whole object; none while partial, or when the bucket keeps none.</summary>
    public Checksum Checksum { get; init; }

    /// <summary>
    /// Entity tag that the object was given when it was completed: up to <see cref="ETagBytesMax"/> visible ASCII characters but the quotation mark; empty for
    /// none, and while partial.
    /// </summary>
    public string ETag { get; init; } = "";

    /// <summary>While partial: no client's upload but the engine's own to remove: of an object that it splits, when it is cut off, or one that was aborted.</summary>
    public bool IsOwn { get; init; }

    /// <summary>The chunks.</summary>
    public required ChunkTable Chunks { get; init; }

    /// <summary>Size of the object, in bytes: that of all chunks.</summary>
    public long SizeBytes => Chunks.Count == 0 ? 0 : Chunks.Ends[^1];

    /// <summary>Size of the largest chunk, in bytes; 0 without any.</summary>
    public long LargestChunkBytes => Chunks.LargestChunkBytes;

    /// <summary>Where the chunk at a place of <see cref="Chunks"/> begins in the object, in bytes; of the place behind the last one, the object's size.</summary>
    public long OffsetOf(int index) => index == 0 ? 0 : Chunks.Ends[index - 1];

    /// <summary>The place in <see cref="Chunks"/> of the chunk that has a byte of the object, whose offset is 0 to <see cref="SizeBytes"/> - 1.</summary>
    public int IndexAt(long offset)
    {
        Invariant.That(offset >= 0);
        Invariant.That(offset < SizeBytes, "an offset is one of the object's bytes");
        int found = Chunks.Ends.BinarySearch(offset); // of an end that is the offset, or the complement of the first one behind it
        return found >= 0 ? found + 1 : ~found;
    }

    /// <summary>CRC-64/NVMe of the whole object, put together from those of the chunks.</summary>
    public ulong CombinedCrc64()
    {
        ulong digest = 0;
        for (int i = 0; i < Chunks.Count; i++)
        {
            ManifestChunk chunk = Chunks[i];
            digest = Crc64Nvme.Combine(digest, chunk.Crc64, chunk.SizeBytes);
        }

        return digest;
    }

    /// <summary>What must hold of one field by another, in one sentence; null when it does. The same for what is written and what is read.</summary>
    internal string? Problem() => State switch
    {
        not (ManifestState.Partial or ManifestState.Complete) => $"manifest state {(byte)State} is not known",
        _ when UploadId == 0 => "upload id is 0",
        _ when CreatedNs < 0 => "time of creation is before 1970",
        _ when !ObjectName.TryCreate(Name.Utf8, out _, out string? problem) => problem,
        _ when CustomPairs.LengthOf(Custom) > Limits.CustomFieldBytesMax => $"custom metadata takes more than {Limits.CustomFieldBytesMax} bytes",
        _ when ETag.Length > ETagBytesMax || ETag.AsSpan().ContainsAnyExceptInRange('!', '~') || ETag.Contains('"', StringComparison.Ordinal) =>
            $"entity tag is not up to {ETagBytesMax} visible ASCII characters without quotation marks",
        ManifestState.Partial when Generation != 0 => "a partial manifest has a generation",
        ManifestState.Partial when Checksum.Type != ChecksumType.None => "a partial manifest has a digest of the whole object",
        ManifestState.Partial when ETag.Length > 0 => "a partial manifest has an entity tag",
        ManifestState.Complete when IsOwn => "a complete manifest says whose upload it was",
        ManifestState.Complete when Generation == 0 => "a complete manifest has no generation",
        _ => null,
    };
}
