using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Native.Memory;
using Sluice.Native.Uring;
using Sluice.Transport.Http;

namespace Sluice.Transport.Uring;

/// <summary>
/// A connection, which lives on one loop. Requests in flight: at most one receive and one poll for room to send. The order of its end: shutdown, the last
/// completion, close. close(2) alone would not end a request, which holds the socket by itself; and a descriptor that is closed earlier may be
/// somebody else's by the time that a late shutdown hits it.
/// </summary>
internal sealed class UringConnection : DefaultConnectionContext, IDuplexPipe, IConnectionBodies
{
    private static readonly Action<object?> s_armReceive = connection => ((UringConnection)connection!).ArmReceive();
    private static readonly Action<object?> s_armWritable = connection => ((UringConnection)connection!).ArmWritable();
    private static readonly Action<object?> s_failPipes = connection => ((UringConnection)connection!).FailPipes();
    private static readonly Action<object?> s_dispose = connection => ((UringConnection)connection!).Dispose();

    private static long s_count;

    // Set once.
    private readonly Acceptor _acceptor;
    private readonly LoopBuffers _buffers;
    private readonly RingLoop _loop;
    private readonly int _socket;
    private readonly ReceiveOperation _receive;
    private readonly WritableOperation _writable;
    private readonly UringInput _input;
    private readonly UringOutput _output;
    private readonly CancellationTokenSource _closed = new();

    // Loop thread only.
    private InputSegment? _filling; // the block that the receive in flight fills
    private long _blockBytesLeft; // of the request's body, to be received into blocks
    private volatile bool _isShortOfBlocks; // read by the body's reader too, wherever it runs
    private bool _disposed, _lingering, _closing, _released;

    // Guarded by Gate.
    private bool _aborted, _descriptorClosed;

    /// <summary>On the loop. Receives from now on.</summary>
    public UringConnection(Acceptor acceptor, LoopBuffers buffers, int socket)
        : base(string.Create(CultureInfo.InvariantCulture, $"{Interlocked.Increment(ref s_count):x}"))
    {
        (_acceptor, _buffers, _loop, _socket) = (acceptor, buffers, buffers.Loop, socket);
        _receive = new ReceiveOperation(this);
        _writable = new WritableOperation(this);
        _input = new UringInput(this, buffers);
        _output = new UringOutput(this, buffers, socket);
        ConnectionClosed = _closed.Token;
        LocalEndPoint = Unmapped(Sockets.LocalEndPoint(socket));
        RemoteEndPoint = Unmapped(Sockets.RemoteEndPoint(socket));
        Transport = this;
        Features.Set<IConnectionBodies>(this);
        Features.Set<IMemoryPoolFeature>(ConnectionMemory.Instance);
        ArmReceive();
    }

    /// <summary>Guards both pipes: they are used by the loop, and by the application wherever its await ended.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The kernel tunes the socket's buffers, which is allowed for a few.</summary>
    public bool HasTunedSocket { get; init; }

    /// <inheritdoc/>
    public PipeReader Input => _input;

    /// <inheritdoc/>
    public PipeWriter Output => _output;

    /// <inheritdoc/>
    public long SentBytes => _output.SentBytes;

    /// <inheritdoc/>
    public bool IsShortOfBlocks => _isShortOfBlocks;

    /// <inheritdoc/>
    public bool TryWriteFile(PipeWriter body, FileHandle file, long offset, int count)
    {
        ObjectDisposedException.ThrowIf(!file.TryHold(), file);

        bool written = _output.TryAnnounce(body, new OutputSegment(file, offset, count));
        if (!written)
        {
            file.DangerousRelease();
        }

        return written;
    }

    /// <inheritdoc/>
    public bool TryWriteLease(PipeWriter body, BufferLease owned, int start, int count) =>
        _output.TryAnnounce(body, new OutputSegment(owned, start, count));

    /// <inheritdoc/>
    public void BeginBody(long lengthBytes)
    {
        if (!_loop.IsCurrent)
        {
            return; // the small buffers do as well; a request that has left the loop is not a hot one
        }

        _isShortOfBlocks = false;
        _blockBytesLeft = lengthBytes - _input.UnreadBytes;
        if (_blockBytesLeft < UringTransportOptions.BlockBodyBytesMin)
        {
            _blockBytesLeft = 0;
        }
        else if (_filling is null)
        {
            _loop.Cancel(_receive); // its completion arms the next one, into a block
        }
    }

    /// <summary>Receives again, if it should and does not yet. On the loop.</summary>
    public void ArmReceive()
    {
        if (_receive.InFlight || _closing || _lingering || _receive.HasEnded || _input.IsPaused)
        {
            return;
        }

        InputSegment? block = _blockBytesLeft > 0 ? _input.BlockToFill() : null;
        _isShortOfBlocks = _blockBytesLeft > 0 && block is null;
        if (block is not null)
        {
            _filling = block;
            Memory<byte> room = block.Room;
            _loop.Receive(_receive, _socket, room[..(int)Math.Min(room.Length, _blockBytesLeft)]);
        }
        else
        {
            _loop.ReceiveMultishot(_receive, _socket);
        }
    }

