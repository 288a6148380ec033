// How an answer comes in. The head and what follows it lands in the worker's own buffer; the rest of a body goes where it is verified, into the
// shared sink, or nowhere.
using System.Text;
using System.Text.Json;
using Sluice.Loader.Http;
using Sluice.Native;

namespace Sluice.Loader.Wire;

internal sealed partial class Worker
{
    /// <summary>With -discard, what is received beside a head is copied for nothing: heads are some 400 bytes.</summary>
    private const int DiscardHeadBytes = 1024;

    private const int TextBytesMax = 512;

    private readonly ResponseHead _head = new();
    private readonly byte[] _text = new byte[TextBytesMax]; // the beginning of a refusal, or the id of an upload
    private ChunkedBody _chunks;
    private Framing _framing;
    private int _filled;
    private int _textBytes;
    private long _bodyLeft;
    private long _bodyBytes;
    private long _receivedAt;
    private bool _verifies;
    private string? _objection;

    private enum Framing : byte
    {
        /// <summary>The head is not read yet.</summary>
        Head,
        Length,
        Chunked,
        UntilClose,
    }

    private bool IsRefusal => _head.Status is < 200 or > 299;

    /// <inheritdoc/>
    public void Received(int result)
    {
        if (_state != State.Busy)
        {
            return;
        }

        _receivedAt = _host.Now();
        if (result <= 0)
        {
            PeerEnded(result);
        }
        else if (_framing == Framing.Head)
        {
            _filled += result;
            ReadHead();
        }
        else
        {
            // Into the sink, or nowhere, goes only what is not looked at.
            TakeBody(_receiveBuffer.Span[..(LooksAtBody ? result : 0)], result);
        }
    }

    /// <summary>An upload that is not there, where it is to be aborted: the server has ended it, or its last answer was lost.</summary>
    private bool IsAbortedAlready => _step == Step.AbortUpload && _head.Status == 404;

    private bool LooksAtBody => _verifies || IsRefusal || _framing == Framing.Chunked || _step == Step.BeginUpload;

    private void BeginReceiving()
    {
        _head.Reset();
        (_framing, _filled, _bodyBytes, _textBytes, _objection, _verifies) = (Framing.Head, 0, 0, 0, null, false);
        ReceiveHead();
    }

    private void ReceiveHead()
    {
        Memory<byte> rest = _receiveBuffer[_filled..];
        _line.Link.Receive(_settings.Options.Discard && !Operation.IsPut ? rest[..Math.Min(rest.Length, DiscardHeadBytes)] : rest);
    }

    private void ReadHead()
    {
        while (true)
        {
            switch (_head.Read(_receiveBuffer.Span[.._filled]))
            {
                case HeadOutcome.NeedMore:
                    ReceiveHead();
                    return;
                case HeadOutcome.Refused:
                    Fail(_head.Problem.Sentence());
                    Close(After.Free);
                    return;
                case HeadOutcome.Read when _head.Status >= 200:
                    BeginBody();
                    return;
                default:
                    // An interim answer (RFC 9110 §15.2): the one that counts comes behind it.
                    int rest = _filled - _head.HeadBytes;
                    _receiveBuffer.Slice(_head.HeadBytes, rest).CopyTo(_receiveBuffer);
                    _filled = rest;
                    _head.Reset();
                    break;
            }
        }
    }

    private void BeginBody()
    {
        bool isEmpty = _head.Status is 204 or 304 || _step == Step.Size; // a HEAD's answer tells a size and has no body (RFC 9110 §9.3.2)
        _framing = isEmpty || _head.ContentBytes >= 0 ? Framing.Length : _head.IsChunked ? Framing.Chunked : Framing.UntilClose;
        _bodyLeft = isEmpty ? 0 : _head.ContentBytes;
        _chunks = default;
        _verifies = _verifier is not null && !Operation.IsPut && !IsRefusal && _step == Step.Whole;
        _objection = _verifies ? _verifier!.Begin(_head, Operation, _laneOf is null ? _settings.Range : (Operation.RangeFirst, Operation.RangeBytes)) : null;
        _objection = RangeObjection() ?? _objection;
        int count = _filled - _head.HeadBytes;
        TakeBody(_receiveBuffer.Span.Slice(_head.HeadBytes, count), count);
    }

