using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Sluice.Native;

namespace Sluice.Transport.Guard;

/// <summary>
/// What the kernel may keep for sockets. A few connections are left to it: it tunes their buffers up to several MiB, and a long line needs that. All
/// others get buffers of a fixed size, so that many slow clients cannot have it all. Any thread.
/// </summary>
public sealed class SocketBuffers(int tunedMax, int bufferBytes)
{
    private int _tuned;

    /// <summary>Connections whose buffers the kernel tunes now.</summary>
    public int TunedCount => Volatile.Read(ref _tuned);

    /// <summary>A connection has come; true when its buffers are the kernel's to tune, and then <see cref="Release"/> is called when it ends.</summary>
    public bool TryTune()
    {
        int count = Volatile.Read(ref _tuned);
        while (count < tunedMax)
        {
            int seen = Interlocked.CompareExchange(ref _tuned, count + 1, count);
            if (seen == count)
            {
                return true;
            }

            count = seen;
        }

        return false;
    }

    /// <summary>A connection that was tuned has ended.</summary>
    public void Release() => Interlocked.Decrement(ref _tuned);

    /// <summary>Bounds both buffers of a socket of ours. The kernel doubles what it is told, for its own bookkeeping (socket(7)).</summary>
    internal void Bound(int socket)
    {
        Sockets.SetSendBuffer(socket, bufferBytes / 2);
        Sockets.SetReceiveBuffer(socket, bufferBytes / 2);
    }

    /// <summary>Connection middleware for transports that have a <see cref="Socket"/>.</summary>
    internal async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        Socket? socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        bool isTuned = socket is not null && TryTune();
        try
        {
            if (socket is not null && !isTuned)
            {
                Bound(socket);
            }

            await next(connection);
        }
        finally
        {
            if (isTuned)
            {
                Release();
            }
        }
    }

    private void Bound(Socket socket)
    {
        try
        {
            socket.SendBufferSize = bufferBytes / 2;
            socket.ReceiveBufferSize = bufferBytes / 2;
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The client is gone already: its buffers are too, and whoever reads next learns of it.
        }
    }
}
