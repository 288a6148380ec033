using System.Runtime.CompilerServices;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Pooling;
using Sluice.Native.Memory;
using Sluice.Native.Uring;
using Sluice.Transport.Http;

namespace Sluice.Transport.Cold;

/// <summary>
/// The parts of one response that are not in memory, from the disk to the connection. Past the page cache they are read into buffers, some ahead
/// of the one that is being sent, which become the connection's in the order of the object: no byte is copied in user space. Through the cache they
/// are read into a scratch buffer, only so that the pages are there, and go out as a piece of the file.
/// <para>
/// A disk writes into its buffer whatever became of the response: a buffer is given back when its read has ended, never before.
/// </para>
/// </summary>
internal sealed class ColdTransfer(RequestContext context, IConnectionBodies bodies, ObjectReader reader, ColdReads cold, ByteRange range)
{
    private const int PageMask = IFileIo.DirectAlignmentBytes - 1;

    /// <summary>What takes no longer to send than a small object from memory needs not wait for its turn.</summary>
    private const int ShortBytes = 128 << 10;

    private readonly bool _isDirect = cold.IsDirect(reader.Stored, range.Offset, range.Offset + range.Count);
    private readonly Queue<Piece> _ahead = new(cold.Options.ReadsAhead);
    private long _coldEnd; // what follows has not been asked for yet
    private long _end;

    /// <summary>
    /// Sends from <paramref name="offset"/> as long as nothing is resident, windows at a time, of which the first is known not to be. Answers where it
    /// stopped; less than zero when the response is broken or the client gone.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<long> SendAsync(long offset, int windowBytes)
    {
        (_coldEnd, _end) = (offset + windowBytes, range.Offset + range.Count);
        try
        {
            long next = offset;
            while (_ahead.Count > 0 || IsCold(next))
            {
                next = StartReads(next);
                if (_ahead.Count > 0)
                {
                    if (!await SendFirstAsync())
                    {
                        return -1;
                    }
                }
                else
                {
                    int sent = await SendThroughCacheAsync(next);
                    if (sent < 0)
                    {
                        return -1;
                    }

                    next += sent;
                }
            }

            return next;
        }
        finally
        {
            await DropAsync();
        }
    }

    /// <summary>True when the next byte is to be read; asks for a window at a time.</summary>
    private bool IsCold(long next)
    {
        if (next < _coldEnd || next >= _end)
        {
            return next < _end;
        }

        int window = (int)Math.Min(ObjectWindow.Bytes, _end - next);
        if (reader.IsResident(next, window))
        {
            _end = next; // from here on it is the page cache's
            return false;
        }

        _coldEnd = next + window;
        return true;
    }

    /// <summary>Has as many reads in flight as there may be; answers where the next begins.</summary>
    private long StartReads(long next)
    {
        while (_isDirect && _ahead.Count < cold.Options.ReadsAhead && IsCold(next) && cold.Buffers.TryRent(isFirst: _ahead.Count == 0, out BufferLease lease))
        {
            int skip = (int)(next & PageMask);
            int count = (int)Math.Min(lease.Memory.Length - skip, _end - next);
            Memory<byte> pages = lease.Memory[..((skip + count + PageMask) & ~PageMask)];
            _ahead.Enqueue(new Piece(lease, skip, count, reader.ReadColdAsync(pages, next - skip, skip + count)));
            next += count;
        }

        return next;
    }

    /// <summary>The oldest read ends and its bytes become the connection's.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<bool> SendFirstAsync()
    {
        Piece piece = _ahead.Dequeue();
        bool given = false;
        try
        {
            Result read = await piece.Read;
            if (!read.Ok)
            {
                context.Abort();
                return false;
            }

            cold.CountDirect(piece.Count);
            if (piece.Count > ShortBytes && RingLoop.Current is { } loop)
            {
                await loop.NextTurn(); // disks bring a hundred pieces at once, and each takes a copy into a socket
            }

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

    /// <summary>One buffer's length by way of the page cache; answers how much, or less than zero.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<int> SendThroughCacheAsync(long offset)
    {
        int count;
        using (ReadBuffers.Scratch scratch = await cold.Buffers.RentScratchAsync())
        {
            count = (int)Math.Min(scratch.Memory.Length - (int)(offset & PageMask), _end - offset);
            Result<int> read = await reader.ReadAsync(scratch.Memory[..count], offset);
            if (!read.Ok)
            {
                context.Abort();
                return -1;
            }
        }

        cold.CountCached(count);
        while (!bodies.TryWriteFile(context.Output, reader.Handle, offset, count, reader.Faults))
        {
            if (!await context.FlushAsync())
            {
                return -1;
            }
        }

        return await context.FlushAsync() ? count : -1;
    }

    /// <summary>Waits for the reads that nobody wants any more.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask DropAsync()
    {
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

    private readonly record struct Piece(BufferLease Lease, int Skip, int Count, ValueTask<Result> Read);
}
