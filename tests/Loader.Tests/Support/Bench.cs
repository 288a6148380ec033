using System.Text;
using Sluice.Contract;
using Sluice.Loader.Flags;
using Sluice.Loader.Http;
using Sluice.Loader.Names;
using Sluice.Loader.Statistics;
using Sluice.Loader.Wire;
using Sluice.Loader.Work;

namespace Sluice.Loader.Tests.Support;

/// <summary>One worker over one memory link, with time that stands still until a test moves it.</summary>
internal sealed class Bench : IWorkerHost, IDisposable
{
    private readonly Queue<Action> _later = new();
    private readonly WorkSource _source;

    public Bench(Func<LoadOptions, LoadOptions>? with = null, params string[] names)
    {
        Assert.True(BucketAddress.TryParse("ais://b", out BucketAddress? bucket, out _));
        var options = new LoadOptions { Endpoint = "http://h:1", Bucket = bucket, Timeout = TimeSpan.FromSeconds(10), ChecksumType = "xxhash2", RandomNames = true };
        options = with?.Invoke(options) ?? options;
        var table = new NameTable();
        foreach (string name in names)
        {
            table.TryAdd(Encoding.ASCII.GetBytes(name));
        }

        _source = new WorkSource(options, table, options.PercentPut < 100 ? NameGetter.For(options, names.Length) : null);
        Link = new MemoryLink(_later);
        string? range = RequestWriter.Range(options.ReadOffset, options.ReadLength);
        Worker = new Worker(this, new WorkerSettings(options, _source, Statistics, Errors), [(Link, new RequestWriter("h:1", bucket, range, false, options.ChecksumType))]);
    }

    public LoadStatistics Statistics { get; } = new();

    public ErrorLog Errors { get; } = new();

    public MemoryLink Link { get; }

    public Worker Worker { get; }

    public long Time { get; set; } = 1;

    public int FreeCount { get; private set; }

    public int RestCount { get; private set; }

    public bool IsStopped { get; private set; }

    /// <summary>What has been printed about failures.</summary>
    public string Failures
    {
        get
        {
            using var text = new StringWriter();
            Errors.Flush(text);
            return text.ToString();
        }
    }

    /// <summary>Runs what waits until nothing does.</summary>
    public void Run()
    {
        for (int steps = 0; _later.TryDequeue(out Action? next); steps++)
        {
            Assert.True(steps < 1_000_000);
            next();
        }
    }

    /// <summary>Begins the next operation and runs until the request has gone out; answers it.</summary>
    public string Request()
    {
        Assert.True(_source.TryNext(Worker.Operation));
        Worker.Operation.Start = 0;
        Worker.Begin();
        Run();
        return Encoding.Latin1.GetString(Link.TakeSent());
    }

    /// <summary>Answers the request that is out.</summary>
    public void Answer(string head, byte[]? body = null, long latency = 5)
    {
        Time += latency;
        Link.Deliver([.. Encoding.ASCII.GetBytes(head), .. body ?? []]);
        Run();
    }

    public long Now() => Time;

    public int Below(int bound) => 0;

    public void Ready(Worker worker)
    {
    }

    public void Free(Worker worker) => FreeCount++;

    public void Rest(Worker worker) => RestCount++;

    public void PrepareSoon(Worker worker) => _later.Enqueue(worker.Prepare);

    public void Stopped(Worker worker) => IsStopped = true;

    public void Dispose() => Worker.Dispose();
}
