// One worker: one request at a time over one connection a gateway. Everything happens on the loop, in callbacks of the link; in the steady
// state nothing is allocated. Its life: Connect, Ready, then Begin and Free in turns, then Stop.
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
    private readonly Memory<byte> _sendBuffer;
    private readonly Memory<byte> _receiveBuffer;

    private Line _line;
    private State _state;
    private After _after;
    private bool _hasOperation;
    private bool _isRetry;
    private long _issued;

    /// <summary>A worker with a link a gateway; the links' owner is the worker from now on.</summary>
    public Worker(IWorkerHost host, WorkerSettings settings, IReadOnlyList<(Link Link, RequestWriter Requests)> gateways)
    {
        (_host, _settings) = (host, settings);
        _lines = [.. gateways.Select(gateway => new Line(gateway.Link, gateway.Requests))];
        _line = _lines[0];
        _digest = settings.NewDigest();
        _verifier = settings.Options.Verify ? new BodyVerifier() : null;
        _sendBuffer = WorkerSettings.Pinned(settings.SendBufferBytes);
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
        Closing,
        Stopped,
    }

    private enum After : byte
    {
        Free,
        Ready,
        Retry,
        Begin,
        Stop,
    }

    /// <summary>What it does, or did last. The host fills it before <see cref="Begin"/>; a start of 0 means when it is issued.</summary>
    public Operation Operation { get; } = new();

    /// <summary>True while a request is under way.</summary>
    public bool IsBusy => _hasOperation;

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
        _isRetry = false;
        _issued = _host.Now();
        if (_lines.Length > 1)
        {
            _line = _lines[_host.Below(_lines.Length)];
        }

        if (NeedsPreparing)
        {
            _state = State.Preparing;
            _prepared = 0;
            Prepare();
            return;
        }

        Issue();
    }

    /// <summary>Looks whether the request under way has taken too long.</summary>
    public void Tick(long now)
    {
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
        _hasOperation = false;
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
            case After.Begin:
                Begin();
                break;
            default:
                _host.Free(this);
                break;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
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

    /// <summary>The answer is complete and good.</summary>
    private void Succeed()
    {
        _settings.Statistics.Of(Operation.IsPut).Succeeded(_receivedAt - Operation.Start, Operation.IsPut ? Operation.PutBytes : _bodyBytes);
        _hasOperation = false;
        if (Operation.IsPut)
        {
            _settings.Source.Stored(Operation);
        }
    }

    private void Fail(string reason)
    {
        if (_hasOperation)
        {
            _hasOperation = false;
            Operation.IsUpdate = false;
            _settings.Statistics.Of(Operation.IsPut).Failed();
            _settings.Errors.Add(Operation.IsPut, Operation.Name, reason);
        }
    }

    /// <summary>The exchange is over; the connection is used again unless one side said otherwise or is still sending.</summary>
    private void EndExchange(bool keep)
    {
        _line.HasServed = true;
        bool isUpdate = !Operation.IsPut && Operation.IsUpdate && _settings.Source.TryUpdate(Operation);
        if (isUpdate)
        {
            Operation.Start = 0;
        }

        if (!keep || _isSending)
        {
            Close(isUpdate ? After.Begin : After.Free);
            return;
        }

        _state = State.Idle;
        if (isUpdate)
        {
            Begin();
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

        _state = State.Stopped;
        _host.Stopped(this);
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
