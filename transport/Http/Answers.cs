using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;

namespace Sluice.Transport.Http;

/// <summary>
/// The shapes an answer takes: empty, text, JSON, other bytes, error. An error is one JSON object and a newline; to a HEAD it goes into the
/// header <c>Hdr-Error</c> (contract: native API §3).
/// </summary>
public static class Answers
{
    private const string Json = "application/json";
    private const int PieceBytes = 64 << 10; // of a long answer, between two flushes

    /// <summary>Strings of clients are quoted as JSON; other characters stay as they are, so that messages keep their quotes readable.</summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A client's text made safe to quote in a sentence: short, on one line, without quotes.</summary>
    public static string Printable(string text) => string.Concat(text.Take(64).Select(c => char.IsControl(c) || char.IsSurrogate(c) || c == '"' ? '?' : c));

    /// <summary>200 without a body.</summary>
    public static Task EmptyAsync(RequestContext context, int status = 200)
    {
        context.Status = status;
        context.Headers.ContentLength = 0;
        return Task.CompletedTask;
    }

    /// <summary>200 with text.</summary>
    public static Task TextAsync(RequestContext context, string text) => BytesAsync(context, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text));

    /// <summary>200 with a JSON document that <paramref name="write"/> writes.</summary>
    public static Task JsonAsync(RequestContext context, Action<Utf8JsonWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(bytes, WriterOptions))
        {
            write(writer);
        }

        return BytesAsync(context, Json, bytes.WrittenMemory);
    }

    /// <summary>200 with bytes; a HEAD gets their length only.</summary>
    public static async Task BytesAsync(RequestContext context, string contentType, ReadOnlyMemory<byte> bytes)
    {
        context.Headers.ContentType = contentType;
        context.Headers.ContentLength = bytes.Length;
        if (!context.IsHead)
        {
            await context.StartAsync();
            for (int offset = 0; offset < bytes.Length; offset += PieceBytes)
            {
                ReadOnlyMemory<byte> piece = bytes.Slice(offset, Math.Min(PieceBytes, bytes.Length - offset));
                piece.Span.CopyTo(context.Output.GetSpan(piece.Length));
                context.Output.Advance(piece.Length);
                if (!await context.FlushAsync())
                {
                    return; // the client is gone
                }
            }
        }
    }

    /// <summary>A refusal of the engine or of a route.</summary>
    public static Task ErrorAsync(RequestContext context, Failure failure, string node)
    {
        ErrorRow row = ErrorTable.Row(failure.Code);
        return ErrorAsync(context, row.HttpStatus, row.NativeCode, failure.Message, node);
    }

    /// <summary>An error with a status of its own; the connection is broken when the answer has already begun.</summary>
    public static async Task ErrorAsync(RequestContext context, int status, string nativeCode, string message, string node)
    {
        if (context.HasStarted)
        {
            context.Abort();
            return;
        }

        byte[] body = new ErrorBody
        {
            Status = status,
            NativeCode = nativeCode,
            Message = message,
            Method = context.Method,
            Path = PathOf(context),
            RemoteAddress = context.RemoteAddress,
            Node = node,
        }.Format();
        context.Status = status;
        Microsoft.AspNetCore.Http.IHeaderDictionary headers = context.Headers;
        headers.XContentTypeOptions = "nosniff";
        if (status is 503 or 429)
        {
            headers.RetryAfter = "1";
        }

        if (context.IsHead)
        {
            headers[HeaderNames.Error] = Encoding.UTF8.GetString(body);
            headers.ContentLength = null;
            return;
        }

        headers.ContentType = Json;
        headers.ContentLength = body.Length + 1;
        Span<byte> span = context.Output.GetSpan(body.Length + 1);
        body.CopyTo(span);
        span[body.Length] = (byte)'\n';
        context.Output.Advance(body.Length + 1);
        await context.FlushAsync();
    }

    /// <summary>The path as sent, shortened: it is repeated in a header.</summary>
    private static string PathOf(RequestContext context)
    {
        string path = context.HasTarget ? context.Target.RawPath : context.RawTarget;
        string head = path.Length <= 1024 ? path : string.Create(CultureInfo.InvariantCulture, $"{path.AsSpan(0, 1024)}…");
        return head.Any(char.IsControl) ? string.Concat(head.Where(c => !char.IsControl(c))) : head;
    }
}
