using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
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
    private readonly OpenObject _open;
    private readonly Bucket _bucket;

    /// <summary>Takes over the hold on the file of <paramref name="open"/>.</summary>
    internal ObjectReader(OpenObject open, Bucket bucket)
    {
        _open = open;
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

    /// <summary>The open file that was found under the name, empty when its object is erasure-coded; valid until the reader is disposed.</summary>
    public FileHandle Handle => _open.File;

    /// <summary>
    /// The file that has the byte at <paramref name="offset"/>, which the object has, and how many of up to <paramref name="countMax"/> bytes lie behind each other
    /// there. Valid until the reader is disposed. A piece without a file is to be had by <see cref="ReadAsync"/> alone.
    /// </summary>
    public ObjectPiece PieceAt(long offset, long countMax)
    {
        if (_open.Striped is not { } striped)
        {
            return new ObjectPiece(_open.File, offset, countMax, Stored);
        }

        UnitPlace place = striped.Geometry.PlaceOf(offset);
        SliceFile? slice = striped.Good(place.Slice, place.Stripe);
        return new ObjectPiece(slice?.File, striped.Geometry.OffsetOf(place.Stripe) + place.InUnit, Math.Min(countMax, place.Count), slice);
    }

    /// <summary>True when a range of at least one byte is in memory, as far as can be told cheaply: sending it will not wait for the disk.</summary>
    public bool IsResident(long offset, long count)
    {
        while (count > 0)
        {
            ObjectPiece piece = PieceAt(offset, count);
            if (!piece.IsResident)
            {
                return false;
            }

            offset += piece.Count;
            count -= piece.Count;
        }

        return true;
    }

    /// <summary>
    /// Fills the buffer from <paramref name="offset"/>; fewer bytes only at the end of the object. Refuses with Damaged when the file is
    /// shorter than the object, with StorageFailed when the disk fails.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result<int>> ReadAsync(Memory<byte> buffer, long offset)
    {
        int wanted = (int)Math.Min(buffer.Length, Math.Max(0, SizeBytes - offset));
        if (_open.Striped is { } striped)
        {
            Result rebuilt = await StripedReads.ReadAsync(striped, buffer[..wanted], offset);
            return rebuilt.Ok ? wanted : rebuilt.Error!;
        }

        IoResult<int> read = await Stored.Disk.Io.ReadFullyAsync(_open.File, buffer[..wanted], offset);
        if (!read.Ok)
        {
            return Stored.ReadFault(read.Error);
        }

        return read.Value == wanted ? wanted : Stored.Damage($"it ends at byte {offset + read.Value} of {SizeBytes}");
    }

    /// <summary>
    /// Reads past the page cache where the disk can: <paramref name="count"/> bytes from <paramref name="offset"/>, which lie within the object. Offset,
    /// buffer and its length are multiples of <see cref="IFileIo.DirectAlignmentBytes"/>, and the buffer has room for whole pages: what it holds behind the
    /// count is undefined. Refuses as <see cref="ReadAsync"/>.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result> ReadColdAsync(Memory<byte> buffer, long offset, int count)
    {
        if (_open.Striped is { } striped)
        {
            return await StripedReads.ReadColdAsync(striped, buffer, offset, count);
        }

        int done = 0;
        while (done < count)
        {
            IoResult<int> read = await Stored.Disk.Io.ReadColdAsync(_open.File, buffer[done..], offset + done);
            if (!read.Ok)
            {
                return Stored.ReadFault(read.Error);
            }

            if (read.Value == 0)
            {
                return Stored.Damage($"it ends at byte {offset + done} of {SizeBytes}");
            }

            done += read.Value;
        }

        return Result.Done;
    }

    /// <summary>Reads the blocks that cover a range and compares them with their digests. Refuses with Damaged or StorageFailed.</summary>
    public async ValueTask<Result> VerifyAsync(long offset, long count)
    {
        Invariant.That(offset >= 0 && count >= 0 && offset + count <= SizeBytes, "a range lies within the object");
        if (count == 0)
        {
            return Result.Done;
        }

        if (_open.Striped is { } striped)
        {
            return await StripedReads.VerifyAsync(striped, offset, count);
        }

        int first = (int)(offset / Limits.BlockBytes);
        int end = (int)((offset + count - 1) / Limits.BlockBytes) + 1;
        try
        {
            int? bad = await BlockVerifier.FirstBadBlockAsync(Stored.Disk, _open.File, Stored.Metadata, first, end);
            return bad is null ? Result.Done : Stored.Damage($"block {bad} does not match its digest");
        }
        catch (StorageException fault)
        {
            return Stored.Refuse(fault);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _open.File.DangerousRelease();
}

/// <summary>
/// Bytes of an object that lie behind each other in one file: <paramref name="Count"/> from <paramref name="Offset"/> of it. Without a file they have to be
/// rebuilt. <paramref name="Faults"/> is told of reads that fail.
/// </summary>
public readonly record struct ObjectPiece(FileHandle? File, long Offset, long Count, IReadFaults? Faults)
{
    /// <summary>True when all of it is in memory, as far as can be told cheaply.</summary>
    public bool IsResident => File is { } file
        && PageCache.IsResident(file.Descriptor, Offset, Count) && (!file.IsUnsettled || PageCache.IsUpToDate(file.Descriptor, Offset, Count));
}

/// <summary>Where readers of one engine tell of damage.</summary>
internal sealed record ReaderReports(ILogger Log, Action Damaged)
{
    /// <summary>Nowhere.</summary>
    public static readonly ReaderReports None = new(NullLogger.Instance, static () => { });
}
