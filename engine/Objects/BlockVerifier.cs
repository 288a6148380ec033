using Sluice.Engine.Io;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Objects;

/// <summary>Compares blocks of a file with their digests.</summary>
public static class BlockVerifier
{
    /// <summary>
    /// Reads blocks <paramref name="first"/> to <paramref name="end"/> (exclusive) and answers the index of the first one that is short or does
    /// not match; null when all do. Throws <see cref="StorageException"/> when the disk fails.
    /// </summary>
    public static async ValueTask<int?> FirstBadBlockAsync(ObjectDisk disk, FileHandle file, ObjectMetadata metadata, int first, int end)
    {
        using BlockBuffers.Rented rented = await disk.Blocks.RentAsync();
        Memory<byte> buffer = rented.Memory;
        for (int index = first; index < end; index++)
        {
            long offset = (long)index * Limits.BlockBytes;
            int expected = (int)Math.Min(Limits.BlockBytes, metadata.SizeBytes - offset);
            int read = disk.Check(await disk.Io.ReadFullyAsync(file, buffer[..expected], offset), "read", default);
            if (read != expected || Crc64Nvme.Hash(buffer.Span[..read]) != metadata.BlockDigests.Span[index])
            {
                return index;
            }
        }

        return null;
    }
}
