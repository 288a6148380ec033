using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>
/// Every bound and alignment of the engine with the arithmetic behind it. What depends on the machine (memory, descriptors) is cut from
/// <see cref="EngineOptions.MemoryBytes"/> at start; what is here never changes while the process lives.
/// </summary>
public static class Limits
{
    /// <summary>Bytes of an object that one block digest covers: 1 MiB. Persisted; can never change for record format 1.</summary>
    public const int BlockBytes = 1 << 20;

    /// <summary>
    /// Longest metadata record that is kept in the extended attribute, in bytes. An ext4 of 1 KiB blocks has room for
    /// 1024 - 32 (header) - 20 (entry and name) - 4 (end) = 968; 900 leaves some to other attributes. Longer records use a sidecar.
    /// </summary>
    public const int RecordInlineBytesMax = 900;

    /// <summary>
    /// Longest record that still lies within the inode of an ext4 with 256-byte inodes: 256 - 128 - 32 - 4 (header) - 20 (entry and
    /// name) - 4 (end) = 68. A plain object's record must fit, or every object costs another block (measured; docs/ON_DISK.md).
    /// </summary>
    public const int RecordInInodeBytesMax = 68;

    /// <summary>Custom metadata of one object in bytes, keys and values together: four times what Amazon S3 allows its users.</summary>
    public const int CustomBytesMax = 8 << 10;

    /// <summary>
    /// Largest object stored as one file: 1 TiB, the contract's limit. Its digests, 8 bytes for each of 1,048,576 blocks, are 8 MiB and
    /// fit the 24-bit length of a record's field.
    /// </summary>
    public const long ObjectBytesMax = 1L << 40;

    /// <summary>Longest sidecar in bytes: the digests of the largest object, the custom metadata, the name and the fixed part.</summary>
    public const int SidecarBytesMax = (int)(ObjectBytesMax / BlockBytes * 8) + CustomBytesMax + 4096;

    /// <summary>
    /// Longest custom metadata of one object as it is persisted, in bytes: 8,192 keys of one byte with empty values, and two lengths of two bytes each, 40,960.
    /// </summary>
    public const int CustomFieldBytesMax = CustomBytesMax * (1 + 2 + 2);

    /// <summary>Chunks of one object at most, and the greatest number of one: Amazon S3's limit for the parts of an upload.</summary>
    public const int ChunksMax = 10_000;

    /// <summary>
    /// Longest manifest of a chunked object in bytes: 48 + 64 (digest) + 7 (lengths) + 1,024 (name) + 80 (entity tag) + 40,960 (custom metadata) +
    /// 10,000 x (19 + 64 (digest) + 16 (MD5)) + 8 (checksum) = 1,032,191.
    /// </summary>
    public const int ManifestBytesMax = ManifestRecord.FixedBytes + Checksum.BytesMax + ManifestRecord.LengthsBytes + ObjectName.BytesMax
        + Manifest.ETagBytesMax + CustomFieldBytesMax + (ChunksMax * ChunkTable.EntryBytesMax) + ManifestRecord.SealBytes;

    /// <summary>
    /// Bodies above this are flushed before the name is locked, so that the flush under the lock has only the record to write. Below
    /// it the second flush would cost more than it saves: one journal commit is the price of some 256 KiB of data on a fast drive.
    /// </summary>
    public const int EarlyFlushBytesMin = 256 << 10;

    /// <summary>
    /// Bodies up to this are held in memory until their record is known, and made, written, given it and renamed in one trip to the disk: 16 KiB are copied in half a
    /// microsecond, a trip takes ten. Each pooled work file keeps what it once held: 256 x 16 KiB, 4 MiB.
    /// </summary>
    public const int HeldBodyBytesMax = 16 << 10;

    /// <summary>
    /// An object of up to this, in bytes, is compared with its digests to see whether a PUT that declares the same need not be stored: larger ones would be read for so long that their client gives up waiting. The
    /// size above which a bucket splits objects unless it is told otherwise.
    /// </summary>
    public const long SamePutBytesMax = 64 << 20;

    /// <summary>What is asked of a request's body at once, in bytes: one write(2) of this size costs little more than one of a page.</summary>
    public const int BodyReadBytes = 256 << 10;

    /// <summary>Open directories kept for each mountpath: 1,024 x 1 descriptor; a busy bucket has a few.</summary>
    public const int DirectoriesOpenMax = 1024;

    /// <summary>Shards of the name locks and caches: enough that two cores seldom meet, few enough to scan.</summary>
    public const int Shards = 64;

    /// <summary>
    /// What an entry of a cache takes, in bytes: 88 of the entry, 150 of the table and the clock, the name twice, the record's objects. What an object's
    /// block digests take beyond that, 8 bytes for each MiB, counts as further entries.
    /// </summary>
    public const int CacheEntryBytes = 1024;

    /// <summary>Entries of a full listing page at most (contract: buckets §8).</summary>
    public const int ListPageEntriesMax = 10_000;

    /// <summary>
    /// Names and custom metadata of a listing page at most, in bytes: 10,000 names of 200 bytes. A page that would have more ends early, with its last name
    /// as token, so that its memory is bounded whatever the names are.
    /// </summary>
    public const int ListPageBytesMax = 2 << 20;

    /// <summary>
    /// Entries of one directory that a walk over a whole bucket keeps: 65,536 x some 200 bytes, 13 MB. A directory of ten million names is read 153 times
    /// then, each time in seconds.
    /// </summary>
    public const int WalkEntriesMax = 64 << 10;

    /// <summary>Findings that a job's report holds: 2,000 x 500 bytes, 1 MB. What is more is counted.</summary>
    public const int JobFindingsMax = 2000;

    /// <summary>Ended jobs whose findings are kept: 8 x 1 MB.</summary>
    public const int JobReportsMax = 8;

    /// <summary>
    /// Jobs of a kind that may run beside each other: 32 x 5 MB, which is what the names of the longest control message take when they are of one byte each.
    /// </summary>
    public const int JobsBesideMax = 32;

    /// <summary>A file of up to this is promoted while the request waits, in bytes: a slow drive reads and writes it in a tenth of a second.</summary>
    public const int PromotedAtOnceBytesMax = 4 << 20;

    /// <summary>Workers of one job that a client may ask for. Each has one name in hand.</summary>
    public const int JobWorkersMax = 128;

    /// <summary>Names of one page of a job's walk in bytes: <see cref="WalkEntriesMax"/> of 256 bytes. It ends early when they are longer.</summary>
    public const int WalkPageBytesMax = 16 << 20;

    /// <summary>Virtual directories that one page of a walk passes over: each name is compared with all of them.</summary>
    public const int WalkSkipsMax = 1000;

    /// <summary>Mountpaths of one node at most. Three times the drive bays of a large chassis.</summary>
    public const int MountpathsMax = 256;

    /// <summary>Copies of the bucket metadata: survives the loss of two drives.</summary>
    public const int BucketDocumentCopies = 3;

    /// <summary>Longest persisted bucket document in bytes: 100,000 buckets of 600 bytes.</summary>
    public const int DocumentBytesMax = 64 << 20;

    static Limits()
    {
        Invariant.That(SidecarBytesMax < 1 << 24, "a sidecar's length fits the record's length field");
        Invariant.That(RecordInInodeBytesMax < RecordInlineBytesMax);
        Invariant.That(BodyReadBytes <= BlockBytes);
        Invariant.That(ManifestBytesMax <= BlockBytes, "a manifest has one block digest at most");
        Invariant.That(ChunksMax <= ushort.MaxValue, "a chunk's number fits its two bytes");
    }
}
