using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Chunks;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Integrity;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>Where an object is and what it is, as found on disk; shared by the caches.</summary>
public sealed class StoredObject : IReadFaults
{
    private const long AccessGranularityNs = 1_000_000_000;
    private const long CopyBytes = 256; // object, path and array; the record is shared

    private const int ResidentLookMs = 100;

    private long _accessedNs;
    private int _residentAt; // milliseconds of the system's uptime, odd; 0: never
    private object? _derived;
    private Manifest? _manifest;
    private BlockMarks _verified;
    private int _isDamageTold;

    /// <summary>
    /// What <paramref name="accessedNs"/> says of the last access is kept up from here on; <paramref name="copies"/> are the other heads of the same
    /// generation, as far as they are known.
    /// </summary>
    public StoredObject(ObjectMetadata metadata, ObjectDisk disk, ObjectPath path, long accessedNs, StoredObject[]? copies = null)
    {
        Metadata = metadata;
        Disk = disk;
        Path = path;
        _accessedNs = accessedNs;
        Copies = copies ?? [];
    }

    /// <summary>Its record.</summary>
    public ObjectMetadata Metadata { get; }

    /// <summary>The mountpath that holds it.</summary>
    public ObjectDisk Disk { get; }

    /// <summary>Its place below the mountpath.</summary>
    public ObjectPath Path { get; }

    /// <summary>Its further copies, best mountpath first; none of a plain object.</summary>
    public IReadOnlyList<StoredObject> Copies { get; }

    /// <summary>
    /// The replica of an erasure-coded object, which knows itself what of it was compared; null where there is none. Set by who opens it, before anybody else sees this.
    /// </summary>
    internal StoredObject? Replica { get; set; }

    /// <summary>How many entries it counts as in a cache: its digests, those of its slices, custom metadata and copies, beyond what an entry has room for.</summary>
    public int CacheWeight =>
        1 + (int)(((8L * (Metadata.BlockDigests.Length + ((Metadata.Slices?.Geometry.StripeCount ?? 0) * (Metadata.Slices?.Geometry.SliceCount ?? 0))))
            + (2 * (Metadata.Chunked is null ? 0 : Metadata.SizeBytes)) // its manifest, and where chunks begin
            + Metadata.Custom.Sum(pair => 2L * (pair.Key.Length + pair.Value.Length)) + (CopyBytes * Copies.Count)) / Limits.CacheEntryBytes);

    /// <summary>The manifest of a chunked object, once somebody has read it.</summary>
    internal Manifest? Manifest
    {
        get => Volatile.Read(ref _manifest);
        set => Volatile.Write(ref _manifest, value);
    }

    /// <summary>Last access, nanoseconds since 1970 UTC.</summary>
    public long AccessedNs => Volatile.Read(ref _accessedNs);

    /// <summary>
    /// What a front end made of this object to answer faster, such as texts of its headers; null until it puts something there. Goes with the object.
    /// </summary>
    public object? Derived
    {
        get => Volatile.Read(ref _derived);
        set => Volatile.Write(ref _derived, value);
    }

    /// <summary>It was read just now. Kept to the second: what is told of it need not be made anew for each of many reads.</summary>
    public void Touch(long nowNs)
    {
        if (nowNs - AccessedNs is >= AccessGranularityNs or < 0)
        {
            Volatile.Write(ref _accessedNs, nowNs);
        }
    }

    /// <summary>True when every block of a range was compared with its digest, as it lies in the page cache, or was written by us.</summary>
    public bool IsVerified(long offset, long count) => count == 0 || _verified.Has(FirstBlock(offset), EndBlock(offset, count));

    /// <summary>The block in the page cache is what its digest says.</summary>
    internal void MarkVerified(int block) => _verified.Set(block, Metadata.BlockCount);

    /// <summary>All of them are: they were digested as they were written.</summary>
    internal void MarkWritten() => _verified.SetAll(Metadata.BlockCount);

