using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>Reads and sets the metadata record of a file: the extended attribute <c>user.slu</c>.</summary>
public static class RecordFiles
{
    /// <summary>
    /// The file's record; null with a sentence when it is missing or damaged. Throws <see cref="StorageException"/> when the disk fails.
    /// </summary>
    public static async ValueTask<(ObjectMetadata? Metadata, string? Problem)> ReadAsync(
        ObjectDisk disk, FileHandle file, ReadOnlyMemory<byte> path)
    {
        // Longer than any record that is written, so that a longer attribute is somebody else's.
        var buffer = new byte[Limits.RecordInlineBytesMax + 64];
        IoResult<int> read = await disk.Io.GetXattrAsync(file, XattrName.Record, buffer);
        if (!read.Ok)
        {
            return read.Error switch
            {
                Errno.ENODATA => (null, "it has no metadata record"),
                Errno.ERANGE => (null, "its metadata record is too long"),
                _ => throw disk.Fault("getxattr", read.Error, path.Span),
            };
        }

        return MetadataRecord.TryParse(buffer.AsSpan(0, read.Value), out ObjectMetadata? metadata, out string? problem)
            ? (metadata, null)
            : (null, problem);
    }

    /// <summary>Sets the file's record; the file's next fsync makes it durable.</summary>
    public static async ValueTask SetAsync(ObjectDisk disk, FileHandle file, ObjectMetadata metadata, ReadOnlyMemory<byte> path) =>
        disk.Check(await disk.Io.SetXattrAsync(file, XattrName.Record, Format(metadata)), "setxattr", path.Span);

    /// <summary>The record of a file, as it lies in the attribute.</summary>
    public static byte[] Format(ObjectMetadata metadata)
    {
        byte[] record = MetadataRecord.Format(metadata);
        Invariant.That(record.Length <= Limits.RecordInlineBytesMax, "a longer record has a sidecar");
        return record;
    }
}
