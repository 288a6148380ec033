using Sluice.Native;

namespace Sluice.Transport.Uring;

/// <summary>What takes bytes to the socket. Everything here is called under the gate.</summary>
internal sealed partial class UringOutput
{
    /// <summary>Sends what the socket takes, up to a turn.</summary>
    private void Drive()
    {
        long turnEnd = _sent + TurnBytesMax;
        while (_sending.Start < _sending.End)
        {
            if (!SendSome(_sending.Unsent, more: _sending.Segment.Left > 0, out int sent))
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

        _sending.Finish();
        if (_staged.HasMemory)
        {
            _sending.ReturnMemory();
        }
        else if (!_isLent)
        {
            (_sending, _staged) = (_staged, _sending); // one buffer is enough for a connection that answers one request after the other
        }
    }

    private bool SendSegment(out int sent)
    {
        if (_sending.Segment.HasLease)
        {
            return SendSome(_sending.Segment.Bytes, more: false, out sent);
        }

        int count = Math.Min(_sending.Segment.Left, TurnBytesMax);
        Errno error = Sockets.SendFile(socket, _sending.Segment.Descriptor, _sending.Segment.Offset, count, out sent);
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

    /// <summary>True once, when sending failed in the middle of something: the response cannot be completed.</summary>
    private bool IsBroken()
    {
        bool isBroken = _failed && !_sending.IsEmpty;
        if (isBroken)
        {
            _sending.Finish();
        }

        return isBroken;
    }
}
