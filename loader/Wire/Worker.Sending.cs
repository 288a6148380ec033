// How a request goes out. A head and a small body are one send. A large body is made piece by piece as it is sent; its checksum stands before
// it, so it is made twice, and the first time, before the request is issued, others get their turn after each piece.
using Sluice.Loader.Content;
using Sluice.Loader.Http;
using Sluice.Native;

namespace Sluice.Loader.Wire;

internal sealed partial class Worker
{
    private readonly byte[] _checksum = new byte[BodyDigest.HexMax];
    private int _checksumBytes;
    private ulong _key;
    private long _prepared;
    private long _sendFirst; // where the request's body lies in the object
    private long _sendBytes; // its size; 0 without one
    private long _sentBody;
    private bool _isSending;

    private bool NeedsPreparing => _sendBytes > BodyCapacity && _digest is not null;

    private int BodyCapacity => _sendBuffer.Length - RequestWriter.HeadBytesMax;

    /// <summary>Hashes the next piece of a large body that will be sent; issues the request after the last.</summary>
    public void Prepare()
    {
        if (_state != State.Preparing)
        {
            return; // it was told to stop meanwhile
        }

        _key = _prepared == 0 ? ContentPattern.Key(Operation.Name, Operation.PutBytes) : _key;
        Span<byte> piece = _sendBuffer.Span[..(int)Math.Min(_sendBuffer.Length, _sendBytes - _prepared)];
        ContentPattern.Fill(_key, _sendFirst + _prepared, piece);
        _digest!.Append(piece);
        _prepared += piece.Length;
        if (_prepared < _sendBytes)
        {
            _host.PrepareSoon(this);
            return;
        }

        _checksumBytes = _digest.Finish(_checksum);
        Issue();
    }

    /// <inheritdoc/>
    public void Sent(Errno error)
    {
        if (_state != State.Busy)
        {
            return;
        }

        // A broken connection is told by the receive, which may still bring an answer that says why.
        if (error == Errno.None && _sentBody < _sendBytes)
        {
            SendPiece();
            return;
        }

        _isSending = false;
    }

    private void BeginSending()
    {
        (_isSending, _sentBody) = (true, 0);
        if (_step == Step.Part || (_step == Step.Whole && Operation.IsPut))
        {
            SendBody();
            return;
        }

        Span<byte> buffer = _sendBuffer.Span;
        ReadOnlySpan<byte> upload = _uploadId.AsSpan(0, _uploadIdBytes);
        RequestWriter requests = _line.Requests;
        int count = _step switch
        {
            Step.BeginUpload => requests.BeginUpload(buffer, Operation.Name),
            Step.CompleteUpload => requests.CompleteUpload(buffer, Operation.Name, upload, Operation.Parts),
            Step.AbortUpload => requests.AbortUpload(buffer, Operation.Name, upload),
            Step.Size => requests.Head(buffer, Operation.Name),
            _ when Operation.RangeBytes > 0 => requests.GetRange(buffer, Operation.Name, Operation.RangeFirst, Operation.RangeBytes),
            _ => requests.Get(buffer, Operation.Name),
        };
        _line.Link.Send(_sendBuffer[..count]);
    }

    /// <summary>The head of a PUT, of an object or of a part, and its body, if that fits.</summary>
    private void SendBody()
    {
        Span<byte> buffer = _sendBuffer.Span;
        long size = _sendBytes;
        _key = ContentPattern.Key(Operation.Name, Operation.PutBytes);
        bool isWhole = size <= BodyCapacity;
        Span<byte> body = isWhole ? buffer[RequestWriter.HeadBytesMax..][..(int)size] : default;
        if (isWhole)
        {
            // The body is made behind the longest head, then the head's end is known, and the body moves up to it.
            ContentPattern.Fill(_key, _sendFirst, body);
            _digest?.Append(body);
            _checksumBytes = _digest?.Finish(_checksum) ?? 0;
        }

        ReadOnlySpan<byte> checksum = _checksum.AsSpan(0, _checksumBytes);
        int head = _step == Step.Part
            ? _line.Requests.Part(buffer, Operation.Name, _uploadId.AsSpan(0, _uploadIdBytes), _part, size, checksum)
            : _line.Requests.Put(buffer, Operation.Name, size, checksum);
        body.CopyTo(buffer[head..]);
        _sentBody = body.Length;
        _line.Link.Send(_sendBuffer[..(head + body.Length)]);
    }

    private void SendPiece()
    {
        int count = (int)Math.Min(_sendBuffer.Length, _sendBytes - _sentBody);
        ContentPattern.Fill(_key, _sendFirst + _sentBody, _sendBuffer.Span[..count]);
        _sentBody += count;
        _line.Link.Send(_sendBuffer[..count]);
    }
}
