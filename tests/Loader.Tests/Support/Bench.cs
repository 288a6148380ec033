using System.Text;
using Sluice.Contract;
using Sluice.Loader.Flags;
using Sluice.Loader.Http;
using Sluice.Loader.Names;
using Sluice.Loader.Statistics;
using Sluice.Loader.Wire;
using Sluice.Loader.Work;
using Sluice.Native;

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
        var requests = new RequestWriter("h:1", bucket, RequestWriter.Range(options.ReadOffset, options.ReadLength), false, options.ChecksumType);
        var settings = new WorkerSettings(options, _source, Statistics, Errors) { NewLinks = () => [(NewLane(), requests)] };
        Worker = new Worker(this, settings, [(Link, requests)]);
    }

    /// <summary>Links of the lanes that the worker has made, in their order.</summary>
    public List<MemoryLink> Lanes { get; } = [];

    /// <summary>What connecting a new lane ends with.</summary>
    public Errno LaneConnectError { get; set; }

    /// <summary>Uploads that were left open, each as its name and its id.</summary>
    public IReadOnlyList<(string Name, string UploadId)> Left => _source.TakeLeft();

    /// <summary>Objects that were stored in parts.</summary>
    public long MultipartStored => _source.MultipartStored;

    public LoadStatistics Statistics { get; } = new();

    public ErrorLog Errors { get; } = new();

    public MemoryLink Link { get; }

    public Worker Worker { get; }

    public long Time { get; set; } = 1;

    public int FreeCount { get; private set; }

    public int RestCount { get; private set; }

    public int StoppedCount { get; private set; }

    public bool IsStopped => StoppedCount == 1;

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
    public void Answer(string head, byte[]? body = null, long latency = 5) => Answer(Link, head, body, latency);

    /// <summary>Answers the request that is out on one of the links.</summary>
    public void Answer(MemoryLink link, string head, byte[]? body = null, long latency = 5)
    {
        Time += latency;
        link.Deliver([.. Encoding.ASCII.GetBytes(head), .. body ?? []]);
        Run();
    }

    /// <summary>Answers the request that is out, and takes the one that follows on the same link.</summary>
    public string AnswerAndTake(string head)
    {
        Answer(head);
        return Encoding.Latin1.GetString(Link.TakeSent());
    }

    public long Now() => Time;

    public int Below(int bound) => 0;

    public void Ready(Worker worker)
    {
    }

    public void Free(Worker worker) => FreeCount++;

    public void Rest(Worker worker) => RestCount++;

    public void PrepareSoon(Worker worker) => _later.Enqueue(worker.Prepare);

    public void Stopped(Worker worker) => StoppedCount++;

    public void Dispose() => Worker.Dispose();

    private MemoryLink NewLane()
    {
        Lanes.Add(new MemoryLink(_later) { ConnectError = LaneConnectError });
        return Lanes[^1];
    }
}
