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
    private long _sentBody;
    private bool _isSending;

    private bool NeedsPreparing => Operation.IsPut && _digest is not null && Operation.PutBytes > BodyCapacity;

    private int BodyCapacity => _sendBuffer.Length - RequestWriter.HeadBytesMax;

    /// <summary>Hashes the next piece of a large body that will be sent; issues the request after the last.</summary>
    public void Prepare()
    {
        if (_state != State.Preparing)
        {
            return; // it was told to stop meanwhile
        }

        _key = _prepared == 0 ? ContentPattern.Key(Operation.Name, Operation.PutBytes) : _key;
        Span<byte> piece = _sendBuffer.Span[..(int)Math.Min(_sendBuffer.Length, Operation.PutBytes - _prepared)];
        ContentPattern.Fill(_key, _prepared, piece);
        _digest!.Append(piece);
        _prepared += piece.Length;
        if (_prepared < Operation.PutBytes)
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
        if (error == Errno.None && Operation.IsPut && _sentBody < Operation.PutBytes)
        {
            SendPiece();
            return;
        }

        _isSending = false;
    }

    private void BeginSending()
    {
        _isSending = true;
        Span<byte> buffer = _sendBuffer.Span;
        if (!Operation.IsPut)
        {
            _line.Link.Send(_sendBuffer[.._line.Requests.Get(buffer, Operation.Name)]);
            return;
        }

        long size = Operation.PutBytes;
        _key = ContentPattern.Key(Operation.Name, size);
        bool isWhole = size <= BodyCapacity;
        Span<byte> body = isWhole ? buffer[RequestWriter.HeadBytesMax..][..(int)size] : default;
        if (isWhole)
        {
            // The body is made behind the longest head, then the head's end is known, and the body moves up to it.
            ContentPattern.Fill(_key, 0, body);
            _digest?.Append(body);
            _checksumBytes = _digest?.Finish(_checksum) ?? 0;
        }

        int head = _line.Requests.Put(buffer, Operation.Name, size, _checksum.AsSpan(0, _checksumBytes));
        body.CopyTo(buffer[head..]);
        _sentBody = body.Length;
        _line.Link.Send(_sendBuffer[..(head + body.Length)]);
    }

    private void SendPiece()
    {
        int count = (int)Math.Min(_sendBuffer.Length, Operation.PutBytes - _sentBody);
        ContentPattern.Fill(_key, _sentBody, _sendBuffer.Span[..count]);
        _sentBody += count;
        _line.Link.Send(_sendBuffer[..count]);
    }
}
