using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Integrity;

/// <summary>
/// Looks for a block of a damaged file in the other copies of the same generation, nearest first, and has the object repaired. A copy that is damaged in the same
/// place, or on a disk that fails, is passed over.
/// </summary>
internal sealed class BlockRescue(DiskTable disks, ObjectLookup lookup, RepairQueue repairs) : IBlockRescue
{
    private long _rescued;

    /// <summary>Blocks that another copy had.</summary>
    public long RescuedCount => Volatile.Read(ref _rescued);

    /// <inheritdoc/>
    public async ValueTask<bool> TryAsync(Bucket bucket, StoredObject damaged, int block, Memory<byte> bytes)
    {
        if (!ObjectPath.TryReadName(bucket.Objects, damaged.Path.Whole.Span, out ObjectName name))
        {
            return false;
        }

        using DiskUse use = disks.Enter();
        foreach (ObjectDisk disk in use.Set.Readable)
        {
            if (disk != damaged.Disk && await TryAsync(disk, bucket, name, damaged, block, bytes))
            {
                Interlocked.Increment(ref _rescued);
                repairs.Enqueue(bucket, name, bucket.DigestOf(name));
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> TryRangeAsync(Bucket bucket, StoredObject damaged, Memory<byte> bytes, long offset)
    {
        using DiskUse use = disks.Enter(); // the buffers are those of a disk that is here; the object's own may have left
        if (use.Set.Readable.Count == 0)
        {
            return false;
        }

        for (int done = 0; done < bytes.Length;)
        {
            int block = (int)((offset + done) / Limits.BlockBytes);
            int at = (int)((offset + done) % Limits.BlockBytes);
            int blockBytes = (int)Math.Min(Limits.BlockBytes, damaged.Metadata.SizeBytes - ((long)block * Limits.BlockBytes));
            int count = Math.Min(blockBytes - at, bytes.Length - done);
            using BlockBuffers.Rented rented = await use.Set.Readable[0].Blocks.RentAsync();
            if (!await TryAsync(bucket, damaged, block, rented.Memory[..blockBytes]))
            {
                return false;
            }

            rented.Memory.Slice(at, count).CopyTo(bytes[done..]);
            done += count;
        }

        return true;
    }

    private async ValueTask<bool> TryAsync(ObjectDisk disk, Bucket bucket, ObjectName name, StoredObject damaged, int block, Memory<byte> bytes)
    {
        try
        {
            if (await lookup.OpenOnAsync(disk, bucket, name) is not { } copy)
            {
                return false;
            }

            using FileHandle file = copy.File;
            if (copy.Stored.Metadata.Generation != damaged.Metadata.Generation)
            {
                return false;
            }

            IoResult<int> read = await disk.Io.ReadFullyAsync(file, bytes, (long)block * Limits.BlockBytes);
            return read.Ok && read.Value == bytes.Length && Crc64Nvme.Hash(bytes.Span) == damaged.Metadata.BlockDigests.Span[block];
        }
        catch (StorageException)
        {
            return false; // counted with the disk's faults
        }
    }
}
