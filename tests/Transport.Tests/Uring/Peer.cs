using System.Net;
using System.Net.Sockets;

namespace Sluice.Transport.Tests.Uring;

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

    /// <summary>Everything up to the server's end, which is one in peace.</summary>
    public async Task<byte[]> ReceiveAllAsync()
    {
        (byte[] bytes, bool isBroken) = await ReceiveAllUnlessBrokenAsync();
        Assert.False(isBroken, $"the server broke the connection after {bytes.Length} bytes");
        return bytes;
    }

    /// <summary>The same, and nothing where the server breaks the connection instead.</summary>
    public async Task<byte[]> ReceiveUnlessBrokenAsync(int count)
    {
        try
        {
            return await ReceiveAsync(count);
        }
        catch (SocketException)
        {
            return [];
        }
    }

    /// <summary>Everything up to the server's end, or to where it broke the connection.</summary>
    public async Task<(byte[] Bytes, bool IsBroken)> ReceiveAllUnlessBrokenAsync()
    {
        using var all = new MemoryStream();
        byte[] buffer = new byte[64 << 10];
        try
        {
            int got;
            while ((got = await Socket.ReceiveAsync(buffer, _deadline.Token)) > 0)
            {
                all.Write(buffer, 0, got);
            }
        }
        catch (SocketException)
        {
            return (all.ToArray(), true);
        }

        return (all.ToArray(), false);
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
