using Sluice.Engine.Io;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Objects;

/// <summary>Compares blocks of a file with their digests.</summary>
public static class BlockVerifier
{
    /// <summary>
    /// Reads blocks <paramref name="first"/> to <paramref name="end"/> (exclusive) and answers the index of the first one that is short or does
    /// not match; null when all do. With <paramref name="pastCache"/> it is the disk's bytes that are compared, whatever the page cache holds. Throws
    /// <see cref="StorageException"/> when the disk fails.
    /// </summary>
    public static async ValueTask<int?> FirstBadBlockAsync(ObjectDisk disk, FileHandle file, ObjectMetadata metadata, int first, int end, bool pastCache = false)
    {
        using BlockBuffers.Rented rented = await disk.Blocks.RentAsync();
        Memory<byte> buffer = rented.Memory;
        for (int index = first; index < end; index++)
        {
            long offset = (long)index * Limits.BlockBytes;
            int expected = (int)Math.Min(Limits.BlockBytes, metadata.SizeBytes - offset);
            IoResult<int> done = pastCache
                ? await disk.Io.ReadColdFullyAsync(file, buffer, offset, expected)
                : await disk.Io.ReadFullyAsync(file, buffer[..expected], offset);
            int read = disk.Check(done, "read", default);
            if (read != expected || Crc64Nvme.Hash(buffer.Span[..read]) != metadata.BlockDigests.Span[index])
            {
                return index;
            }
        }

        return null;
    }
}
