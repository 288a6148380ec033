using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sluice.Engine;
using Sluice.Native.Memory;
using Sluice.Transport.Api;
using Sluice.Transport.Guard;
using Sluice.Transport.Tls;

namespace Sluice.Transport.Http;

/// <summary>
/// Kestrel without a host: its HTTP/1.1 parser over a connection transport, our application on top. Listens from
/// <see cref="StartAsync"/> to <see cref="StopAsync"/>.
/// </summary>
public sealed class HttpServer : IAsyncDisposable
{
    /// <summary>Longest request line in bytes: a name of 1024 bytes, all escaped, is 3 KiB; continuation parameters come on top.</summary>
    public const int RequestLineBytesMax = 16 << 10;

    /// <summary>Longest request head in bytes: 8 KiB of custom metadata, and as much again for proxies and tokens.</summary>
    public const int RequestHeadBytesMax = 32 << 10;

    /// <summary>Most headers of a request: Kestrel's own limit, named because a refusal tells it.</summary>
    public const int RequestHeadersMax = 100;

    /// <summary>From the first byte of a head to its last, at most: a head is small, and a client that is slow with it is slow on purpose.</summary>
    public static readonly TimeSpan RequestHeadTimeoutMax = TimeSpan.FromSeconds(30);

    private readonly KestrelServer _kestrel;
    private readonly SluiceApplication _application;
    private readonly NativeApi _api;
    private readonly HttpServerOptions _options;
    private readonly ClientWatch _watch;
    private readonly Admissions _admissions;
    private int _connections;

    /// <summary>A server that is not listening yet.</summary>
    public HttpServer(HttpServerOptions how, ObjectEngine engine, NodeIdentity node, ILoggerFactory log)
    {
        _options = how;
        _watch = new ClientWatch(how.ClientTimeout, TimeProvider.System);
        _api = new NativeApi(engine, node, how.ColdReads, Counters);
        _admissions = new Admissions(
            new Admission(how.RequestsMax, how.WaitingMax, TimeProvider.System), new Admission(how.ControlsMax, how.WaitingMax, TimeProvider.System));
        _application = new SluiceApplication(_api, _admissions, _watch, how.PieceBytes, log.CreateLogger("http"));
        var options = new KestrelServerOptions
        {
            AddServerHeader = false,
            AllowSynchronousIO = false,
            ApplicationServices = new DefaultServiceProviderFactory().CreateServiceProvider(new ServiceCollection()),
            RequestHeaderEncodingSelector = _ => Encoding.UTF8,
            ResponseHeaderEncodingSelector = _ => Encoding.UTF8,
        };
        Limit(options.Limits, how);
        options.Listen(how.EndPoint, listen =>
        {
            listen.Use(next => connection => CountAsync(connection, next));
            if (how.SocketBuffers is { } buffers)
            {
                listen.Use(next => connection => buffers.ServeAsync(connection, next));
            }

            Speak(listen, how, log);
            listen.Use(next => connection => RefusalWriter.ServeAsync(connection, next, node.Display)); // innermost: it sees HTTP, not TLS
        });
        _kestrel = new KestrelServer(Options.Create(options), how.Transport ?? SystemSockets(how, log), log);
    }

    private static void Limit(KestrelServerLimits limits, HttpServerOptions how)
    {
        limits.MaxConcurrentConnections = how.ConnectionsMax;
        limits.MaxRequestBodySize = null; // the engine's limit is the largest object; control messages have their own
        limits.MaxRequestLineSize = RequestLineBytesMax;
        limits.MaxRequestHeadersTotalSize = RequestHeadBytesMax;
        limits.MaxRequestHeaderCount = RequestHeadersMax;
        limits.MaxRequestBufferSize = how.RequestBytes;
        limits.MaxResponseBufferSize = how.RequestBytes;
        limits.MinRequestBodyDataRate = null; // a loader may pause in the middle of an object for as long as its batch takes
        limits.MinResponseDataRate = null;
        limits.KeepAliveTimeout = how.ClientTimeout;
        limits.RequestHeadersTimeout = how.ClientTimeout < RequestHeadTimeoutMax ? how.ClientTimeout : RequestHeadTimeoutMax;
    }

    private static SocketTransportFactory SystemSockets(HttpServerOptions how, ILoggerFactory log) => new(
        Options.Create(new SocketTransportOptions
        {
            Backlog = 4096,
            MaxReadBufferSize = how.RequestBytes,
            MaxWriteBufferSize = Math.Min(how.RequestBytes / 2, 64 << 10),
        }),
        log);

    /// <summary>
    /// HTTP/2 comes by ALPN, hence with TLS alone. Kestrel's own choice is HTTP/1.1 and HTTP/2; set by hand it would warn that it sees no TLS.
    /// </summary>
    private static void Speak(ListenOptions listen, HttpServerOptions how, ILoggerFactory log)
    {
        if (how.Tls is not { } tls)
        {
            listen.Protocols = HttpProtocols.Http1;
            return;
        }

        Http2Limits limits = listen.KestrelServerOptions.Limits.Http2;
        limits.MaxStreamsPerConnection = 100;
        limits.InitialConnectionWindowSize = how.RequestBytes; // all that one connection may have in flight to us, whatever its streams
        limits.InitialStreamWindowSize = Math.Max(how.RequestBytes / 4 * 3, ushort.MaxValue); // 1 MiB: one upload fills 10 Gbit/s at 0.6 ms
        limits.MaxRequestHeaderFieldSize = RequestHeadBytesMax;
        new TlsListener(tls, TimeProvider.System, log.CreateLogger("tls")).Use(listen);
    }

    /// <summary>Requests that are being answered now, or wait for that.</summary>
    public int InFlight => _application.InFlight;

    /// <summary>Where it listens; the port is the one that the system chose when 0 was asked for. After <see cref="StartAsync"/>.</summary>
    public IPEndPoint EndPoint
    {
        get
        {
            Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature addresses =
                _kestrel.Features.Get<Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature>()!;
            return new IPEndPoint(_options.EndPoint.Address, new Uri(addresses.Addresses.First()).Port);
        }
    }

    /// <summary>Starts listening. Throws <see cref="IOException"/> or <see cref="AddressInUseException"/> when the address cannot be had.</summary>
    public Task StartAsync(CancellationToken cancellation) => _kestrel.StartAsync(_application, cancellation);

    /// <summary>
    /// Stops accepting, closes idle connections, and waits for requests in flight; those that are not done at the deadline are broken.
    /// Returns how many those were.
    /// </summary>
    public async Task<int> StopAsync(TimeSpan deadline)
    {
        _api.Draining = true;
        using var timeout = new CancellationTokenSource(deadline);
        int broken = 0;
        await using (timeout.Token.Register(() => broken = InFlight))
        {
            await _kestrel.StopAsync(timeout.Token);
        }

        return broken;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _kestrel.StopAsync(now.Token);
        _kestrel.Dispose();
        _watch.Dispose();
        _admissions.Dispose();
    }

    private async Task CountAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        Interlocked.Increment(ref _connections);
        try
        {
            await next(connection);
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private IEnumerable<KeyValuePair<string, long>> Counters() =>
    [
        new("net.connections", Volatile.Read(ref _connections)),
        new("net.requests", InFlight),
        new("net.stalled", _watch.BrokenCount),
        new("net.leases", BufferSlab.OutstandingTotal),
        .. _admissions.Counters(),
        .. _options.ColdReads.Counters(),
        .. _options.Counters(),
    ];
}
