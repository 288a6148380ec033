using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;
using Sluice.Transport.Http;

namespace Sluice.Transport.Tls;

/// <summary>
/// TLS between a connection and HTTP: after the handshake the connection's pipes carry plain bytes and its features say what was agreed on.
/// A handshake that fails, stalls or is none ends its connection and nothing else. Kestrel's own middleware needs a host's services.
/// </summary>
public sealed class TlsListener(TlsCertificates certificates, TimeProvider time, ILogger log)
{
    /// <summary>From the accept to the end of the handshake: three round trips and a signature, on a bad line.</summary>
    public static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    private const byte HandshakeRecord = 0x16; // the first byte of a client's first record (RFC 8446 §5.1)

    /// <summary>Features by which a handler passes bytes around the connection's pipes: past TLS they would go out in the clear.</summary>
    private static readonly Type[] s_aroundThePipes = [typeof(IConnectionBodies)];

    // 64 KiB: four records a segment, so that a body comes in few pieces. Nothing is rented while a connection is idle.
    private static readonly StreamPipeReaderOptions s_reading = new(bufferSize: 64 << 10, leaveOpen: true, useZeroByteReads: true);
    private static readonly StreamPipeWriterOptions s_writing = new(minimumBufferSize: 16 << 10, leaveOpen: true);

    private long _handshakes;
    private long _handshakesFailed;

    /// <summary>Handshakes that succeeded.</summary>
    public long Handshakes => Interlocked.Read(ref _handshakes);

    /// <summary>Connections that ended without one.</summary>
    public long HandshakesFailed => Interlocked.Read(ref _handshakesFailed);

    /// <summary>Puts TLS in front of HTTP/1.1 and HTTP/2 on a listener.</summary>
    public void Use(ListenOptions listen) => listen.Use(next => connection => ServeAsync(connection, next));

    /// <summary>The life of one connection; <paramref name="next"/> sees it after the handshake.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        IDuplexPipe plain = connection.Transport;
        var tls = new SslStream(new TransportStream(plain.Input, plain.Output), leaveInnerStreamOpen: true);
        bool isSecure = false;
        try
        {
            isSecure = await ShakeHandsAsync(connection, plain, tls);
            Interlocked.Increment(ref isSecure ? ref _handshakes : ref _handshakesFailed);
            if (isSecure)
            {
                Announce(connection.Features, new TlsFeature(tls));
                connection.Transport = new PipePair(PipeReader.Create(tls, s_reading), PipeWriter.Create(tls, s_writing));
                await next(connection);
            }
        }
        finally
        {
            await EndAsync(connection, tls, isSecure);
            connection.Transport = plain;
        }
    }

    private static void Announce(IFeatureCollection features, TlsFeature agreed)
    {
        features.Set<ITlsConnectionFeature>(agreed);
        features.Set<ITlsHandshakeFeature>(agreed);
        features.Set<ITlsApplicationProtocolFeature>(agreed);
        foreach (Type feature in s_aroundThePipes)
        {
            features[feature] = null;
        }
    }

    private async Task<bool> ShakeHandsAsync(ConnectionContext connection, IDuplexPipe plain, SslStream tls)
    {
        using var deadline = new CancellationTokenSource(HandshakeTimeout, time);
        CancellationToken stopping =
            connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, connection.ConnectionClosed, stopping);
        try
        {
            int first = await FirstByteAsync(plain.Input, ended.Token);
            if (first == HandshakeRecord)
            {
                await tls.AuthenticateAsServerAsync(certificates.Current, ended.Token);
                return true;
            }

            log.LogDebug("{Remote} speaks no TLS: {What}", connection.RemoteEndPoint, first < 0 ? "it closed the connection" : "its first byte is of something else");
            if (first is >= 'A' and <= 'Z')
            {
                await plain.Output.WriteAsync(PlainHttpAnswer, ended.Token);
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            log.LogDebug("the TLS handshake with {Remote} was not done when {What}", connection.RemoteEndPoint,
                deadline.IsCancellationRequested ? "its time was up" : "the connection had to end");
        }
        catch (Exception failure)
        {
            log.LogDebug("the TLS handshake with {Remote} failed: {Problem}", connection.RemoteEndPoint, (failure.InnerException ?? failure).Message);
        }

        return false;
    }

    /// <summary>Waits for a client's first byte without taking it; −1 when it sends none.</summary>
    private static async ValueTask<int> FirstByteAsync(PipeReader input, CancellationToken cancellation)
    {
        ReadResult read = await input.ReadAsync(cancellation);
        int first = read.Buffer.IsEmpty ? -1 : read.Buffer.FirstSpan[0];
        input.AdvanceTo(read.Buffer.Start);
        return first;
    }

    /// <summary>
    /// Completes what HTTP left open and says goodbye (close_notify), so that the client can tell an end from a cut. A connection that is gone
    /// gets none of it.
    /// </summary>
    private async ValueTask EndAsync(ConnectionContext connection, SslStream tls, bool isSecure)
    {
        try
        {
            await using (tls)
            {
                if (isSecure)
                {
                    await connection.Transport.Input.CompleteAsync();
                    await connection.Transport.Output.CompleteAsync();
                }

                if (isSecure && !connection.ConnectionClosed.IsCancellationRequested)
                {
                    await tls.ShutdownAsync();
                }
            }
        }
        catch (Exception failure)
        {
            log.LogDebug("TLS with {Remote} did not end in order: {Problem}", connection.RemoteEndPoint, failure.Message);
        }
    }

    /// <summary>To a client that speaks plain HTTP: a sentence instead of a closed connection.</summary>
    private static ReadOnlyMemory<byte> PlainHttpAnswer { get; } = MakePlainHttpAnswer();

    private static byte[] MakePlainHttpAnswer()
    {
        const string Body = """{"message":"this port speaks TLS; use https://","status":400}""" + "\n";
        return System.Text.Encoding.ASCII.GetBytes(
            $"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\nConnection: close\r\n\r\n{Body}");
    }
}