    /// <summary>The reader is behind. On the loop. A receive into a block ends by itself.</summary>
    public void PauseReceive()
    {
        if (_filling is null)
        {
            _loop.Cancel(_receive);
        }
    }

    /// <summary>The reader waits: for the next request, or for more of a body. On the loop.</summary>
    public void OnReaderWaits() => _output.ReleaseMemory();

    /// <summary>The reader has caught up. Any thread.</summary>
    public void ResumeReceive() => _loop.Post(s_armReceive, this); // also on the loop: the caller is in the middle of a read

    /// <summary>Has <see cref="UringOutput.OnWritable"/> called when the socket takes more. Any thread.</summary>
    public void AwaitWritable()
    {
        if (_loop.IsCurrent)
        {
            ArmWritable();
        }
        else
        {
            _loop.Post(s_armWritable, this);
        }
    }

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

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        _loop.Post(s_dispose, this); // posted on the loop too: we may be inside a completion
        return base.DisposeAsync();
    }

    /// <summary>The loop stops: the socket is closed without waiting for the application. Buffers are given back when that has let go. On the loop.</summary>
    public void Stop()
    {
        Abort(new ConnectionAbortedException("the server stops"));
        Close();
    }

    private static IPEndPoint? Unmapped(IPEndPoint? endPoint) =>
        endPoint is { Address.IsIPv4MappedToIPv6: true } ? new IPEndPoint(endPoint.Address.MapToIPv4(), endPoint.Port) : endPoint;

    private void OnReceived(RingCompletion completion)
    {
        if (_filling is not null)
        {
            OnBlockReceived(completion);
        }
        else
        {
            OnBufferReceived(completion);
        }

        if (!completion.HasMore && completion.Error != Errno.ENOBUFS)
        {
            ArmReceive();
        }

        FinishClose();
    }

    private void OnBlockReceived(RingCompletion completion)
    {
        _filling = null;
        if (completion.Result > 0 && !_closing && !_lingering)
        {
            _blockBytesLeft -= completion.Result;
            _input.Grow(completion.Result, isLast: _blockBytesLeft == 0);
        }
        else
        {
            OnNothingReceived(completion);
        }
    }

    private void OnBufferReceived(RingCompletion completion)
    {
        InputSegment? segment = completion.HasBuffer ? _buffers.Take(completion) : null;
        if (segment is not null && (completion.Result <= 0 || _closing || _lingering))
        {
            _buffers.Return(segment);
            segment = null;
        }

        if (segment is not null)
        {
            _blockBytesLeft = Math.Max(0, _blockBytesLeft - completion.Result);
            _input.Append(segment); // the application runs in here, and may close
        }
        else if (completion.Error == Errno.ENOBUFS)
        {
            _buffers.WaitForBuffers(this);
        }
        else
        {
            OnNothingReceived(completion);
        }
    }

    /// <summary>The peer's end, an error, or a cancellation of ours.</summary>
    private void OnNothingReceived(RingCompletion completion)
    {
        if (completion.Error == Errno.ECANCELED || completion.Result > 0)
        {
            return;
        }

        _receive.HasEnded = true;
        if (completion.Result == 0)
        {
            _input.End(error: null); // half-closed: an answer can still be sent
        }
        else
        {
            TellClosed();
            _input.End(new ConnectionResetException($"the connection was reset: {completion.Error}"));
        }
    }

    private void ArmWritable()
    {
        if (!_writable.InFlight && !_descriptorClosed)
        {
            _loop.PollWritable(_writable, _socket);
        }
    }

    private void OnWritable()
    {
        _output.OnWritable();
        CloseIfSent();
        FinishClose();
    }

    private void FailPipes()
    {
        _output.Fail();
        _input.End(new ConnectionAbortedException("the connection was aborted"));
        CloseIfSent();
    }

    private void Dispose()
    {
        _disposed = true;
        if (!_aborted && !_closing && _output.IsSending)
        {
            _lingering = true; // a response is answered before it is sent: closing now would cut it
            _acceptor.Linger(this);
            return;
        }

        Close();
        FinishClose();
    }

    /// <summary>What was on its way is sent, or never will be.</summary>
    private void CloseIfSent()
    {
        if (_lingering && !_output.IsSending)
        {
            Close();
        }
    }

    private void Close()
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

    private void FinishClose()
    {
        if (!_closing || _receive.InFlight || _writable.InFlight)
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

        if (_disposed && !_released) // not before: the application, or a disk, may still be using the buffers
        {
            _released = true;
            _input.Drop();
            _output.Drop();
            _acceptor.OnClosed(this);
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

    private sealed class ReceiveOperation(UringConnection connection) : RingOperation
    {
        /// <summary>Nothing will be received any more.</summary>
        public bool HasEnded { get; set; }

        protected override void Completed(RingCompletion completion) => connection.OnReceived(completion);
    }

    private sealed class WritableOperation(UringConnection connection) : RingOperation
    {
        protected override void Completed(RingCompletion completion) => connection.OnWritable();
    }
}