    /// <summary>
    /// Something from <paramref name="block"/> on has left the page cache, and the kernel may bring what follows it unasked, since it reads ahead: what comes back is a
    /// disk's word.
    /// </summary>
    internal void ForgetVerified(int block) => _verified.Clear(block, Metadata.BlockCount);

    /// <summary>
    /// Its files are those of <paramref name="other"/>: what is known of all blocks of that one holds for it. One that knows of no replica yet was just written, with it.
    /// </summary>
    internal void AdoptVerified(StoredObject other)
    {
        if (other.IsVerified(0, Metadata.SizeBytes))
        {
            MarkWritten();
        }

        Replica?.AdoptVerified(other.Replica ?? other);
    }

    /// <summary>
    /// The object was found in memory less than a tenth of a second ago. A look is a system call, a seventh of what a small answer costs: what is asked for ten times
    /// a second is not evicted in between but by somebody who drops caches.
    /// </summary>
    internal bool IsResidentLately => Volatile.Read(ref _residentAt) is not 0 and int at && (uint)(Environment.TickCount - at + 1) <= ResidentLookMs;

    /// <summary>It is in memory now.</summary>
    internal void NoteResident() => Volatile.Write(ref _residentAt, Environment.TickCount | 1);

    /// <inheritdoc/>
    public void ReadFailed(Errno error) => ReadFault(error);

    /// <inheritdoc/>
    public void EndsAt(long offset) => Damage($"it ends at byte {offset} of {Metadata.SizeBytes}");

    /// <summary>A read failed: counted with the disk's faults and logged.</summary>
    internal Failure ReadFault(Errno error) => Refuse(Disk.Fault("read", error, Path.Whole.Span));

    /// <summary>The disk's fault, logged.</summary>
    internal Failure Refuse(StorageException fault)
    {
        Disk.Readers.Failed(this);
        Disk.Readers.Log.LogError("{Fault}", fault.Message);
        return ObjectDisk.Refusal(fault);
    }

    /// <summary>Its file is not what its record says: counted and logged.</summary>
    internal Failure Damage(string problem)
    {
        Disk.Readers.Damaged(this);
        if (Interlocked.Exchange(ref _isDamageTold, 1) == 0) // once for each time it is found: a client that asks again and again tells nothing new
        {
            Disk.Readers.Log.LogError(
                "mountpath {Mountpath}, {Path}: damaged object: {Problem}", Disk.Path, System.Text.Encoding.UTF8.GetString(Path.Whole.Span), problem);
        }

        return new Failure(ErrorCode.Damaged, $"the object is damaged and has no other copy: {problem}");
    }

    private static int FirstBlock(long offset) => (int)(offset / Limits.BlockBytes);

    private static int EndBlock(long offset, long count) => (int)((offset + count + Limits.BlockBytes - 1) / Limits.BlockBytes);

    /// <summary>What a client may know of it. How erasure coding keeps it is the bucket's to say.</summary>
    public ObjectAttributes Attributes() => new()
    {
        SizeBytes = Metadata.ContentBytes,
        Checksum = Metadata.ContentChecksum,
        ChunkCount = Metadata.Chunked?.ChunkCount ?? 0,
        LargestChunkBytes = Metadata.Chunked?.LargestChunkBytes ?? 0,
        Version = Metadata.Version == 0 ? "" : Metadata.Version.ToString(System.Globalization.CultureInfo.InvariantCulture),
        AccessedNs = AccessedNs,
        ModifiedNs = (long)Metadata.Generation,
        Custom = Metadata.Custom,
        Mountpath = Disk.Path,
        CopyMountpaths = Copies.Count == 0 ? [] : [.. Copies.Select(copy => copy.Disk.Path)],
    };

    /// <summary>The same with one more copy.</summary>
    internal StoredObject With(StoredObject copy) => new(Metadata, Disk, Path, AccessedNs, [.. Copies, copy]);
}
