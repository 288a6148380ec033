// Operations of several steps on a real ring, against a server of a few lines that holds an upload to its order: in the steady state they allocate
// nothing either.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Sluice.Contract;
using Sluice.Loader.Content;
using Sluice.Loader.Flags;
using Sluice.Loader.Tests.Support;
using Sluice.Loader.Work;

namespace Sluice.Loader.Tests;

public sealed class RingStepTests : IDisposable
{
    private const int ObjectBytes = 20_000;
    private const int Parts = 3;
    private const int Exchanges = RingHost.WarmExchanges + RingHost.MeasuredExchanges;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Task> _connections = [];
    private readonly byte[] _content = new byte[ObjectBytes];
    private int _parts;

    public RingStepTests()
    {
        ContentPattern.Fill(ContentPattern.Key("n"u8, ObjectBytes), 0, _content);
        _listener.Start();
    }

    [Theory]
    [InlineData(OperationKind.Multipart)]
    [InlineData(OperationKind.Stream)]
    public async Task OperationsOfSeveralStepsAllocateNothingInTheSteadyState(OperationKind kind)
    {
        Task accepting = AcceptAsync();
        using (var host = new RingHost(Options(kind), _listener.LocalEndpoint))
        {
            long allocated = await host.MeasureAsync();
            Assert.Equal((0L, 0L), (allocated, host.Statistics.Of(kind).Errors));
            Assert.Equal((Exchanges, (long)Exchanges * ObjectBytes), (host.Statistics.Of(kind).Count, host.Statistics.Of(kind).Bytes));
            Assert.Equal(kind == OperationKind.Stream ? (Exchanges, 3) : (0, 1), (host.Statistics.VerifiedContents, host.Statistics.Connections));
        }

        _listener.Stop();
        await accepting.WaitAsync(TimeSpan.FromSeconds(30));
        await Task.WhenAll(_connections).WaitAsync(TimeSpan.FromSeconds(30));
    }

    public void Dispose() => _listener.Dispose();

    private static LoadOptions Options(OperationKind kind)
    {
        Assert.True(BucketAddress.TryParse("ais://b", out BucketAddress? bucket, out _));
        return new LoadOptions
        {
            Endpoint = "http://h:1",
            Bucket = bucket,
            PercentPut = kind == OperationKind.Multipart ? 100 : 0,
            PercentMultipart = 100,
            MultipartChunks = Parts,
            PercentStream = 100,
            StreamWorkers = 2,
            StreamChunkBytes = 7_000,
            Verify = kind == OperationKind.Stream,
            VerifyAllNames = true,
            ChecksumType = "xxhash2",
            BytesMin = ObjectBytes,
            BytesMax = ObjectBytes,
            RandomNames = true,
        };
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync();
                socket.NoDelay = true;
                _connections.Add(Task.Run(() => Serve(socket)));
            }
        }
        catch (SocketException)
        {
            // The listener has ended.
        }
    }

    private void Serve(Socket socket)
    {
        using Socket owned = socket;
        byte[] buffer = new byte[64 << 10];
        int filled = 0;
        while (socket.Receive(buffer.AsSpan(filled)) is > 0 and int count)
        {
            filled += count;
            int head = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8) + 4;
            string text = head < 4 ? "" : Encoding.ASCII.GetString(buffer, 0, head);
            if (head >= 4 && filled >= head + (int)Number(text, "Content-Length: "))
            {
                socket.Send(Answer(text));
                filled = 0;
            }
        }
    }

    private byte[] Answer(string request)
    {
        switch (request.Split(' ')[0])
        {
            case "HEAD":
                return Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {ObjectBytes}\r\n\r\n");
            case "GET":
                int first = (int)Number(request, "bytes=");
                int last = (int)Number(request, $"bytes={first}-");
                return
                [
                    .. Encoding.ASCII.GetBytes($"HTTP/1.1 206 P\r\nContent-Length: {last - first + 1}\r\nContent-Range: bytes {first}-{last}/{ObjectBytes}\r\n\r\n"),
                    .. _content[first..(last + 1)],
                ];
            case "PUT":
                return Empty(isGood: Number(request, "&partNumber=") == ++_parts && request.Contains("&uploadId=u1&", StringComparison.Ordinal));
            case "POST" when !request.Contains("uploadId", StringComparison.Ordinal):
                return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nu1"u8.ToArray();
            default:
                bool isWhole = _parts == Parts;
                _parts = 0;
                return Empty(isWhole);
        }
    }

    private static byte[] Empty(bool isGood) => Encoding.ASCII.GetBytes($"HTTP/1.1 {(isGood ? "200 OK" : "400 Bad")}\r\nContent-Length: 0\r\n\r\n");

    /// <summary>The number behind a text; 0 when there is no such text.</summary>
    private static long Number(string request, string before)
    {
        int at = request.IndexOf(before, StringComparison.Ordinal) + before.Length;
        int end = at;
        while (at >= before.Length && end < request.Length && char.IsAsciiDigit(request[end]))
        {
            end++;
        }

        return end > at ? long.Parse(request.AsSpan(at, end - at), CultureInfo.InvariantCulture) : 0;
    }
}
