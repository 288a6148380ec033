using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sluice.Transport.Http;
using Sluice.Transport.Uring;

namespace Sluice.Transport.Tests.Uring;

/// <summary>Kestrel on a bench, with an application that is one method.</summary>
internal sealed class KestrelBench : IHttpApplication<IFeatureCollection>, IAsyncDisposable
{
    private readonly Func<Exchange, Task> _application;
    private readonly KestrelServer _kestrel;

    private KestrelBench(Func<Exchange, Task> application, UringTransportOptions? options, Action<ListenOptions>? configure)
    {
        _application = application;
        Ring = new RingBench(options);
        var kestrel = new KestrelServerOptions
        {
            AddServerHeader = false,
            ApplicationServices = new DefaultServiceProviderFactory().CreateServiceProvider(new ServiceCollection()),
        };
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            configure?.Invoke(listen);
        });
        _kestrel = new KestrelServer(Options.Create(kestrel), Ring.Transport, NullLoggerFactory.Instance);
    }

    public RingBench Ring { get; }

    public IPEndPoint EndPoint { get; private set; } = null!;

    /// <summary>What applications have thrown.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<Exception> Thrown { get; } = new();

    public static async Task<KestrelBench> StartAsync(
        Func<Exchange, Task> application, UringTransportOptions? options = null, Action<ListenOptions>? configure = null)
    {
        var bench = new KestrelBench(application, options, configure);
        await bench._kestrel.StartAsync(bench, CancellationToken.None);
        string address = bench._kestrel.Features.Get<Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature>()!.Addresses.First();
        bench.EndPoint = new IPEndPoint(IPAddress.Loopback, new Uri(address).Port);
        return bench;
    }

    public Task StopAsync(CancellationToken now) => _kestrel.StopAsync(now);

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        try
        {
            await _application(new Exchange(context));
        }
        catch (Exception problem)
        {
            Thrown.Enqueue(problem);
            throw;
        }
    }

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
        // Nothing is kept of a request.
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await StopAsync(now.Token).WaitAsync(Until.Deadline);
        _kestrel.Dispose();
        await Ring.DisposeAsync();
    }
}

/// <summary>A request and its answer.</summary>
internal sealed class Exchange(IFeatureCollection features)
{
    public IHttpRequestFeature Request { get; } = features.GetRequiredFeature<IHttpRequestFeature>();

    public IHttpResponseFeature Response { get; } = features.GetRequiredFeature<IHttpResponseFeature>();

    public IHttpResponseBodyFeature Answer { get; } = features.GetRequiredFeature<IHttpResponseBodyFeature>();

    public PipeReader Body => features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;

    public IConnectionBodies? Bodies => features.Get<IConnectionBodies>();

    /// <summary>What is asked for, as a number: the path without its slash.</summary>
    public int Number => int.Parse(Request.Path.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture);

    public Task StartAsync(long length)
    {
        Response.Headers.ContentLength = length;
        return Answer.StartAsync();
    }

    /// <summary>Breaks the connection.</summary>
    public void Abort() => features.GetRequiredFeature<IHttpRequestLifetimeFeature>().Abort();

    /// <summary>The whole body.</summary>
    public async Task<byte[]> ReadAsync()
    {
        using var all = new MemoryStream();
        while (true)
        {
            ReadResult read = await Body.ReadAsync();
            foreach (ReadOnlyMemory<byte> piece in read.Buffer)
            {
                all.Write(piece.Span);
            }

            Body.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return all.ToArray();
            }
        }
    }

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        Response.Headers.ContentLength = bytes.Length;
        await Answer.Writer.WriteAsync(bytes);
    }
}
