// What never becomes a request – a malformed line, a head that is too large, a body of two lengths – Kestrel refuses by itself, with a bare
// 4xx, and offers a bare server no say in it. This stands in the connection's way out and gives such an answer the JSON that every other
// refusal has. While the application answers, all calls go straight through, memory included: what lies below may lend memory of its own.
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Sluice.Contract;

namespace Sluice.Transport.Http;

/// <summary>
/// Way out of one HTTP/1.1 connection. Belongs to the connection; Kestrel's producer of responses calls it, one call at a time, and the
/// application says when an answer is its own.
/// </summary>
internal sealed class RefusalWriter(PipeWriter output, string remoteAddress, string node) : PipeWriter
{
    private const int CaptureBytes = 1024; // Kestrel's own heads have less than 200

    // Producer of responses only.
    private byte[] _captured = [];
    private int _capturedCount;
    private bool _isAnswering;
    private bool _isLentCaptured; // the memory that was lent last is _captured's

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => output.CanGetUnflushedBytes;

    /// <inheritdoc/>
    public override long UnflushedBytes => output.UnflushedBytes + _capturedCount;

    /// <summary>
    /// Connection middleware: puts a writer behind the connection for as long as <paramref name="next"/> serves it. HTTP/2, chosen by ALPN, is left
    /// alone: there a refusal is a frame, and answers of several requests mix.
    /// </summary>
    public static async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next, string node)
    {
        if (connection.Features.Get<ITlsApplicationProtocolFeature>() is { } chosen && chosen.ApplicationProtocol.Span.SequenceEqual("h2"u8))
        {
            await next(connection);
            return;
        }

        IDuplexPipe transport = connection.Transport;
        var writer = new RefusalWriter(transport.Output, connection.RemoteEndPoint?.ToString() ?? "", node);
        connection.Features.Set(writer);
        connection.Transport = new Ends(transport.Input, writer);
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = transport;
        }
    }

    /// <summary>From here on the application answers: nothing is looked at.</summary>
    public void BeginAnswer()
    {
        Release();
        _isAnswering = true;
    }

    /// <summary>The application's answer is out: what follows before the next <see cref="BeginAnswer"/> is Kestrel's.</summary>
    public void EndAnswer() => _isAnswering = false;

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        _isLentCaptured = !_isAnswering;
        return _isAnswering ? output.GetMemory(sizeHint) : CaptureRoom(sizeHint);
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        _isLentCaptured = !_isAnswering;
        return _isAnswering ? output.GetSpan(sizeHint) : CaptureRoom(sizeHint).Span;
    }

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        if (_isLentCaptured)
        {
            _capturedCount += bytes;
        }
        else
        {
            output.Advance(bytes);
        }
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Release();
        return output.FlushAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        _isAnswering ? output.WriteAsync(source, cancellationToken) : base.WriteAsync(source, cancellationToken);

    /// <inheritdoc/>
    public override void CancelPendingFlush() => output.CancelPendingFlush();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        Release();
        output.Complete(exception);
    }

    /// <inheritdoc/>
    public override ValueTask CompleteAsync(Exception? exception = null)
    {
        Release();
        return output.CompleteAsync(exception);
    }

    /// <summary>What Kestrel's bare refusal becomes; null when <paramref name="answer"/> is something else, which goes out as it is.</summary>
    internal byte[]? Explain(ReadOnlySpan<byte> answer)
    {
        const string Bare = "Content-Length: 0";
        string head = Encoding.Latin1.GetString(answer);
        if (!head.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) || !head.EndsWith("\r\n\r\n", StringComparison.Ordinal)
            || head.Length < 12 || !int.TryParse(head.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status) || status < 400)
        {
            return null;
        }

        string[] lines = head[..^4].Split("\r\n");
        if (!lines.Contains(Bare, StringComparer.OrdinalIgnoreCase))
        {
            return null;
        }

        var error = new ErrorBody
        {
            Status = status,
            NativeCode = "",
            Message = Sentence(status),
            Method = "",
            Path = "",
            RemoteAddress = remoteAddress,
            Node = node,
        };
        // The method is not known here. To a HEAD only the header speaks: what follows the head it does not read, and the connection ends.
        byte[] json = error.Format();
        var text = new StringBuilder(head.Length + (2 * json.Length) + 128);
        foreach (string line in lines.Where(line => !line.Equals(Bare, StringComparison.OrdinalIgnoreCase)))
        {
            text.Append(line).Append("\r\n");
        }

        text.Append("Content-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n").Append(HeaderNames.Error).Append(": ");
        string body = Encoding.Latin1.GetString(json); // Latin-1 both ways carries the bytes of UTF-8 as they are
        text.Append(body).Append(CultureInfo.InvariantCulture, $"\r\nContent-Length: {json.Length + 1}\r\n\r\n").Append(body).Append('\n');
        return Encoding.Latin1.GetBytes(text.ToString());
    }

    private static string Sentence(int status) => status switch
    {
        400 => "the request is not well-formed HTTP/1.1: the request line, a header or the length of the body is malformed, or the path has a NUL",
        405 => "the method does not go with this form of request target; a path is expected",
        408 => "the head of the request did not arrive in time",
        411 => "the request has a body of unknown length; it needs Content-Length or Transfer-Encoding: chunked",
        413 => "the body of the request is larger than is allowed here",
        414 => $"the request line is too long; it may have at most {HttpServer.RequestLineBytesMax} bytes",
        431 => $"the head of the request is too large; it may have at most {HttpServer.RequestHeadBytesMax} bytes and {HttpServer.RequestHeadersMax} headers",
        505 => "the version of HTTP is not spoken here; HTTP/1.1 and HTTP/1.0 are",
        _ => "the request was refused before it was understood",
    };

    private Memory<byte> CaptureRoom(int sizeHint)
    {
        int needed = _capturedCount + Math.Max(sizeHint, 1);
        if (needed > _captured.Length)
        {
            Array.Resize(ref _captured, Math.Max(needed, Math.Max(CaptureBytes, 2 * _captured.Length)));
        }

        return _captured.AsMemory(_capturedCount);
    }

    /// <summary>Hands what was captured on to the connection.</summary>
    private void Release()
    {
        if (_capturedCount == 0)
        {
            return;
        }

        ReadOnlySpan<byte> answer = _captured.AsSpan(0, _capturedCount);
        byte[]? explained = Explain(answer);
        answer = explained ?? answer;
        answer.CopyTo(output.GetSpan(answer.Length));
        output.Advance(answer.Length);
        _capturedCount = 0;
    }

    /// <summary>Both ends of a connection.</summary>
    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
