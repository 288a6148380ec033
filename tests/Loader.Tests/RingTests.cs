// Workers on a real ring, against a server of a few lines: exchanges in the steady state allocate nothing, and every end of a connection is met.
using System.Net;
using System.Net.Sockets;
using System.Text;
using Sluice.Contract;
using Sluice.Loader.Content;
using Sluice.Loader.Flags;
using Sluice.Loader.Http;
using Sluice.Loader.Names;
using Sluice.Loader.Statistics;
using Sluice.Loader.Wire;
using Sluice.Loader.Work;
using Sluice.Native.Uring;

namespace Sluice.Loader.Tests;

public sealed class RingTests : IDisposable
{
    private const int ObjectBytes = 20_000;
    private const int WarmExchanges = 200;
    private const int MeasuredExchanges = 1000;

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
        using (var host = new Host(Options(isPut), _listener.LocalEndpoint))
        {
            long allocated = await host.MeasureAsync();
            Assert.Equal((0L, 0L), (allocated, host.Statistics.Of(isPut).Errors));
            Assert.Equal(WarmExchanges + MeasuredExchanges, host.Statistics.Of(isPut).Count);
            Assert.Equal(isPut ? 0 : WarmExchanges + MeasuredExchanges, host.Statistics.VerifiedContents);
        }

        await serving.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task AServerThatClosesIdleConnectionsCausesNoFailure()
    {
        Task serving = Task.Run(() => Serve(closeAfter: 47));
        using (var host = new Host(Options(isPut: false), _listener.LocalEndpoint))
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

    /// <summary>One worker on a ring of its own, which notes what its thread has allocated.</summary>
    private sealed class Host : IWorkerHost, IDisposable
    {
        private readonly RingLoop _ring = new(new RingLoopOptions { SubmissionEntries = 64, CompletionEntries = 512 });
        private readonly TaskCompletionSource<long> _measured = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly WorkSource _source;
        private readonly Worker _worker;
        private int _exchanges;
        private long _before;

        public Host(LoadOptions options, EndPoint server)
        {
            var names = new NameTable();
            names.TryAdd("n"u8);
            _source = new WorkSource(options, names, options.PercentPut < 100 ? NameGetter.For(options, 1) : null);
            var settings = new WorkerSettings(options, _source, Statistics, new ErrorLog());
            _worker = new Worker(this, settings, [(new RingLink(_ring, (IPEndPoint)server), new RequestWriter("h:1", options.Bucket, null, false, options.ChecksumType))]);
        }

        public LoadStatistics Statistics { get; } = new();

        /// <summary>Runs all exchanges; answers what the loop's thread allocated during the measured ones.</summary>
        public async Task<long> MeasureAsync()
        {
            _ring.Post(static host => ((Host)host!)._worker.Connect(), this);
            long allocated = await _measured.Task.WaitAsync(TimeSpan.FromSeconds(60));
            await _stopped.Task.WaitAsync(TimeSpan.FromSeconds(60));
            return allocated;
        }

        public long Now() => System.Diagnostics.Stopwatch.GetTimestamp();

        public int Below(int bound) => 0;

        public void Ready(Worker worker) => Next();

        public void Free(Worker worker)
        {
            _exchanges++;
            if (_exchanges == WarmExchanges)
            {
                _before = GC.GetAllocatedBytesForCurrentThread();
            }

            if (_exchanges < WarmExchanges + MeasuredExchanges)
            {
                Next();
                return;
            }

            _measured.SetResult(GC.GetAllocatedBytesForCurrentThread() - _before);
            worker.Stop();
        }

        public void Rest(Worker worker) => _measured.TrySetException(new InvalidOperationException("cannot connect"));

        public void PrepareSoon(Worker worker) => _ring.Post(static state => ((Worker)state!).Prepare(), worker);

        public void Stopped(Worker worker) => _stopped.SetResult();

        public void Dispose()
        {
            _ring.Dispose();
            _worker.Dispose();
        }

        private void Next()
        {
            _worker.Operation.Start = 0;
            if (_source.TryNext(_worker.Operation))
            {
                _worker.Begin();
            }
        }
    }
}
