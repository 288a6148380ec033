using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Native.Memory;
using Sluice.Native.Uring;
using Sluice.Transport.Guard;
using Sluice.Transport.Http;

namespace Sluice.Transport.Uring;

/// <summary>
/// A connection, which lives on one loop. Requests in flight: at most one receive, and one send or poll for room to send. How it ends is in the other half.
/// </summary>
internal sealed partial class UringConnection : DefaultConnectionContext, IDuplexPipe, IConnectionBodies
{
    private static readonly Action<object?> s_armReceive = connection => ((UringConnection)connection!).ArmReceive();
    private static readonly Action<object?> s_onWritable = static connection => ((UringConnection)connection!).OnWritable();
    private static readonly Action<object?> s_armWritable = connection => ((UringConnection)connection!).ArmWritable();

    private static long s_count;

    // Set once.
    private readonly Acceptor _acceptor;
    private readonly LoopBuffers _buffers;
    private readonly RingLoop _loop;
    private readonly int _socket;
    private readonly ReceiveOperation _receive;
    private readonly WritableOperation _writable;
    private readonly SendOperation _send;
    private readonly UringInput _input;
    private readonly UringOutput _output;

    // Loop thread only.
    private InputSegment? _filling; // the block, or segment of its own, that the receive in flight fills
    private bool _isStarved; // the last receive found no provided buffer
    private long _blockBytesLeft; // of the request's body, to be received into blocks
    private volatile bool _isShortOfBlocks; // read by the body's reader too, wherever it runs

