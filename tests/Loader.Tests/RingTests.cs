// Workers on a real ring, against a server of a few lines: exchanges in the steady state allocate nothing, and every end of a connection is met.
using System.Net;
using System.Net.Sockets;
using System.Text;
using Sluice.Contract;
using Sluice.Loader.Content;
using Sluice.Loader.Flags;
using Sluice.Loader.Tests.Support;
using Sluice.Loader.Work;

namespace Sluice.Loader.Tests;

public sealed class RingTests : IDisposable
{
    private const int ObjectBytes = 20_000;
    private const int WarmExchanges = RingHost.WarmExchanges;
    private const int MeasuredExchanges = RingHost.MeasuredExchanges;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public RingTests()
    {
        _listener.Start();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ExchangesInTheSteadyStateAllocateNothing(bool isPut)
    {
        Task serving = Task.Run(() => Serve(closeAfter: int.MaxValue));
        using (var host = new RingHost(Options(isPut), _listener.LocalEndpoint))
        {
            long allocated = await host.MeasureAsync();
            Assert.Equal((0L, 0L), (allocated, host.Statistics.Of(isPut ? OperationKind.Put : OperationKind.Get).Errors));
            Assert.Equal(WarmExchanges + MeasuredExchanges, host.Statistics.Of(isPut ? OperationKind.Put : OperationKind.Get).Count);
            Assert.Equal(isPut ? 0 : WarmExchanges + MeasuredExchanges, host.Statistics.VerifiedContents);
        }

        await serving.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task AServerThatClosesIdleConnectionsCausesNoFailure()
    {
        Task serving = Task.Run(() => Serve(closeAfter: 47));
        using (var host = new RingHost(Options(isPut: false), _listener.LocalEndpoint))
        {
            await host.MeasureAsync();
            Assert.Equal((WarmExchanges + MeasuredExchanges, 0L), (host.Statistics.Get.Count, host.Statistics.Get.Errors));
            Assert.True(host.Statistics.Connections >= (WarmExchanges + MeasuredExchanges) / 47);
        }

        await serving.WaitAsync(TimeSpan.FromSeconds(30));
    }

    public void Dispose() => _listener.Dispose();

    private static LoadOptions Options(bool isPut)
    {
        Assert.True(BucketAddress.TryParse("ais://b", out BucketAddress? bucket, out _));
        return new LoadOptions
        {
            Endpoint = "http://h:1",
            Bucket = bucket,
            PercentPut = isPut ? 100 : 0,
            Verify = !isPut,
            VerifyAllNames = true,
            ChecksumType = "xxhash2",
            BytesMin = ObjectBytes,
            BytesMax = ObjectBytes,
            RandomNames = true,
        };
    }

    /// <summary>Answers requests on one connection after the other, ended by one that closes without a request or by the listener's end.</summary>
    private void Serve(int closeAfter)
    {
        byte[] body = new byte[ObjectBytes];
        ContentPattern.Fill(ContentPattern.Key("n"u8, ObjectBytes), 0, body);
        byte[] get = [.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {ObjectBytes}\r\n\r\n"), .. body];
        byte[] put = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray();
        byte[] buffer = new byte[64 << 10];
        for (bool any = true; any;)
        {
            any = false;
            using Socket socket = _listener.AcceptSocket();
            socket.NoDelay = true;
            int filled = 0;
            for (int served = 0; served < closeAfter;)
            {
                int count = socket.Receive(buffer.AsSpan(filled));
                if (count == 0)
                {
                    return;
                }

                filled += count;
                int head = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8) + 4;
                bool isPut = buffer[0] == (byte)'P';
                if (head < 4 || filled < head + (isPut ? ObjectBytes : 0))
                {
                    continue;
                }

                socket.Send(isPut ? put : get);
                (filled, any) = (0, true);
                served++;
            }
        }
    }
}
