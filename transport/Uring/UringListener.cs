using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Sluice.Native;

namespace Sluice.Transport.Uring;

/// <summary>
/// One address, a listening socket on each loop; the kernel spreads connections over them (SO_REUSEPORT). Kestrel takes the connections from here.
/// </summary>
internal sealed class UringListener : IConnectionListener
{
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>(); // no longer than the quota of connections
    private readonly Acceptor[] _acceptors;
    private readonly IReadOnlyList<LoopBuffers> _loops;
    private readonly ConnectionQuota _quota;
    private readonly ILogger _log;

    private UringListener(IPEndPoint endPoint, IReadOnlyList<LoopBuffers> loops, IReadOnlyList<int> sockets, ConnectionQuota quota, ILogger log)
    {
        EndPoint = endPoint;
        (_loops, _quota, _log) = (loops, quota, log);
        _acceptors = [.. loops.Select((buffers, index) => new Acceptor(buffers, sockets[index], _accepted.Writer, quota, log))];
    }

    /// <inheritdoc/>
    public EndPoint EndPoint { get; }

    /// <summary>Listens. Throws <see cref="AddressInUseException"/> or <see cref="IOException"/>.</summary>
    public static UringListener Bind(IPEndPoint endPoint, IReadOnlyList<LoopBuffers> loops, ConnectionQuota quota, ILogger log)
    {
        // SO_REUSEPORT would let a second server of the same user share the port in silence: a socket without it finds out first.
        int claim = Listen(endPoint, shared: false, backlog: 1);
        IPEndPoint bound = Sockets.LocalEndPoint(claim)!;
        Libc.Close(claim);
        List<int> sockets = [];
        try
        {
            foreach (LoopBuffers buffers in loops)
            {
                sockets.Add(Listen(bound, shared: true, buffers.Options.Backlog));
            }
        }
        catch
        {
            sockets.ForEach(Libc.Close);
            throw;
        }

        return new UringListener(bound, loops, sockets, quota, log);
    }

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _accepted.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_accepted.Reader.TryRead(out ConnectionContext? connection))
            {
                return connection;
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await Task.WhenAll(_acceptors.Select(acceptor => acceptor.UnbindAsync()));
        _accepted.Writer.TryComplete();
    }

    /// <summary>
    /// Breaks what is still connected, and waits until the sockets are closed and the application has let go of them; for the latter no longer than
    /// <see cref="UringTransportOptions.StopTimeout"/>: one that never lets go must not hold up the end of everything else.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        while (_accepted.Reader.TryRead(out ConnectionContext? untaken))
        {
            untaken.Abort();
            _ = untaken.DisposeAsync().AsTask(); // StopAsync waits for it
        }

        UringTransportOptions options = _loops[0].Options;
        try
        {
            await Task.WhenAll(_acceptors.Select(acceptor => acceptor.StopAsync())).WaitAsync(options.StopTimeout, options.Time);
        }
        catch (TimeoutException)
        {
            foreach (LoopBuffers buffers in _loops)
            {
                buffers.Abandon();
            }

            _log.LogWarning("{Count} connections are broken, but their requests do not end: not waited for any longer", _quota.Count);
        }
    }

    private static int Listen(IPEndPoint endPoint, bool shared, int backlog)
    {
        Errno error = Sockets.Listen(endPoint, backlog, out int socket, shared);
        return error switch
        {
            Errno.None => socket,
            Errno.EADDRINUSE => throw new AddressInUseException("the address is already in use"),
            _ => throw new IOException($"the address cannot be had: {error}"),
        };
    }
}
