using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using Sluice.Native;
using Sluice.Native.Memory;

namespace Sluice.Transport.Uring;

/// <summary>
/// What a connection sends. A segment's bytes are announced with memory that nobody may touch, so that Kestrel's count of the body holds while they
/// never pass through here.
/// <para>
/// A flush is done when its unit is on its way: at most one unit is, and the next flush waits for it. So the application and Kestrel are
/// done with a response while the socket still takes it, and a waiting flush, which costs Kestrel three objects, is the exception.
/// </para>
/// <para>
/// Once arrays stand in for heads as far as they may, the flush of another is done when it is sent: they are of requests in flight then, two each.
/// </para>
/// </summary>
internal sealed partial class UringOutput(UringConnection connection, LoopBuffers buffers, int socket) : PipeWriter, IValueTaskSource<FlushResult>
{
    /// <summary>Bytes that one turn sends before others have theirs: 1 MiB takes some 150 us.</summary>
    private const int TurnBytesMax = 1 << 20;

    private static readonly Action<object?> s_cancel = output => ((UringOutput)output!).CancelOnLoop(default);
    private static readonly Action<object?> s_tokenCanceled = output => ((UringOutput)output!).PostTokenCanceled();
    private static readonly Action<object?> s_cancelByToken = output => ((UringOutput)output!).CancelByToken();

    private readonly Lock _gate = connection.Gate;
    private ManualResetValueTaskSourceCore<FlushResult> _flush;

    // Guarded by _gate.
    private OutputUnit _staged; // is being written
    private OutputUnit _sending; // is on its way
    private OutputSegment _announced;
    private bool _isAnnounced, _isTaken, _isLent, _waiting, _owed, _failed; // owed: what is staged goes out though nobody waits for it
    private long _sent;
    private ReadOnlyMemory<byte> _headLines; // to be put into the head that is written next
    private bool _isRebuilding; // the next bytes of what is on its way; until it ends nothing of that is sent
    private int _handedBytes; // of what is on its way: the ring has them, and nothing of the unit may change
    private CancellationToken _token; // of the flush that waits
    private CancellationTokenRegistration _registration;

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public override long UnflushedBytes => _staged.End - _staged.Start + _staged.Segment.Left;

    /// <summary>Bytes that the socket has taken, ever.</summary>
    public long SentBytes => Volatile.Read(ref _sent);

    /// <summary>True while disks are read for what is on its way, or was before the connection failed.</summary>
    public bool IsRebuilding
    {
        get
        {
            lock (_gate)
            {
                return _isRebuilding;
            }
        }
    }

    /// <summary>True while the socket has not taken everything that it is to have.</summary>
    public bool IsSending
    {
        get
        {
            lock (_gate)
            {
                return !_failed && (_owed || !_sending.IsEmpty);
            }
        }
    }

    /// <summary>
    /// The next bytes of the body are those of a segment, which is the output's when this answers true. <paramref name="body"/> is what the application
    /// writes to: it leads here unless a flush is pending there, and then nothing was announced. What that writer throws (a body beyond its length) is
    /// thrown on, and then too the segment is not the output's.
    /// </summary>
    public bool TryAnnounce(PipeWriter body, OutputSegment owned)
    {
        lock (_gate)
        {
            if (_staged.Segment.Left > 0)
            {
                return false;
            }

            if (owned.Left == 0)
            {
                owned.Dispose(); // nothing to send is sent; an empty unit would keep it
                return true;
            }

            (_announced, _isAnnounced, _isTaken) = (owned, true, false);
        }

        try
        {
            body.GetMemory(1);
            if (!_isTaken)
            {
                return false;
            }

            body.Advance(owned.Left);
            return !_isAnnounced; // Kestrel drops what is written once it has given the response up, which another thread may have made it do just now
        }
        finally
        {
            // The announcement ends here in any case: the next who asks for memory would get that which nobody may touch.
            lock (_gate)
            {
                (_announced, _isAnnounced, _isTaken) = (default, false, false);
            }
        }
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

            if (_staged.Segment.Left > 0)
            {
                throw new InvalidOperationException("a segment is flushed before anything is written behind it");
            }

            _isLent = true;
            return _staged.Room(Math.Max(sizeHint, 256), buffers);
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
                (_staged.Segment, _announced, _isAnnounced) = (_announced, default, false);
                return;
            }

