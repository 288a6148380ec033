using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Engine.Pooling;
using Sluice.Native;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Objects;

/// <summary>
/// An object that is open for reading. It stays readable, as it was, when the name is overwritten or deleted meanwhile. Whoever got it
/// disposes it, once, and copies of it are gone with it; no lock is held. A value, so that a read of a hot object allocates nothing.
/// </summary>
public readonly partial struct ObjectReader : IDisposable
{
    /// <summary>An object up to here is read whole with any part of it.</summary>
    private const int SmallBytesMax = 32 << 10;

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

    /// <summary>The object, as the copy that is read now has it.</summary>
    public StoredObject Stored => Copy.Stored;

    /// <summary>Size in bytes.</summary>
    public long SizeBytes => Stored.Metadata.SizeBytes;

    /// <summary>What is known of the object.</summary>
    public ObjectAttributes Attributes => _open.Stored.Attributes();

    /// <summary>Properties of its bucket when it was opened.</summary>
    public BucketProperties BucketProperties => _bucket.Properties;

    /// <summary>The open file of the copy that is read now; valid until the reader is disposed.</summary>
    public FileHandle Handle => Copy.File;

    /// <summary>Who is told when reading a file of this object fails, and may know another.</summary>
    public IReadFaults Faults => Copy;

    /// <summary>True when the object has further copies, to which reads go over.</summary>
    public bool HasCopies => _open.Next is not null;

    private OpenObject Copy => _copy.Usable();

    /// <summary>
    /// The file that has the byte at <paramref name="offset"/>, which the object has, and how many of up to <paramref name="countMax"/> bytes lie behind each other
    /// there. Valid until the reader is disposed. A piece without a file has to be rebuilt: its bytes are to be had by reading alone.
    /// </summary>
    public ObjectPiece PieceAt(long offset, long countMax)
    {
        OpenObject copy = Copy;
        if (copy.Striped is not { } striped)
        {
            return new ObjectPiece(copy.File, offset, countMax, copy);
        }

        UnitPlace place = striped.Geometry.PlaceOf(offset);
        SliceFile? slice = striped.Good(place.Slice, place.Stripe);
        return new ObjectPiece(slice?.File, striped.Geometry.OffsetOf(place.Stripe) + place.InUnit, Math.Min(countMax, place.Count), slice);
    }

    /// <summary>True when every byte of a range lies in a file.</summary>
    public bool HasFiles(long offset, long count)
    {
        for (long end = offset + count; offset < end;)
        {
            ObjectPiece piece = PieceAt(offset, end - offset);
            if (piece.File is null)
            {
                return false;
            }

            offset += piece.Count;
        }

        return true;
    }

    /// <summary>True when a range of at least one byte is in memory, as far as can be told cheaply: sending it will not wait for the disk.</summary>
    public bool IsResident(long offset, long count)
    {
        for (long end = offset + count; offset < end;)
        {
            ObjectPiece piece = PieceAt(offset, end - offset);
            if (piece.File is not { } file || !PageCache.IsResident(file.Descriptor, piece.Offset, piece.Count)
                || (file.IsUnsettled && !PageCache.IsUpToDate(file.Descriptor, piece.Offset, piece.Count)))
            {
                return false;
            }

            offset += piece.Count;
        }

        return true;
    }

    /// <summary>
    /// Fills the buffer from <paramref name="offset"/>; fewer bytes only at the end of the object. Where a copy fails another is read, one that is not open at last.
    /// Refuses with Damaged when the file is shorter than the object, with StorageFailed when the disk fails.
    /// </summary>
    public ValueTask<Result<int>> ReadAsync(Memory<byte> buffer, long offset) => ReadAsync(buffer, offset, ofOpenFiles: false);

    /// <summary>
    /// Reads past the page cache where the disk can: <paramref name="count"/> bytes from <paramref name="offset"/>, which lie within the object. Offset,
    /// buffer and its length are multiples of <see cref="IFileIo.DirectAlignmentBytes"/>, and the buffer has room for whole pages: what it holds behind the
    /// count is undefined. Refuses as <see cref="ReadAsync"/>.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result> ReadColdAsync(Memory<byte> buffer, long offset, int count)
    {
        OpenObject copy = Copy;
        while (true)
        {
            if (copy.Striped is { } striped)
            {
                return await StripedReads.ReadColdAsync(striped, buffer, offset, count);
            }

            StoredObject stored = copy.Stored;
            stored.Disk.BeginRead(count);
            IoResult<int> read = await stored.Disk.Io.ReadColdFullyAsync(copy.File, buffer, offset, count);
            stored.Disk.EndRead(count);
            if (read.Ok && read.Value == count)
            {
                return Result.Done;
            }

            Failure failure = read.Ok ? stored.Damage($"it ends at byte {offset + read.Value} of {SizeBytes}") : stored.ReadFault(read.Error);
            if (copy.Suspect() is not { } other)
            {
                return await copy.RebuildAsync(buffer[..count], offset) ? Result.Done : failure;
            }

            copy = other; // from the beginning: what is asked for stays aligned
        }
    }

    /// <summary>
    /// True when a range may go out as it lies in the page cache: it is there, as far as can be told cheaply, and its bucket wants no more than that it was
    /// compared with its digests since it got there.
    /// </summary>
    public bool MaySend(long offset, long count)
    {
        if (Verify == VerifyMode.Always)
        {
            return false;
        }

        if (IsResident(offset, count))
        {
            return Verify == VerifyMode.Never || Stored.IsVerified(offset, count);
        }

        Stored.ForgetVerified((int)(offset / Limits.BlockBytes));
        return false;
    }

    /// <summary>
    /// The same for a small answer, which is read by who sends it and so need not be in memory where nothing is verified. A small object that was in memory a
    /// moment ago is not looked for again.
    /// </summary>
    public bool MaySendSmall(long offset, long count)
    {
        if (Verify == VerifyMode.Never)
        {
            return true;
        }

        bool isSmall = SizeBytes <= SmallBytesMax;
        if (isSmall && Verify == VerifyMode.Cold && Stored.IsResidentLately && Stored.IsVerified(offset, count))
        {
            return true;
        }

        bool may = MaySend(offset, count);
        if (may && count == SizeBytes)
        {
            Stored.NoteResident();
        }

        return may;
    }

    /// <summary>How the bucket has its objects verified; <c>checksum.validate_warm_get</c> implies more than never.</summary>
    public VerifyMode Verify => _bucket.Properties is { Verify: VerifyMode.Never, ValidateWarmGet: true } ? VerifyMode.Cold : _bucket.Properties.Verify;

    /// <summary>Bytes of a block: <see cref="Limits.BlockBytes"/>, the last one fewer.</summary>
    public int BlockBytes(int block) => (int)Math.Min(Limits.BlockBytes, SizeBytes - ((long)block * Limits.BlockBytes));

    /// <summary>
    /// Reads a block by way of the page cache and compares it with its digest; the buffer has room for it. Where it is damaged or cannot be read, another copy's
    /// bytes are put there, and the object is to be repaired. Refuses with Damaged or StorageFailed where there is none.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result<BlockSource>> ReadBlockAsync(int block, Memory<byte> buffer)
    {
        Memory<byte> bytes = buffer[..BlockBytes(block)];
        StoredObject stored = Stored;
        if (!IsResident((long)block * Limits.BlockBytes, bytes.Length))
        {
            stored.ForgetVerified(block + 1);
        }

        Result<int> read = await ReadAsync(bytes, (long)block * Limits.BlockBytes, ofOpenFiles: true); // whose page cache it is that is marked
        Result<BlockSource> settled = await SettleBlockAsync(block, bytes, read.Error);
        if (settled.Ok && settled.Value == BlockSource.OwnFile && stored == Stored)
        {
            stored.MarkVerified(block);
        }

        return settled;
    }

    /// <summary>The same where nobody wants the bytes: afterwards those in the page cache are right, or another copy's are to be had.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result<BlockSource>> LookAtBlockAsync(int block)
    {
        using BlockBuffers.Rented rented = await RentBlockAsync();
        return await ReadBlockAsync(block, rented.Memory);
    }

    /// <summary>A buffer for a block of this object; waits while all of its mountpath are rented, so it is held while a disk works and no longer.</summary>
    public ValueTask<BlockBuffers.Rented> RentBlockAsync() => Stored.Disk.Blocks.RentAsync();

    /// <summary>
    /// The same for a block that was read already, or could not be for the reason given: <paramref name="bytes"/> are all of it, and right when this answers
    /// a value.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result<BlockSource>> SettleBlockAsync(int block, Memory<byte> bytes, Failure? readFailed)
    {
        if (readFailed is null && Crc64Nvme.Hash(bytes.Span) == Stored.Metadata.BlockDigests.Span[block])
        {
            return BlockSource.OwnFile;
        }

        if (Copy.Striped is { } striped)
        {
            return readFailed is null ? await SettleStripedAsync(striped, block, bytes) : readFailed;
        }

        if (HasCopies)
        {
            Result<BlockSource> other = await ReadOtherAsync(block, bytes);
            if (other.Ok)
            {
                return other;
            }

            readFailed = other.Error;
        }

        StoredObject damaged = Stored;
        Failure failure = readFailed ?? damaged.Damage(Mismatch(block));
        return await damaged.Disk.Readers.RescueAsync(_bucket, damaged, block, bytes) ? BlockSource.OtherCopy : failure;
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<int>> ReadAsync(Memory<byte> buffer, long offset, bool ofOpenFiles)
    {
        int wanted = (int)Math.Min(buffer.Length, Math.Max(0, SizeBytes - offset));
        OpenObject copy = Copy;
        while (true)
        {
            if (copy.Striped is { } striped)
            {
                Result done = await StripedReads.ReadAsync(striped, buffer[..wanted], offset);
                return done.Ok ? wanted : done.Error!;
            }

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
                return !ofOpenFiles && await copy.RebuildAsync(buffer[..wanted], offset) ? wanted : failure;
            }

            copy = other;
        }
    }

    private static string Mismatch(int block) => $"block {block} does not match its digest";

    /// <summary>
    /// Reads a block that was bad from the copies that are open, until one has it: that is the one to be read from then on. The first is read again, since
    /// the bytes may have come from a copy that somebody else has given up meanwhile.
    /// </summary>
    private async ValueTask<Result<BlockSource>> ReadOtherAsync(int block, Memory<byte> bytes)
    {
        OpenObject copy = Copy;
        while (true)
        {
            if (copy.Striped is { } striped)
            {
                return await SettleStripedAsync(striped, block, bytes);
            }

            StoredObject stored = copy.Stored;
            IoResult<int> read = await stored.Disk.Io.ReadFullyAsync(copy.File, bytes, (long)block * Limits.BlockBytes);
            if (read.Ok && read.Value == bytes.Length && Crc64Nvme.Hash(bytes.Span) == stored.Metadata.BlockDigests.Span[block])
            {
                return BlockSource.OwnFile;
            }

            Failure failure = read.Ok ? stored.Damage(Mismatch(block)) : stored.ReadFault(read.Error);
            if (copy.Suspect() is not { } other)
            {
                return failure;
            }

            copy = other;
        }
    }

    /// <summary>A block that is not what was written: the units that it lies in are compared, and what is damaged is rebuilt.</summary>
    private async ValueTask<Result<BlockSource>> SettleStripedAsync(StripedObject striped, int block, Memory<byte> bytes)
    {
        long offset = (long)block * Limits.BlockBytes;
        Result settled = await StripedReads.VerifyAsync(striped, offset, bytes.Length);
        settled = settled.Ok ? await StripedReads.ReadAsync(striped, bytes, offset) : settled;
        return !settled.Ok ? settled.Error!
            : Crc64Nvme.Hash(bytes.Span) == Stored.Metadata.BlockDigests.Span[block] ? BlockSource.OtherCopy
            : Stored.Damage($"block {block} does not match its digest, and its slices do theirs");
    }

    /// <inheritdoc/>
    public void Dispose() => _open.Release();
}
