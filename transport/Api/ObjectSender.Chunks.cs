using Sluice.Engine;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>The way out of a chunked object: chunk after chunk, each as any other object.</summary>
internal sealed partial class ObjectSender
{
    /// <summary>
    /// Sends the head and a range, which may be empty. The next chunk is opened while one is sent. A value is a refusal before anything was sent.
    /// </summary>
    public async ValueTask<Failure?> SendChunksAsync(RequestContext context, ChunkedReader chunks, ByteRange range, Checksum ofRange)
    {
        var head = new AnswerHead(chunks.Stored, ofRange);
        if (range.Count == 0)
        {
            await StartAsync(context, head);
            return null;
        }

        long offset = range.Offset;
        long end = range.Offset + range.Count;
        (int index, long from) = chunks.PlaceOf(offset);
        Task<Result<ObjectReader>>? next = chunks.OpenChunkAsync(index).AsTask();
        try
        {
            while (next is not null)
            {
                Result<ObjectReader> opened = await next;
                next = null;
                if (!opened.Ok)
                {
                    return Told(context, head, opened.Error!);
                }

                using ObjectReader chunk = opened.Value;
                long count = Math.Min(chunk.SizeBytes - from, end - offset);
                next = offset + count < end ? chunks.OpenChunkAsync(++index).AsTask() : null;
                if (await SendAsync(context, chunk, new ByteRange(from, count), head) is { } refusal)
                {
                    return Told(context, head, refusal);
                }

                bool isWithHead = head.Of is not null && next is null; // Kestrel flushes the two; what it does not know of behind a head, such as a file, it would keep
                if (!isWithHead && !await context.FlushAsync())
                {
                    return null; // the client is gone
                }

                (offset, from, head) = (offset + count, 0, default);
            }

            return null;
        }
        finally
        {
            if (next is not null && await next is { Ok: true } unsent)
            {
                unsent.Value.Dispose();
            }
        }
    }

    /// <summary>A refusal, or, once the head is out, a broken connection.</summary>
    private static Failure? Told(RequestContext context, AnswerHead head, Failure failure)
    {
        if (head.Of is not null)
        {
            return failure;
        }

        context.Abort();
        return null;
    }
}
