using System.Net;
using Sluice.Native;
using Sluice.Native.Uring;

namespace Sluice.Loader.Wire;

/// <summary>A TCP connection on a ring loop. All on the loop's thread.</summary>
internal sealed class RingLink : Link
{
    private static readonly Action<object?> s_tellClosed = static link => ((RingLink)link!).Owner.Closed();
    private static readonly Action<object?> s_tellRefused = static link => ((RingLink)link!).TellRefused();

    private readonly RingLoop _loop;
    private readonly IPEndPoint _endPoint;
    private readonly ConnectStep _connect;
    private readonly SendStep _send;
    private readonly ReceiveStep _receive;
    private int _socket = -1;
    private int _sendBytes;
    private Errno _refusal;
    private bool _isClosing;

    public RingLink(RingLoop loop, IPEndPoint endPoint)
    {
        _loop = loop;
        _endPoint = endPoint;
        (_connect, _send, _receive) = (new ConnectStep(this), new SendStep(this), new ReceiveStep(this));
    }

    public override void Connect()
    {
        Errno error = Sockets.Connect(_endPoint, out _socket);
        if (error is Errno.None or Errno.EINPROGRESS)
        {
            _loop.PollWritable(_connect, _socket);
            return;
        }

        CloseSocket();
        _refusal = error;
        _loop.Post(s_tellRefused, this);
    }

    public override void Send(ReadOnlyMemory<byte> bytes)
    {
        _sendBytes = bytes.Length;
        _loop.Send(_send, _socket, bytes);
    }

    public override void Receive(Memory<byte> into) => _loop.Receive(_receive, _socket, into);

    public override void Discard(Memory<byte> unwritten) => _loop.Receive(_receive, _socket, unwritten, ReceiveMode.Discard);

    /// <summary>Shutdown ends a send and a receive; close would not, and the descriptor's number may be used again at once.</summary>
    public override void Close()
    {
        _isClosing = true;
        if (_socket >= 0)
        {
            Sockets.Shutdown(_socket);
            _loop.Cancel(_connect);
        }

        EndIfQuiet();
    }

    private void EndIfQuiet()
    {
        if (!_connect.InFlight && !_send.InFlight && !_receive.InFlight)
        {
            CloseSocket();
            _isClosing = false;
            _loop.Post(s_tellClosed, this);
        }
    }

    private void CloseSocket()
    {
        if (_socket >= 0)
        {
            Libc.Close(_socket);
            _socket = -1;
        }
    }

    private void TellRefused() => Owner.Connected(_refusal);

    private sealed class ConnectStep(RingLink link) : RingOperation
    {
        protected override void Completed(RingCompletion completion)
        {
            if (link._isClosing)
            {
                link.EndIfQuiet();
                return;
            }

            Errno error = completion.Result < 0 ? completion.Error : Sockets.TakeError(link._socket);
            if (error == Errno.None)
            {
                Sockets.SetNoDelay(link._socket);
            }
            else
            {
                link.CloseSocket();
            }

            link.Owner.Connected(error);
        }
    }

    private sealed class SendStep(RingLink link) : RingOperation
    {
        protected override void Completed(RingCompletion completion)
        {
            if (link._isClosing)
            {
                link.EndIfQuiet();
                return;
            }

            link.Owner.Sent(completion.Result == link._sendBytes ? Errno.None : completion.Result < 0 ? completion.Error : Errno.EPIPE);
        }
    }

    private sealed class ReceiveStep(RingLink link) : RingOperation
    {
        protected override void Completed(RingCompletion completion)
        {
            if (link._isClosing)
            {
                link.EndIfQuiet();
                return;
            }

            link.Owner.Received(completion.Result);
        }
    }
}
