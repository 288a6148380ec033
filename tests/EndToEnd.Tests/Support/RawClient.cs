// One connection, byte for byte: sends what it is told and nothing else, reads strictly, breaks off where a test wants. Every wait has a deadline.
using System.Net.Sockets;
using System.Text;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>A raw HTTP/1.1 client. Failures begin with what the test is about: backend, stage, size.</summary>
public sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly CancellationTokenSource _deadline;
    private readonly byte[] _buffer = new byte[256 << 10];
    private readonly string _what;
    private readonly int _serverPort;
    private int _start;
    private int _end;

    private RawClient(string what, int serverPort, TimeSpan deadline)
    {
        _deadline = new CancellationTokenSource(deadline);
        _what = what;
        _serverPort = serverPort;
    }

    /// <summary>Its port: with the server's, the name of the connection.</summary>
    public int Port { get; private set; }

    /// <summary>Connects. All that is done with it is done within the deadline: 90 s unless a test moves gigabytes.</summary>
    public static async Task<RawClient> ConnectAsync(Uri endpoint, string what, TimeSpan? deadline = null)
    {
        var client = new RawClient(what, endpoint.Port, deadline ?? TimeSpan.FromSeconds(90));
        await client._socket.ConnectAsync(endpoint.Host, endpoint.Port, client._deadline.Token);
        client.Port = ((System.Net.IPEndPoint)client._socket.LocalEndPoint!).Port;
        return client;
    }

    /// <summary>Sends text, a byte for each character.</summary>
    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Sends bytes.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes, _deadline.Token)..];
        }
    }

    /// <summary>Sends a part of a content.</summary>
    public async Task SendAsync(Content content, long offset, long count)
    {
        for (long end = offset + count; offset < end; offset += Content.PieceBytesMax)
        {
            await SendAsync(content.Piece(offset, end - offset));
        }
    }

    /// <summary>Sends bytes slowly: one piece a millisecond, each in a packet of its own.</summary>
    public async Task TrickleAsync(ReadOnlyMemory<byte> bytes, int pieceBytes)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        while (!bytes.IsEmpty)
        {
            int count = Math.Min(pieceBytes, bytes.Length);
            await SendAsync(bytes[..count]);
            bytes = bytes[count..];
            await pace.WaitForNextTickAsync(_deadline.Token);
        }
    }

    /// <summary>Waits until the server has read all that was sent, or is gone.</summary>
    public Task TakenAsync() => Eventually.TrueAsync(
        $"{_what}: the server has read what was sent",
        () => TcpTable.QueuesOf(Port, _serverPort) is not { SendBytes: > 0 } && TcpTable.QueuesOf(_serverPort, Port) is not { ReceiveBytes: > 0 });

    /// <summary>Waits until the server cannot send more: bytes wait at its end, and have not become fewer or more for a while.</summary>
    public async Task StalledAsync()
    {
        (long Bytes, int Looks) waiting = (0, 0);
        await Eventually.TrueAsync($"{_what}: the server's send is stalled", () =>
        {
            long bytes = TcpTable.QueuesOf(_serverPort, Port)?.SendBytes ?? 0;
            waiting = bytes > 0 && bytes == waiting.Bytes ? (bytes, waiting.Looks + 1) : (bytes, 0);
            return waiting.Looks == 5;
        });
    }

    /// <summary>The next head; an end before it fails.</summary>
    public async Task<RawHead> HeadAsync()
    {
        while (true)
        {
            int length = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8);
            if (length >= 0)
            {
                RawHead head = RawHead.Parse(_buffer.AsSpan(_start, length));
                _start += length + 4;
                return head;
            }

            Assert.True(await FillAsync() > 0, $"{_what}: the connection ended within a head: \"{Encoding.Latin1.GetString(_buffer, _start, _end - _start)}\"");
        }
    }

    /// <summary>A head of a status, and a body of its declared length, which is small.</summary>
    public async Task<(RawHead Head, byte[] Body)> AnswerAsync(int status)
    {
        RawHead head = await HeadAsync();
        byte[] body = await BytesAsync((int)(head.ContentLength ?? throw new FormatException($"{_what}: no Content-Length")));
        Assert.True(head.Status == status, $"{_what}: {head.Status} instead of {status}: {Encoding.UTF8.GetString(body)}");
        return (head, body);
    }

    /// <summary>A head that promises a part of a content, and exactly that part.</summary>
    public async Task<RawHead> ContentAsync(int status, Content content, long offset, long count)
    {
        RawHead head = await HeadAsync();
        Assert.True(head.Status == status, $"{_what}: {head.Status} instead of {status}");
        Assert.True(head.ContentLength == count, $"{_what}: {head.ContentLength} bytes are promised, not {count}");
        await BodyAsync(content, offset, count);
        return head;
    }

    /// <summary>Exactly a part of a content.</summary>
    public async Task BodyAsync(Content content, long offset, long count, int readBytesMax = int.MaxValue)
    {
        long came = await PrefixAsync(content, offset, count, readBytesMax);
        Assert.True(came == count, $"{_what}: the connection ended at byte {offset + came} of {content.SizeBytes}, {count - came} too early");
    }

    /// <summary>Reads a part of a content until it is whole or the connection ends or breaks; answers how much came. A wrong byte fails.</summary>
    public async Task<long> PrefixAsync(Content content, long offset, long count, int readBytesMax = int.MaxValue)
    {
        long done = 0;
        while (done < count && (_start < _end || await FillAsync(readBytesMax) > 0))
        {
            int piece = (int)Math.Min(_end - _start, count - done);
            long? wrong = content.FirstDifference(offset + done, _buffer.AsSpan(_start, piece));
            Assert.True(wrong is null, $"{_what}: of {content.SizeBytes} bytes the one at {wrong} is the first wrong one");
            done += piece;
            _start += piece;
        }

        return done;
    }

    /// <summary>So many bytes.</summary>
    public async Task<byte[]> BytesAsync(int count)
    {
        byte[] bytes = new byte[count];
        for (int done = 0; done < count;)
        {
            Assert.True(_start < _end || await FillAsync() > 0, $"{_what}: the connection ended after {done} of {count} bytes");
            int piece = Math.Min(_end - _start, count - done);
            _buffer.AsSpan(_start, piece).CopyTo(bytes.AsSpan(done));
            done += piece;
            _start += piece;
        }

        return bytes;
    }

    /// <summary>All that comes until the connection ends or breaks.</summary>
    public async Task<byte[]> RestAsync()
    {
        var rest = new MemoryStream();
        do
        {
            rest.Write(_buffer, _start, _end - _start);
            _start = _end;
        }
        while (await FillAsync() > 0);
        return rest.ToArray();
    }

    /// <summary>Reads on until the connection ends or breaks, and forgets it.</summary>
    public async Task DiscardAsync()
    {
        do
        {
            _start = _end;
        }
        while (await FillAsync() > 0);
    }

    /// <summary>The server closes, and has sent nothing that was not read.</summary>
    public async Task EndsAsync()
    {
        byte[] rest = await RestAsync();
        Assert.True(rest.Length == 0, $"{_what}: {rest.Length} bytes more than expected: \"{Encoding.Latin1.GetString(rest, 0, Math.Min(rest.Length, 200))}\"");
    }

    /// <summary>Nothing more will be sent from here (FIN); answers can still be read.</summary>
    public void HalfClose() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Breaks the connection (RST).</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        _deadline.Dispose();
    }

    /// <summary>Receives once, behind what is buffered; 0 when the connection has ended or is broken.</summary>
    private async Task<int> FillAsync(int bytesMax = int.MaxValue)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        Assert.True(_end < _buffer.Length, $"{_what}: a head of more than {_buffer.Length} bytes");
        try
        {
            int count = await _socket.ReceiveAsync(_buffer.AsMemory(_end, Math.Min(bytesMax, _buffer.Length - _end)), _deadline.Token);
            _end += count;
            return count;
        }
        catch (SocketException)
        {
            return 0; // reset: what came in before counts
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{_what}: nothing more came, and the connection did not end");
        }
    }
}
