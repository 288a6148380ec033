using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Engine;
using Sluice.Engine.Io;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Simulation.Tests.Matrix;

/// <summary>Time that only the run moves: a microsecond each time somebody looks.</summary>
public sealed class SimulatedTime : TimeProvider
{
    private long _ticks = new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Add(ref _ticks, TimeSpan.TicksPerMicrosecond);

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Add(ref _ticks, TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}

/// <summary>
/// One machine that outlives its crashes: disks, clock, identities, and at most one engine. Everything is drawn from fixed seeds, so that
/// the same verbs make the same steps.
/// </summary>
public sealed class SimulatedHost
{
    private readonly SimulatedTime _time = new();
    private readonly Random _identities = new(42);
    private readonly IFileIo _io;
    private ObjectEngine? _engine;

    /// <summary>A machine with new disks; <paramref name="twin"/> puts a known-bad layer between engine and disks.</summary>
    public SimulatedHost(int mountpaths, Func<IFileIo, IFileIo>? twin = null)
    {
        Disk = new SimulatedDisk(mountpaths);
        Faults = new FaultyFileIo(Disk);
        _io = twin?.Invoke(Faults) ?? Faults;
    }

    public SimulatedDisk Disk { get; }

    public FaultyFileIo Faults { get; }

    /// <summary>Its stores of names; none at first, and then its engines walk.</summary>
    public SimulatedNameStores? NameStores { get; set; }

    /// <summary>Where its engines write their logs; nowhere at first.</summary>
    public ILogger Log { get; set; } = NullLogger.Instance;

    public ObjectEngine Engine => _engine ?? throw new InvalidOperationException("the engine is closed");

    public EngineEnvironment Environment => new()
    {
        Io = _io,
        Time = _time,
        Log = Log,
        NameStores = NameStores,
        Background = static work => work(),
        NewGuid = () =>
        {
            var bytes = new byte[16];
            lock (_identities)
            {
                _identities.NextBytes(bytes);
            }

            return new Guid(bytes);
        },
    };

    /// <summary>Opens an engine on what the disks hold; answers what is wrong when it does not open.</summary>
    public async Task<string?> OpenAsync()
    {
        var options = new EngineOptions
        {
            Mountpaths = Disk.Mountpaths,
            MemoryBytes = 8 << 20,
            OpenFilesMax = 64,
            FlushInterval = TimeSpan.Zero,
            Health = new() { Interval = TimeSpan.Zero },
            JobBytesPerSecond = 0,
        };
        Result<ObjectEngine> opened = await ObjectEngine.OpenAsync(options, Environment);
        _engine = opened.Ok ? opened.Value : null;
        return opened.Error?.Message;
    }

    /// <summary>Stops the engine in order; answers what it left open or locked.</summary>
    public async Task<string?> CloseAsync()
    {
        ObjectEngine engine = Engine;
        _engine = null;
        await engine.DisposeAsync(); // repairs on the way hold names until then
        int held = engine.HeldNameCount;
        return held != 0 ? $"{held} names are held by nobody" : Disk.OpenCount != 0 ? $"{Disk.OpenCount} handles are left open" : null;
    }

    /// <summary>The engine is gone in the middle of whatever it did, and the power with it if the crash says so.</summary>
    public void Crash(Crash crash)
    {
        _engine = null;
        Disk.End(crash);
        NameStores?.End(crash);
        Faults.Disarm();
    }
}
