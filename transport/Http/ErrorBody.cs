using System.Buffers;
using System.Text.Json;

namespace Sluice.Transport.Http;

/// <summary>The one shape that an error has on the wire: a JSON object (contract: native API §3). What is not known is empty.</summary>
internal readonly record struct ErrorBody
{
    /// <summary>Status of HTTP.</summary>
    public required int Status { get; init; }

    /// <summary>Class of the error in the native API; empty when it has none, and then left out.</summary>
    public required string NativeCode { get; init; }

    /// <summary>A sentence.</summary>
    public required string Message { get; init; }

    /// <summary>Method of the request.</summary>
    public required string Method { get; init; }

    /// <summary>Path of the request, as sent.</summary>
    public required string Path { get; init; }

    /// <summary>Address and port of the client.</summary>
    public required string RemoteAddress { get; init; }

    /// <summary>This node, as the contract shows nodes.</summary>
    public required string Node { get; init; }

    /// <summary>The object's bytes, on one line, without a newline behind.</summary>
    public byte[] Format()
    {
        var bytes = new ArrayBufferWriter<byte>(512);
        using var writer = new Utf8JsonWriter(bytes, Answers.WriterOptions);
        writer.WriteStartObject();
        if (NativeCode.Length > 0)
        {
            writer.WriteString("tcode", NativeCode);
        }

        writer.WriteString("message", Message);
        writer.WriteString("method", Method);
        writer.WriteString("url_path", Path);
        writer.WriteString("remote_addr", RemoteAddress);
        writer.WriteString("caller", "");
        writer.WriteString("node", Node);
        writer.WriteNumber("status", Status);
        writer.WriteEndObject();
        writer.Flush();
        return bytes.WrittenSpan.ToArray();
    }
}
