// The transport by itself, or under Kestrel, on a real ring whose memory is so small that every shortage is the usual case.
using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Native.Uring;
using Sluice.Transport.Uring;

namespace Sluice.Transport.Tests.Uring;

/// <summary>Waits for a condition, which is asked again until it holds or the deadline has passed.</summary>
internal static class Until
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

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

/// <summary>Megabytes that are to be the same; they are not shown when they differ.</summary>
internal static class Exactly
{
    public static void Same(byte[] expected, byte[] got) =>
        Assert.True(expected.AsSpan().SequenceEqual(got), $"{got.Length} bytes of {expected.Length}; the first {expected.AsSpan().CommonPrefixLength(got)} are as expected");
}

/// <summary>A loop and the transport on it. At its end no connection, lease or request is left, or the test fails.</summary>
internal sealed class RingBench : IAsyncDisposable
{
    public const int SmallBufferCount = 8;
    public const int SmallBufferBytes = 4096;

    private readonly List<IConnectionListener> _listeners = [];
    private readonly List<Task> _serving = [];
    private readonly int _bufferCount;

    public RingBench(UringTransportOptions? options = null, ILoggerFactory? log = null, int bufferCount = SmallBufferCount)
    {
        _bufferCount = bufferCount;
        Loop = new RingLoop(new RingLoopOptions
        {
            ReceiveBufferCount = bufferCount,
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
        await Until.TrueAsync(() => FreeBuffersAsync().GetAwaiter().GetResult() == _bufferCount, "all provided buffers are back");
    }

    /// <summary>Waits until the loop has called everything that it calls at intervals, at least once from now on.</summary>
    public async Task TicksAsync(int count = 2)
    {
        var ticks = new CountedTicks();
        await Loop.RunAsync(() =>
        {
            Loop.AddTicker(ticks);
            return ValueTask.FromResult(0);
        });
        await Until.TrueAsync(() => ticks.Count >= count, "the loop ticks");
        await Loop.RunAsync(() =>
        {
            Loop.RemoveTicker(ticks);
            return ValueTask.FromResult(0);
        });
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
        Assert.Equal(_bufferCount, await FreeBuffersAsync());
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

    private sealed class CountedTicks : IRingTicker
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void Tick() => Interlocked.Increment(ref _count);
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
