using System.Buffers;
using System.IO.Pipelines;
using Sluice.Contract;
using Sluice.Engine;

namespace Sluice.Transport.Http;

/// <summary>
/// Reads the body of a control message, which is small: more than <see cref="BytesMax"/> is refused before it is buffered. It is copied as it comes, since
/// what is waited for must not hold the buffers that connections share.
/// </summary>
public static class ControlBody
{
    /// <summary>Longest control message in bytes: a list of 10,000 names of 100 bytes.</summary>
    public const int BytesMax = 1 << 20;

    /// <summary>The whole body; empty when there is none. Refuses with TooLarge.</summary>
    public static async ValueTask<Result<byte[]>> ReadAsync(RequestContext context)
    {
        if (!context.HasBody)
        {
            return Array.Empty<byte>();
        }

        if (context.ContentLength > BytesMax)
        {
            return TooLong();
        }

        PipeReader body = context.Body;
        var message = new ArrayBufferWriter<byte>((int)Math.Max(context.ContentLength ?? 0, 256));
        while (true)
        {
            ReadResult read = await body.ReadAsync(context.Aborted);
            if (message.WrittenCount + read.Buffer.Length > BytesMax)
            {
                body.AdvanceTo(read.Buffer.Start);
                return TooLong();
            }

            foreach (ReadOnlyMemory<byte> part in read.Buffer)
            {
                message.Write(part.Span);
            }

            body.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return message.WrittenSpan.ToArray();
            }
        }
    }

    private static Failure TooLong() => new(ErrorCode.TooLarge, $"a control message has at most {BytesMax} bytes");
}
