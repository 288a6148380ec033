// One worker: one request at a time over one connection a gateway. Everything happens on the loop, in callbacks of the link; in the steady
// state nothing is allocated. Its life: Connect, Ready, then Begin and Free in turns, then Stop. An operation is one step, or several (Worker.Steps.cs).
using System.Text;
using Sluice.Loader.Content;
using Sluice.Loader.Http;
using Sluice.Loader.Work;
using Sluice.Native;

namespace Sluice.Loader.Wire;

/// <summary>A connection's worth of load.</summary>
internal sealed partial class Worker : ILinkOwner, IDisposable
{
    // Set once.
    private readonly IWorkerHost _host;
    private readonly WorkerSettings _settings;
    private readonly Line[] _lines;
    private readonly BodyDigest? _digest;
    private readonly BodyVerifier? _verifier;
    private readonly ParallelRead? _lanes;
    private readonly ParallelRead? _laneOf;
    private readonly Memory<byte> _sendBuffer;
    private readonly Memory<byte> _receiveBuffer;

    private Line _line;
    private State _state;
    private After _after;
    private bool _hasOperation;
    private bool _isRetry;
    private long _issued;

    /// <summary>A worker with a link a gateway; the links' owner is the worker from now on.</summary>
    /// <param name="host">Whom it belongs to.</param>
    /// <param name="settings">What it shares with others.</param>
    /// <param name="gateways">Its links.</param>
    /// <param name="laneOf">The read whose ranges are all that it does, and which counts them; null for a worker that counts what it does.</param>
    public Worker(IWorkerHost host, WorkerSettings settings, IReadOnlyList<(Link Link, RequestWriter Requests)> gateways, ParallelRead? laneOf = null)
    {
        (_host, _settings, _laneOf) = (host, settings, laneOf);
        bool isLane = laneOf is not null;
        _lines = [.. gateways.Select(gateway => new Line(gateway.Link, gateway.Requests))];
        _line = _lines[0];
        _digest = isLane ? null : settings.NewDigest();
        _lanes = isLane || settings.Options.PercentStream == 0 ? null : new ParallelRead(this, host, settings);
        _uploadId = new byte[isLane ? 0 : settings.UploadIdBytes];
        _verifier = settings.Options.Verify ? new BodyVerifier() : null;
        _sendBuffer = WorkerSettings.Pinned(isLane ? RequestWriter.HeadBytesMax : settings.SendBufferBytes);
        _receiveBuffer = WorkerSettings.Pinned(settings.ReceiveBufferBytes);
        foreach (Line line in _lines)
        {
            line.Link.Owner = this;
        }
    }

    private enum State : byte
    {
        /// <summary>Without an operation; its line may be open or not.</summary>
        Idle,
        Connecting,
        Preparing,
        Busy,

        /// <summary>Its lanes are at it.</summary>
        Spread,
        Closing,
        Stopped,
    }

    private enum After : byte
    {
        Free,
        Ready,
        Retry,
        Stop,
    }

    /// <summary>What it does, or did last. The host fills it before <see cref="Begin"/>; a start of 0 means when it is issued.</summary>
    public Operation Operation { get; } = new();

    /// <summary>True while a request is under way.</summary>
    public bool IsBusy => _hasOperation && _step != Step.AbortUpload;

    /// <summary>Connects, so that the first request does not pay for it; <see cref="IWorkerHost.Ready"/> follows either way.</summary>
    public void Connect()
    {
        _state = State.Connecting;
        _issued = _host.Now();
        _line.Link.Connect();
    }

    /// <summary>Carries out <see cref="Operation"/>; <see cref="IWorkerHost.Free"/> or <see cref="IWorkerHost.Rest"/> follows.</summary>
    public void Begin()
    {
        _hasOperation = true;
        _step = FirstStep(Operation.Kind);
        StartStep();
    }

    /// <summary>Looks whether the request under way has taken too long.</summary>
    public void Tick(long now)
    {
        _lanes?.Tick(now);
        if (_state is State.Busy or State.Connecting && now - _issued > _settings.TimeoutNanoseconds)
        {
            After after = _hasOperation ? After.Free : After.Ready;
            Fail($"no complete answer within {Contract.DurationText.Format(_settings.Options.Timeout)}");
            Close(after);
        }
    }

    /// <summary>Ends the worker; a request under way is given up and counts nowhere. <see cref="IWorkerHost.Stopped"/> follows, once.</summary>
    public void Stop()
    {
        LeaveUpload();
        _hasOperation = false;
        _lanes?.Cancel();
        if (_state == State.Stopped)
        {
            return;
        }

        if (_state == State.Closing)
        {
            _after = After.Stop;
        }
        else if (_state == State.Connecting || _line.IsOpen)
        {
            Close(After.Stop);
        }
        else
        {
            StopNextLine();
        }
    }

