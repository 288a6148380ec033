using System.Buffers;
using System.Runtime.CompilerServices;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;
using Sluice.Engine.Pooling;
using Sluice.Native.Uring;
using Sluice.Transport.Cold;
using Sluice.Transport.Http;
using Sluice.Transport.Uring;

namespace Sluice.Transport.Api;

/// <summary>
/// The way out of an object's bytes. Small ones are read into the head's buffer and go out with it; larger ones are sent from the page cache where they
/// are resident, verified as their bucket wants it, and the connection can do it, the rest by <see cref="ColdTransfer"/>; other connections have them read in pieces. Once
/// the head is out a failure can only be told by breaking the connection: the client sees a short body, never wrong or padded bytes.
/// </summary>
internal sealed partial class ObjectSender(ColdReads cold)
{
    /// <summary>Up to here one copy and one send: 11.5 us against 12.4 for a file segment at 4 KiB; at 64 KiB the segment wins (prototype).</summary>
    private const int InlineBytesMax = UringOutput.RingFileBytesMax;

    /// <summary>
    /// What is copied for one answer before others have their turn, and in pieces of which size. A piece is touched by the read, the cipher and the send one after the other; these
    /// find it in the core's own cache then, however many are answered at once.
    /// </summary>
    private const int TurnBytes = 256 << 10;

    private const int TurnPieceBytes = 64 << 10; // four TLS records

    /// <summary>
    /// Sends the head, to which what is said of the object is added, and a range, which may be empty. A value is a refusal before anything was sent.
    /// </summary>
    public ValueTask<Failure?> SendAsync(RequestContext context, ObjectReader reader, ByteRange range, Checksum ofRange = default) =>
        SendAsync(context, reader, range, new AnswerHead(reader.Stored, ofRange));

    private ValueTask<Failure?> SendAsync(RequestContext context, ObjectReader reader, ByteRange range, AnswerHead head) =>
        range.Count <= InlineBytesMax ? SendSmallAsync(context, reader, range, head)
        : context.Bodies is { } bodies ? SendSegmentsAsync(context, bodies, reader, range, head)
        : SendPiecesAsync(context, reader, range, head);

    /// <summary>False when the head cannot be completed: the connection is broken then. A digest of the range, if there is one, stands for the object's.</summary>
    private static async ValueTask<bool> StartAsync(RequestContext context, AnswerHead head)
    {
        if (head.Of is not { } stored)
        {
            return true;
        }

        Checksum ofRange = head.OfRange;
        var texts = HeaderTexts.Of(stored);
        ReadOnlyMemory<byte> lines = ofRange.Type == ChecksumType.None ? texts.Lines : default;
        IConnectionBodies? adds = !lines.IsEmpty && context.Bodies is { IsOnLoop: true } bodies && bodies.TryAddToHead(lines) ? bodies : null;
        if (adds is null)
        {
            texts.Write(context.Headers);
            if (ofRange.Type != ChecksumType.None)
            {
                context.Headers[HeaderNames.ChecksumValue] = ofRange.Hex;
            }
        }

        await context.StartAsync();
        if (adds is null || adds.EndHead())
        {
            return true;
        }

        context.Abort(); // Kestrel gave the response up
        return false;
    }

    private static async ValueTask<Failure?> SendSmallAsync(RequestContext context, ObjectReader reader, ByteRange range, AnswerHead head)
    {
        if (range.Count > 0 && !reader.MaySendSmall(range.Offset, range.Count))
        {
            return await SendSmallVerifiedAsync(context, reader, range, head);
        }

        if (!await StartAsync(context, head) || range.Count == 0)
        {
            return null;
        }

        if (context.Bodies is { IsOnLoop: true } bodies && reader.PieceAt(range.Offset, range.Count) is { File: { } file } piece && piece.Count == range.Count
            && bodies.TryWriteFile(context.Output, file, piece.Offset, (int)range.Count, piece.Faults))
        {
            return null; // Kestrel flushes at the end of the request
        }

        Memory<byte> buffer = context.Output.GetMemory((int)range.Count)[..(int)range.Count];
        Result<int> read = await reader.ReadAsync(buffer, range.Offset);
        if (!read.Ok)
        {
            context.Abort();
            return null;
        }

        context.Output.Advance(read.Value); // Kestrel flushes at the end of the request
        return null;
    }

