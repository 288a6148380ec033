using System.IO.Pipelines;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.ErasureCoding;

namespace Sluice.Engine.Objects;

/// <summary>What to store. The name is borrowed for the call; the body is read to its end, or left where reading failed.</summary>
public readonly record struct PutRequest
{
    /// <summary>Bucket to store into.</summary>
    public required BucketName Bucket { get; init; }

    /// <summary>Name to store under; what was there before is replaced.</summary>
    public required ObjectName Name { get; init; }

    /// <summary>The content. The engine advances it as it goes and never completes it: that is its owner's part.</summary>
    public required PipeReader Body { get; init; }

    /// <summary>Length that the client declared in bytes; null when unknown. A body of another length is refused.</summary>
    public long? LengthBytes { get; init; }

    /// <summary>Digest that the client sent; verified before anything becomes visible. <see cref="Checksum.None"/> when it sent none.</summary>
    public Checksum Expected { get; init; }

    /// <summary>It is stored also where the object has the digest and size that the client sent.</summary>
    public bool IsStoredAnyway { get; init; }

    /// <summary>Custom metadata of the new object.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Custom { get => field ?? []; init; }

    /// <summary>Digest to be kept; null for that of the bucket.</summary>
    internal ChecksumType? Kept { get; init; }

    /// <summary>What to answer when no byte comes, so that nothing is stored; null where that is an object like any other.</summary>
    internal Failure? IfEmpty { get; init; }

    /// <summary>The content is the manifest of a chunked object, which is that to its clients; null of any other.</summary>
    internal ChunkedContent? Chunked { get; init; }

    /// <summary>The object whose bytes the content is, laid out anew: it stays what it is to its readers. Refused with Busy when the name has another one by then. Null of any other content.</summary>
    internal StoredObject? Converted { get; init; }

    /// <summary>The version that it gets where its bucket keeps them; null for the one behind that of what it replaces.</summary>
    internal ulong? Version { get; init; }

    /// <summary>Asked by the name's writer, right before anything is changed: where it says no, the commit is refused with Busy. Null for always.</summary>
    internal Func<ValueTask<bool>>? OnlyIf { get; init; }

    /// <summary>It is durable when it is answered, whatever its bucket says.</summary>
    internal bool IsDurable { get; init; }

    /// <summary>Digest that is kept in a bucket.</summary>
    internal ChecksumType KeptIn(Bucket bucket) => Kept ?? bucket.Properties.ChecksumType;
}

/// <summary>What is known of a stored object; a snapshot.</summary>
public readonly record struct ObjectAttributes
{
    /// <summary>Size in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Whole-object digest; <see cref="Checksum.None"/> when the bucket keeps none.</summary>
    public required Checksum Checksum { get; init; }

    /// <summary>Version: "1", "2", … in a versioned bucket, "" otherwise.</summary>
    public required string Version { get; init; }

    /// <summary>Last access, nanoseconds since 1970 UTC.</summary>
    public required long AccessedNs { get; init; }

    /// <summary>Time of the write, nanoseconds since 1970 UTC.</summary>
    public required long ModifiedNs { get; init; }

    /// <summary>Custom metadata, in the order it was given.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Custom { get; init; }

    /// <summary>Chunks that it has; 0 when it is none that was uploaded in parts.</summary>
    public int ChunkCount { get; init; }

    /// <summary>Size of the largest chunk in bytes; 0 without any.</summary>
    public long LargestChunkBytes { get; init; }

    /// <summary>What erasure coding keeps of it; null when it has none, or when nobody asked.</summary>
    public ErasureLayout? Erasure { get; init; }

    /// <summary>The mountpath that holds it, as configured; of several copies the first.</summary>
    public required string Mountpath { get; init; }

    /// <summary>The mountpaths that hold further copies.</summary>
    public IReadOnlyList<string> CopyMountpaths { get => field ?? []; init; }
}

/// <summary>Who holds the name right now (contract: objects §3, check-lock).</summary>
public enum LockState
{
    /// <summary>Nobody.</summary>
    Unlocked,

    /// <summary>Readers.</summary>
    ReadLocked,

    /// <summary>A writer, from its version check to its acknowledgement.</summary>
    WriteLocked,
}
