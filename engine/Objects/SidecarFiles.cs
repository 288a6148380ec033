using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Objects;

/// <summary>
/// Sidecars: files that hold the bulky fields (block digests of large objects, much custom metadata) of a record that would not fit its
/// extended attribute. One lies on the object's mountpath in the bucket's <c>%sc</c>, named by the object's digest and generation, is
/// durable before the object's record names it, and holds the object's name, so that an orphan can be told. Its bytes are a metadata
/// record of kind Sidecar; the object's record holds their CRC-64/NVMe.
/// </summary>
public static class SidecarFiles
{
    private static readonly SearchValues<byte> s_digits = SearchValues.Create("0123456789abcdef"u8);

    /// <summary>Name of the sidecar of one generation of an object.</summary>
    public static byte[] NameOf(ulong digest, ulong generation) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{digest:x16}.{generation:x16}"));

    /// <summary>Path of that sidecar below the mountpath.</summary>
    public static byte[] PathOf(Bucket bucket, ulong digest, ulong generation) =>
        [.. bucket.Sidecars.Span, (byte)'/', .. NameOf(digest, generation)];

    /// <summary>Reads digest and generation off a sidecar's name. Digits in another case make a name that is not ours, and would be looked for under ours.</summary>
    public static bool TryReadName(ReadOnlySpan<byte> name, out ulong digest, out ulong generation)
    {
        (digest, generation) = (0, 0);
        return name.Length == 33 && name[16] == (byte)'.'
            && !name[..16].ContainsAnyExcept(s_digits) && !name[17..].ContainsAnyExcept(s_digits)
            && ulong.TryParse(name[..16], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out digest)
            && ulong.TryParse(name[17..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out generation);
    }

    /// <summary>Splits a record that is too long: the short one that goes into the attribute, and the sidecar's bytes.</summary>
    public static (ObjectMetadata Record, byte[] Sidecar) Split(ObjectMetadata whole, ObjectName name)
    {
        byte[] sidecar = MetadataRecord.Format(new ObjectMetadata
        {
            Kind = RecordKind.Sidecar,
            SizeBytes = whole.SizeBytes,
            Bid = whole.Bid,
            Generation = whole.Generation,
            BlockDigests = whole.BlockDigests,
            Custom = whole.Custom,
            Slices = whole.Slices,
            SidecarOf = name.Utf8.ToArray(),
        });
        var record = new ObjectMetadata
        {
            Kind = whole.Kind,
            SizeBytes = whole.SizeBytes,
            Bid = whole.Bid,
            Generation = whole.Generation,
            Version = whole.Version,
            Checksum = whole.Checksum,
            BlockDigests = whole.BlockDigests,
            Custom = whole.Custom,
            Slices = whole.Slices,
            Chunked = whole.Chunked,
            HasSidecar = true,
            SidecarDigest = Crc64Nvme.Hash(sidecar),
        };
        return (record, sidecar);
    }

    /// <summary>Writes a sidecar's bytes into a new work file.</summary>
    public static ValueTask WriteAsync(WorkFile work, byte[] sidecar) => work.WriteAsync(new ReadOnlySequence<byte>(sidecar), 0);

    /// <summary>Makes a sidecar durable under its name, by itself and not as a part of a commit.</summary>
    public static async ValueTask PutAsync(ObjectDisk disk, Bucket bucket, ulong digest, ulong generation, byte[] sidecar, ILogger log)
    {
        await using WorkFile work = await WorkFile.CreateAsync(disk, bucket, digest);
        await WriteAsync(work, sidecar);
        await work.SyncAsync(log);
        using DirectoryLease directory = disk.Check(
            await disk.Directories.AcquireAsync(bucket.Sidecars, DirectoryUse.CreateDurable), "mkdir", bucket.Sidecars.Span);
        byte[] target = NameOf(digest, generation);
        disk.Check(
            await disk.Io.RenameAsync(work.Directory, work.Name, directory.Handle, target, RenameMode.Replace), "rename", work.Path.Span);
        work.GiveAway();
        disk.Check(await directory.SyncAsync(), "fsync of the directory", bucket.Sidecars.Span);
    }

    /// <summary>The record with what its sidecar holds; null with a sentence when the sidecar is missing, damaged or not its own.</summary>
    public static async ValueTask<(ObjectMetadata? Metadata, string? Problem)> CompleteAsync(
        ObjectDisk disk, Bucket bucket, ObjectName name, ObjectMetadata record)
    {
        ulong digest = bucket.DigestOf(name);
        (ObjectMetadata? sidecar, ulong bytesDigest, string? problem) = await ReadAsync(disk, PathOf(bucket, digest, record.Generation));
        if (sidecar is null)
        {
            return (null, problem);
        }

        if (bytesDigest != record.SidecarDigest || sidecar.Generation != record.Generation || sidecar.Bid != record.Bid)
        {
            return (null, "its sidecar belongs to another generation");
        }

        if (sidecar.BlockDigests.Length != record.BlockCount || sidecar.Slices is null == (record.Kind == RecordKind.Stripe) || sidecar.SizeBytes != record.SizeBytes)
        {
            return (null, "its sidecar has the digests of another size, or of another kind of object");
        }

        var whole = new ObjectMetadata
        {
            Kind = record.Kind,
            SizeBytes = record.SizeBytes,
            Bid = record.Bid,
            Generation = record.Generation,
            Version = record.Version,
            Checksum = record.Checksum,
            BlockDigests = sidecar.BlockDigests,
            Custom = sidecar.Custom,
            Slices = sidecar.Slices,
            Chunked = record.Chunked,
            HasSidecar = true,
            SidecarDigest = record.SidecarDigest,
        };
        return (whole, null);
    }

    /// <summary>A sidecar by path, with the digest of its bytes; null with a sentence when it is missing or damaged.</summary>
    public static async ValueTask<(ObjectMetadata? Sidecar, ulong Digest, string? Problem)> ReadAsync(ObjectDisk disk, ReadOnlyMemory<byte> path)
    {
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read);
        if (!opened.Ok)
        {
            return opened.Error is Errno.ENOENT or Errno.ENOTDIR
                ? (null, 0, "its sidecar is missing")
                : throw disk.Fault("open", opened.Error, path.Span);
        }

        using FileHandle file = opened.Value;
        IoResult<byte[]> bytes = await disk.Io.ReadFileAsync(file, Limits.SidecarBytesMax);
        if (!bytes.Ok)
        {
            return bytes.Error == Errno.ERANGE ? (null, 0, "its sidecar is too long") : throw disk.Fault("read", bytes.Error, path.Span);
        }

        return MetadataRecord.TryParse(bytes.Value, out ObjectMetadata? sidecar, out string? problem) && sidecar.Kind == RecordKind.Sidecar
            ? (sidecar, Crc64Nvme.Hash(bytes.Value), null)
            : (null, 0, "its sidecar is damaged: " + (problem ?? "it is no sidecar"));
    }
}
