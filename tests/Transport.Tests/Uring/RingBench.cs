// The transport by itself, or under Kestrel, on a real ring whose memory is so small that every shortage is the usual case.
using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Native.Uring;
using Sluice.Transport.Http;
using Sluice.Transport.Uring;

namespace Sluice.Transport.Tests.Uring;

/// <summary>Waits for a condition, which is asked again until it holds or the deadline has passed.</summary>
internal static class Until
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    public static async Task TrueAsync(Func<bool> isSo, string what)
    {
        long start = Stopwatch.GetTimestamp();
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        while (!isSo())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Deadline, $"not yet: {what}");
            await pace.WaitForNextTickAsync();
        }
    }
}

/// <summary>A loop and the transport on it. At its end no connection, lease or request is left, or the test fails.</summary>
internal sealed class RingBench : IAsyncDisposable
{
    public const int SmallBufferCount = 8;
    public const int SmallBufferBytes = 4096;

    private readonly List<IConnectionListener> _listeners = [];
    private readonly List<Task> _serving = [];

    public RingBench(UringTransportOptions? options = null, ILoggerFactory? log = null)
    {
        Loop = new RingLoop(new RingLoopOptions
        {
            ReceiveBufferCount = SmallBufferCount,
            ReceiveBufferBytes = SmallBufferBytes,
            TickInterval = TimeSpan.FromMilliseconds(10),
        });
        Transport = new UringTransport([Loop], options ?? Small, log ?? NullLoggerFactory.Instance);
    }

    /// <summary>Two blocks, two heads, and a pause at two blocks.</summary>
    public static UringTransportOptions Small => new() { BlockCount = 2, HeadCount = 2 };

    public RingLoop Loop { get; }

    public UringTransport Transport { get; }

    /// <summary>Connections that the application has seen to their end.</summary>
    public int Served { get; private set; }

    public ValueTask<IConnectionListener> BindAsync(IPEndPoint? endPoint = null) => Transport.BindAsync(endPoint ?? new IPEndPoint(IPAddress.Loopback, 0));

    /// <summary>Listens, and gives each connection to the application, which begins on the loop.</summary>
    public async Task<IPEndPoint> ServeAsync(Func<ConnectionContext, Task> application, IPEndPoint? endPoint = null)
    {
        IConnectionListener listener = await BindAsync(endPoint);
        _listeners.Add(listener);
        _serving.Add(AcceptAsync(listener, application));
        return (IPEndPoint)listener.EndPoint;
    }

    /// <summary>Buffers that the kernel may fill; asked on the loop.</summary>
    public Task<int> FreeBuffersAsync() => Loop.RunAsync(() => ValueTask.FromResult(Loop.ReceiveBuffers!.FreeCount));

    /// <summary>Waits until nothing is held: neither by connections that have ended nor by idle ones.</summary>
    public async Task IsIdleAsync(int connections = 0)
    {
        await Until.TrueAsync(() => Transport.ConnectionCount == connections, $"{connections} connections, not {Transport.ConnectionCount}");
        await Until.TrueAsync(() => Transport.LeaseCount == 0, "no lease");
        await Until.TrueAsync(() => FreeBuffersAsync().GetAwaiter().GetResult() == SmallBufferCount, "all provided buffers are back");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IConnectionListener listener in _listeners)
        {
            await listener.DisposeAsync().AsTask().WaitAsync(Until.Deadline);
        }

        await Task.WhenAll(_serving).WaitAsync(Until.Deadline);
        Assert.Equal(0, Transport.ConnectionCount);
        Assert.Equal(0, Transport.LeaseCount);
        Assert.Equal(SmallBufferCount, await FreeBuffersAsync());
        Assert.Equal(0, await Loop.RunAsync(() => ValueTask.FromResult(Loop.InFlightCount)));
        Loop.Dispose();
        Transport.Dispose();
    }

    private async Task AcceptAsync(IConnectionListener listener, Func<ConnectionContext, Task> application)
    {
        List<Task> running = [];
        while (await listener.AcceptAsync() is { } connection)
        {
            running.Add(Loop.RunAsync(async () =>
            {
                await RunAsync(connection, application);
                return 0;
            }));
        }

        await Task.WhenAll(running);
    }

    private async Task RunAsync(ConnectionContext connection, Func<ConnectionContext, Task> application)
    {
        try
        {
            await application(connection);
        }
        catch (Exception gone) when (gone is ConnectionResetException or ConnectionAbortedException)
        {
            // The client, or a stop.
        }
        finally
        {
            await connection.Transport.Input.CompleteAsync();
            await connection.Transport.Output.CompleteAsync();
            await connection.DisposeAsync();
            Served++;
        }
    }
}

