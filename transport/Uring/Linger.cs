using Microsoft.AspNetCore.Connections;
using Sluice.Native.Uring;

namespace Sluice.Transport.Uring;

/// <summary>
/// Connections whose application is done while the socket is not. While it sends, one whose peer takes nothing for too long is broken; when
/// it has sent everything, its peer has a moment to end too. The loop wakes for them only while there are any. Loop thread only.
/// </summary>
internal sealed class Linger(RingLoop loop, UringTransportOptions options) : IRingTicker
{
    private readonly Dictionary<UringConnection, (long SentBytes, long SinceTicks)> _connections = [];

    /// <summary>Watches a connection until <see cref="Remove"/>; again, from its next stage on.</summary>
    public void Add(UringConnection connection)
    {
        if (_connections.Count == 0)
        {
            loop.AddTicker(this);
        }

        _connections[connection] = (connection.SentBytes, options.Time.GetTimestamp());
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
            if (connection.IsDraining)
            {
                if (options.Time.GetElapsedTime(since) > options.DrainTimeout)
                {
                    connection.Close();
                }
            }
            else if (connection.SentBytes is var now && now != sentBytes)
            {
                _connections[connection] = (now, options.Time.GetTimestamp());
            }
            else if (options.Time.GetElapsedTime(since) > options.LingerTimeout)
            {
                connection.Abort(new ConnectionAbortedException("the client takes nothing of its response"));
            }
        }
    }
}
