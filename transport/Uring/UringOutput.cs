using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using Sluice.Native;
using Sluice.Native.Memory;

namespace Sluice.Transport.Uring;

/// <summary>
/// What a connection sends: one buffer for heads and small bodies, then at most one segment (of a file, or a leased buffer) between two flushes. The
/// segment's bytes are announced with memory that nobody may touch, so that Kestrel's count of the body holds while they never pass through here.
/// </summary>
internal sealed class UringOutput(UringConnection connection, LoopBuffers buffers, int socket) : PipeWriter, IValueTaskSource<FlushResult>
{
    /// <summary>Bytes that one turn sends before others have theirs: 1 MiB takes some 150 us.</summary>
    private const int TurnBytesMax = 1 << 20;

    private static readonly Action<object?> s_cancel = output => ((UringOutput)output!).CancelOnLoop();

    private readonly Lock _gate = connection.Gate;
    private ManualResetValueTaskSourceCore<FlushResult> _flush;

    // Guarded by _gate.
    private Memory<byte> _buffer; // of _lease, or of _array when more was asked for than a lease has
    private BufferLease _lease;
    private byte[]? _array;
    private bool _hasLease;
    private int _start, _end;
    private Segment _announced, _segment;
    private bool _isAnnounced, _isTaken, _isLent, _waiting, _failed;
    private long _sent;

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public override long UnflushedBytes => _end - _start + _segment.Left;

    /// <summary>Bytes that the socket has taken, ever.</summary>
    public long SentBytes => Volatile.Read(ref _sent);

    /// <summary>
    /// The next bytes of the body are those of a segment. <paramref name="body"/> is what the application writes to: it leads here unless a flush is
    /// pending there, and then nothing was announced.
    /// </summary>
    public bool TryAnnounce(PipeWriter body, Segment segment)
    {
        lock (_gate)
        {
            if (_segment.Left > 0)
            {
                return false;
            }

            (_announced, _isAnnounced, _isTaken) = (segment, true, false);
        }

        body.GetMemory(1);
        lock (_gate)
        {
            if (!_isTaken)
            {
                _isAnnounced = false;
                return false;
            }
        }

        body.Advance(segment.Left);
        return true;
    }

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        lock (_gate)
        {
            if (_isAnnounced)
            {
                _isTaken = true;
                return ReservedMemory.Block;
            }

            if (_segment.Left > 0)
            {
                throw new InvalidOperationException("a segment is flushed before anything is written behind it");
            }

            EnsureRoom(Math.Max(sizeHint, 256));
            _isLent = true;
            return _buffer[_end..];
        }
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        lock (_gate)
        {
            if (_isAnnounced && _isTaken)
            {
                (_segment, _announced, _isAnnounced) = (_announced, default, false);
                return;
            }

            _end += bytes;
            _isLent = false;
        }
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        bool mustAbort;
        lock (_gate)
        {
            if (_waiting)
            {
                throw new InvalidOperationException("the output is being flushed already");
            }

            if (_failed || Drive())
            {
                mustAbort = _failed && _segment.Left > 0;
                if (!mustAbort)
                {
                    return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: _failed));
                }

