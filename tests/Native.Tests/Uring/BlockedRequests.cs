using System.Net;
using Sluice.Native.Memory;
using Sluice.Native.Tests.Support;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>One request of each kind, none of which will complete by itself.</summary>
internal sealed class BlockedRequests : IDisposable
{
    private const int PieceBytes = 1 << 16;
    private readonly RingLoop _loop;
    private readonly TcpPair _pair = new();
    private readonly int _listener;
    private readonly (int Read, int Write) _pipe = Kernel.Pipe();
    private readonly int _fifo;
    private readonly BufferSlab _slab = new(4096, 2);
    private readonly BufferLease _pipeBytes, _fifoBytes;
    private readonly BlockingOpen _blockingOpen;
    private readonly RecordedTimeout _timeout = new();
    private readonly Recorded _accept = new(), _multishot = new(), _receive = new(), _poll = new(), _send = new(), _readPipe = new(), _readFifo = new(), _open = new();

    public BlockedRequests(RingLoop loop, string directory)
    {
        _loop = loop;
        Assert.Equal(Errno.None, Sockets.Listen(new IPEndPoint(IPAddress.Loopback, 0), 1, out _listener));
        _fifo = Kernel.OpenFifo(Path.Combine(directory, "open"));
        _blockingOpen = new BlockingOpen(Path.Combine(directory, "blocks"));
        Assert.True(_slab.TryRent(out _pipeBytes));
        Assert.True(_slab.TryRent(out _fifoBytes));
    }

    public string[] Names { get; } = ["accept", "multishot receive", "receive", "poll", "send", "pipe", "fifo", "open", "timeout"];

    /// <summary>A send may have got some bytes into the socket before; all others have done nothing.</summary>
    public static void WasCancelled((string Name, RingCompletion End) request) => Assert.True(
        request.End.Error is Errno.ECANCELED or Errno.EINTR || (request.Name == "send" && request.End.Result is > 0 and < PieceBytes),
        $"{request.Name}: {request.End.Result}");

    public void Submit()
    {
        byte[] piece = new byte[PieceBytes];
        while (Sockets.Send(_pair.Near, piece, more: false, out _) == Errno.None)
        {
            // until the socket is full
        }

        _loop.AcceptMultishot(_accept, _listener);
        _loop.ReceiveMultishot(_multishot, _pair.Near);
        _loop.Receive(_receive, _pair.Near, piece);
        _loop.PollReadable(_poll, _pair.Near);
        _loop.Send(_send, _pair.Near, piece);
        _loop.ReadFixed(_readPipe, _pipe.Read, _pipeBytes, .., 0);
        _loop.ReadFixed(_readFifo, _fifo, _fifoBytes, .., 0);
        _loop.Submit(_open, _blockingOpen.Request);
        _loop.Timeout(_timeout, TimeSpan.FromDays(1));
    }

    public void Cancel()
    {
        foreach (RingOperation operation in (RingOperation[])[_accept, _multishot, _receive, _poll, _send, _readPipe, _readFifo, _open, _timeout])
        {
            _loop.Cancel(operation);
        }
    }

    public async Task<List<(string Name, RingCompletion End)>> EndsAsync()
    {
        Task<RingCompletion>[] ends =
            [_accept.Last, _multishot.Last, _receive.Last, _poll.Last, _send.Last, _readPipe.Last, _readFifo.Last, _open.Last, _timeout.Last];
        List<(string, RingCompletion)> named = [];
        for (int i = 0; i < ends.Length; i++)
        {
            named.Add((Names[i], await ends[i]));
        }

        return named;
    }

    public void Dispose()
    {
        _pair.Dispose();
        _pipeBytes.Dispose();
        _fifoBytes.Dispose();
        _slab.Dispose();
        _blockingOpen.Dispose();
        Array.ForEach([_listener, _pipe.Read, _pipe.Write, _fifo], Libc.Close);
    }
}