    /// <summary>Takes <paramref name="count"/> bytes of the connection; the span is empty when they were not kept.</summary>
    private void TakeBody(ReadOnlySpan<byte> bytes, int count)
    {
        switch (_framing)
        {
            case Framing.Length:
                int taken = (int)Math.Min(_bodyLeft, count);
                Look(bytes.IsEmpty ? default : bytes[..taken], taken);
                _bodyLeft -= taken;
                Go(isOver: _bodyLeft == 0, hasMore: taken < count);
                break;
            case Framing.Chunked:
                for (ReadOnlySpan<byte> piece = _chunks.Next(ref bytes); !piece.IsEmpty; piece = _chunks.Next(ref bytes))
                {
                    Look(piece, piece.Length);
                }

                if (_chunks.IsBad)
                {
                    Fail(ResponseProblem.BadChunk.Sentence());
                    Close(After.Free);
                    break;
                }

                Go(isOver: _chunks.IsDone, hasMore: !bytes.IsEmpty);
                break;
            default:
                Look(bytes, count);
                ReceiveBody();
                break;
        }
    }

    private void Go(bool isOver, bool hasMore)
    {
        if (!isOver)
        {
            ReceiveBody();
        }
        else if (hasMore)
        {
            Fail(ResponseProblem.BytesAfterEnd.Sentence());
            Close(After.Free);
        }
        else
        {
            Complete(keep: !_head.Closes);
        }
    }

    private void Look(ReadOnlySpan<byte> bytes, int count)
    {
        _bodyBytes += count;
        if (IsRefusal || _step == Step.BeginUpload)
        {
            int kept = Math.Min(bytes.Length, TextBytesMax - _textBytes);
            bytes[..kept].CopyTo(_text.AsSpan(_textBytes));
            _textBytes += kept;
        }
        else if (_verifies)
        {
            _verifier!.Append(bytes);
        }
    }

    /// <summary>Never past the end of a body whose length is known: what follows would be another answer's.</summary>
    private void ReceiveBody()
    {
        Memory<byte> target = LooksAtBody ? _receiveBuffer
            : _settings.Options.Discard ? _settings.Unwritten
            : _settings.Sink;
        if (_framing == Framing.Length && _bodyLeft < target.Length)
        {
            target = target[..(int)_bodyLeft];
        }

        if (_settings.Options.Discard && !LooksAtBody)
        {
            _line.Link.Discard(target);
        }
        else
        {
            _line.Link.Receive(target);
        }
    }

    private void Complete(bool keep)
    {
        if (IsRefusal && !IsAbortedAlready)
        {
            Fail(_head.Status is >= 300 and < 400 and not 304
                ? $"{_head.Status}: the server redirects, which the loader does not follow yet"
                : $"{_head.Status} {RefusalText()}".TrimEnd());
        }
        else if (((_verifies ? _verifier!.Finish(_head, _laneOf is null ? _settings.Statistics : null) : null) ?? _objection) is { } wrong)
        {
            Fail(wrong);
        }
        else
        {
            Advance();
        }

        EndExchange(keep);
    }

    private void PeerEnded(int result)
    {
        bool isNew = _framing == Framing.Head && _filled == 0;
        if (_framing == Framing.UntilClose && result == 0)
        {
            Complete(keep: false);
        }
        else if (isNew && _line.HasServed && !_isRetry)
        {
            // The server closed while the connection was idle, and the request crossed its end on the way: once, that is no failure.
            _isRetry = true;
            Close(After.Retry);
        }
        else
        {
            Fail(result == 0 ? "the server closed the connection before the answer was complete" : $"the connection broke: {(Errno)(-result)}");
            Close(After.Free);
        }
    }

    /// <summary>The "message" of the native API's error, or the text as it is.</summary>
    private string RefusalText()
    {
        ReadOnlyMemory<byte> text = _text.AsMemory(0, _textBytes);
        try
        {
            using JsonDocument json = JsonDocument.Parse(text);
            if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("message", out JsonElement message))
            {
                return message.ToString();
            }
        }
        catch (JsonException)
        {
            // Not the native API's error, or longer than is kept: its beginning will have to do.
        }

        return Encoding.UTF8.GetString(text.Span);
    }
}
