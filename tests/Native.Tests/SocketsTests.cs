using System.Net;
using System.Net.Sockets;
using Sluice.Native.Tests.Support;

namespace Sluice.Native.Tests;

/// <summary>TCP as descriptors, against the kernel: both families, both ends, and what is refused.</summary>
public sealed class SocketsTests
{
    public static TheoryData<string, string> Addresses => new()
    {
        { "127.0.0.1", "127.0.0.1" },
        { "0.0.0.0", "127.0.0.1" },
        { "::1", "::1" },
        { "::", "::1" },
        { "::", "127.0.0.1" }, // any address of IPv6 takes IPv4 too
    };

    [Theory]
    [MemberData(nameof(Addresses))]
    public async Task AListenerOnPort0HasAPortAndBothEndsKnowBothAddresses(string listen, string connect)
    {
        Assert.Equal(Errno.None, Sockets.Listen(new IPEndPoint(IPAddress.Parse(listen), 0), 16, out int listener));
        IPEndPoint local = Sockets.LocalEndPoint(listener)!;
        Assert.Equal(IPAddress.Parse(listen), local.Address);
        Assert.True(local.Port > 0);
        Errno error = Sockets.Connect(new IPEndPoint(IPAddress.Parse(connect), local.Port), out int near);
        Assert.True(error is Errno.None or Errno.EINPROGRESS);
        using var far = new Socket(new SafeSocketHandle(await AcceptAsync(listener), ownsHandle: true));
        Assert.Equal(Errno.None, Sockets.TakeError(near));
        Assert.Equal(new IPEndPoint(IPAddress.Parse(connect), local.Port), Sockets.RemoteEndPoint(near));
        IPEndPoint seen = Sockets.RemoteEndPoint((int)far.Handle)!, mine = Sockets.LocalEndPoint(near)!;
        Assert.Equal(mine.Port, seen.Port);
        Assert.Equal(mine.Address, seen.Address.IsIPv4MappedToIPv6 ? seen.Address.MapToIPv4() : seen.Address);
        Libc.Close(near);
        Libc.Close(listener);
    }

    [Fact]
    public async Task AnAddressOfOneFamilyRefusesTheOther()
    {
        Assert.Equal(Errno.None, Sockets.Listen(new IPEndPoint(IPAddress.IPv6Loopback, 0), 16, out int listener));
        int port = Sockets.LocalEndPoint(listener)!.Port;
        Errno error = Sockets.Connect(new IPEndPoint(IPAddress.Loopback, port), out int socket);
        Assert.Equal(Errno.ECONNREFUSED, error == Errno.EINPROGRESS ? await SettledAsync(socket) : error);
        Libc.Close(socket);
        Libc.Close(listener);
    }

