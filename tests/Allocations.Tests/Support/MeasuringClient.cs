// The client's half of a measurement. It shares the process with the server, so it may not allocate: a blocking socket, requests that were made
// before, one buffer for all answers.
using System.Net;
using System.Net.Sockets;

namespace Sluice.Allocations.Tests.Support;

/// <summary>One keep-alive connection, used from one thread. Any answer that is not the expected one is an exception.</summary>
internal sealed class MeasuringClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[256 << 10];

    public MeasuringClient(IPEndPoint server)
    {
        _socket.ReceiveTimeout = _socket.SendTimeout = 60_000; // ms; a server that hangs fails the test
        _socket.Connect(server);
    }

    /// <summary>Sends a request and reads its answer to the end; allocates nothing.</summary>
    public void Exchange(byte[] request, int status, bool isHead)
    {
        Send(request);
        int filled = 0;
        int headEnd;
        do
        {
            filled += Receive(_buffer.AsSpan(filled));
            headEnd = _buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8);
        }
        while (headEnd < 0);

        ReadOnlySpan<byte> head = _buffer.AsSpan(0, headEnd + 2);
        int answered = Number(head["HTTP/1.1 ".Length..]);
        if (answered != status)
        {
            throw new IOException($"the server answered {answered}, not {status}: {System.Text.Encoding.UTF8.GetString(_buffer, 0, filled)}");
        }

        int lengthAt = head.IndexOf("Content-Length: "u8);
        long rest = isHead || lengthAt < 0 ? 0 : Number(head[(lengthAt + "Content-Length: ".Length)..]) - (filled - (headEnd + 4));
        while (rest > 0)
        {
            rest -= Receive(_buffer.AsSpan(0, (int)Math.Min(rest, _buffer.Length)));
        }
    }

    public void Dispose() => _socket.Dispose();

    private void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[_socket.Send(bytes)..];
        }
    }

    private int Receive(Span<byte> room)
    {
        int read = _socket.Receive(room);
        return read > 0 ? read : throw new IOException("the server closed the connection");
    }

    private static int Number(ReadOnlySpan<byte> text) => System.Buffers.Text.Utf8Parser.TryParse(text, out int number, out _) ? number : -1;
}
