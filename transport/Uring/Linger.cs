using System.Diagnostics;
using Microsoft.AspNetCore.Connections;
using Sluice.Native.Uring;

namespace Sluice.Transport.Uring;

/// <summary>
/// Connections whose application is done while the socket still has something to send. One whose peer takes nothing for too long is broken. The loop
/// wakes for them only while there are any. Loop thread only.
/// </summary>
internal sealed class Linger(RingLoop loop, TimeSpan timeout) : IRingTicker
{
    private readonly Dictionary<UringConnection, (long SentBytes, long SinceTicks)> _connections = [];

    /// <summary>Watches a connection until <see cref="Remove"/>.</summary>
    public void Add(UringConnection connection)
    {
        if (_connections.Count == 0)
        {
            loop.AddTicker(this);
        }

        _connections[connection] = (connection.SentBytes, Stopwatch.GetTimestamp());
    }

    /// <summary>The connection has ended, watched or not.</summary>
    public void Remove(UringConnection connection)
    {
        if (_connections.Remove(connection) && _connections.Count == 0)
        {
            loop.RemoveTicker(this);
        }
    }

    /// <inheritdoc/>
    public void Tick()
    {
        foreach ((UringConnection connection, (long sentBytes, long since)) in _connections.ToArray())
        {
            if (connection.SentBytes != sentBytes)
            {
                _connections[connection] = (connection.SentBytes, Stopwatch.GetTimestamp());
            }
            else if (Stopwatch.GetElapsedTime(since) > timeout)
            {
                connection.Abort(new ConnectionAbortedException("the client takes nothing of its response"));
            }
        }
    }
}
