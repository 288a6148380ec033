using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Health;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Native;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Matrix;
using Sluice.Transport.Tests.Guard;

namespace Sluice.Simulation.Tests.Health;

/// <summary>An engine over drives that can be made sick, whose clock the test has. Disposing lets go what hangs and asserts that nothing stays open.</summary>
public sealed class HealthBench : IAsyncDisposable, ILogger
{
    private readonly List<string> _log = []; // guarded by itself
    private ObjectEngine? _engine;

    private HealthBench(int mountpaths)
    {
        Disk = new SimulatedDisk(mountpaths);
        Sick = new SickDisks(Disk, Time);
    }

    public ManualTime Time { get; } = new();

    public SimulatedDisk Disk { get; }

    public SickDisks Sick { get; }

    public ObjectEngine Engine => _engine!;

    /// <summary>The drive that tests make sick.</summary>
    public string Ill => Disk.Mountpaths[1];

    public static async Task<HealthBench> NewAsync(int mountpaths = 3, HealthOptions? health = null, string properties = "null")
    {
        var bench = new HealthBench(mountpaths);
        var options = new EngineOptions
        {
            Mountpaths = bench.Disk.Mountpaths,
            MemoryBytes = 8 << 20,
            OpenFilesMax = 64,
            FlushInterval = TimeSpan.Zero,
            JobBytesPerSecond = 0,
            Health = health ?? new() { Interval = TimeSpan.FromDays(1) }, // a test has the looks taken
        };
        Result<ObjectEngine> opened = await ObjectEngine.OpenAsync(
            options, new EngineEnvironment { Io = bench.Sick, Time = bench.Time, Log = bench, Background = static work => work() });
        Assert.True(opened.Ok, opened.Error?.Message);
        bench._engine = opened.Value;
        Result<BucketRecord> made = await bench.Engine.CreateBucketAsync(Caller.Anonymous, Session.Bucket, JsonDocument.Parse(properties).RootElement);
        Assert.True(made.Ok, made.Error?.Message);
        return bench;
    }

    public ServingState StateOf(string path) => Engine.Mountpaths.Rows().Single(row => row.Path == path).State;

    public async Task<long> CounterAsync(string name) => (await Engine.StatusAsync()).Counters[name];

    /// <summary>Times that the log has it.</summary>
    public int Said(string text)
    {
        lock (_log)
        {
            return _log.Count(line => line.Contains(text, StringComparison.Ordinal));
        }
    }

    public async Task<Result> PutAsync(string name) => new((await Engine.PutObjectAsync(
        Caller.Anonymous,
        new PutRequest
        {
            Bucket = Session.Bucket,
            Name = ObjectName.From(name),
            Body = PipeReader.Create(new MemoryStream(Encoding.UTF8.GetBytes(name))),
            LengthBytes = name.Length,
        },
        CancellationToken.None)).Error);

    public async Task<string?> GetAsync(string name)
    {
        Result<ObjectReader> open = await Engine.OpenObjectAsync(Caller.Anonymous, Session.Bucket, ObjectName.From(name));
        if (!open.Ok)
        {
            return null;
        }

        using ObjectReader reader = open.Value;
        var content = new byte[reader.SizeBytes];
        return (await reader.ReadAsync(content, 0)).Ok ? Encoding.UTF8.GetString(content) : null;
    }

    /// <summary>A name whose object lies on that mountpath.</summary>
    public async Task<string> NameOnAsync(string path)
    {
        for (int i = 0; ; i++)
        {
            Assert.True((await PutAsync($"n{i}")).Ok);
            if (HoldersOf($"n{i}").Contains(path))
            {
                return $"n{i}";
            }
        }
    }

    /// <summary>Mountpaths with a head of the object.</summary>
    public string[] HoldersOf(string name) =>
        [.. Disk.Mountpaths.Where(path => Disk.Tree().Exists(file => file.Path.StartsWith(path + "/@", StringComparison.Ordinal)
            && file.Path.EndsWith($"/%ob/{name}", StringComparison.Ordinal)))];

    /// <summary>A client's PUT meets one fault of that drive.</summary>
    public async Task FaultAsync(string name, Errno error, string path)
    {
        Sick[path] = new Sickness { Write = error, Times = 1 };
        Assert.False((await PutAsync(name)).Ok);
        Assert.Equal(0, Sick[path].Times);
    }

    /// <summary>So many looks.</summary>
    public async Task LookAsync(int times)
    {
        for (int i = 0; i < times; i++)
        {
            await Engine.LookAtMountpathsAsync();
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_log)
        {
            _log.Add(formatter(state, exception));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (string path in Disk.Mountpaths)
        {
            Sick[path].Hang?.TrySetResult();
            Sick[path] = new Sickness();
        }

        await Engine.DisposeAsync();
        Assert.Equal(0, Disk.OpenCount);
    }
}
