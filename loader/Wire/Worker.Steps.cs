// The steps of an operation. A plain PUT or GET is one request. A multipart PUT is begin, parts in their order, complete; where one of them fails, the
// upload is aborted. A read in ranges asks for the size and then leaves the ranges to its lanes. The steps of one operation keep to one gateway.
using System.Buffers;
using Sluice.Loader.Http;
using Sluice.Loader.Work;

namespace Sluice.Loader.Wire;

internal sealed partial class Worker
{
    /// <summary>What stands for itself in a query (RFC 3986 §2.3).</summary>
    private static readonly SearchValues<byte> s_unreserved = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"u8);

    private readonly byte[] _uploadId;
    private int _uploadIdBytes; // above 0 while an upload is open that is this worker's to end
    private int _part;
    private long _objectBytes;
    private Step _step;

    private enum Step : byte
    {
        /// <summary>The one request of a PUT, a GET, or a range.</summary>
        Whole,
        BeginUpload,
        Part,
        CompleteUpload,
        AbortUpload,

        /// <summary>Asks for the size of what is read in ranges.</summary>
        Size,
        Ranges,
    }

    private bool IsFirstStep => _step is Step.Whole or Step.BeginUpload or Step.Size;

    /// <summary>The lanes have read the whole object, or have failed, with a sentence, and rest for now.</summary>
    public void Gathered(string? failure, long verifiedBytes, long receivedAt, bool mustRest)
    {
        if (_state != State.Spread)
        {
            return; // it was told to stop meanwhile
        }

        _state = State.Idle;
        if (failure is null)
        {
            _receivedAt = receivedAt;
            SucceedStream(verifiedBytes);
        }
        else
        {
            Fail(failure);
        }

        if (mustRest)
        {
            _host.Rest(this);
            return;
        }

        _host.Free(this);
    }

    /// <summary>Nothing of this worker is open any more.</summary>
    public void LanesStopped()
    {
        _state = State.Stopped;
        _host.Stopped(this);
    }

    private static Step FirstStep(OperationKind kind) => kind switch
    {
        OperationKind.Multipart => Step.BeginUpload,
        OperationKind.Stream => Step.Size,
        _ => Step.Whole,
    };

    private void StartStep()
    {
        _isRetry = false;
        _issued = _host.Now();
        if (_step == Step.Ranges)
        {
            _state = State.Spread;
            _lanes!.Begin(Operation, _objectBytes);
            return;
        }

        if (_lines.Length > 1 && IsFirstStep)
        {
            _line = _lines[_host.Below(_lines.Length)];
        }

        (_sendFirst, _sendBytes) = _step == Step.Part ? Operation.PartAt(_part)
            : (0, _step == Step.Whole && Operation.IsPut ? Operation.PutBytes : 0);
        if (NeedsPreparing)
        {
            _state = State.Preparing;
            _prepared = 0;
            Prepare();
            return;
        }

        Issue();
    }

    /// <summary>The step's answer is complete and good: the operation is over, or its next step is chosen.</summary>
    private void Advance()
    {
        switch (_step)
        {
            case Step.BeginUpload:
                TakeUploadId();
                break;
            case Step.Part:
                _step = ++_part > Operation.Parts ? Step.CompleteUpload : Step.Part;
                break;
            case Step.CompleteUpload:
                _uploadIdBytes = 0;
                Succeed();
                break;
            case Step.AbortUpload:
                (_uploadIdBytes, _hasOperation) = (0, false);
                break;
            case Step.Size:
                TakeSize();
                break;
            default:
                Succeed();
                break;
        }
    }

    /// <summary>The answer to the begin of an upload is its id, as a text; in a query what is not unreserved is escaped.</summary>
    private void TakeUploadId()
    {
        ReadOnlySpan<byte> text = _text.AsSpan(0, _textBytes);
        int at = 0;
        foreach (byte value in text)
        {
            bool isPlain = s_unreserved.Contains(value);
            if (at + (isPlain ? 1 : 3) > _uploadId.Length)
            {
                at = 0;
                break;
            }

            if (isPlain)
            {
                _uploadId[at++] = value;
                continue;
            }

            _uploadId[at++] = (byte)'%';
            _ = value.TryFormat(_uploadId.AsSpan(at), out int digits, "X2");
            at += digits;
        }

        if (at == 0)
        {
            Fail($"the answer is no id of an upload: {text.Length} bytes");
            return;
        }

        _uploadIdBytes = at;
        (_step, _part) = (Step.Part, 1);
    }

    private void TakeSize()
    {
        _objectBytes = _head.ContentBytes;
        if (_objectBytes < 0)
        {
            Fail("the answer does not tell the object's size");
        }
        else if (_objectBytes == 0)
        {
            SucceedStream(verifiedBytes: 0);
        }
        else
        {
            _step = Step.Ranges;
        }
    }

    private void SucceedStream(long verifiedBytes)
    {
        _bodyBytes = _objectBytes;
        _settings.Statistics.VerifiedContents += Operation.IsOwn && verifiedBytes == _objectBytes ? 1 : 0;
        Succeed();
    }

    /// <summary>An upload that this worker will not end: the run does, when its workers have stopped.</summary>
    private void LeaveUpload()
    {
        if (_uploadIdBytes > 0)
        {
            _settings.Source.Left(Operation, _uploadId.AsSpan(0, _uploadIdBytes));
            (_uploadIdBytes, _hasOperation) = (0, false);
        }
    }

    /// <summary>What a range's answer must be, whether or not its bytes are verified; null when it is.</summary>
    private string? RangeObjection()
    {
        if (_laneOf is not { } read || IsRefusal)
        {
            return null;
        }

        bool isRange = _head.Status == 206 && _head.RangeFirst == Operation.RangeFirst && _head.ContentBytes == Operation.RangeBytes;
        return !isRange ? $"not the {Operation.RangeBytes} bytes from {Operation.RangeFirst} came back, but {_head.ContentBytes} from {_head.RangeFirst}, status {_head.Status}"
            : _head.RangeTotalBytes != read.SizeBytes ? $"the object had {read.SizeBytes} bytes, and has {_head.RangeTotalBytes} while it is read"
            : null;
    }

    /// <summary>Which of several steps failed, for its sentence.</summary>
    private string StepText() => _step switch
    {
        Step.BeginUpload => "begin of the upload: ",
        Step.Part => $"part {_part} of {Operation.Parts}: ",
        Step.CompleteUpload => "completion of the upload: ",
        Step.Size => "size: ",
        _ => "",
    };
}
