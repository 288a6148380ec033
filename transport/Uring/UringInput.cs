using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Sluice.Transport.Uring;

/// <summary>
/// What a connection received, as a sequence without a copy. Segments go back to where they came from as the reader advances. Results are always
/// delivered on the loop, so that every request begins there, wherever the last await of the application ended.
/// </summary>
internal sealed class UringInput(UringConnection connection, LoopBuffers buffers) : PipeReader, IValueTaskSource<ReadResult>
{
    private static readonly Action<object?> s_complete = input => ((UringInput)input!).CompleteRead();
    private static readonly Action<object?> s_tokenCanceled = input => ((UringInput)input!).PostComplete();

    private readonly Lock _gate = connection.Gate;
    private ManualResetValueTaskSourceCore<ReadResult> _read; // continuations run where the result is set: on the loop

    // Guarded by _gate.
    private InputSegment? _first, _last;
    private int _start; // read position in _first
    private long _unread;
    private bool _ended, _canceled, _waiting, _allExamined;
    private Exception? _error;
    private CancellationToken _token; // of the read that waits
    private CancellationTokenRegistration _registration;

    /// <summary>Receiving is stopped until the reader has caught up. Guarded by the gate.</summary>
    public bool IsPaused { get; private set; }

    private int UnreadBytesMax => _last is { ProvidedId: >= 0 } ? buffers.Options.UnreadSmallBytesMax : buffers.Options.UnreadBytesMax;

    private bool HasNews => _unread > 0 && !_allExamined;

    /// <summary>Bytes that were received and not yet read.</summary>
    public long UnreadBytes
    {
        get
        {
            lock (_gate)
            {
                return _unread;
            }
        }
    }

    /// <summary>A provided buffer arrived. On the loop; the application runs in here.</summary>
    public void Append(InputSegment segment)
    {
        lock (_gate)
        {
            Link(segment);
            Count(segment.Length);
        }

        CompleteRead();
    }

    /// <summary>The block into which the next bytes go: the last one while it has room, else a new one; null when there is none to be had.</summary>
    public InputSegment? BlockToFill()
    {
        lock (_gate)
        {
            if (_last is { IsFilling: true })
            {
                return _last;
            }

            InputSegment? block = buffers.TryTakeBlock();
            if (block is not null)
            {
                Link(block);
            }

            return block;
        }
    }

    /// <summary>Bytes arrived in the block that was filled. On the loop; the application runs in here.</summary>
    public void Grow(int bytes, bool isLast)
    {
        lock (_gate)
        {
            _last!.Grow(bytes);
            _last.IsFilling = !isLast && !_last.Room.IsEmpty;
            Count(bytes);
        }

        CompleteRead();
    }

    /// <summary>No more will come. With an error the reader gets it instead of the end.</summary>
    public void End(Exception? error)
    {
        lock (_gate)
        {
            _ended = true;
            _error ??= error;
        }

        CompleteRead();
    }

    /// <summary>The connection is closing and nobody reads any more; nothing is in flight into the block.</summary>
    public void Drop()
    {
        lock (_gate)
        {
            _ended = true;
            while (_first is not null)
            {
                ReleaseFirst();
            }

            (_last, _unread) = (null, 0);
        }
    }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool isOnLoop = buffers.Loop.IsCurrent;
        lock (_gate)
        {
            if (isOnLoop && TryTakeResult(out ReadResult result))
            {
                return new ValueTask<ReadResult>(result);
            }

            if (_waiting)
            {
                throw new InvalidOperationException("the input is being read already");
            }

            _read.Reset();
            _waiting = true;
            _token = cancellationToken;
            _registration = cancellationToken.UnsafeRegister(s_tokenCanceled, this);
            Resume(); // a reader that wants more than the limit must not wait for ever
        }

        if (isOnLoop)
        {
            connection.OnReaderWaits();
        }
        else
        {
            PostComplete();
        }

        return new ValueTask<ReadResult>(this, _read.Version);
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        lock (_gate)
        {
            return TryTakeResult(out result);
        }
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_gate)
        {
            if (_first is null || consumed.GetObject() is not InputSegment target)
            {
                return;
            }

            _allExamined = examined.GetObject() == _last && examined.GetInteger() == _last!.Length;
            while (_first != target)
            {
                ReleaseFirst();
            }

            _unread -= consumed.GetInteger() - _start;
            _start = consumed.GetInteger();
            ReleaseRead();
            if (IsPaused && _unread < UnreadBytesMax / 2)
            {
                Resume();
            }
        }
    }

    /// <inheritdoc/>
    public override void CancelPendingRead()
    {
        lock (_gate)
        {
            _canceled = true;
        }

        PostComplete();
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        // The connection's DisposeAsync, which follows, gives everything back.
    }

    /// <inheritdoc/>
    public ReadResult GetResult(short token) => _read.GetResult(token);

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _read.GetStatus(token);

    /// <inheritdoc/>
    /// <remarks>Completed on the loop: inline, not through the loop's context.</remarks>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _read.OnCompleted(continuation, state, token, flags & ~ValueTaskSourceOnCompletedFlags.UseSchedulingContext);

    private void Link(InputSegment segment)
    {
        if (_last is null)
        {
            (_first, _start) = (segment, 0);
        }
        else
        {
            segment.Follow(_last);
        }

        _last = segment;
    }

    private void Count(int bytes)
    {
        _allExamined = false;
        _unread += bytes;
        if (_unread >= UnreadBytesMax && !_waiting && !IsPaused)
        {
            IsPaused = true;
            buffers.PausedCount++;
            connection.PauseReceive();
        }
    }

    private void Resume()
    {
        if (IsPaused)
        {
            IsPaused = false;
            connection.ResumeReceive();
        }
    }

    private void PostComplete() => buffers.Loop.Post(s_complete, this);

    private void CompleteRead()
    {
        ReadResult result;
        Exception? error;
        lock (_gate)
        {
            if (!_waiting)
            {
                return;
            }

            error = ErrorNow() ?? (_token.IsCancellationRequested ? new OperationCanceledException(_token) : null);
            result = default;
            if (error is null && !TryTakeResult(out result))
            {
                return;
            }

            _waiting = false;
            _registration.Unregister(); // one that runs now posts, and finds nobody waiting, or another token
        }

        // Outside the gate: the application runs in here.
        if (error is null)
        {
            _read.SetResult(result);
        }
        else
        {
            _read.SetException(error);
        }
    }

    /// <summary>The connection's error, once what arrived before it has been seen.</summary>
    private Exception? ErrorNow() => _ended && !HasNews ? _error : null;

    private bool TryTakeResult(out ReadResult result)
    {
        if (!HasNews && !_ended && !_canceled)
        {
            result = default;
            return false;
        }

        if (ErrorNow() is { } error)
        {
            throw error;
        }

        ReadOnlySequence<byte> data = _first is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_first, _start, _last!, _last!.Length);
        result = new ReadResult(data, _canceled, _ended && _error is null);
        _canceled = false;
        return true;
    }

    /// <summary>Lets go of the first segment when all of it was read and nothing more comes into it.</summary>
    private void ReleaseRead()
    {
        if (_first is { IsFilling: false } && _start == _first.Length)
        {
            ReleaseFirst();
            if (_first is null)
            {
                (_last, _allExamined) = (null, false);
            }
        }
    }

    private void ReleaseFirst()
    {
        InputSegment done = _first!;
        _unread -= done.Length - _start;
        (_first, _start) = (done.Following, 0);
        done.IsFilling = false;
        buffers.Return(done);
    }
}
