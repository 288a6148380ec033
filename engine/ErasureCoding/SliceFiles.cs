using System.Buffers;
using System.Runtime.InteropServices;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native;
using Sluice.Native.Codecs;

namespace Sluice.Engine.ErasureCoding;

/// <summary>
/// The files of slices: units one behind the other, and the digests of the units (CRC-64/NVMe), in the file's record while that fits its attribute, else
/// behind the units as a trailer, whose own digest the record has. A slice is whole when its record is of the object, the generation and the layout that the
/// head speaks of, and its file has the length that follows from them. A replica is one more of them, without digests: its bytes are the object, whose
/// block digests the head has.
/// </summary>
internal static class SliceFiles
{
    /// <summary>Digests that a record has room for beside everything else: 64 x 8 bytes of <see cref="Limits.RecordInlineBytesMax"/>.</summary>
    public const int InlineUnitsMax = 64;

    static SliceFiles() => Invariant.That((8 * InlineUnitsMax) + 32 + 64 + 64 < Limits.RecordInlineBytesMax, "a slice's record fits with any checksum");

    /// <summary>What goes behind the units of a slice: their digests when they are many, else nothing.</summary>
    public static byte[] TrailerOf(ulong[] unitDigests) =>
        unitDigests.Length > InlineUnitsMax ? MemoryMarshal.AsBytes<ulong>(unitDigests).ToArray() : []; // little-endian machines only (x86-64)

    /// <summary>The record of a slice (from 0; the replica is behind the last) of the object that the head describes.</summary>
    public static ObjectMetadata RecordOf(ObjectMetadata head, int slice, ulong[] unitDigests)
    {
        SliceMap map = head.Slices!;
        byte[] trailer = TrailerOf(unitDigests);
        return new ObjectMetadata
        {
            Kind = RecordKind.Slice,
            SizeBytes = head.SizeBytes,
            Bid = head.Bid,
            Generation = map.Generation,
            Checksum = head.Checksum,
            BlockDigests = trailer.Length == 0 ? unitDigests : [],
            Slices = map.OfSlice(slice + 1),
            HasSidecar = trailer.Length > 0,
            SidecarDigest = Crc64Nvme.Hash(trailer),
        };
    }

    /// <summary>The path of a slice below its mountpath.</summary>
    public static byte[] PathOf(Bucket bucket, ulong digest, SliceMap map, int slice) =>
        new PartName(PartKind.Slice, digest, map.Generation, slice + 1).PathIn(bucket);

    /// <summary>Opens a slice and compares it with its head; null with a sentence when it is missing or not whole. The caller disposes the file.</summary>
    public static async ValueTask<(SliceFile? Slice, string? Problem)> OpenAsync(
        ObjectDisk disk, Bucket bucket, ulong digest, ObjectMetadata head, int slice, StripedObject? owner = null)
    {
        SliceMap map = head.Slices!;
        byte[] path = PathOf(bucket, digest, map, slice);
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read);
        if (!opened.Ok)
        {
            return opened.Error is Errno.ENOENT or Errno.ENOTDIR ? (null, "it is missing") : throw disk.Fault("open", opened.Error, path);
        }

        FileHandle file = opened.Value;
        SliceFile? whole = null;
        try
        {
            (ObjectMetadata? record, string? problem) = await RecordFiles.ReadAsync(disk, file, path);
            problem = record is null ? problem : Problem(record, head, slice);
            if (problem is not null)
            {
                return (null, problem);
            }

            FileStatus status = disk.Check(await disk.Io.StatAsync(file), "statx", path);
            long expected = record!.Slices!.IsReplica ? record.SizeBytes : map.Geometry.SliceBytes + (record.HasSidecar ? 8L * map.Geometry.StripeCount : 0);
            if (status.SizeBytes != expected)
            {
                return (null, $"it has {status.SizeBytes} of {expected} bytes");
            }

            whole = new SliceFile(disk, file, path, record) { Owner = owner };
            return (whole, null);
        }
        finally
        {
            if (whole is null)
            {
                file.Dispose();
            }
        }
    }

    private static string? Problem(ObjectMetadata record, ObjectMetadata head, int slice) =>
        record.Kind != RecordKind.Slice ? "it is no slice"
        : record.Bid != head.Bid || record.Generation != head.Slices!.Generation ? "it belongs to another generation"
        : record.Slices!.Number != slice + 1 ? $"it is slice {record.Slices.Number}"
        : record.Slices.Geometry != head.Slices.Geometry || record.Checksum != head.Checksum ? "it is of another object or layout"
        : null;
}