    [Fact]
    public async Task AConnectionThatIsRefusedIsTold()
    {
        Assert.Equal(Errno.None, Sockets.Listen(new IPEndPoint(IPAddress.Loopback, 0), 1, out int listener));
        IPEndPoint gone = Sockets.LocalEndPoint(listener)!;
        Libc.Close(listener);
        Errno error = Sockets.Connect(gone, out int socket);
        Assert.Equal(Errno.ECONNREFUSED, error == Errno.EINPROGRESS ? await SettledAsync(socket) : error);
        Libc.Close(socket);
        Assert.Equal(Errno.EADDRNOTAVAIL, Sockets.Listen(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0), 1, out socket)); // of nobody (RFC 5737)
        Assert.Equal(-1, socket);
    }

    [Fact]
    public void AnAddressThatSomebodyElseHasIsInUse()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp); // does not share
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        var address = (IPEndPoint)other.LocalEndPoint!;
        Assert.Equal(Errno.EADDRINUSE, Sockets.Listen(address, 1, out int socket));
        Assert.Equal(-1, socket);
        Assert.Equal(Errno.EADDRINUSE, Sockets.Listen(new IPEndPoint(IPAddress.IPv6Any, address.Port), 1, out _)); // which would take its IPv4 too
        Assert.Equal(Errno.EADDRINUSE, Sockets.CheckFree(address));
    }

    /// <summary>SO_REUSEPORT lets a second server in silently; only asking without it tells.</summary>
    [Fact]
    public void AnAddressThatIsSharedIsFreeForALoopButNotForAServer()
    {
        Assert.Equal(Errno.None, Sockets.CheckFree(new IPEndPoint(IPAddress.Loopback, 0)));
        Assert.Equal(Errno.None, Sockets.Listen(new IPEndPoint(IPAddress.Loopback, 0), 1, out int first));
        IPEndPoint address = Sockets.LocalEndPoint(first)!;
        Assert.Equal(Errno.None, Sockets.Listen(address, 1, out int second));
        Assert.Equal(Errno.EADDRINUSE, Sockets.CheckFree(address));
        Libc.Close(first);
        Libc.Close(second);
        Assert.Equal(Errno.None, Sockets.CheckFree(address));
    }

    [Fact]
    public async Task ConnectionsAreSpreadOverListenersOfOneAddress()
    {
        Assert.Equal(Errno.None, Sockets.Listen(new IPEndPoint(IPAddress.Loopback, 0), 128, out int one));
        IPEndPoint address = Sockets.LocalEndPoint(one)!;
        Assert.Equal(Errno.None, Sockets.Listen(address, 128, out int other));
        List<Socket> clients = [];
        for (int i = 0; i < 100; i++)
        {
            clients.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            await clients[i].ConnectAsync(address);
        }

        int[] counts = [Drain(one), Drain(other)];
        Assert.Equal(100, counts.Sum());
        Assert.All(counts, static count => Assert.InRange(count, 10, 90)); // by hash: 50 each, a standard deviation of 5
        clients.ForEach(static client => client.Dispose());
        Libc.Close(one);
        Libc.Close(other);

        static int Drain(int listener)
        {
            int count = 0;
            for (int socket = Kernel.Accept(listener); socket >= 0; socket = Kernel.Accept(listener))
            {
                count++;
                Libc.Close(socket);
            }

            return count;
        }
    }

    [Fact]
    public async Task AFullSocketAnswersAgainAndTakesMoreWhenThePeerHasRead()
    {
        using var pair = new Uring.TcpPair();
        byte[] piece = new byte[1 << 16];
        long sentTotal = 0;
        while (Sockets.Send(pair.Near, piece, more: true, out int sent) == Errno.None)
        {
            sentTotal += sent;
        }

        Assert.Equal(Errno.EAGAIN, Sockets.Send(pair.Near, piece, more: false, out int none));
        Assert.Equal(0, none);
        for (long read = 0; read < sentTotal;)
        {
            read += await pair.Far.ReceiveAsync(piece);
        }

        Assert.Equal(Errno.None, Sockets.Send(pair.Near, "more"u8, more: false, out int again));
        Assert.Equal(4, again);
        Sockets.Shutdown(pair.Near, sendOnly: true);
        Assert.Equal(4, await pair.Far.ReceiveAsync(piece));
        Assert.Equal(0, await pair.Far.ReceiveAsync(piece));
        Assert.Equal(Errno.EPIPE, Sockets.Send(pair.Near, piece, more: false, out _));
    }

    [Fact]
    public async Task SendFileSendsARangeUpToTheEndOfTheFileAndLeavesItsPosition()
    {
        using var directory = new TempDirectory();
        using var pair = new Uring.TcpPair();
        directory.Write("file", "0123456789");
        int file = directory.Open("file", Libc.OpenMode.Read);
        Assert.Equal(Errno.None, Sockets.SendFile(pair.Near, file, 3, 4, out int sent));
        Assert.Equal(4, sent);
        Assert.Equal(Errno.None, Sockets.SendFile(pair.Near, file, 8, 100, out sent));
        Assert.Equal(2, sent);
        Assert.Equal(Errno.None, Sockets.SendFile(pair.Near, file, 10, 100, out sent));
        Assert.Equal(0, sent);
        Sockets.Shutdown(pair.Near, sendOnly: true);
        byte[] all = new byte[20];
        int count = 0;
        for (int read = await pair.Far.ReceiveAsync(all); read > 0; read = await pair.Far.ReceiveAsync(all.AsMemory(count)))
        {
            count += read;
        }

        Assert.Equal("345689"u8.ToArray(), all[..count]);
        Assert.Equal(Errno.EBADF, Sockets.SendFile(pair.Near, -1, 0, 1, out sent));
        Assert.Equal(0, sent);
    }

    [Fact]
    public async Task AResetIsWhatThePeerSees()
    {
        using var pair = new Uring.TcpPair();
        Sockets.SetReset(pair.Near);
        pair.CloseNear();
        var reset = await Assert.ThrowsAsync<SocketException>(async () => await pair.Far.ReceiveAsync(new byte[1]));
        Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
    }

    [Fact]
    public async Task ProgressIsCountedToTheByte()
    {
        using var pair = new Uring.TcpPair();
        Assert.True(Sockets.TryProgress(pair.Near, out ulong acknowledged, out ulong received));
        await pair.Far.SendAsync(new byte[777]);
        Assert.Equal(Errno.None, Sockets.Send(pair.Near, new byte[555], more: false, out _));
        byte[] buffer = new byte[555];
        int count = 0;
        while (count < buffer.Length)
        {
            count += await pair.Far.ReceiveAsync(buffer.AsMemory(count));
        }

        Assert.True(Kernel.Eventually(() => Sockets.TryProgress(pair.Near, out ulong ackedNow, out ulong receivedNow)
            && ackedNow - acknowledged == 555 && receivedNow - received == 777));
        Assert.False(Sockets.TryProgress(-1, out _, out _));
    }

    private static Task<int> AcceptAsync(int listener)
    {
        int socket = -1;
        Assert.True(Kernel.Eventually(() => (socket = Kernel.Accept(listener)) >= 0));
        return Task.FromResult(socket);
    }

    /// <summary>How a connection that was in progress ended.</summary>
    private static Task<Errno> SettledAsync(int socket)
    {
        Errno error = Errno.None;
        Assert.True(Kernel.Eventually(() => (error = Sockets.TakeError(socket)) != Errno.None || Sockets.RemoteEndPoint(socket) is not null));
        return Task.FromResult(error);
    }
}