    /// <summary>The blocks that a small range lies in are compared with their digests before the head goes out.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private static async ValueTask<Failure?> SendSmallVerifiedAsync(RequestContext context, ObjectReader reader, ByteRange range, AnswerHead head)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent((int)range.Count);
        try
        {
            Result read = await ReadVerifiedAsync(reader, range, bytes);
            if (!read.Ok)
            {
                return read.Error;
            }

            if (await StartAsync(context, head))
            {
                bytes.AsSpan(0, (int)range.Count).CopyTo(context.Output.GetSpan((int)range.Count));
                context.Output.Advance((int)range.Count);
            }

            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private static async ValueTask<Result> ReadVerifiedAsync(ObjectReader reader, ByteRange range, Memory<byte> bytes)
    {
        if (range.Count == reader.SizeBytes)
        {
            return new Result((await reader.ReadBlockAsync(0, bytes)).Error); // small, and so one block
        }

        long end = range.Offset + range.Count;
        for (long next = range.Offset; next < end;)
        {
            int block = (int)(next / Limits.BlockBytes);
            int at = (int)(next % Limits.BlockBytes);
            int count = (int)Math.Min(reader.BlockBytes(block) - at, end - next);
            using BlockBuffers.Rented rented = await reader.RentBlockAsync();
            Result<BlockSource> read = await reader.ReadBlockAsync(block, rented.Memory);
            if (!read.Ok)
            {
                return read.Error!;
            }

            rented.Memory.Slice(at, count).CopyTo(bytes[(int)(next - range.Offset)..]);
            next += count;
        }

        return Result.Done;
    }

    /// <summary>Windows that may go out as they lie in the page cache go from the file to the socket; where one may not, it is read.</summary>
    private async ValueTask<Failure?> SendSegmentsAsync(RequestContext context, IConnectionBodies bodies, ObjectReader reader, ByteRange range, AnswerHead head)
    {
        ColdTransfer? transfer = null;
        long offset = range.Offset;
        long end = range.Offset + range.Count;
        int window = ObjectWindow.At(reader, offset, end);
        bool may = reader.MaySend(offset, window);
        if (!may)
        {
            transfer = new ColdTransfer(context, bodies, reader, cold, range);
            if (await transfer.BeginAsync(offset, window) is { } refusal)
            {
                return refusal;
            }
        }

        if (!await StartAsync(context, head))
        {
            await (transfer?.DropAsync() ?? default);
            return null;
        }

        while (offset < end)
        {
            if (!may)
            {
                transfer ??= new ColdTransfer(context, bodies, reader, cold, range);
                offset = await transfer.SendAsync(offset, window);
                if (offset < 0)
                {
                    return null;
                }
            }
            else
            {
                ObjectPiece piece = reader.PieceAt(offset, window);
                offset += piece.File is { } file && bodies.TryWriteFile(context.Output, file, piece.Offset, (int)piece.Count, piece.Faults) ? piece.Count : 0;
                if (!await context.FlushAsync())
                {
                    return null; // the client is gone
                }
            }

            window = ObjectWindow.At(reader, offset, end);
            may = offset < end && reader.MaySend(offset, window);
        }

        return null;
    }

    /// <summary>The disk reads into the connection's own buffers; what is to be compared is copied there from where it was.</summary>
    private static async ValueTask<Failure?> SendPiecesAsync(RequestContext context, ObjectReader reader, ByteRange range, AnswerHead head)
    {
        long offset = range.Offset;
        long end = range.Offset + range.Count;
        if (!reader.MaySend(offset, PartOfBlock(context, offset, end)) && reader.Verify != VerifyMode.Never)
        {
            Result<BlockSource> first = await reader.LookAtBlockAsync((int)(offset / Limits.BlockBytes));
            if (!first.Ok)
            {
                return first.Error;
            }
        }

        if (!await StartAsync(context, head))
        {
            return null;
        }

        for (long turnEnd = offset; offset < end;)
        {
            RingLoop? loop = RingLoop.Current; // each time: what was waited for may have ended elsewhere
            if (loop is not null && offset >= turnEnd)
            {
                await loop.NextTurn();
                turnEnd = offset + TurnBytes;
            }

            int piece = PartOfBlock(context, offset, end);
            if (reader.Verify != VerifyMode.Never && !reader.MaySend(offset, piece))
            {
                // A piece of the block: the others go out from the page cache then, where that is enough.
                if (!await VerifiedCopy.SendAsync(context, reader, offset, piece))
                {
                    return null;
                }

                offset += piece;
                continue;
            }

            piece = loop is null ? piece : Math.Min(piece, TurnPieceBytes);
            Memory<byte> buffer = context.Output.GetMemory(piece);
            Result<int> read = await reader.ReadAsync(buffer[..piece], offset);
            if (!read.Ok)
            {
                context.Abort();
                return null;
            }

            context.Output.Advance(read.Value);
            offset += read.Value;
            ValueTask<bool> flush = context.FlushAsync();
            turnEnd = flush.IsCompleted ? turnEnd : offset; // others were there meanwhile
            if (!await flush)
            {
                return null; // the client is gone
            }
        }

        return null;
    }

    /// <summary>Bytes of a piece from <paramref name="offset"/>: within its block, and what an answer may have at once.</summary>
    private static int PartOfBlock(RequestContext context, long offset, long end) =>
        (int)Math.Min(Math.Min(context.PieceBytesMax, end - offset), Limits.BlockBytes - (offset % Limits.BlockBytes));

    /// <summary>The head that goes out before a body: what is said of which object, and the digest of the range, if one stands for the object's. Of none: it has gone out.</summary>
    private readonly record struct AnswerHead(StoredObject? Of, Checksum OfRange);
}
