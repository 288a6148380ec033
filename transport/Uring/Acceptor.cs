using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Sluice.Native;
using Sluice.Native.Uring;
using Sluice.Transport.Guard;

namespace Sluice.Transport.Uring;

/// <summary>One loop's share of a listening address: its own socket, its multishot accept, its connections. Loop thread only, but for the construction.</summary>
internal sealed class Acceptor : RingOperation, IRingTicker
{
    private const int ComplaintMilliseconds = 10_000; // a shortage of descriptors is met ten times a second and told once in that time

    private readonly LoopBuffers _buffers;
    private readonly ChannelWriter<ConnectionContext> _accepted;
    private readonly ConnectionQuota _quota;
    private readonly ILogger _log;
    private readonly int _listener;
    private readonly HashSet<UringConnection> _connections = [];
    private readonly TaskCompletionSource _unbound = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Linger _linger;
    private bool _isUnbinding, _isStopping, _isBackingOff;
    private long _complainsAfter; // in milliseconds of Environment.TickCount64

    /// <summary>Takes over the listening socket.</summary>
    public Acceptor(LoopBuffers buffers, int listener, ChannelWriter<ConnectionContext> accepted, ConnectionQuota quota, ILogger log)
    {
        (_buffers, _listener, _accepted, _quota, _log) = (buffers, listener, accepted, quota, log);
        _linger = new Linger(buffers.Loop, buffers.Options);
        _buffers.Loop.Post(static acceptor => ((Acceptor)acceptor!).Arm(), this);
    }

    /// <summary>Accepts no more; done when the listening socket is closed. Any thread.</summary>
    public Task UnbindAsync()
    {
        _buffers.Loop.Post(static acceptor => ((Acceptor)acceptor!).Unbind(), this);
        return _unbound.Task;
    }

    /// <summary>
    /// Breaks what is still connected; done when every socket is closed and the application has let go of every connection: what it holds is memory that
    /// goes with the loop. Any thread.
    /// </summary>
    public Task StopAsync()
    {
        _buffers.Loop.Post(static acceptor => ((Acceptor)acceptor!).Stop(), this);
        return _empty.Task;
    }

    /// <summary>The application is done with the connection, the socket is not: it sends, or waits for its peer's end.</summary>
    public void Linger(UringConnection connection) => _linger.Add(connection);

    /// <summary>The connection's socket is closed, and the application is done with it.</summary>
    public void OnClosed(UringConnection connection)
    {
        _connections.Remove(connection);
        _linger.Remove(connection);
        _quota.Release();
        _buffers.Options.SocketBuffers?.Release(connection.SocketGrant);
        TellIfEmpty();
    }

    /// <inheritdoc/>
    public void Tick()
    {
        _buffers.Loop.RemoveTicker(this);
        _isBackingOff = false;
        Arm();
    }

    /// <inheritdoc/>
    protected override void Completed(RingCompletion completion)
    {
        if (completion.Result >= 0)
        {
            Accept(completion.Result);
        }
        else if (!_isUnbinding && completion.Error is not (Errno.ECONNABORTED or Errno.EINTR or Errno.EAGAIN))
        {
            // EMFILE, ENFILE, ENOMEM, ENOBUFS: the connection stays in the backlog, and accepting at once would fail at once. So would whatever else
            // is wrong with the listening socket.
            _isBackingOff = true;
            Complain(completion.Error);
        }

        if (completion.HasMore)
        {
            return;
        }

        if (_isUnbinding)
        {
            CloseListener();
        }
        else if (_isBackingOff)
        {
            _buffers.Loop.AddTicker(this);
        }
        else
        {
            Arm(); // also an error of a single connection ends a multishot accept
        }
    }

    private void Arm()
    {
        if (!InFlight && !_isUnbinding)
        {
            _buffers.Loop.AcceptMultishot(this, _listener);
        }
    }

    private void Accept(int socket)
    {
        if (_isUnbinding || !_quota.TryTake())
        {
            Libc.Close(socket);
            return;
        }

        Sockets.SetNoDelay(socket);
        SocketGrant grant = _buffers.Options.SocketBuffers?.Take() ?? default;
        _buffers.Options.SocketBuffers?.Bound(socket, grant);
        var connection = new UringConnection(this, _buffers, socket) { SocketGrant = grant };
        _connections.Add(connection);
        if (!_accepted.TryWrite(connection))
        {
            connection.Refuse(); // unbound meanwhile
        }
    }

    private void Complain(Errno error)
    {
        if (Environment.TickCount64 >= _complainsAfter)
        {
            _complainsAfter = Environment.TickCount64 + ComplaintMilliseconds;
            _log.LogWarning("cannot accept connections: {Error}; raise RLIMIT_NOFILE if this goes on", error);
        }
    }

    private void Unbind()
    {
        if (_isUnbinding)
        {
            return;
        }

        _isUnbinding = true;
        _buffers.Loop.RemoveTicker(this);

        if (InFlight)
        {
            _buffers.Loop.Cancel(this);
        }
        else
        {
            CloseListener();
        }
    }

    private void CloseListener()
    {
        Libc.Close(_listener);
        _unbound.TrySetResult();
    }

    private void Stop()
    {
        _isStopping = true;
        foreach (UringConnection connection in _connections.ToArray())
        {
            connection.Stop();
        }

        TellIfEmpty();
    }

    private void TellIfEmpty()
    {
        if (_isStopping && _connections.Count == 0)
        {
            _empty.TrySetResult();
        }
    }
}

/// <summary>How many connections there are, of how many there may be. Any thread.</summary>
internal sealed class ConnectionQuota(int countMax)
{
    private int _count;
    private long _refused;

    /// <summary>Connections now.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Connections that were closed as they came, because there were too many.</summary>
    public long RefusedCount => Interlocked.Read(ref _refused);

    /// <summary>One more; false when there are as many as there may be.</summary>
    public bool TryTake()
    {
        if (Interlocked.Increment(ref _count) <= countMax)
        {
            return true;
        }

        Interlocked.Decrement(ref _count);
        Interlocked.Increment(ref _refused);
        return false;
    }

    /// <summary>One less.</summary>
    public void Release() => Interlocked.Decrement(ref _count);
}
