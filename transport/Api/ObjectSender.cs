using Sluice.Engine;
using Sluice.Engine.Objects;
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

        if (context.Bodies is { IsOnLoop: true } bodies && bodies.TryWriteFile(context.Output, reader.Handle, range.Offset, (int)range.Count, reader.Faults))
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

    /// <summary>Windows that are resident go from the file to the socket; where one is not, it is read.</summary>
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
            int window = (int)Math.Min(ObjectWindow.Bytes, end - offset);
            if (!reader.IsResident(offset, window))
            {
                transfer ??= new ColdTransfer(context, bodies, reader, cold, range);
                offset = await transfer.SendAsync(offset, window);
                if (offset < 0)
                {
                    return;
                }

                continue;
            }

            if (bodies.TryWriteFile(context.Output, reader.Handle, offset, window, reader.Faults))
            {
                offset += window;
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
        if (!await StartAsync(context, reader))
        {
            return;
        }

        long offset = range.Offset;
        long end = range.Offset + range.Count;
        while (offset < end)
        {
            int piece = (int)Math.Min(context.PieceBytesMax, end - offset);
            Memory<byte> buffer = context.Output.GetMemory(piece);
            Result<int> read = await reader.ReadAsync(buffer[..piece], offset);
            if (!read.Ok)
            {
                context.Abort();
                return;
            }

            context.Output.Advance(read.Value);
            offset += read.Value;
            if (!await context.FlushAsync())
            {
                return; // the client is gone
            }
        }
    }
}