            _staged.Advance(bytes);
            _isLent = false;
            if (!_headLines.IsEmpty && _staged.TryAddToHead(_headLines, buffers))
            {
                _headLines = default;
            }
        }
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool isBroken;
        lock (_gate)
        {
            if (_waiting)
            {
                throw new InvalidOperationException("the output is being flushed already");
            }

            if (_failed)
            {
                _staged.Finish();
                return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: true));
            }

            bool mustWait = !_staged.IsEmpty && !_sending.IsEmpty;
            isBroken = !mustWait && SendStaged();
            if (mustWait || MustBeSent)
            {
                return Wait(cancellationToken);
            }

            if (connection.IsReaderWaiting)
            {
                ReleaseMemory(); // no wait of the reader that is to come will do it
            }
        }

        if (isBroken)
        {
            Break();
        }

        return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: isBroken));
    }

    /// <summary>The socket takes more, or has failed. On the loop; the application runs in here.</summary>
    public void OnWritable()
    {
        bool failed, isBroken, wasWaiting;
        lock (_gate)
        {
            if (!_failed)
            {
                Drive();
            }

            if (!_failed && !_sending.IsEmpty)
            {
                AwaitRoom();
                return;
            }

            isBroken = IsBroken();
            if ((_waiting || (_owed && !_isLent && !_isAnnounced)) && !_failed)
            {
                isBroken |= SendStaged();
                if (MustBeSent)
                {
                    return; // the flush goes on waiting
                }
            }

            (wasWaiting, _waiting) = (_waiting, false);
            _registration.Unregister();
            failed = _failed;
            if (failed && wasWaiting)
            {
                _staged.Finish(); // what waited is not kept for a next flush, before which nothing could be written
            }

            if (connection.IsReaderWaiting)
            {
                ReleaseMemory();
            }
        }

        if (isBroken)
        {
            Break();
        }

        if (wasWaiting)
        {
            _flush.SetResult(new FlushResult(isCanceled: false, isCompleted: failed));
        }
    }

    /// <summary>The connection is gone: nothing is sent any more, and whoever waits for a flush is told. On the loop.</summary>
    public void Fail()
    {
        lock (_gate)
        {
            _failed = true;
            if (_handedBytes == 0)
            {
                _sending.Finish();
            }
        }

        OnWritable();
    }

    /// <summary>
    /// Nobody writes any more: what was written is sent, flushed or not, as a pipe does that is completed. True while it is on its way. On the loop.
    /// </summary>
    public bool End()
    {
        lock (_gate)
        {
            (_isLent, _owed) = (false, !_failed && !_staged.IsEmpty);
            if (_owed && _sending.IsEmpty)
            {
                SendStaged();
            }

            return IsSending;
        }
    }

    /// <summary>Gives the memory back while there is nothing to send: an idle connection has none. Any thread.</summary>
    public void ReleaseMemory()
    {
        lock (_gate)
        {
            if (!_isLent && !_isAnnounced && _staged.IsEmpty && _staged.HasMemory)
            {
                _staged.ReturnMemory();
            }
        }
    }

    /// <summary>The connection is closed, and nobody writes any more.</summary>
    public void Drop()
    {
        lock (_gate)
        {
            _staged.Finish();
            _staged.ReturnMemory();
            _sending.Finish();
            _sending.ReturnMemory();
        }
    }

    /// <inheritdoc/>
    /// <remarks>May come from any thread; completing there would carry the application off the loop.</remarks>
    public override void CancelPendingFlush() => buffers.Loop.Post(s_cancel, this);

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        // The connection's DisposeAsync, which follows, waits for what is on its way and gives everything back.
    }

    /// <inheritdoc/>
    public FlushResult GetResult(short token) => _flush.GetResult(token);

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _flush.GetStatus(token);

    /// <inheritdoc/>
    /// <remarks>Completed on the loop: inline, not through the loop's context.</remarks>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _flush.OnCompleted(continuation, state, token, flags & ~ValueTaskSourceOnCompletedFlags.UseSchedulingContext);

    /// <summary>A flush is done when its unit is on its way, except where that would leave one array too many behind.</summary>
    private bool MustBeSent => !_failed && _sending.HasArray && !_sending.IsEmpty && buffers.ArrayBytes > buffers.Options.ArrayBytesMax;

    private ValueTask<FlushResult> Wait(CancellationToken cancellation)
    {
        _flush.Reset();
        (_waiting, _token) = (true, cancellation); // before the token may call
        _registration = cancellation.UnsafeRegister(s_tokenCanceled, this);
        return new ValueTask<FlushResult>(this, _flush.Version);
    }

    /// <summary>What was written is on its way; true when that broke the connection.</summary>
    private bool SendStaged()
    {
        _owed = false;
        if (_staged.IsEmpty)
        {
            return IsBroken();
        }

        (_sending, _staged) = (_staged, _sending); // the other one is empty, and its memory is good for the next
        Drive();
        if (!_failed && !_sending.IsEmpty)
        {
            AwaitRoom();
        }

        return IsBroken();
    }

    private void Break() => connection.Abort(new("the response cannot be completed"));

    private void PostTokenCanceled() => buffers.Loop.Post(s_cancelByToken, this);

    private void CancelByToken()
    {
        CancellationToken token = _token;
        if (token.IsCancellationRequested) // else it was the token of an earlier flush
        {
            CancelOnLoop(token);
        }
    }

    private void CancelOnLoop(CancellationToken token)
    {
        bool failed;
        lock (_gate)
        {
            if (!_waiting)
            {
                return;
            }

            (_waiting, _owed) = (false, true); // the wait is cancelled, not what was flushed
            _registration.Unregister();
            failed = _failed;
        }

        if (token.IsCancellationRequested)
        {
            _flush.SetException(new OperationCanceledException(token));
        }
        else
        {
            _flush.SetResult(new FlushResult(isCanceled: true, isCompleted: failed));
        }
    }
}
