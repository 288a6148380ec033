using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Pooling;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>
/// An object that is open for reading. It stays readable, as it was, when the name is overwritten or deleted meanwhile. Whoever got it
/// disposes it, once, and copies of it are gone with it; no lock is held. A value, so that a read of a hot object allocates nothing.
/// </summary>
public readonly struct ObjectReader : IDisposable
{
    private readonly OpenObject _open; // the first copy, whose the hold is
    private readonly OpenObject _copy; // the one that is read while it is good
    private readonly Bucket _bucket;

    /// <summary>Takes over the hold on the files of <paramref name="open"/>.</summary>
    internal ObjectReader(OpenObject open, Bucket bucket)
    {
        _open = open;
        _copy = open.LeastBusy();
        _bucket = bucket;
    }

    /// <summary>The object.</summary>
    public StoredObject Stored => _open.Stored;

    /// <summary>Size in bytes.</summary>
    public long SizeBytes => Stored.Metadata.SizeBytes;

    /// <summary>What is known of the object.</summary>
    public ObjectAttributes Attributes => Stored.Attributes();

    /// <summary>Properties of its bucket when it was opened.</summary>
    public BucketProperties BucketProperties => _bucket.Properties;

    /// <summary>The open file of the copy that is read now; valid until the reader is disposed.</summary>
    public FileHandle Handle => Copy.File;

    /// <summary>Who is told when reading a file of this object fails, and may know another.</summary>
    public IReadFaults Faults => Copy;

    /// <summary>True when the object has further copies, to which reads go over.</summary>
    public bool HasCopies => _open.Next is not null;

    private OpenObject Copy => _copy.Usable();

    /// <summary>True when a range of at least one byte is in memory, as far as can be told cheaply: sending it will not wait for the disk.</summary>
    public bool IsResident(long offset, long count) =>
        PageCache.IsResident(Handle.Descriptor, offset, count) && (!Handle.IsUnsettled || PageCache.IsUpToDate(Handle.Descriptor, offset, count));

    /// <summary>
    /// Fills the buffer from <paramref name="offset"/>; fewer bytes only at the end of the object. Where a copy fails another is read. Refuses with
    /// Damaged when the file is shorter than the object, with StorageFailed when the disk fails.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result<int>> ReadAsync(Memory<byte> buffer, long offset)
    {
        int wanted = (int)Math.Min(buffer.Length, Math.Max(0, SizeBytes - offset));
        OpenObject copy = Copy;
        while (true)
        {
            StoredObject stored = copy.Stored;
            stored.Disk.BeginRead(wanted);
            IoResult<int> read = await stored.Disk.Io.ReadFullyAsync(copy.File, buffer[..wanted], offset);
            stored.Disk.EndRead(wanted);
            if (read.Ok && read.Value == wanted)
            {
                return wanted;
            }

            Failure failure = read.Ok ? stored.Damage($"it ends at byte {offset + read.Value} of {SizeBytes}") : stored.ReadFault(read.Error);
            if (copy.Suspect() is not { } other)
            {
                return failure;
            }

            copy = other;
        }
    }

    /// <summary>
    /// Reads past the page cache where the disk can: <paramref name="count"/> bytes from <paramref name="offset"/>, which lie within the object. Offset,
    /// buffer and its length are multiples of <see cref="IFileIo.DirectAlignmentBytes"/>, and the buffer has room for whole pages: what it holds behind the
    /// count is undefined. Refuses as <see cref="ReadAsync"/>.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result> ReadColdAsync(Memory<byte> buffer, long offset, int count)
    {
        int done = 0;
        OpenObject copy = Copy;
        while (done < count)
        {
            StoredObject stored = copy.Stored;
            stored.Disk.BeginRead(count - done);
            IoResult<int> read = await stored.Disk.Io.ReadColdAsync(copy.File, buffer[done..], offset + done);
            stored.Disk.EndRead(count - done);
            if (read.Ok && read.Value > 0)
            {
                done += read.Value;
                continue;
            }

            Failure failure = read.Ok ? stored.Damage($"it ends at byte {offset + done} of {SizeBytes}") : stored.ReadFault(read.Error);
            if (copy.Suspect() is not { } other)
            {
                return failure;
            }

            (copy, done) = (other, 0); // from the beginning: what is asked for stays aligned
        }

        return Result.Done;
    }

    /// <summary>
    /// Reads the blocks that cover a range and compares them with their digests; where a copy does not match another is compared, and read from
    /// then on. Refuses with Damaged or StorageFailed.
    /// </summary>
    public async ValueTask<Result> VerifyAsync(long offset, long count)
    {
        Invariant.That(offset >= 0 && count >= 0 && offset + count <= SizeBytes, "a range lies within the object");
        if (count == 0)
        {
            return Result.Done;
        }

        int first = (int)(offset / Limits.BlockBytes);
        int end = (int)((offset + count - 1) / Limits.BlockBytes) + 1;
        OpenObject copy = Copy;
        while (true)
        {
            Result verified = await VerifyBlocksAsync(copy, first, end);
            if (verified.Ok || copy.Suspect() is not { } other)
            {
                return verified;
            }

            copy = other;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _open.Release();

    private static async ValueTask<Result> VerifyBlocksAsync(OpenObject copy, int first, int end)
    {
        StoredObject stored = copy.Stored;
        try
        {
            int? bad = await BlockVerifier.FirstBadBlockAsync(stored.Disk, copy.File, stored.Metadata, first, end);
            return bad is null ? Result.Done : stored.Damage($"block {bad} does not match its digest");
        }
        catch (StorageException fault)
        {
            return stored.Refuse(fault);
        }
    }
}

/// <summary>Where readers of one engine tell of damage, and of reads that failed.</summary>
internal sealed record ReaderReports(ILogger Log, Action<StoredObject> Damaged, Action<StoredObject> Failed)
{
    /// <summary>Nowhere.</summary>
    public static readonly ReaderReports None = new(NullLogger.Instance, static _ => { }, static _ => { });
}
