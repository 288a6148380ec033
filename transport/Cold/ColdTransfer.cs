using System.Runtime.CompilerServices;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Pooling;
using Sluice.Native.Memory;
using Sluice.Native.Uring;
using Sluice.Transport.Http;

namespace Sluice.Transport.Cold;

/// <summary>
/// The parts of one response that may not go out as they lie in the page cache: they are not there, or were not compared with their digests. Past the cache they are read
/// into buffers, some ahead of the one that is being sent, which become the connection's in the order of the object: no byte is copied in user space.
/// Through the cache they are read into a scratch buffer, so that the pages are there and right, and go out as a piece of the file. Where the bucket wants verified what is read,
/// a piece is a block or the part of it that was asked for, compared in the buffer that it was read into; what is damaged comes from another copy.
/// <para>
/// A disk writes into its buffer whatever became of the response: a buffer is given back when its read has ended, never before.
/// </para>
/// </summary>
internal sealed class ColdTransfer(RequestContext context, IConnectionBodies bodies, ObjectReader reader, ColdReads cold, ByteRange range)
{
    private const int PageMask = IFileIo.DirectAlignmentBytes - 1;

    /// <summary>What takes no longer to send than a small object from memory needs not wait for its turn.</summary>
    private const int ShortBytes = 128 << 10;

    private readonly bool _verifies = reader.Verify != VerifyMode.Never;
    private readonly bool _isDirect = (cold.Options.BufferBytes >= Limits.BlockBytes || reader.Verify == VerifyMode.Never)
        && cold.IsDirect(reader.Stored, range.Offset, range.Offset + range.Count);

    private readonly Queue<Piece> _ahead = new(cold.Options.ReadsAhead);
    private readonly long _rangeEnd = range.Offset + range.Count;
    private Fetched _first; // what Begin fetched
    private long _asked; // what was asked for ends here
    private long _coldEnd; // what follows has not been looked at yet
    private long _end;

    /// <summary>
    /// Fetches the first piece from <paramref name="offset"/>, of a window that may not go out as it lies there, before anything of the response is sent: what cannot be read or is damaged
    /// everywhere is still a refusal. The caller calls <see cref="SendAsync"/> next, or <see cref="DropAsync"/>.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Failure?> BeginAsync(long offset, int windowBytes)
    {
        Start(offset, windowBytes);
        Result<Fetched> fetched = await FetchAsync(offset);
        if (fetched.Ok)
        {
            _first = fetched.Value;
            return null;
        }

        await DropAsync();
        return fetched.Error;
    }

    /// <summary>
    /// Sends from <paramref name="offset"/> as long as nothing may go out as it lies there, windows at a time, of which the first is known not to. Answers where it
    /// stopped; less than zero when the response is broken or the client gone.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<long> SendAsync(long offset, int windowBytes)
    {
        if (_first.Count == 0)
        {
            Start(offset, windowBytes);
        }

        try
        {
            long next = offset;
            while (_first.Count > 0 || _ahead.Count > 0 || IsCold(next))
            {
                Fetched piece = _first;
                _first = default;
                if (piece.Count == 0)
                {
                    Result<Fetched> fetched = await FetchAsync(next);
                    if (!fetched.Ok)
                    {
                        context.Abort();
                        return -1;
                    }

                    piece = fetched.Value;
                }

                if (!await PutAsync(piece, next))
                {
                    return -1;
                }

                next += piece.Count;
            }

            return next;
        }
        finally
        {
            await DropAsync();
        }
    }

    /// <summary>Waits for the reads that nobody wants any more, and gives back what was fetched.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    public async ValueTask DropAsync()
    {
        if (_first.HasLease)
        {
            _first.Lease.Dispose();
        }

        _first = default;
        while (_ahead.TryDequeue(out Piece piece))
        {
            try
            {
                _ = await piece.Read;
            }
            catch (Exception)
            {
                // It has ended, which is all that is waited for; the others are waited for, too.
            }

            piece.Lease.Dispose();
        }
    }

    private void Start(long offset, int windowBytes) => (_asked, _coldEnd, _end) = (offset, offset + windowBytes, _rangeEnd);

    /// <summary>True when the next byte is to be read; looks at a window at a time.</summary>
    private bool IsCold(long next)
    {
        if (next < _coldEnd || next >= _end)
        {
            return next < _end;
        }

        int window = ObjectWindow.At(reader, next, _end);
        if (reader.MaySend(next, window))
        {
            _end = next; // from here on it is the page cache's
            return false;
        }

        _coldEnd = next + window;
        return true;
    }

    /// <summary>Where a piece that begins at <paramref name="next"/> ends at the latest: with its block, when that is compared.</summary>
    private long EndOfPiece(long next) => _verifies ? Math.Min(_end, (next / Limits.BlockBytes * Limits.BlockBytes) + Limits.BlockBytes) : _end;

    /// <summary>Has as many reads in flight as there may be.</summary>
    private void StartReads()
    {
        while (_isDirect && _ahead.Count < cold.Options.ReadsAhead && IsCold(_asked) && cold.Buffers.TryRent(isFirst: _ahead.Count == 0, out BufferLease lease))
        {
            long from = _verifies ? _asked / Limits.BlockBytes * Limits.BlockBytes : _asked & ~(long)PageMask;
            int skip = (int)(_asked - from);
            int count = (int)Math.Min(lease.Memory.Length - skip, EndOfPiece(_asked) - _asked);
            int readBytes = _verifies ? reader.BlockBytes((int)(from / Limits.BlockBytes)) : skip + count;
            Memory<byte> pages = lease.Memory[..((readBytes + PageMask) & ~PageMask)];
            _ahead.Enqueue(new Piece(lease, skip, count, readBytes, reader.ReadColdAsync(pages, from, readBytes)));
            _asked += count;
        }
    }