    /// <summary>On the loop. Receives from now on.</summary>
    public UringConnection(Acceptor acceptor, LoopBuffers buffers, int socket)
        : base(string.Create(CultureInfo.InvariantCulture, $"{Interlocked.Increment(ref s_count):x}"))
    {
        (_acceptor, _buffers, _loop, _socket) = (acceptor, buffers, buffers.Loop, socket);
        _receive = new ReceiveOperation(this);
        _writable = new WritableOperation(this);
        _send = new SendOperation(this);
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

    /// <summary>What it has of the memory for sockets, until it is closed.</summary>
    public SocketGrant SocketGrant { get; init; }

    /// <inheritdoc/>
    public PipeReader Input => _input;

    /// <inheritdoc/>
    public PipeWriter Output => _output;

    /// <inheritdoc/>
    public bool IsOnLoop => _loop.IsCurrent;

    /// <summary>True while a read waits. Under the gate.</summary>
    public bool IsReaderWaiting => _input.IsWaiting;

    /// <inheritdoc/>
    /// <remarks>What the peer has acknowledged: a socket takes megabytes at once, and then none for as long as a slow peer needs for a third of them.</remarks>
    public long SentBytes
    {
        get
        {
            lock (Gate)
            {
                return !_descriptorClosed && Sockets.TryProgress(_socket, out ulong acknowledged, out _) ? (long)acknowledged : _output.SentBytes;
            }
        }
    }

    /// <inheritdoc/>
    public bool IsShortOfBlocks => _isShortOfBlocks;

    /// <inheritdoc/>
    public bool TryAddToHead(ReadOnlyMemory<byte> lines) => _output.TryAddToHead(lines);

    /// <inheritdoc/>
    public bool EndHead() => _output.EndHead();

    /// <inheritdoc/>
    public bool TryWriteFile(PipeWriter body, FileHandle file, long offset, int count, IReadFaults? faults = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ObjectDisposedException.ThrowIf(!file.TryHold(), file);
        bool written = false;
        FileHandle? others = faults?.RebuiltWith is { } closable && closable.TryHold() ? closable : null;
        try
        {
            written = _output.TryAnnounce(body, new OutputSegment(file, offset, count, faults, others));
        }
        finally
        {
            if (!written)
            {
                file.DangerousRelease();
                others?.DangerousRelease();
            }
        }

        return written;
    }

    /// <inheritdoc/>
    public bool TryWriteLease(PipeWriter body, BufferLease owned, int start, int count)
    {
        uint length = (uint)owned.Memory.Length;
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)start, length, nameof(start));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, length - (uint)start, nameof(count));
        return _output.TryAnnounce(body, new OutputSegment(owned, start, count));
    }

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
        if (_receive.InFlight || _closing || _receive.HasEnded || _input.IsPaused)
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
        else if (_isStarved && !_buffers.HasEnough && CanReceiveAlone)
        {
            _filling = _input.OwnToFill();
            _loop.Receive(_receive, _socket, _filling.Room);
        }
        else
        {
            _loop.ReceiveMultishot(_receive, _socket);
        }

        _isStarved = false;
    }

    /// <summary>
    /// Readers that are behind may hold all provided buffers of the loop for as long as a disk takes; a connection that has nothing to read does not wait
    /// for them.
    /// </summary>
    private bool CanReceiveAlone
    {
        get
        {
            lock (Gate)
            {
                return !_disposed && (_input.IsWaiting || _input.UnreadBytes == 0);
            }
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
    public void OnReaderWaits()
    {
        _output.ReleaseMemory();
        if (_isStarved)
        {
            ArmReceive();
        }
    }

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

    /// <summary>Has <see cref="UringOutput.OnWritable"/> called on the loop. Any thread.</summary>
    public void ResumeOutput() => _loop.Post(s_onWritable, this);

    /// <summary>Has <see cref="UringOutput.OnSent"/> called when all of it is sent. On the loop.</summary>
    public void Send(ReadOnlyMemory<byte> data) => _loop.Send(_send, _socket, data);

    /// <summary>The same with bytes of a file at the end, which are read first; false when the ring is full. On the loop.</summary>
    public bool TryReadThenSend(int file, long offset, Memory<byte> data, int readBytes) =>
        _loop.TryReadThenSend(_send, file, offset, _socket, data, readBytes);

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
        if (_disposed)
        {
            _input.Drop();
        }

        if (completion.Result > 0 && !IsDiscarding)
        {
            _blockBytesLeft = Math.Max(0, _blockBytesLeft - completion.Result);
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
        if (segment is not null && (completion.Result <= 0 || IsDiscarding))
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
            OnStarved();
        }
        else
        {
            OnNothingReceived(completion);
        }
    }

    /// <summary>
    /// The receive ended with ENOBUFS, and nobody arms it again but us. The buffers may all have come back between the kernel's verdict and its reap: then
    /// no later return would wake it.
    /// </summary>
    private void OnStarved()
    {
        _buffers.StarvedCount++;
        _isStarved = true;
        if (_buffers.HasEnough || CanReceiveAlone)
        {
            ArmReceive();
        }
        else
        {
            _buffers.WaitForBuffers(this);
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
            _output.Fail(); // a reset is the end of both ways
            _input.End(new ConnectionResetException($"the connection was reset: {completion.Error}"));
        }

        if (IsDraining)
        {
            Close();
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
        DrainIfSent();
        FinishClose();
    }

    private void OnSent(RingCompletion completion)
    {
        _output.OnSent(completion);
        DrainIfSent();
        FinishClose();
    }

    private sealed class ReceiveOperation(UringConnection connection) : RingOperation
    {
        /// <summary>Nothing will be received any more.</summary>
        public bool HasEnded { get; set; }

        protected override void Completed(RingCompletion completion) => connection.OnReceived(completion);
    }

    private sealed class SendOperation(UringConnection connection) : RingOperation
    {
        protected override void Completed(RingCompletion completion) => connection.OnSent(completion);
    }

    private sealed class WritableOperation(UringConnection connection) : RingOperation
    {
        /// <remarks>As much as the socket takes is copied then: others have their turn before.</remarks>
        protected override void Completed(RingCompletion completion) => connection._loop.TakeTurn(s_onWritable, connection);
    }
}
