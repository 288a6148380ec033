using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sluice.Native.Uring;
using Sluice.Transport.Uring;

namespace Sluice.Allocations.Tests.Support;

/// <summary>A server that does nothing on the same Kestrel and transport: answers every request with an empty 200, and allocates what it is told to.</summary>
internal sealed class TwinServer : IAsyncDisposable
{
    private readonly RingLoop _loop = new(new RingLoopOptions { ReceiveBufferCount = 64 });
    private readonly UringTransport _transport;
    private readonly KestrelServer _kestrel;

    private TwinServer()
    {
        _transport = new UringTransport([_loop], new UringTransportOptions(), NullLoggerFactory.Instance);
        var options = new KestrelServerOptions
        {
            AddServerHeader = false,
            ApplicationServices = new DefaultServiceProviderFactory().CreateServiceProvider(new ServiceCollection()),
        };
        options.Listen(new IPEndPoint(IPAddress.Loopback, 0), listen => listen.Protocols = HttpProtocols.Http1);
        _kestrel = new KestrelServer(Options.Create(options), _transport, NullLoggerFactory.Instance);
    }

    private IPEndPoint EndPoint => new(IPAddress.Loopback, new Uri(_kestrel.Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port);

    public static async Task<TwinServer> StartAsync(Action onRequest)
    {
        var server = new TwinServer();
        await server._kestrel.StartAsync(new Application(onRequest), CancellationToken.None);
        return server;
    }

    public MeasuredRequests Requests(Row row) => new(row, EndPoint, _loop);

    public async ValueTask DisposeAsync()
    {
        await _kestrel.StopAsync(CancellationToken.None);
        _kestrel.Dispose();
        _loop.Dispose();
        _transport.Dispose();
    }

    private sealed class Application(Action onRequest) : IHttpApplication<IFeatureCollection>
    {
        public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

        public Task ProcessRequestAsync(IFeatureCollection context)
        {
            onRequest();
            context.GetRequiredFeature<IHttpResponseFeature>().Headers.ContentLength = 0;
            return Task.CompletedTask;
        }

        public void DisposeContext(IFeatureCollection context, Exception? exception)
        {
        }
    }
}