/// <summary>An open slice that is whole as far as its record tells.</summary>
internal sealed class SliceFile(ObjectDisk disk, FileHandle file, byte[] path, ObjectMetadata record) : IReadFaults, IDisposable
{
    private ulong[]? _digests = record.HasSidecar ? null : record.BlockDigests.ToArray();

    /// <summary>Its mountpath.</summary>
    public ObjectDisk Disk => disk;

    /// <summary>The open file.</summary>
    public FileHandle File => file;

    /// <summary>Whose slice it is where clients read it: is told of reads that fail on the way to one, and has the bytes rebuilt. Null where nobody does.</summary>
    public StripedObject? Owner { get; init; }

    /// <inheritdoc/>
    public FileHandle? RebuiltWith => Owner?.Head;

    private int Index => record.Slices!.Number - 1;

    /// <summary>Reads a piece of it; a fault, or a file that ends before, is answered in a sentence. What a disk says is counted with its faults.</summary>
    public async ValueTask<string?> ReadAsync(Memory<byte> buffer, long offset)
    {
        IoResult<int> read = await disk.Io.ReadFullyAsync(file, buffer, offset);
        return Problem(read, buffer.Length, offset);
    }

    /// <summary>The same past the page cache where the disk can; <paramref name="pages"/> has room for whole pages.</summary>
    public async ValueTask<string?> ReadColdAsync(Memory<byte> pages, long offset, int count)
    {
        IoResult<int> read = await disk.Io.ReadColdFullyAsync(file, pages, offset, count);
        return Problem(read, count, offset);
    }

    /// <summary>True when its file says whose it is (<see cref="WorkTarget"/>): recovery and scrubs know it by that. Throws <see cref="StorageException"/>.</summary>
    public async ValueTask<bool> NamesItsOwnerAsync(Bucket bucket, ulong digest) => await WorkTarget.ReadAsync(disk, file, path, bucket, digest) is not null;

    /// <summary>Digests of its units; null with a sentence when they cannot be had.</summary>
    public async ValueTask<(ulong[]? Digests, string? Problem)> DigestsAsync()
    {
        if (Volatile.Read(ref _digests) is { } known)
        {
            return (known, null);
        }

        SliceMap map = record.Slices!;
        var trailer = new byte[8 * map.Geometry.StripeCount];
        string? problem = await ReadAsync(trailer, map.Geometry.SliceBytes);
        if (problem is null && Crc64Nvme.Hash(trailer) != record.SidecarDigest)
        {
            problem = "the digests of its units are damaged";
        }

        if (problem is not null)
        {
            return (null, problem);
        }

        ulong[] digests = MemoryMarshal.Cast<byte, ulong>(trailer).ToArray();
        Volatile.Write(ref _digests, digests);
        return (digests, null);
    }

    /// <inheritdoc/>
    public void ReadFailed(Errno error) => Owner?.Lose(Index, disk.Fault("read", error, path).Message);

    /// <inheritdoc/>
    public void EndsAt(long offset) => Owner?.Lose(Index, $"it ends at byte {offset}");

    /// <inheritdoc/>
    public ValueTask<bool> RebuildAsync(Memory<byte> bytes, long offset) => Owner?.RebuildAsync(Index, bytes, offset) ?? new(false);

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private string? Problem(IoResult<int> read, int wanted, long offset) =>
        !read.Ok ? disk.Fault("read", read.Error, path).Message : read.Value < wanted ? $"it ends at byte {offset + read.Value}" : null;
}
