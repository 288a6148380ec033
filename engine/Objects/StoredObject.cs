using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>Where an object is and what it is, as found on disk; shared by the caches.</summary>
public sealed class StoredObject : IReadFaults
{
    private const long AccessGranularityNs = 1_000_000_000;
    private const long CopyBytes = 256; // object, path and array; the record is shared

    private long _accessedNs;
    private object? _derived;

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

    /// <summary>How many entries it counts as in a cache: its digests, custom metadata and copies, beyond what an entry has room for.</summary>
    public int CacheWeight =>
        1 + (int)(((8L * Metadata.BlockDigests.Length) + Metadata.Custom.Sum(pair => 2L * (pair.Key.Length + pair.Value.Length)) + (CopyBytes * Copies.Count))
            / Limits.CacheEntryBytes);

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
        Disk.Readers.Log.LogError(
            "mountpath {Mountpath}, {Path}: damaged object: {Problem}", Disk.Path, System.Text.Encoding.UTF8.GetString(Path.Whole.Span), problem);
        return new Failure(ErrorCode.Damaged, $"the object is damaged and has no other copy: {problem}");
    }

    /// <summary>What a client may know of it.</summary>
    public ObjectAttributes Attributes() => new()
    {
        SizeBytes = Metadata.SizeBytes,
        Checksum = Metadata.Checksum,
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