    /// <inheritdoc/>
    public void Connected(Errno error)
    {
        if (_state != State.Connecting)
        {
            return; // it was told to close meanwhile
        }

        bool isWorking = _hasOperation;
        _state = State.Idle;
        if (error == Errno.None)
        {
            (_line.IsOpen, _line.HasServed) = (true, false);
            _settings.Statistics.Connections++;
            if (isWorking)
            {
                Issue();
                return;
            }
        }
        else if (isWorking)
        {
            Fail($"cannot connect: {error}");
            LeaveUpload();
            _host.Rest(this);
            return;
        }

        _host.Ready(this);
    }

    /// <inheritdoc/>
    public void Closed()
    {
        _line.IsOpen = false;
        _state = State.Idle;
        switch (_after)
        {
            case After.Retry:
                Issue();
                break;
            case After.Stop:
                StopNextLine();
                break;
            case After.Ready:
                _host.Ready(this);
                break;
            default:
                GoOn();
                break;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lanes?.Dispose();
        _digest?.Dispose();
        _verifier?.Dispose();
    }

    private void Issue()
    {
        if (Operation.Start == 0)
        {
            Operation.Start = _host.Now();
        }

        if (!_line.IsOpen)
        {
            _state = State.Connecting;
            _line.Link.Connect();
            return;
        }

        _state = State.Busy;
        BeginSending();
        BeginReceiving();
    }

    /// <summary>The answer is complete and good, and the last one of the operation.</summary>
    private void Succeed()
    {
        _hasOperation = false;
        if (_laneOf is { } read)
        {
            read.Received(_verifies && _verifier!.ComparesContent ? _bodyBytes : 0, _receivedAt);
            return;
        }

        _settings.Statistics.Of(Operation.Kind).Succeeded(_receivedAt - Operation.Start, Operation.IsPut ? Operation.PutBytes : _bodyBytes);
        if (Operation.IsPut)
        {
            _settings.Source.Stored(Operation);
        }
    }

    /// <summary>The operation has failed, if there is one; what is left of it is to end an upload that has begun.</summary>
    private void Fail(string reason)
    {
        if (!_hasOperation)
        {
            return;
        }

        _hasOperation = false;
        if (_laneOf is { } read)
        {
            read.Failed(reason);
            return;
        }

        if (_step == Step.AbortUpload)
        {
            LeaveUpload(); // its failure is counted already
            return;
        }

        Operation.IsUpdate = false;
        _settings.Statistics.Of(Operation.Kind).Failed();
        _settings.Errors.Add(Operation.Kind, Operation.Name, StepText() + reason);
        if (_uploadIdBytes > 0)
        {
            (_hasOperation, _step) = (true, Step.AbortUpload);
        }
    }

    /// <summary>The exchange is over; the connection is used again unless one side said otherwise or is still sending.</summary>
    private void EndExchange(bool keep)
    {
        _line.HasServed = true;
        if (!Operation.IsPut && Operation.IsUpdate && _settings.Source.TryUpdate(Operation))
        {
            Operation.Start = 0;
            (_hasOperation, _step) = (true, Step.Whole);
        }

        if (!keep || _isSending)
        {
            Close(After.Free);
            return;
        }

        _state = State.Idle;
        GoOn();
    }

    /// <summary>What follows an exchange: the operation's next step, or the next operation.</summary>
    private void GoOn()
    {
        if (_hasOperation)
        {
            StartStep();
            return;
        }

        _host.Free(this);
    }

    private void Close(After after)
    {
        _after = after;
        _state = State.Closing;
        _line.Link.Close();
    }

    private void StopNextLine()
    {
        foreach (Line line in _lines)
        {
            if (line.IsOpen)
            {
                _line = line;
                Close(After.Stop);
                return;
            }
        }

        if (_lanes is { } lanes && !lanes.TryStop())
        {
            _state = State.Closing;
            return;
        }

        LanesStopped();
    }

    /// <summary>A gateway's connection.</summary>
    private sealed class Line(Link link, RequestWriter requests)
    {
        public Link Link => link;

        public RequestWriter Requests => requests;

        public bool IsOpen { get; set; }

        /// <summary>It has brought an answer before: when it turns out to be closed, the server's idle timeout is a likely reason.</summary>
        public bool HasServed { get; set; }
    }
}
