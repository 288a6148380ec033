// Listening: addresses, quotas, stops. Alone in the process, since sockets and threads of the whole of it are counted.
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Sluice.Transport.Tests.Uring;

[Collection(AloneCollection.Name)]
public sealed class UringListenerTests
{
    [Fact]
    public async Task ConnectionsThatNobodyTookAreClosedWithTheListener()
    {
        await using var bench = new RingBench();
        IConnectionListener listener = await bench.BindAsync();
        using Peer first = await Peer.ConnectAsync((IPEndPoint)listener.EndPoint);
        using Peer second = await Peer.ConnectAsync((IPEndPoint)listener.EndPoint);
        await first.SendAsync("GET");
        await Until.TrueAsync(() => bench.Transport.ConnectionCount == 2, "both are accepted");

        await listener.DisposeAsync().AsTask().WaitAsync(Until.Deadline);

        await bench.IsIdleAsync();
        Assert.Empty(await first.ReceiveUnlessBrokenAsync(1));
        Assert.Empty(await second.ReceiveUnlessBrokenAsync(1));
        Assert.Null(await listener.AcceptAsync());
    }

    [Fact]
    public async Task ASecondServerOnThePortIsRefused()
    {
        await using var bench = new RingBench();
        await using var other = new RingBench();
        IConnectionListener listener = await bench.BindAsync();
        await Assert.ThrowsAsync<AddressInUseException>(async () => await other.BindAsync((IPEndPoint)listener.EndPoint));
        await listener.DisposeAsync();
        await (await other.BindAsync((IPEndPoint)listener.EndPoint)).DisposeAsync(); // now it is free
    }

    [Fact]
    public async Task WhatIsNoAddressOfTheInternetIsRefusedWithASentence()
    {
        await using var bench = new RingBench();
        await Assert.ThrowsAsync<NotSupportedException>(async () => await bench.Transport.BindAsync(new UnixDomainSocketEndPoint("/nowhere")));
        await Assert.ThrowsAsync<IOException>(async () => await bench.BindAsync(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0)));
    }

    [Theory]
    [InlineData("::1", "::1", "::1")]
    [InlineData("::", "::1", "::1")]
    [InlineData("::", "127.0.0.1", "127.0.0.1")] // dual stack, and the address is told as it is
    [InlineData("0.0.0.0", "127.0.0.1", "127.0.0.1")]
    public async Task ItListensOnBothFamilies(string listens, string connects, string seen)
    {
        await using var bench = new RingBench();
        IPAddress? remote = null;
        IPEndPoint server = await bench.ServeAsync(
            connection =>
            {
                remote = ((IPEndPoint)connection.RemoteEndPoint!).Address;
                return Applications.EchoAsync(connection);
            },
            new IPEndPoint(IPAddress.Parse(listens), 0));
        using Peer peer = await Peer.ConnectAsync(new IPEndPoint(IPAddress.Parse(connects), server.Port));
        await peer.SendAsync("abc");
        Assert.Equal("abc"u8.ToArray(), await peer.ReceiveAsync(3));
        Assert.Equal(IPAddress.Parse(seen), remote);
    }

    [Fact]
    public async Task MoreThanTheQuotaAreClosedAsTheyCome()
    {
        await using var bench = new RingBench(RingBench.Small with { ConnectionsMax = 3 });
        IPEndPoint server = await bench.ServeAsync(Applications.EchoAsync);
        List<Peer> peers = [];
        for (int i = 0; i < 3; i++)
        {
            peers.Add(await Peer.ConnectAsync(server));
            await peers[i].SendAsync("a");
            await peers[i].ReceiveAsync(1);
        }

        using Peer fourth = await Peer.ConnectAsync(server);
        Assert.Empty(await fourth.ReceiveAllAsync());
        Assert.Equal((3, 1), (bench.Transport.ConnectionCount, bench.Transport.RefusedCount));
        peers[0].Dispose();
        await Until.TrueAsync(() => bench.Transport.ConnectionCount == 2, "a place is free");
        using Peer fifth = await Peer.ConnectAsync(server);
        await fifth.SendAsync("b");
        Assert.Equal("b"u8.ToArray(), await fifth.ReceiveAsync(1));
        peers.ForEach(peer => peer.Dispose());
    }

    [Fact]
    public async Task TwoThousandIdleConnectionsHoldNothingAndGo()
    {
        await using var bench = new RingBench();
        IPEndPoint server = await bench.ServeAsync(Applications.EchoAsync);
        List<Peer> peers = [];
        for (int i = 0; i < 2000; i++)
        {
            peers.Add(await Peer.ConnectAsync(server));
        }

        await bench.IsIdleAsync(connections: 2000);
        for (int i = 0; i < 2000; i += 100)
        {
            await peers[i].SendAsync("a");
            Assert.Equal("a"u8.ToArray(), await peers[i].ReceiveAsync(1));
        }

        await bench.IsIdleAsync(connections: 2000);
        for (int i = 0; i < 1000; i++)
        {
            peers[i].Dispose();
        }

        await bench.IsIdleAsync(connections: 1000);
        peers.ForEach(peer => peer.Dispose()); // the others end with the bench's stop or before
    }

    [Fact]
    public async Task FiveThousandConnectionsLeaveNoTrace()
    {
        await using var bench = new RingBench();
        IPEndPoint server = await bench.ServeAsync(Applications.EchoAsync);
        int sockets = AloneCollection.SocketCount();
        for (int round = 0; round < 51; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
            {
                using Peer peer = await Peer.ConnectAsync(server);
                await peer.SendAsync("abc");
                Assert.Equal(3, (await peer.ReceiveAsync(3)).Length);
                if (i % 3 == 0)
                {
                    peer.Reset();
                }
            }));
            await Until.TrueAsync(() => bench.Transport.ConnectionCount == 0, "all are closed");
        }

        await bench.IsIdleAsync();
        await Until.TrueAsync(() => AloneCollection.SocketCount() <= sockets, $"no more than {sockets} sockets");
        await Until.TrueAsync( // one that has ended is listed for a moment
            () => Directory.GetFileSystemEntries("/proc/self/task").Count(task => ThreadName(task) == "ring") == 1, "there is one loop");
        await Until.TrueAsync(() => bench.Served == 5100, "all are served");
    }

    [Fact]
    public async Task StartsAndStopsUnderConnectionsLeaveNoTrace()
    {
        await using var bench = new RingBench();
        for (int round = 0; round < 50; round++)
        {
            IConnectionListener listener = await bench.BindAsync();
            List<Peer> peers = [];
            for (int i = 0; i < 4; i++)
            {
                peers.Add(await Peer.ConnectAsync((IPEndPoint)listener.EndPoint));
                await peers[i].SendAsync("abc");
            }

            ConnectionContext taken = (await listener.AcceptAsync())!;
            Task stopping = listener.DisposeAsync().AsTask();
            await taken.DisposeAsync();
            await stopping.WaitAsync(Until.Deadline);
            peers.ForEach(peer => peer.Dispose());
        }

        await bench.IsIdleAsync();
    }

    private static string ThreadName(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm")).Trim();
        }
        catch (IOException)
        {
            return ""; // it has ended
        }
    }
}
