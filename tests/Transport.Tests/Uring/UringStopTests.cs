// Applications that do not let go of their connections: the listener's end does not wait for them for ever, and takes nothing from them.
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Sluice.Transport.Tests.Guard;
using Sluice.Transport.Tests.Tls;
using Sluice.Transport.Uring;

namespace Sluice.Transport.Tests.Uring;

public sealed class UringStopTests
{
    private readonly ManualTime _time = new();
    private readonly UringTransportOptions _options;

    public UringStopTests() => _options = RingBench.Small with { Time = _time };

    [Fact]
    public async Task AnApplicationThatKeepsItsConnectionHoldsTheStopUpForItsTimeAndKeepsItsMemory()
    {
        var log = new ListLog();
        using ILoggerFactory logs = LoggerFactory.Create(builder => builder.AddProvider(new OneLog(log)));
        await using var bench = new RingBench(_options, logs);
        IConnectionListener listener = await bench.BindAsync();
        using Peer peer = await Peer.ConnectAsync((IPEndPoint)listener.EndPoint);
        ConnectionContext kept = (await listener.AcceptAsync())!;
        Memory<byte> room = kept.Transport.Output.GetMemory(1000);

        Task stopping = listener.DisposeAsync().AsTask();
        await Until.TrueAsync(() => _time.ArmedCount == 1, "the stop waits");
        Assert.Empty(await peer.ReceiveUnlessBrokenAsync(1)); // the socket is closed all the same
        _time.Advance(_options.StopTimeout - TimeSpan.FromMilliseconds(1));
        await bench.TicksAsync();
        Assert.False(stopping.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await stopping.WaitAsync(Until.Deadline);
        Assert.Contains("1 connections", Assert.Single(log.Of(LogLevel.Warning)), StringComparison.Ordinal);

        bench.Transport.Dispose(); // as the server does next
        Assert.Equal((1, 1), (bench.Transport.ConnectionCount, bench.Transport.LeaseCount));
        room.Span.Fill(7); // still mapped
        await kept.DisposeAsync().AsTask().WaitAsync(Until.Deadline);
        await bench.IsIdleAsync();
    }

    [Fact]
    public async Task ABufferThatALivingListenersConnectionHasIsNotUnmapped()
    {
        await using var bench = new RingBench(_options);
        IConnectionListener listener = await bench.BindAsync();
        using Peer peer = await Peer.ConnectAsync((IPEndPoint)listener.EndPoint);
        ConnectionContext kept = (await listener.AcceptAsync())!;
        kept.Transport.Output.GetMemory(1000);
        Assert.Throws<InvalidOperationException>(bench.Transport.Dispose); // the twin of the one above: nobody has stopped
        await kept.DisposeAsync();
        await listener.DisposeAsync();
    }

    [Fact]
    public async Task AnApplicationThatLetsGoEndsTheStopAtOnce()
    {
        await using var bench = new RingBench(_options);
        IConnectionListener listener = await bench.BindAsync();
        using Peer peer = await Peer.ConnectAsync((IPEndPoint)listener.EndPoint);
        ConnectionContext kept = (await listener.AcceptAsync())!;
        Task stopping = listener.DisposeAsync().AsTask();
        await Until.TrueAsync(() => _time.ArmedCount == 1, "the stop waits");
        await kept.DisposeAsync();
        await stopping.WaitAsync(Until.Deadline); // time has not moved
        await bench.IsIdleAsync();
    }

    [Fact]
    public async Task ARequestThatNeverEndsDoesNotHoldUpTheServersStop()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var disk = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using KestrelBench bench = await KestrelBench.StartAsync(
            async exchange =>
            {
                begun.SetResult();
                await disk.Task;
            },
            _options);
        using Peer peer = await Peer.ConnectAsync(bench.EndPoint);
        await peer.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        await begun.Task.WaitAsync(Until.Deadline);
        Task stopping = bench.StopAsync(new CancellationToken(canceled: true));
        await Until.TrueAsync(() => _time.ArmedCount == 1, "the stop waits");
        Assert.False(stopping.IsCompleted);
        _time.Advance(_options.StopTimeout);
        await stopping.WaitAsync(Until.Deadline);
        disk.SetResult();
        await bench.Ring.IsIdleAsync();
    }
}

/// <summary>One log for all categories.</summary>
internal sealed class OneLog(ILogger log) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => log;

    public void Dispose()
    {
        // The log is the test's.
    }
}
