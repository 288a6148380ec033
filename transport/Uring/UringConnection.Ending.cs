using Microsoft.AspNetCore.Connections;
using Sluice.Native;

namespace Sluice.Transport.Uring;

/// <summary>
/// How a connection ends. The order: shutdown, the last completion, close. close(2) alone would not end a request, which holds the socket by itself; and
/// a descriptor that is closed earlier may be somebody else's by the time that a late shutdown hits it.
/// <para>
/// In peace: the application is done; what it wrote is sent; our end is told to the peer; the peer ends too, or its time is up; close. What comes meanwhile
/// is thrown away, since a socket that is closed with something unread answers with a reset, and a reset takes from the peer what it has not read yet:
/// the refusal of an upload that it is still sending.
/// </para>
/// </summary>
internal sealed partial class UringConnection
{
    private static readonly Action<object?> s_failPipes = connection => ((UringConnection)connection!).FailPipes();
    private static readonly Action<object?> s_dispose = connection => ((UringConnection)connection!).Dispose();

    // Set once.
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Loop thread only.
    private bool _disposed, _lingering, _closing, _released;

    // Guarded by Gate.
    private bool _aborted, _descriptorClosed;

    /// <summary>Everything is sent, and the peer's end is waited for. Loop thread only.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>Nobody reads what comes.</summary>
    private bool IsDiscarding => _disposed || _closing;

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        lock (Gate)
        {
            _aborted = true;
            if (!_descriptorClosed)
            {
                Sockets.Shutdown(_socket); // ends receive and poll
            }
        }

        _loop.Post(s_failPipes, this); // for the requests that were not armed
        TellClosed();
    }

    /// <summary>
    /// The application is done. Done when what it wrote is sent, or the connection broken: whoever stops the server waits for that as long as he likes,
    /// and then aborts.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        _loop.Post(s_dispose, this); // posted on the loop too: we may be inside a completion
        await base.DisposeAsync();
        await _ended.Task;
    }

    /// <summary>The loop stops: the socket is closed without waiting for the application. Buffers are given back when that has let go. On the loop.</summary>
    public void Stop()
    {
        if (!IsDraining)
        {
            Abort(new ConnectionAbortedException("the server stops"));
        }

        Close();
    }

    /// <summary>Ends a connection that no application has seen. On the loop.</summary>
    public void Refuse()
    {
        _disposed = true;
        Stop();
    }

    /// <summary>Closes the socket as soon as nothing is in flight on it. On the loop.</summary>
    public void Close()
    {
        if (_closing)
        {
            return;
        }

        _closing = true;
        if (_aborted)
        {
            Sockets.SetReset(_socket); // the unsent megabytes go at once
        }

        Sockets.Shutdown(_socket);
        _output.Fail();
        FinishClose();
    }

    private void FailPipes()
    {
        _output.Fail();
        _input.End(new ConnectionAbortedException("the connection was aborted"));
        if (_lingering || IsDraining)
        {
            Close();
        }
    }

    private void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _blockBytesLeft = 0;
        if (_filling is null)
        {
            _input.Drop();
        }

        if (_aborted || _closing)
        {
            Close();
            FinishClose();
        }
        else if (_output.End())
        {
            _lingering = true; // a response is answered before it is sent: closing now would cut it
            _acceptor.Linger(this);
            ArmReceive();
        }
        else
        {
            Drain();
        }
    }

    /// <summary>What was on its way is sent, or never will be.</summary>
    private void DrainIfSent()
    {
        if (_lingering && !IsDraining && !_output.IsSending)
        {
            Drain();
        }
    }

    /// <summary>Tells the peer that nothing more comes, and waits for the same of it.</summary>
    private void Drain()
    {
        if (_aborted || _closing || _receive.HasEnded)
        {
            Close();
            return;
        }

        IsDraining = true;
        Sockets.Shutdown(_socket, sendOnly: true);
        _output.Drop();
        TellClosed();
        _ended.TrySetResult();
        _acceptor.Linger(this);
        ArmReceive();
    }

    private void FinishClose()
    {
        if (!_closing || _receive.InFlight || _writable.InFlight || _send.InFlight)
        {
            return;
        }

        if (!_descriptorClosed)
        {
            lock (Gate)
            {
                _descriptorClosed = true;
                Libc.Close(_socket);
            }

            TellClosed();
        }

        if (_disposed && !_released && !_output.IsRebuilding) // not before: the application, or a disk, may still be using the buffers
        {
            _released = true;
            _input.Drop();
            _output.Drop();
            _acceptor.OnClosed(this);
            _ended.TrySetResult();
        }
    }

    /// <summary>Cancels <see cref="ConnectionContext.ConnectionClosed"/> elsewhere: what is registered there is the application's and may block.</summary>
    private void TellClosed()
    {
        if (!_closed.IsCancellationRequested)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), _closed, preferLocal: false);
        }
    }
}
