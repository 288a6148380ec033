using Sluice.Native;
using Sluice.Native.Uring;

namespace Sluice.Transport.Uring;

/// <summary>What takes bytes to the socket, and the lines that are put into a head. What is private here is called under the gate.</summary>
internal sealed partial class UringOutput
{
    /// <summary>
    /// A file up to here is read behind the head by the ring and goes out with it: nothing is copied twice, no system call is of this request
    /// alone, and pages that are not resident are waited for by the kernel. Above, sendfile(2) copies less.
    /// </summary>
    public const int RingFileBytesMax = 32 << 10;

    /// <summary>
    /// The head that is written next gets these lines: what is known as bytes does not pass through Kestrel's dictionary of headers. False while a flush is
    /// pending, since then Kestrel writes elsewhere.
    /// </summary>
    public bool TryAddToHead(ReadOnlyMemory<byte> lines)
    {
        lock (_gate)
        {
            if (_waiting || _isAnnounced || _staged.Segment.Left > 0)
            {
                return false;
            }

            _headLines = lines;
            return true;
        }
    }

    /// <summary>True when the lines are in a head; else they are forgotten.</summary>
    public bool EndHead()
    {
        lock (_gate)
        {
            bool isIn = _headLines.IsEmpty;
            _headLines = default;
            return isIn;
        }
    }

    /// <summary>What the ring had is sent, or never will be. On the loop; the application runs in here.</summary>
    public void OnSent(RingCompletion completion)
    {
        lock (_gate)
        {
            int handed = _handedBytes;
            _handedBytes = 0;
            if (!_failed && completion.Result == handed && !completion.IsOfRead)
            {
                _sent += handed;
                FinishUnit();
            }
            else if (_failed)
            {
                _sending.Finish();
            }
            else
            {
                // A request that was interrupted is made again. Else: the file was cut short, the disk failed, or the peer is gone in the middle.
                _failed = completion.Error is not (Errno.EINTR or Errno.EAGAIN);
                if (completion.IsOfRead && _sending.Segment.TryFallOver(completion.Error, Math.Max(completion.Result, 0)))
                {
                    _failed = false; // nothing was sent of it: another file is read behind the same head
                }
            }
        }

        OnWritable();
    }

    /// <summary>Sends what the socket takes, up to a turn; or hands all of it to the ring.</summary>
    private void Drive()
    {
        if (_sending.IsEmpty || _handedBytes > 0 || _isRebuilding || TryHandOver())
        {
            return;
        }

        if (_sending.Segment.NeedsRebuilding)
        {
            BeginRebuilding(); // before the head, if that has not been sent: without a body it is not
            return;
        }

        long turnEnd = _sent + TurnBytesMax;
        while (_sending.Start < _sending.End)
        {
            if (!SendSome(_sending.Unsent.Span, more: _sending.Segment.Left > 0, out int sent))
            {
                return;
            }

            _sending.Start += sent;
        }

        while (_sending.Segment.Left > 0)
        {
            if (_sent >= turnEnd || !SendSegment(out int sent))
            {
                return;
            }

            _sending.Segment.Advance(sent);
        }

        FinishUnit();
    }

    /// <summary>
    /// What fits into one buffer is the ring's to send, with whatever else the loop queues until it hands over. Not from another thread, and not from an
    /// array: that is to be free soon.
    /// </summary>
    private bool TryHandOver()
    {
        int file = _sending.Segment.Left;
        if (_sending.HasArray || !_sending.HasMemory || file > Math.Min(RingFileBytesMax, _sending.RoomBytes) || _sending.Segment.IsOfMemory || !connection.IsOnLoop)
        {
            return false;
        }

        if (file == 0)
        {
            connection.Send(_sending.Unsent);
            _handedBytes = _sending.Unsent.Length; // not before: a ring that takes nothing throws
            return true;
        }

        Memory<byte> all = _sending.UnsentAnd(file);
        bool isHanded = connection.TryReadThenSend(_sending.Segment.Descriptor, _sending.Segment.Offset, all, file);
        _handedBytes = isHanded ? all.Length : 0;
        return isHanded;
    }

