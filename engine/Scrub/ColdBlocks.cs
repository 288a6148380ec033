using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Scrub;

/// <summary>
/// Reads objects of one mountpath past the page cache and compares them with their digests. Large ones one at a time, the next blocks being read while
/// one is hashed, so that a spinning disk reads in a row; small ones beside them, several at once, since each of them is a wait.
/// </summary>
internal sealed class ColdBlocks : IDisposable
{
    /// <summary>Small objects at a time.</summary>
    public const int SmallMax = 3;

    private const int AheadMax = 3; // blocks of a large object that are in memory; with the small ones 6 MiB a mountpath

    private readonly ObjectDisk _disk;
    private readonly JobContext _job;
    private readonly RateLimit _rate;
    private readonly Func<ulong, ulong, bool> _matches;
    private readonly BlockBuffers _buffers = new(AheadMax + SmallMax);
    private readonly SemaphoreSlim _large = new(1, 1);

    /// <summary><paramref name="matches"/> says whether the digest of what was read is the one that was written: <see cref="Matches"/>, except in a test of this test.</summary>
    public ColdBlocks(ObjectDisk disk, JobContext job, RateLimit rate, Func<ulong, ulong, bool> matches)
    {
        (_disk, _job, _rate, _matches) = (disk, job, rate, matches);
    }

    /// <summary>A block or unit that was read has the digest that was written with it.</summary>
    public static bool Matches(ulong read, ulong written) => read == written;

    /// <summary>
    /// Reads the whole object. Null when it is what its record says; else what is wrong, a word and a sentence. Throws <see cref="StorageException"/>
    /// when the disk fails, <see cref="OperationCanceledException"/> when the job is aborted.
    /// </summary>
    public async ValueTask<(string Kind, string Detail)?> ProblemAsync(FileHandle file, ObjectMetadata metadata)
    {
        if (metadata.BlockCount <= 1)
        {
            return await ProblemAsync(file, metadata, 1);
        }

        await _large.WaitAsync(_job.Aborted);
        try
        {
            return await ProblemAsync(file, metadata, AheadMax);
        }
        finally
        {
            _large.Release();
        }
    }

    /// <summary>Reads all units of a slice. Null when each has its digest; else what is wrong. Throws as the other.</summary>
    public async ValueTask<string?> SliceProblemAsync(SliceFile slice, StripeGeometry geometry)
    {
        (ulong[]? digests, string? problem) = await slice.DigestsAsync();
        using BlockBuffers.Rented buffer = await _buffers.RentAsync();
        for (int stripe = 0; problem is null && stripe < geometry.StripeCount; stripe++)
        {
            ulong digest = 0;
            int unit = geometry.UnitBytesOf(stripe);
            for (int done = 0; problem is null && done < unit; done += Limits.BlockBytes)
            {
                int count = Math.Min(unit - done, Limits.BlockBytes);
                await PaceAsync(count);
                problem = await slice.ReadColdAsync(buffer.Memory, geometry.OffsetOf(stripe) + done, count);
                digest = problem is null ? Crc64Nvme.Append(digest, buffer.Memory.Span[..count]) : digest;
                _job.Count(0, count);
            }

            problem ??= _matches(digest, digests![stripe]) ? null : $"unit {stripe} does not match its digest";
        }

        return problem;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _buffers.Dispose();
        _large.Dispose();
    }

    private async ValueTask<(string Kind, string Detail)?> ProblemAsync(FileHandle file, ObjectMetadata metadata, int ahead)
    {
        using Digest digest = Digest.Rent(metadata.Checksum.Type);
        var reads = new Queue<(BlockBuffers.Rented Buffer, Task<int> Read)>();
        try
        {
            int next = 0;
            for (int block = 0; block < metadata.BlockCount; block++)
            {
                for (; next < metadata.BlockCount && reads.Count < ahead; next++)
                {
                    await PaceAsync(SizeOf(metadata, next));
                    BlockBuffers.Rented buffer = await _buffers.RentAsync();
                    reads.Enqueue((buffer, ReadAsync(file, buffer.Memory, (long)next * Limits.BlockBytes, SizeOf(metadata, next))));
                }

                (BlockBuffers.Rented current, Task<int> read) = reads.Peek();
                int expected = SizeOf(metadata, block);
                int bytes = await read;
                _job.Count(0, bytes);
                if (bytes < expected)
                {
                    return ("block", $"it ends at byte {((long)block * Limits.BlockBytes) + bytes} of {metadata.SizeBytes}");
                }

                if (!_matches(Crc64Nvme.Hash(current.Memory.Span[..expected]), metadata.BlockDigests.Span[block]))
                {
                    return ("block", $"block {block} does not match its digest");
                }

                digest.Append(current.Memory.Span[..expected]);
                reads.Dequeue();
                current.Dispose();
            }
        }
        finally
        {
            await EndAsync(reads);
        }

        return digest.Finish().Equals(metadata.Checksum) ? null : ("digest", "it does not match its digest, although each of its blocks does");
    }

    /// <summary>A disk writes into its buffer whatever became of the comparison: none is given back before its read has ended.</summary>
    private static async ValueTask EndAsync(Queue<(BlockBuffers.Rented Buffer, Task<int> Read)> reads)
    {
        foreach ((BlockBuffers.Rented buffer, Task<int> read) in reads)
        {
            await ((Task)read).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the failure that counts is on its way already, or the object is bad anyhow
            buffer.Dispose();
        }
    }

    private static int SizeOf(ObjectMetadata metadata, int block) =>
        (int)Math.Min(Limits.BlockBytes, metadata.SizeBytes - ((long)block * Limits.BlockBytes));

    private async ValueTask PaceAsync(int bytes)
    {
        await _job.PaceAsync(bytes);
        await _rate.TakeAsync(bytes, _job.Aborted);
    }

    private async Task<int> ReadAsync(FileHandle file, Memory<byte> buffer, long offset, int expected) =>
        _disk.Check(await _disk.Io.ReadColdFullyAsync(file, buffer, offset, expected), "read", default);
}

/// <summary>So many bytes a second, first come, first served; 0: as many as anybody wants.</summary>
internal sealed class RateLimit(TimeProvider time, long bytesPerSecond)
{
    private readonly Lock _gate = new();
    private long _freeAt; // when what was taken is paid off, in the ticks of the time provider

    /// <summary>Waits until so many bytes may be moved.</summary>
    public ValueTask TakeAsync(long bytes, CancellationToken cancellation)
    {
        if (bytesPerSecond == 0)
        {
            return ValueTask.CompletedTask;
        }

        TimeSpan wait;
        lock (_gate)
        {
            long now = time.GetTimestamp();
            long begin = Math.Max(_freeAt, now);
            _freeAt = begin + (long)((double)bytes / bytesPerSecond * time.TimestampFrequency);
            wait = time.GetElapsedTime(now, begin);
        }

        return wait <= TimeSpan.Zero ? ValueTask.CompletedTask : new ValueTask(Task.Delay(wait, time, cancellation));
    }
}
