using System.Net;
using System.Net.Sockets;
using System.Text;
using Sluice.Contract;
using Sluice.Loader.Content;
using Sluice.Loader.Flags;
using Sluice.Loader.Http;
using Sluice.Loader.Names;
using Sluice.Loader.Wire;
using Sluice.Loader.Work;

namespace Sluice.Allocations.Tests.Support;

/// <summary>
/// A loop of the load generator, closed, with one worker. Its server is the test's thread, which allocates nothing; so whatever the process allocates is
/// the loader's.
/// </summary>
internal sealed class MeasuredLoader : IMeasured, IDisposable
{
    private const int ObjectBytes = 4 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly WorkSource _source;
    private readonly LoadLoop _loop;
    private readonly Socket _connection;
    private readonly byte[] _request = new byte[16 << 10];
    private readonly byte[] _answer;

    public MeasuredLoader(bool puts)
    {
        _listener.Start();
        var address = (IPEndPoint)_listener.LocalEndpoint;
        Assert.True(BucketAddress.TryParse("ais://b", out BucketAddress? bucket, out string? problem), problem);
        var options = new LoadOptions
        {
            Endpoint = $"http://{address}",
            Bucket = bucket,
            PercentPut = puts ? 100 : 0,
            BytesMin = ObjectBytes,
            BytesMax = ObjectBytes,
            ChecksumType = puts ? "xxhash2" : "none",
        };
        var names = new NameTable();
        names.TryAdd("a"u8);
        names.TryAdd("b"u8);
        _source = new WorkSource(options, names, puts ? null : NameGetter.For(options, names.Count));
        var requests = new RequestWriter(address.ToString(), bucket, null, latest: false, options.ChecksumType);
        _loop = new LoadLoop(options, workers: 1, index: 0, _source, new ErrorLog(), [(address, requests)]);
        Task ready = _loop.ConnectAsync();
        _connection = _listener.AcceptSocket();
        _connection.NoDelay = true;
        _connection.ReceiveTimeout = 60_000; // ms; a loader that hangs fails the test
        Assert.True(ready.Wait(TimeSpan.FromSeconds(60)), "the loader does not connect");
        _answer = [.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {(puts ? 0 : ObjectBytes)}\r\n\r\n"), .. new byte[puts ? 0 : ObjectBytes]];
        _loop.Begin(schedule: null);
    }

    public void Run(int count)
    {
        for (int i = 0; i < count; i++)
        {
            int filled = 0;
            while (!IsWhole(_request.AsSpan(0, filled)))
            {
                int read = _connection.Receive(_request.AsSpan(filled));
                filled += read > 0 ? read : throw new IOException("the loader closed the connection");
            }

            _connection.Send(_answer);
        }
    }

    public void Settle()
    {
    }

    public long AllocatedBytes() => GC.GetTotalAllocatedBytes(precise: true);

    public void Dispose()
    {
        _source.Stop();
        _loop.Abandon(static _ => { });
        _loop.Dispose();
        _connection.Dispose();
        _listener.Dispose();
    }

    private static bool IsWhole(ReadOnlySpan<byte> request)
    {
        int headEnd = request.IndexOf("\r\n\r\n"u8);
        return headEnd >= 0 && (request[0] == (byte)'G' || request.Length == headEnd + 4 + ObjectBytes);
    }
}
