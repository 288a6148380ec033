using Sluice.Engine.Integrity;

namespace Sluice.Engine.Objects;

/// <summary>Ranges that are compared with their digests, for who sends none of them.</summary>
public readonly partial struct ObjectReader
{
    /// <summary>
    /// Reads the blocks that cover a range and compares them with their digests; those that another copy has instead count as good. Refuses with Damaged or StorageFailed.
    /// </summary>
    public async ValueTask<Result> VerifyAsync(long offset, long count)
    {
        Invariant.That(offset >= 0 && count >= 0 && offset + count <= SizeBytes, "a range lies within the object");
        if (count == 0)
        {
            return Result.Done;
        }

        int end = (int)((offset + count - 1) / Limits.BlockBytes) + 1;
        for (int block = (int)(offset / Limits.BlockBytes); block < end; block++)
        {
            Result<BlockSource> read = await LookAtBlockAsync(block);
            if (!read.Ok)
            {
                return read.Error!;
            }
        }

        return Result.Done;
    }

    /// <summary>Digest of a range, of bytes that were verified. Refuses as <see cref="VerifyAsync"/>.</summary>
    public async ValueTask<Result<Checksum>> DigestOfRangeAsync(ChecksumType type, long offset, long count)
    {
        using Digest digest = Digest.Rent(type);
        Result read = await AppendToAsync(digest, offset, count);
        return read.Ok ? digest.Finish() : read.Error!;
    }

    /// <summary>Feeds a range, of bytes that were verified, to a digest. Refuses as <see cref="VerifyAsync"/>.</summary>
    public async ValueTask<Result> AppendToAsync(Digest digest, long offset, long count)
    {
        using BlockBuffers.Rented rented = await RentBlockAsync();
        long end = offset + count;
        while (offset < end)
        {
            int block = (int)(offset / Limits.BlockBytes);
            int skip = (int)(offset % Limits.BlockBytes);
            Result<BlockSource> read = await ReadBlockAsync(block, rented.Memory);
            if (!read.Ok)
            {
                return read.Error!;
            }

            int take = (int)Math.Min(BlockBytes(block) - skip, end - offset);
            digest.Append(rented.Memory.Span.Slice(skip, take));
            offset += take;
        }

        return Result.Done;
    }
}