                DropSegment();
            }
            else
            {
                _flush.Reset();
                _waiting = true;
                connection.AwaitWritable();
                return new ValueTask<FlushResult>(this, _flush.Version);
            }
        }

        connection.Abort(new("the response cannot be completed"));
        return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: true));
    }

    /// <summary>The socket takes more, or has failed. On the loop; the application runs in here.</summary>
    public void OnWritable()
    {
        bool failed, mustAbort;
        lock (_gate)
        {
            if (!_waiting)
            {
                return;
            }

            if (!_failed && !Drive())
            {
                connection.AwaitWritable();
                return;
            }

            _waiting = false;
            failed = _failed;
            mustAbort = failed && _segment.Left > 0;
            DropSegment();
        }

        if (mustAbort)
        {
            connection.Abort(new("the response cannot be completed"));
        }

        _flush.SetResult(new FlushResult(isCanceled: false, isCompleted: failed));
    }

    /// <summary>The connection is gone: nothing is sent any more, and whoever waits for a flush is told. On the loop.</summary>
    public void Fail()
    {
        lock (_gate)
        {
            _failed = true;
        }

        OnWritable();
    }

    /// <summary>Gives the buffer back while there is nothing to send. On the loop, when the connection is idle or closed.</summary>
    public void ReleaseBuffer()
    {
        lock (_gate)
        {
            if (!_waiting && !_isLent && _start == _end && !_isAnnounced)
            {
                ReturnBuffer();
            }
        }
    }

    /// <summary>The connection is closed.</summary>
    public void Drop()
    {
        lock (_gate)
        {
            DropSegment();
            _start = _end = 0;
            ReturnBuffer();
        }
    }

    /// <inheritdoc/>
    /// <remarks>May come from any thread; completing there would carry the application off the loop.</remarks>
    public override void CancelPendingFlush() => buffers.Loop.Post(s_cancel, this);

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        // The connection's DisposeAsync, which follows, gives everything back.
    }

    /// <inheritdoc/>
    public FlushResult GetResult(short token) => _flush.GetResult(token);

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _flush.GetStatus(token);

    /// <inheritdoc/>
    /// <remarks>Completed on the loop: inline, not through the loop's context.</remarks>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _flush.OnCompleted(continuation, state, token, flags & ~ValueTaskSourceOnCompletedFlags.UseSchedulingContext);

    /// <summary>Sends what the socket takes; true when everything is sent or sending failed, false when the socket is full or the turn is over.</summary>
    private bool Drive()
    {
        long turnEnd = _sent + TurnBytesMax;
        while (_start < _end)
        {
            if (!SendSome(_buffer.Span[_start.._end], more: _segment.Left > 0, out int sent))
            {
                return _failed;
            }

            _start += sent;
        }

        _start = _end = 0;
        while (_segment.Left > 0)
        {
            if (_sent >= turnEnd)
            {
                return false;
            }

            if (!SendSegment(out int sent))
            {
                return _failed;
            }

            _segment.Advance(sent);
        }

        DropSegment();
        return true;
    }

    private bool SendSegment(out int sent)
    {
        if (_segment.IsLease)
        {
            return SendSome(_segment.Bytes, more: false, out sent);
        }

        Errno error = Sockets.SendFile(socket, _segment.Descriptor, _segment.Offset, Math.Min(_segment.Left, TurnBytesMax), out sent);
        _sent += sent;
        _failed = error is not (Errno.None or Errno.EAGAIN) || (error == Errno.None && sent == 0); // 0: the file was cut short under us
        return error == Errno.None && !_failed;
    }

    private bool SendSome(ReadOnlySpan<byte> data, bool more, out int sent)
    {
        Errno error = Sockets.Send(socket, data, more, out sent);
        _sent += sent;
        _failed = error is not (Errno.None or Errno.EAGAIN);
        return error == Errno.None;
    }

    private void EnsureRoom(int bytes)
    {
        if (_buffer.Length - _end >= bytes)
        {
            return;
        }

        int unsent = _end - _start;
        if (_buffer.IsEmpty && bytes <= UringTransportOptions.HeadBytes && buffers.Heads.TryRent(out _lease))
        {
            (_buffer, _hasLease) = (_lease.Memory, true);
            return;
        }

        byte[] array = ArrayPool<byte>.Shared.Rent(Math.Max(unsent + bytes, 4096));
        _buffer[_start.._end].CopyTo(array);
        ReturnBuffer();
        (_array, _buffer, _start, _end) = (array, array, 0, unsent);
    }

    private void ReturnBuffer()
    {
        if (_hasLease)
        {
            _lease.Dispose();
        }

        if (_array is not null)
        {
            ArrayPool<byte>.Shared.Return(_array);
        }

        (_buffer, _lease, _hasLease, _array) = (default, default, false, null);
    }

    private void DropSegment()
    {
        _segment.Dispose();
        _segment = default;
    }

    private void CancelOnLoop()
    {
        bool failed;
        lock (_gate)
        {
            if (!_waiting)
            {
                return;
            }

            _waiting = false;
            failed = _failed;
        }

        _flush.SetResult(new FlushResult(isCanceled: true, isCompleted: failed));
    }

    /// <summary>Bytes that go out behind the buffer: of a file, or of a lease that is ours.</summary>
    internal struct Segment : IDisposable
    {
        private readonly BufferLease _lease;
        private int _position;

        public Segment(int descriptor, long offset, int count)
        {
            (Descriptor, Offset, Left) = (descriptor, offset, count);
        }

        public Segment(BufferLease owned, int count)
        {
            (_lease, IsLease, Left) = (owned, true, count);
        }

        public int Descriptor { get; }

        public long Offset { get; private set; }

        public int Left { get; private set; }

        public bool IsLease { get; }

        public readonly ReadOnlySpan<byte> Bytes => _lease.Memory.Span.Slice(_position, Left);

        public void Advance(int bytes)
        {
            Offset += bytes;
            _position += bytes;
            Left -= bytes;
        }

        public readonly void Dispose()
        {
            if (IsLease)
            {
                _lease.Dispose();
            }
        }
    }
}
