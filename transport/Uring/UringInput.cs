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
    private bool _unawaited; // a read from off the loop, whose result comes only once it is awaited: else the await might not leave its thread
    private Exception? _error;
    private CancellationToken _token; // of the read that waits
    private CancellationTokenRegistration _registration;

    /// <summary>Receiving is stopped until the reader has caught up. Guarded by the gate.</summary>
    public bool IsPaused { get; private set; }

    private int UnreadBytesMax => _last is { ProvidedId: >= 0 } ? buffers.Options.UnreadSmallBytesMax : buffers.Options.UnreadBytesMax;

    private bool HasNews => _unread > 0 && !_allExamined;

    /// <summary>True while a read waits for something to come. Guarded by the gate.</summary>
    public bool IsWaiting => _waiting;

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

    /// <summary>A small segment for the next bytes: there is no provided buffer for them.</summary>
    public InputSegment OwnToFill()
    {
        InputSegment own = buffers.TakeOwn(UringTransportOptions.OwnBytes);
        own.IsFilling = true;
        lock (_gate)
        {
            Link(own);
        }

        return own;
    }

    /// <summary>Bytes arrived in the segment that was filled. On the loop; the application runs in here.</summary>
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

    /// <summary>Nobody reads any more, and nothing is in flight into the block.</summary>
    public void Drop()
    {
        lock (_gate)
        {
            (_ended, IsPaused) = (true, false);
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
            (_waiting, _unawaited) = (true, !isOnLoop);
            _token = cancellationToken;
            _registration = cancellationToken.UnsafeRegister(s_tokenCanceled, this);
            Resume(); // a reader that wants more than the limit must not wait for ever
            if (!HasNews)
            {
                KeepUnread();
            }
        }

        if (isOnLoop)
        {
            connection.OnReaderWaits();
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
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        _read.OnCompleted(continuation, state, token, flags & ~ValueTaskSourceOnCompletedFlags.UseSchedulingContext);
        bool wasUnawaited;
        lock (_gate)
        {
            (wasUnawaited, _unawaited) = (_unawaited, false);
        }

        if (wasUnawaited)
        {
            PostComplete();
        }
    }

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
        bool isDone;
        lock (_gate)
        {
            if (!_waiting || _unawaited)
            {
                return;
            }

            error = ErrorNow() ?? (_token.IsCancellationRequested ? new OperationCanceledException(_token) : null);
            result = default;
            isDone = error is not null || TryTakeResult(out result);
            if (isDone)
            {
                _waiting = false;
                _registration.Unregister(); // one that runs now posts, and finds nobody waiting, or another token
            }
        }

        // Outside the gate: the application runs in here.
        if (!isDone)
        {
            connection.OnReaderWaits(); // it began to off the loop
        }
        else if (error is null)
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

    /// <summary>
    /// The reader has seen everything, wants more, and waits: what it left goes from the provided buffers into a copy. Else as many slow heads as there
    /// are buffers would stop every connection of the loop. A byte is copied once, and not at all when its reader takes what it sees.
    /// </summary>
    private void KeepUnread()
    {
        InputSegment? before = null;
        InputSegment? next;
        for (InputSegment? segment = _first; segment is not null; segment = next)
        {
            next = segment.Following;
            if (segment.ProvidedId < 0)
            {
                before = segment;
                continue;
            }

            int start = segment == _first ? _start : 0;
            ReadOnlySpan<byte> unread = segment.Memory.Span[start..];
            InputSegment copy;
            if (before is { IsFilling: false } && before.Room.Length >= unread.Length)
            {
                copy = before;
                copy.Following = next;
            }
            else
            {
                copy = buffers.TakeOwn(unread.Length);
                copy.BeginAt(segment.RunningIndex + start);
                copy.Following = next;
                if (before is not null)
                {
                    before.Following = copy;
                }
            }

            copy.Add(unread);
            (_first, _start) = segment == _first ? (copy, 0) : (_first, _start);
            _last = segment == _last ? copy : _last;
            before = copy;
            buffers.Return(segment);
        }
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
