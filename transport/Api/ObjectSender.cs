using System.Runtime.CompilerServices;
using Sluice.Engine;
using Sluice.Engine.Objects;
using Sluice.Engine.Pooling;
using Sluice.Transport.Cold;
using Sluice.Transport.Http;
using Sluice.Transport.Uring;

namespace Sluice.Transport.Api;

/// <summary>
/// The way out of an object's bytes. Small ones are read into the head's buffer and go out with it; larger ones are sent from the page cache where they
/// are resident and the connection can do it, and what is not resident by <see cref="ColdTransfer"/>; other connections have them read in pieces. Once
/// the head is out a failure can only be told by breaking the connection: the client sees a short body, never wrong or padded bytes.
/// </summary>
internal sealed class ObjectSender(ColdReads cold)
{
    /// <summary>Up to here one copy and one send: 11.5 us against 12.4 for a file segment at 4 KiB; at 64 KiB the segment wins (prototype).</summary>
    private const int InlineBytesMax = UringOutput.RingFileBytesMax;

    /// <summary>Sends the head, to which what is said of the object is added, and a range, which may be empty.</summary>
    public ValueTask SendAsync(RequestContext context, ObjectReader reader, ByteRange range) =>
        range.Count <= InlineBytesMax ? SendSmallAsync(context, reader, range)
        : context.Bodies is { } bodies ? SendSegmentsAsync(context, bodies, reader, range)
        : SendPiecesAsync(context, reader, range);

    /// <summary>False when the head cannot be completed: the connection is broken then.</summary>
    private static async ValueTask<bool> StartAsync(RequestContext context, ObjectReader reader)
    {
        var texts = HeaderTexts.Of(reader.Stored);
        ReadOnlyMemory<byte> lines = texts.Lines;
        IConnectionBodies? adds = !lines.IsEmpty && context.Bodies is { IsOnLoop: true } bodies && bodies.TryAddToHead(lines) ? bodies : null;
        if (adds is null)
        {
            texts.Write(context.Headers);
        }

        await context.StartAsync();
        if (adds is null || adds.EndHead())
        {
            return true;
        }

        context.Abort(); // Kestrel gave the response up
        return false;
    }

    private static async ValueTask SendSmallAsync(RequestContext context, ObjectReader reader, ByteRange range)
    {
        if (!await StartAsync(context, reader) || range.Count == 0)
        {
            return;
        }

        if (context.Bodies is { IsOnLoop: true } bodies && reader.PieceAt(range.Offset, range.Count) is { File: { } file } piece && piece.Count == range.Count
            && bodies.TryWriteFile(context.Output, file, piece.Offset, (int)range.Count, piece.Faults))
        {
            return; // Kestrel flushes at the end of the request
        }

        Memory<byte> buffer = context.Output.GetMemory((int)range.Count)[..(int)range.Count];
        Result<int> read = await reader.ReadAsync(buffer, range.Offset);
        if (!read.Ok)
        {
            context.Abort();
            return;
        }

        context.Output.Advance(read.Value); // Kestrel flushes at the end of the request
    }

    /// <summary>Windows that are resident go from their file to the socket; where one is not, it is read; what has no file is rebuilt.</summary>
    private async ValueTask SendSegmentsAsync(RequestContext context, IConnectionBodies bodies, ObjectReader reader, ByteRange range)
    {
        if (!await StartAsync(context, reader))
        {
            return;
        }

        ColdTransfer? transfer = null;
        long offset = range.Offset;
        long end = range.Offset + range.Count;
        while (offset < end)
        {
            ObjectPiece piece = reader.PieceAt(offset, Math.Min(ObjectWindow.Bytes, end - offset));
            if (piece.File is not { } file)
            {
                if (!await CopyAsync(context, reader, offset, offset + piece.Count))
                {
                    return;
                }

                offset += piece.Count;
                continue;
            }

            if (!piece.IsResident)
            {
                transfer ??= new ColdTransfer(context, bodies, reader, cold, range);
                offset = await transfer.SendAsync(offset, (int)piece.Count);
                if (offset < 0)
                {
                    return;
                }

                continue;
            }

            if (bodies.TryWriteFile(context.Output, file, piece.Offset, (int)piece.Count, piece.Faults))
            {
                offset += piece.Count;
            }

            if (!await context.FlushAsync())
            {
                return; // the client is gone
            }
        }
    }

    /// <summary>The disk reads into the connection's own buffers.</summary>
    private static async ValueTask SendPiecesAsync(RequestContext context, ObjectReader reader, ByteRange range)
    {
        if (await StartAsync(context, reader))
        {
            await CopyAsync(context, reader, range.Offset, range.Offset + range.Count);
        }
    }

    /// <summary>A part of the body by way of the connection's own buffers; false when the connection is broken or the client gone.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private static async ValueTask<bool> CopyAsync(RequestContext context, ObjectReader reader, long offset, long end)
    {
        while (offset < end)
        {
            int piece = (int)Math.Min(context.PieceBytesMax, end - offset);
            Memory<byte> buffer = context.Output.GetMemory(piece);
            Result<int> read = await reader.ReadAsync(buffer[..piece], offset);
            if (!read.Ok)
            {
                context.Abort();
                return false;
            }

            context.Output.Advance(read.Value);
            offset += read.Value;
            if (!await context.FlushAsync())
            {
                return false;
            }
        }

        return true;
    }
}