/// <summary>Applications of bare connections.</summary>
internal static class Applications
{
    /// <summary>Sends back what comes, until the client ends.</summary>
    public static async Task EchoAsync(ConnectionContext connection)
    {
        while (true)
        {
            ReadResult read = await connection.Transport.Input.ReadAsync();
            foreach (ReadOnlyMemory<byte> piece in read.Buffer)
            {
                connection.Transport.Output.Write(piece.Span);
            }

            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            if ((await connection.Transport.Output.FlushAsync()).IsCompleted || read.IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Reads that many bytes; null when the client ends before.</summary>
    public static async Task<byte[]?> TakeAsync(PipeReader input, int count)
    {
        byte[] bytes = new byte[count];
        int have = 0;
        while (have < count)
        {
            ReadResult read = await input.ReadAsync();
            int taken = (int)Math.Min(count - have, read.Buffer.Length);
            ReadOnlySequence<byte> part = read.Buffer.Slice(0, taken);
            part.CopyTo(bytes.AsSpan(have));
            have += taken;
            input.AdvanceTo(part.End);
            if (taken == 0 && read.IsCompleted)
            {
                return null;
            }
        }

        return bytes;
    }
}

/// <summary>A client: a plain socket with deadlines.</summary>
internal sealed class Peer : IDisposable
{
    private readonly CancellationTokenSource _deadline = new(Until.Deadline);

    public Peer(IPEndPoint server)
    {
        Server = server;
        Socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
    }

    public IPEndPoint Server { get; }

    public Socket Socket { get; }

    public static async Task<Peer> ConnectAsync(IPEndPoint server, int receiveBuffer = 0)
    {
        var peer = new Peer(server);
        if (receiveBuffer > 0)
        {
            peer.Socket.ReceiveBufferSize = receiveBuffer;
        }

        await peer.Socket.ConnectAsync(server, peer._deadline.Token);
        return peer;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await Socket.SendAsync(bytes, _deadline.Token)..];
        }
    }

    public Task SendAsync(string text) => SendAsync(System.Text.Encoding.Latin1.GetBytes(text));

    /// <summary>Sends all, in pieces of lengths that the seed chooses.</summary>
    public async Task SendInPiecesAsync(ReadOnlyMemory<byte> bytes, Random lengths, int pieceMax)
    {
        while (!bytes.IsEmpty)
        {
            int piece = Math.Min(bytes.Length, lengths.Next(1, pieceMax + 1));
            await SendAsync(bytes[..piece]);
            bytes = bytes[piece..];
        }
    }

    /// <summary>Receives that many bytes, or fewer when the server ends.</summary>
    public async Task<byte[]> ReceiveAsync(int count)
    {
        byte[] bytes = new byte[count];
        int have = 0;
        while (have < count)
        {
            int got = await Socket.ReceiveAsync(bytes.AsMemory(have), _deadline.Token);
            if (got == 0)
            {
                return bytes[..have];
            }

            have += got;
        }

        return bytes;
    }

    /// <summary>Everything up to the server's end.</summary>
    public async Task<byte[]> ReceiveAllAsync()
    {
        using var all = new MemoryStream();
        byte[] buffer = new byte[64 << 10];
        int got;
        while ((got = await Socket.ReceiveAsync(buffer, _deadline.Token)) > 0)
        {
            all.Write(buffer, 0, got);
        }

        return all.ToArray();
    }

    public void HalfClose() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Breaks off (RST).</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Close();
    }

    public void Dispose()
    {
        Socket.Dispose();
        _deadline.Dispose();
    }
}

/// <summary>A file of a test's own, as the engine holds one.</summary>
internal sealed class TestFile : IDescriptorOwner, IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public TestFile(byte[] content, long sizeBytes = -1)
    {
        File.WriteAllBytes(_path, content);
        if (sizeBytes >= 0)
        {
            using FileStream grown = File.OpenWrite(_path);
            grown.SetLength(sizeBytes);
        }

        using FileStream open = File.OpenRead(_path);
        Handle = new FileHandle((int)open.SafeFileHandle.DangerousGetHandle(), this);
        open.SafeFileHandle.SetHandleAsInvalid(); // the handle is ours now
    }

    public FileHandle Handle { get; }

    /// <summary>True once the handle and all holds on it are gone.</summary>
    public bool IsClosed { get; private set; }

    public void Truncate(long sizeBytes)
    {
        using FileStream file = File.OpenWrite(_path);
        file.SetLength(sizeBytes);
    }

    public void Close(int descriptor)
    {
        Libc.Close(descriptor);
        IsClosed = true;
    }

    public void Dispose()
    {
        Handle.Dispose();
        File.Delete(_path);
    }
}

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
