using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Tests.Support;
using Sluice.Native.Uring;
using Sluice.Transport.Api;
using Sluice.Transport.Cold;
using Sluice.Transport.Http;
using Sluice.Transport.Uring;

namespace Sluice.Allocations.Tests.Support;

/// <summary>
/// The server as it is shipped, in this process: one ring loop for network and disks, two mountpaths, a strict bucket <c>s</c> and a relaxed one
/// <c>r</c>.
/// </summary>
internal sealed class MeasuredServer : IAsyncDisposable
{
    private readonly LoopMount _drive = LoopMount.NewInMemory(1L << 30); // strict writes wait for none: what comes by the clock is not theirs
    private readonly RingLoop _loop = new(new RingLoopOptions { ReceiveBufferCount = 512 });
    private readonly ColdReads _coldReads = new(new ColdReadOptions());
    private readonly UringFileIo _io;
    private readonly UringTransport _transport;
    private ObjectEngine _engine = null!;
    private HttpServer _http = null!;

    private MeasuredServer()
    {
        _io = new UringFileIo([_loop]);
        _transport = new UringTransport([_loop], new UringTransportOptions(), NullLoggerFactory.Instance);
    }

    public static async Task<MeasuredServer> StartAsync()
    {
        var server = new MeasuredServer();
        var options = new EngineOptions
        {
            Mountpaths = [.. Enumerable.Range(0, 2).Select(i => Directory.CreateDirectory(Path.Combine(server._drive.MountPoint, $"mp{i}")).FullName)],
            AllowSharedDisk = true,
            MemoryBytes = 16 << 20, // the metadata cache has 1536 places: they are all taken when a row of new names is measured
            FlushInterval = TimeSpan.Zero,
            Health = new() { Interval = TimeSpan.Zero }, // a look at the drives each 10 s allocates some KiB: of a few slow strict writes that would be 8 bytes each
        };
        var environment = new EngineEnvironment { Io = server._io, Time = TimeProvider.System, Log = NullLogger.Instance };
        Result<ObjectEngine> opened = await ObjectEngine.OpenAsync(options, environment);
        Assert.True(opened.Ok, opened.Error?.Message);
        server._engine = opened.Value;
        await server.MakeBucketAsync("s", "strict");
        await server.MakeBucketAsync("r", "relaxed");
        EngineStatus status = await server._engine.StatusAsync();
        var how = new HttpServerOptions
        {
            EndPoint = new IPEndPoint(IPAddress.Loopback, 0),
            Transport = server._transport,
            ColdReads = server._coldReads,
        };
        server._http = new HttpServer(how, server._engine, new NodeIdentity(status.NodeId, status.ClusterUuid, "uring", "0"), NullLoggerFactory.Instance);
        await server._http.StartAsync(CancellationToken.None);
        return server;
    }

    /// <summary>
    /// The requests of a row. Relaxed writes are made durable, and what they replaced is removed, when a run settles: a part of what they cost. That is
    /// done on the loop, whose pools are warm; the product's timer flushes in the thread pool, where threads come and go, each with empty ones.
    /// </summary>
    public MeasuredRequests Requests(Row row) => new(row, _http.EndPoint, _loop, async () => Assert.True(await _engine.FlushAsync()));

    public async ValueTask DisposeAsync()
    {
        await _http.StopAsync(TimeSpan.FromSeconds(10));
        await _http.DisposeAsync();
        await _engine.DisposeAsync();
        _io.Dispose();
        _loop.Dispose();
        _transport.Dispose();
        _coldReads.Dispose();
        _drive.Dispose();
    }

    private async Task MakeBucketAsync(string name, string durability)
    {
        Assert.True(BucketName.TryCreate("ais", "", "", name, out BucketName? bucket, out string? problem), problem);
        using JsonDocument properties = JsonDocument.Parse($$"""{"durability":"{{durability}}"}""");
        Result<BucketRecord> made = await _engine.CreateBucketAsync(Caller.Anonymous, bucket!, properties.RootElement);
        Assert.True(made.Ok, made.Error?.Message);
    }
}
