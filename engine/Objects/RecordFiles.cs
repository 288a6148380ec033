using System.Buffers;
using System.Runtime.CompilerServices;
using Sluice.Engine.Io;
using Sluice.Engine.Pooling;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>Reads and sets the metadata record of a file: the extended attribute <c>user.slu</c>.</summary>
public static class RecordFiles
{
    // Longer than any record that is written, so that a longer attribute is somebody else's.
    private const int BufferBytes = Limits.RecordInlineBytesMax + 64;

    /// <summary>
    /// The file's record; null with a sentence when it is missing or damaged. Throws <see cref="StorageException"/> when the disk fails.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public static async ValueTask<(ObjectMetadata? Metadata, string? Problem)> ReadAsync(
        ObjectDisk disk, FileHandle file, ReadOnlyMemory<byte> path)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            IoResult<int> read = await disk.Io.GetXattrAsync(file, XattrName.Record, buffer.AsMemory(0, BufferBytes));
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
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sets the file's record; the file's next fsync makes it durable.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    public static async ValueTask SetAsync(ObjectDisk disk, FileHandle file, ObjectMetadata metadata, ReadOnlyMemory<byte> path)
    {
        ReadOnlyMemory<byte> record = Rent(metadata, out byte[] rented);
        try
        {
            disk.Check(await disk.Io.SetXattrAsync(file, XattrName.Record, record), "setxattr", path.Span);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Sets the file's record and flushes the file, in one trip where the disk has one; the answer is the disk's.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public static async ValueTask<IoResult> SetAndSyncAsync(ObjectDisk disk, FileHandle file, ObjectMetadata metadata)
    {
        ReadOnlyMemory<byte> record = Rent(metadata, out byte[] rented);
        try
        {
            return await disk.Io.SetXattrAndSyncAsync(file, XattrName.Record, record);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>The record as it lies in the attribute, in a buffer that grows when it has to; answers its bytes.</summary>
    public static int Format(ObjectMetadata metadata, ref byte[] buffer)
    {
        int length = LengthOf(metadata);
        if (buffer.Length < length)
        {
            buffer = new byte[Limits.RecordInlineBytesMax];
        }

        MetadataRecord.Format(metadata, buffer.AsSpan(0, length));
        return length;
    }

    /// <summary>The record as it lies in the attribute, in an array that the caller returns.</summary>
    private static ReadOnlyMemory<byte> Rent(ObjectMetadata metadata, out byte[] rented)
    {
        int length = LengthOf(metadata);
        rented = ArrayPool<byte>.Shared.Rent(length);
        MetadataRecord.Format(metadata, rented.AsSpan(0, length));
        return rented.AsMemory(0, length);
    }

    private static int LengthOf(ObjectMetadata metadata)
    {
        int length = MetadataRecord.LengthOf(metadata);
        Invariant.That(length <= Limits.RecordInlineBytesMax, "a longer record has a sidecar");
        return length;
    }
}
