using System.Net;
using Sluice.Loader.Flags;
using Sluice.Loader.Http;
using Sluice.Loader.Names;
using Sluice.Loader.Statistics;
using Sluice.Loader.Wire;
using Sluice.Loader.Work;
using Sluice.Native.Uring;

namespace Sluice.Loader.Tests.Support;

/// <summary>One worker on a ring of its own, which notes what its thread has allocated.</summary>
internal sealed class RingHost : IWorkerHost, IDisposable
{
    /// <summary>Operations before the measured ones, in which everything that is kept is made.</summary>
    public const int WarmExchanges = 200;

    /// <summary>Operations that are measured.</summary>
    public const int MeasuredExchanges = 1000;

    private readonly RingLoop _ring = new(new RingLoopOptions { SubmissionEntries = 64, CompletionEntries = 512 });
    private readonly TaskCompletionSource<long> _measured = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WorkSource _source;
    private readonly Worker _worker;
    private int _exchanges;
    private long _before;

    public RingHost(LoadOptions options, EndPoint server)
    {
        var names = new NameTable();
        names.TryAdd("n"u8);
        _source = new WorkSource(options, names, options.PercentPut < 100 ? NameGetter.For(options, 1) : null);
        var requests = new RequestWriter("h:1", options.Bucket, null, false, options.ChecksumType);
        IReadOnlyList<(Link, RequestWriter)> NewLinks() => [(new RingLink(_ring, (IPEndPoint)server), requests)];
        _worker = new Worker(this, new WorkerSettings(options, _source, Statistics, new ErrorLog()) { NewLinks = NewLinks }, NewLinks());
    }

    public LoadStatistics Statistics { get; } = new();

    /// <summary>Runs all exchanges; answers what the loop's thread allocated during the measured ones.</summary>
    public async Task<long> MeasureAsync()
    {
        _ring.Post(static host => ((RingHost)host!)._worker.Connect(), this);
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
