using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Sluice.Native;

namespace Sluice.Transport.Guard;

/// <summary>What a connection has of the memory for sockets.</summary>
/// <param name="IsTuned">Its buffers are the kernel's to tune.</param>
/// <param name="SharedBytes">Of the shared memory, for both buffers together.</param>
public readonly record struct SocketGrant(bool IsTuned, long SharedBytes);

/// <summary>
/// What the kernel may keep for sockets. A few connections are left to it: it tunes their buffers up to several MiB, and a long line needs that. All
/// others get buffers of a fixed size, so that many slow clients cannot have it all: a least that each has, and a part of a shared rest. Each takes the same part of
/// what is left, so that a few hundred have room for an answer of 1 MiB at once and thousands have the least. Any thread.
/// </summary>
/// <param name="tunedMax">Connections that are left to the kernel.</param>
/// <param name="bufferBytes">The least of each of the two buffers of any other.</param>
/// <param name="sharedBytes">Given to others beyond the least, in all.</param>
public sealed class SocketBuffers(int tunedMax, int bufferBytes, long sharedBytes = 0)
{
    private const int Parts = 256; // with 384 MiB to share the first has 0.75 MiB more in each buffer, the 200th 0.35, the 2000th nothing
    private const long PartBytesMax = 8 << 20; // as much as the kernel's tuning gives

    private int _tuned;
    private long _left = sharedBytes;

    /// <summary>Connections whose buffers the kernel tunes now.</summary>
    public int TunedCount => Volatile.Read(ref _tuned);

    /// <summary>Bytes of the shared memory that nobody has.</summary>
    public long SharedBytesLeft => Volatile.Read(ref _left);

    /// <summary>A connection has come; what it gets is given back by <see cref="Release"/> when it ends.</summary>
    public SocketGrant Take() => TryTune() ? new SocketGrant(IsTuned: true, 0) : new SocketGrant(IsTuned: false, TakePart());

    /// <summary>The connection has ended.</summary>
    public void Release(SocketGrant grant)
    {
        if (grant.IsTuned)
        {
            Interlocked.Decrement(ref _tuned);
        }
        else
        {
            Interlocked.Add(ref _left, grant.SharedBytes);
        }
    }

    /// <summary>Bounds both buffers of a socket of ours, unless they are the kernel's. The kernel doubles what it is told, for its own bookkeeping (socket(7)).</summary>
    internal void Bound(int socket, SocketGrant grant)
    {
        if (!grant.IsTuned)
        {
            Sockets.SetSendBuffer(socket, BytesOf(grant) / 2);
            Sockets.SetReceiveBuffer(socket, BytesOf(grant) / 2);
        }
    }

    /// <summary>Size of each of the two buffers of a connection that is not tuned.</summary>
    public int BytesOf(SocketGrant grant) => bufferBytes + (int)(grant.SharedBytes / 2);

    /// <summary>Connection middleware for transports that have a <see cref="Socket"/>.</summary>
    internal async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket)
        {
            await next(connection);
            return;
        }

        SocketGrant grant = Take();
        try
        {
            Bound(socket, grant);
            await next(connection);
        }
        finally
        {
            Release(grant);
        }
    }

    private bool TryTune()
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

    private long TakePart()
    {
        long left = Volatile.Read(ref _left);
        while (true)
        {
            long part = Math.Min(left / Parts, PartBytesMax);
            long seen = Interlocked.CompareExchange(ref _left, left - part, left);
            if (seen == left)
            {
                return part;
            }

            left = seen;
        }
    }

    private void Bound(Socket socket, SocketGrant grant)
    {
        if (grant.IsTuned)
        {
            return;
        }

        try
        {
            socket.SendBufferSize = BytesOf(grant) / 2;
            socket.ReceiveBufferSize = BytesOf(grant) / 2;
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The client is gone already: its buffers are too, and whoever reads next learns of it.
        }
    }
}