    /// <summary>The piece that begins at <paramref name="next"/>, read and, where it is to be, compared.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<Fetched>> FetchAsync(long next)
    {
        StartReads();
        if (_ahead.TryDequeue(out Piece piece))
        {
            return await FetchDirectAsync(piece, next);
        }

        Result<Fetched> fetched = _verifies ? await FetchBlockAsync(next) : await FetchThroughCacheAsync(next);
        _asked = next + (fetched.Ok ? fetched.Value.Count : 0);
        return fetched;
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<Fetched>> FetchDirectAsync(Piece piece, long next)
    {
        bool given = false;
        try
        {
            Result read = await piece.Read;
            if (piece.Count > ShortBytes && RingLoop.Current is { } loop)
            {
                await loop.NextTurn(); // disks bring a hundred pieces at once, each of which is compared and copied into a socket
            }

            Failure? failure = read.Error;
            if (_verifies)
            {
                failure = (await reader.SettleBlockAsync((int)(next / Limits.BlockBytes), piece.Lease.Memory[..piece.ReadBytes], failure)).Error;
            }

            if (failure is not null)
            {
                return failure;
            }

            cold.CountDirect(piece.Count);
            given = true;
            return new Fetched(piece.Count, piece.Lease, piece.Skip, HasLease: true);
        }
        finally
        {
            if (!given)
            {
                piece.Lease.Dispose();
            }
        }
    }

    /// <summary>A buffer's length by way of the page cache.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<Fetched>> FetchThroughCacheAsync(long next)
    {
        using ReadBuffers.Scratch scratch = await cold.Buffers.RentScratchAsync();
        int count = (int)Math.Min(scratch.Memory.Length - (int)(next & PageMask), ObjectWindow.At(reader, next, _end));
        Result<int> read = await reader.ReadAsync(scratch.Memory[..count], next);
        if (!read.Ok)
        {
            return read.Error!;
        }

        cold.CountCached(count);
        return new Fetched(count, default, 0, HasLease: false);
    }

    /// <summary>
    /// A block by way of the page cache. When the file's own bytes were right and that is enough, they go out from there; else from the buffer that was compared.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<Fetched>> FetchBlockAsync(long next)
    {
        int block = (int)(next / Limits.BlockBytes);
        int count = (int)(EndOfPiece(next) - next);
        bool mustCopy = reader.Verify == VerifyMode.Always || !reader.HasFiles(next, count); // what is rebuilt lies in no file
        if (mustCopy && cold.Options.BufferBytes >= Limits.BlockBytes && cold.Buffers.TryRent(isFirst: true, out BufferLease lease))
        {
            bool given = false;
            try
            {
                Result<BlockSource> read = await reader.ReadBlockAsync(block, lease.Memory);
                given = read.Ok;
                cold.CountCached(count);
                return read.Ok ? new Fetched(count, lease, (int)(next % Limits.BlockBytes), HasLease: true) : read.Error!;
            }
            finally
            {
                if (!given)
                {
                    lease.Dispose();
                }
            }
        }

        Result<BlockSource> looked = await reader.LookAtBlockAsync(block);
        cold.CountCached(count);
        return !looked.Ok ? looked.Error!
            : new Fetched(count, default, 0, HasLease: false) { MustCopy = mustCopy || looked.Value == BlockSource.OtherCopy };
    }

    /// <summary>The piece becomes the connection's; false when the client is gone or the response broken.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<bool> PutAsync(Fetched piece, long offset)
    {
        if (!piece.HasLease)
        {
            return piece.MustCopy ? await VerifiedCopy.SendAsync(context, reader, offset, piece.Count) : await PutFilesAsync(offset, offset + piece.Count);
        }

        bool given = false;
        try
        {
            while (!bodies.TryWriteLease(context.Output, piece.Lease, piece.Skip, piece.Count))
            {
                if (!await context.FlushAsync())
                {
                    return false;
                }
            }

            given = true;
        }
        finally
        {
            if (!given)
            {
                piece.Lease.Dispose();
            }
        }

        return await context.FlushAsync();
    }

    /// <summary>What was read by way of the page cache goes out from there; what turned out to lie in no file is copied.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<bool> PutFilesAsync(long offset, long end)
    {
        while (offset < end)
        {
            ObjectPiece piece = reader.PieceAt(offset, end - offset);
            if (piece.File is not { } file)
            {
                int count = (int)Math.Min(piece.Count, Limits.BlockBytes - (offset % Limits.BlockBytes));
                if (!await VerifiedCopy.SendAsync(context, reader, offset, count))
                {
                    return false;
                }

                offset += count;
                continue;
            }

            offset += bodies.TryWriteFile(context.Output, file, piece.Offset, (int)piece.Count, piece.Faults) ? piece.Count : 0;
            if (!await context.FlushAsync())
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A read in flight: what is wanted are <paramref name="Count"/> bytes of the lease from <paramref name="Skip"/>.</summary>
    private readonly record struct Piece(BufferLease Lease, int Skip, int Count, int ReadBytes, ValueTask<Result> Read);

    /// <summary>A piece that may go out: of a lease, or of the file.</summary>
    private readonly record struct Fetched(int Count, BufferLease Lease, int Skip, bool HasLease)
    {
        /// <summary>Of the file, but not as it lies in the page cache.</summary>
        public bool MustCopy { get; init; }
    }
}
