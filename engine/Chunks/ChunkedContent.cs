using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Chunks;

/// <summary>
/// What the record of a chunked object says of it: to its storage it is an object like any other, whose bytes are its manifest; to its clients it is what is here.
/// Field 12 of a record, persisted (docs/ON_DISK.md), little-endian:
/// <code>
///  offset  bytes  field
///       0      8  upload id, by which the chunks are named; not 0
///       8      8  size of the object in bytes
///      16      8  size of the largest chunk in bytes
///      24      4  number of chunks
///      28      1  checksum type
///      29      n  digest of the whole object, most significant byte first; n by its type
/// </code>
/// </summary>
public sealed record ChunkedContent
{
    private const int FixedBytes = 29;

    /// <summary>The upload that made it.</summary>
    public required ulong UploadId { get; init; }

    /// <summary>Size of the object in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Size of its largest chunk in bytes.</summary>
    public required long LargestChunkBytes { get; init; }

    /// <summary>Its chunks, from 1.</summary>
    public required int ChunkCount { get; init; }

    /// <summary>Digest of all its bytes.</summary>
    public required Checksum Checksum { get; init; }

    /// <summary>Bytes of the field.</summary>
    internal int FieldBytes => FixedBytes + Checksum.SizeBytes(Checksum.Type);

    /// <summary>What a complete manifest has.</summary>
    public static ChunkedContent Of(Manifest manifest) => new()
    {
        UploadId = manifest.UploadId,
        SizeBytes = manifest.SizeBytes,
        LargestChunkBytes = manifest.LargestChunkBytes,
        ChunkCount = manifest.Chunks.Count,
        Checksum = manifest.Checksum,
    };

    /// <summary>Writes the field into memory of <see cref="FieldBytes"/>.</summary>
    internal void Format(Span<byte> field)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(field, UploadId);
        BinaryPrimitives.WriteInt64LittleEndian(field[8..], SizeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(field[16..], LargestChunkBytes);
        BinaryPrimitives.WriteInt32LittleEndian(field[24..], ChunkCount);
        field[28] = (byte)Checksum.Type;
        Checksum.Value.CopyTo(field[FixedBytes..]);
    }

    /// <summary>Reads the field; false when it is none.</summary>
    internal static bool TryParse(ReadOnlySpan<byte> field, [NotNullWhen(true)] out ChunkedContent? content)
    {
        content = null;
        if (field.Length < FixedBytes || !Checksum.IsKnown((ChecksumType)field[28]) || field.Length != FixedBytes + Checksum.SizeBytes((ChecksumType)field[28]))
        {
            return false;
        }

        var read = new ChunkedContent
        {
            UploadId = BinaryPrimitives.ReadUInt64LittleEndian(field),
            SizeBytes = BinaryPrimitives.ReadInt64LittleEndian(field[8..]),
            LargestChunkBytes = BinaryPrimitives.ReadInt64LittleEndian(field[16..]),
            ChunkCount = BinaryPrimitives.ReadInt32LittleEndian(field[24..]),
            Checksum = new Checksum((ChecksumType)field[28], field[FixedBytes..]),
        };
        bool isSound = read.UploadId != 0 && read.ChunkCount is > 0 and <= Limits.ChunksMax
            && read.SizeBytes >= read.ChunkCount && read.SizeBytes <= Limits.ObjectBytesMax
            && read.LargestChunkBytes <= read.SizeBytes - (read.ChunkCount - 1) // each of the others has a byte
            && read.LargestChunkBytes >= ((read.SizeBytes - 1) / read.ChunkCount) + 1; // and none more than it
        content = isSound ? read : null;
        return isSound;
    }
}
