using Sluice.Engine.Chunks;
using Sluice.Engine.ErasureCoding;

namespace Sluice.Engine.Objects;

/// <summary>
/// Everything that the engine keeps about one object beside its bytes. Immutable: the caches share it, a change makes a new one.
/// <see cref="MetadataRecord"/> gives its bytes.
/// </summary>
public sealed class ObjectMetadata
{
    /// <summary>What the record describes.</summary>
    public required RecordKind Kind { get; init; }

    /// <summary>Size of the object in bytes; of a chunked one, of its manifest.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Generation of the bucket: an object whose bucket was destroyed and made again does not exist.</summary>
    public required ulong Bid { get; init; }

    /// <summary>
    /// Generation of the object: nanoseconds since 1970 when it was committed, made unique and rising per name. The newest generation
    /// of a name that has a head is the object; parts carry it in their file names.
    /// </summary>
    public required ulong Generation { get; init; }

    /// <summary>Version number in a versioned bucket, from 1; 0 when the bucket keeps none.</summary>
    public ulong Version { get; init; }

    /// <summary>Digest of the whole object.</summary>
    public Checksum Checksum { get; init; }

    /// <summary>CRC-64/NVMe of each 1 MiB block, the last one shorter; empty for an empty object. Of a slice: of each of its units.</summary>
    public ReadOnlyMemory<ulong> BlockDigests { get; init; }

    /// <summary>Custom pairs in the order they were given.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Custom { get; init; } = [];

    /// <summary>
    /// True when block digests, custom pairs and the redundancy map lie in a sidecar, named by the generation, not in the record; of a slice, when the
    /// digests of its units lie behind them in the file.
    /// </summary>
    public bool HasSidecar { get; init; }

    /// <summary>Digest of the sidecar's bytes, or of what lies behind a slice's units (CRC-64/NVMe); 0 without one.</summary>
    public ulong SidecarDigest { get; init; }

    /// <summary>Name of the object that a sidecar or a tombstone belongs to; empty in every other record.</summary>
    public ReadOnlyMemory<byte> SidecarOf { get; init; }

    /// <summary>Layout and slices of an erasure-coded object, in its heads and slices; null in every other record.</summary>
    public SliceMap? Slices { get; init; }

    /// <summary>Of a chunked object, whose bytes here are its manifest: what it is to its clients. Null of any other.</summary>
    public ChunkedContent? Chunked { get; init; }

    /// <summary>Size that clients are told, in bytes.</summary>
    public long ContentBytes => Chunked?.SizeBytes ?? SizeBytes;

    /// <summary>Digest that clients are told.</summary>
    public Checksum ContentChecksum => Chunked?.Checksum ?? Checksum;

    /// <summary>Bytes of the file that has the record as its head: an erasure-coded object's is empty.</summary>
    public long FileBytes => Kind == RecordKind.Stripe ? 0 : SizeBytes;

    /// <summary>Blocks that <see cref="SizeBytes"/> makes.</summary>
    public int BlockCount => checked((int)((SizeBytes + Limits.BlockBytes - 1) / Limits.BlockBytes));
}

/// <summary>What a record describes. Persisted; may only grow.</summary>
public enum RecordKind : byte
{
    /// <summary>A plain or mirrored object: the file is the object.</summary>
    Object = 1,

    /// <summary>A sidecar: the bulky fields of the object of the same generation.</summary>
    Sidecar = 2,

    /// <summary>Not used: the head of a chunked object is one of kind <see cref="Object"/> or <see cref="Stripe"/>, whose bytes are its manifest.</summary>
    Manifest = 3,

    /// <summary>Not used: a chunk is an object of its own.</summary>
    Chunk = 4,

    /// <summary>The head of an erasure-coded object: an empty file.</summary>
    Stripe = 5,

    /// <summary>A slice of an erasure-coded object.</summary>
    Slice = 6,

    /// <summary>Older generations of the name are gone: it was overwritten or deleted while a mountpath was away.</summary>
    Tombstone = 7,
}

/// <summary>Fields after a record's fixed part. Persisted; may only grow. Readers skip unknown ones from 128 on and refuse those below.</summary>
public enum RecordField : byte
{
    /// <summary>Version number, little-endian without leading zero bytes.</summary>
    Version = 1,

    /// <summary>Block digests, 8 bytes each.</summary>
    BlockDigests = 2,

    /// <summary>Custom pairs: u16 length and bytes of key, u16 length and bytes of value, repeated.</summary>
    Custom = 3,

    /// <summary>Digest of the sidecar, 8 bytes.</summary>
    Sidecar = 4,

    /// <summary>Name of the object a sidecar or a tombstone belongs to.</summary>
    SidecarOf = 5,

    /// <summary>Redundancy map of an erasure-coded object.</summary>
    Redundancy = 6,

    /// <summary>Reserved: further whole-object digests.</summary>
    ExtraDigests = 7,

    /// <summary>Reserved: where the other heads are.</summary>
    Heads = 8,

    /// <summary>Reserved: what a tombstone buries.</summary>
    Tombstone = 9,

    /// <summary>Reserved: retained versions.</summary>
    Versions = 10,

    /// <summary>Reserved: version text of a remote backend.</summary>
    RemoteVersion = 11,

    /// <summary>In the head of a chunked object: what it is to its clients.</summary>
    Chunks = 12,
}
