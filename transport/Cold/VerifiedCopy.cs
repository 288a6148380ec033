using System.Runtime.CompilerServices;
using Sluice.Engine;
using Sluice.Engine.Objects;
using Sluice.Engine.Pooling;
using Sluice.Transport.Http;

namespace Sluice.Transport.Cold;

/// <summary>
/// Sends a part of a block by copying it out of the buffer in which it was compared with its digest: over TLS and the system's sockets, and where no buffer is free that could be given
/// away. The buffer is held while a disk works and a piece is copied, never while a client is waited for; so a block is read once for each of its pieces.
/// </summary>
internal static class VerifiedCopy
{
    /// <summary>
    /// Sends <paramref name="count"/> bytes from <paramref name="offset"/>, which lie within one block. After the head. False when the client is gone, or the response broken since no copy has
    /// the bytes.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public static async ValueTask<bool> SendAsync(RequestContext context, ObjectReader reader, long offset, int count)
    {
        int block = (int)(offset / Limits.BlockBytes);
        int at = (int)(offset % Limits.BlockBytes);
        int end = at + count;
        while (at < end)
        {
            int piece = Math.Min(context.PieceBytesMax, end - at);
            using (BlockBuffers.Rented rented = await reader.RentBlockAsync())
            {
                Result<BlockSource> read = await reader.ReadBlockAsync(block, rented.Memory);
                if (!read.Ok)
                {
                    context.Abort();
                    return false;
                }

                rented.Memory.Slice(at, piece).CopyTo(context.Output.GetMemory(piece));
            }

            context.Output.Advance(piece);
            at += piece;
            if (!await context.FlushAsync())
            {
                return false;
            }
        }

        return true;
    }
}
