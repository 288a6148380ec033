using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Sluice.Native.Uring;

namespace Sluice.Transport.Uring;

/// <summary>
/// Kestrel's connections on our own ring loops: connections are accepted, read and written by io_uring on the loop that they came to, and what
/// Kestrel and the application do with them runs there too. The loops are the caller's, who ends them after this.
/// </summary>
public sealed class UringTransport : IConnectionListenerFactory, IDisposable
{
    private readonly LoopBuffers[] _loops;
    private readonly ConnectionQuota _quota;
    private readonly ILogger _log;

    /// <summary>A transport on loops that have receive buffers.</summary>
    public UringTransport(IReadOnlyList<RingLoop> loops, UringTransportOptions options, ILoggerFactory log)
    {
        _loops = [.. loops.Select(loop => new LoopBuffers(loop, options))];
        _quota = new ConnectionQuota(options.ConnectionsMax);
        _log = log.CreateLogger("transport");
    }

    /// <summary>Connections now.</summary>
    public int ConnectionCount => _quota.Count;

    /// <summary>Connections that were closed as they came, because there were too many.</summary>
    public long RefusedCount => _quota.RefusedCount;

    /// <summary>Buffers that connections have rented.</summary>
    public int LeaseCount => BlockCount + HeadCount;

    /// <summary>Blocks for request bodies that are rented.</summary>
    public int BlockCount => _loops.Sum(loop => loop.Blocks.OutstandingCount);

    /// <summary>Buffers for heads that are rented.</summary>
    public int HeadCount => _loops.Sum(loop => loop.Heads.OutstandingCount);

    /// <summary>Bytes of arrays that stand in for buffers of heads.</summary>
    public long ArrayBytes => _loops.Sum(loop => loop.ArrayBytes);

    /// <summary>Times that a receive found no free buffer, all loops.</summary>
    public long StarvedCount => _loops.Sum(loop => loop.StarvedCount);

    /// <summary>Times that a receive was stopped because its reader was behind, all loops.</summary>
    public long PausedCount => _loops.Sum(loop => loop.PausedCount);

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        endpoint is IPEndPoint address
            ? new(UringListener.Bind(address, _loops, _quota, _log))
            : throw new NotSupportedException($"only addresses of the internet protocol can be listened on, not {endpoint}");

    /// <summary>
    /// Unmaps the buffers. After all listeners are disposed: throws <see cref="InvalidOperationException"/> while a connection has one, unless its listener
    /// has given up waiting for that; then the buffers of its loop stay mapped.
    /// </summary>
    public void Dispose() => Array.ForEach(_loops, loop => loop.Dispose());
}