    /// <summary>Everything of the unit is sent. One buffer is enough for a connection that answers one request after the other.</summary>
    private void FinishUnit()
    {
        _sending.Finish();
        if (_staged.HasMemory)
        {
            _sending.ReturnMemory();
        }
        else if (!_isLent)
        {
            (_sending, _staged) = (_staged, _sending);
        }
    }

    private void AwaitRoom()
    {
        if (_handedBytes == 0 && !_isRebuilding)
        {
            connection.AwaitWritable();
        }
    }

    private bool SendSegment(out int sent)
    {
        if (_sending.Segment.NeedsRebuilding)
        {
            BeginRebuilding();
            sent = 0;
            return false;
        }

        if (_sending.Segment.IsOfMemory)
        {
            return SendSome(_sending.Segment.Bytes, more: false, out sent);
        }

        int count = Math.Min(_sending.Segment.Left, TurnBytesMax);
        Errno error = Sockets.SendFile(socket, _sending.Segment.Descriptor, _sending.Segment.Offset, count, out sent);
        _sent += sent;
        bool isShort = error == Errno.None && sent == 0; // the file was cut short under us
        if ((isShort || IsOfFile(error)) && _sending.Segment.TryFallOver(error, read: 0))
        {
            return true; // another file, or what is rebuilt, goes on where this one ended
        }

        _failed = isShort || error is not (Errno.None or Errno.EAGAIN);
        return error == Errno.None && !_failed;
    }

    /// <summary>
    /// True when it was the file that sendfile(2) could not go on with, not the socket: what a block device answers, and a file system on it that finds itself damaged, shut down or
    /// gone. ETIMEDOUT and ENOMEM both may mean; a peer that is gone is the rule, and the next reader of a drive that hangs finds out.
    /// </summary>
    internal static bool IsOfFile(Errno error) => error is Errno.EIO or Errno.ENXIO or Errno.ENODEV or Errno.ENODATA or Errno.ENOLINK or Errno.EBADMSG or Errno.EILSEQ
        or Errno.ESTALE or Errno.EUCLEAN or Errno.EREMOTEIO;

    private void BeginRebuilding()
    {
        _isRebuilding = true;
        _ = RebuildAsync(_sending.Segment.RebuildAsync(buffers));
    }

    /// <summary>
    /// Waits for bytes in the place of those that no file has, and has them sent; without them the response is broken. The unit stays what it is meanwhile, unless
    /// the connection fails.
    /// </summary>
    private async Task RebuildAsync(ValueTask<RebuiltBytes?> rebuilding)
    {
        RebuiltBytes? rebuilt = null;
        try
        {
            rebuilt = await rebuilding;
        }
        finally
        {
            EndRebuilding(rebuilt);
            connection.ResumeOutput();
        }
    }

    private void EndRebuilding(RebuiltBytes? rebuilt)
    {
        lock (_gate)
        {
            _isRebuilding = false;
            if (rebuilt is { } bytes && !_failed)
            {
                _sending.Segment.SetRebuilt(bytes);
                return;
            }

            _failed = true;
        }

        rebuilt?.Dispose(); // the connection is gone
    }

    private bool SendSome(ReadOnlySpan<byte> data, bool more, out int sent)
    {
        Errno error = Sockets.Send(socket, data, more, out sent);
        _sent += sent;
        _failed = error is not (Errno.None or Errno.EAGAIN);
        return error == Errno.None;
    }

    /// <summary>True once, when sending failed in the middle of something: the response cannot be completed.</summary>
    private bool IsBroken()
    {
        bool isBroken = _failed && !_sending.IsEmpty && _handedBytes == 0;
        if (isBroken)
        {
            _sending.Finish();
        }

        return isBroken;
    }
}
