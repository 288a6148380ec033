using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>A table of jobs over attached mountpaths without an engine; opened and reopened at will.</summary>
public sealed class JobBench : IAsyncDisposable
{
    private readonly MountpathFixture _mountpaths = new();
    private readonly int _count;
    private MountpathTable? _attached;
    private JobTable? _table;

    private JobBench(int count)
    {
        _count = count;
    }

    public JobTable Table => _table ?? throw new InvalidOperationException("the table is closed");

    /// <summary>Mountpaths in the order in which documents take them.</summary>
    public IReadOnlyList<string> InOrder => [.. _attached!.All.OrderBy(one => one.Uuid, StringComparer.Ordinal).Select(one => one.Path)];

    /// <summary>The mountpath that is not in the set for the time being.</summary>
    public string? Away { get; set; }

    public static BucketName Bucket(string name) => EngineFixture.Name(name);

    public static async Task<JobBench> NewAsync(int mountpaths = 1)
    {
        var bench = new JobBench(mountpaths);
        await bench.OpenAsync();
        return bench;
    }

    /// <summary>Opens the table; <paramref name="register"/> adds makers before unfinished jobs go on.</summary>
    public async Task OpenAsync(Action<JobTable>? register = null)
    {
        EngineOptions options = MountpathFixture.Options([.. Enumerable.Range(0, _count).Select(i => _mountpaths.At($"mp{i}"))]);
        var environment = new EngineEnvironment { Io = _mountpaths.Io.Io, Time = TimeProvider.System, Log = NullLogger.Instance };
        Result<MountpathTable> attached = await MountpathTable.AttachAsync(options, environment);
        Assert.True(attached.Ok, attached.Error?.Message);
        _attached = attached.Value;
        var markers = new JobMarkers(environment.Io, () => new MountpathUse([.. attached.Value.All.Where(one => one.Path != Away)]), environment.Log);
        _table = new JobTable(environment, new JobBudget(environment.Time, () => 0, 0), markers);
        register?.Invoke(_table);
        await _table.ResumeAsync();
    }

    /// <summary>Closes it as a stop of the server does.</summary>
    public async Task CloseAsync()
    {
        await Table.CloseAsync();
        Assert.All(Table.All, job => Assert.False(job.IsRunning));
        _table = null;
        foreach (Mountpath mountpath in _attached!.All)
        {
            mountpath.Dispose();
        }

        _attached = null;
    }

    public async Task<Job> StartAsync(JobKind kind, JobTarget target, Func<JobContext, Task> body, WhenRunning whenRunning = WhenRunning.Refuse)
    {
        Result<Job> started = await Table.StartAsync(kind, target, body, whenRunning);
        Assert.True(started.Ok, started.Error?.Message);
        return started.Value;
    }

    /// <summary>Marker documents on all mountpaths.</summary>
    public string[] MarkerFiles() =>
        [.. Directory.EnumerateFiles(_mountpaths.Home, "job-*", SearchOption.AllDirectories).Select(file => Path.GetFileName(file))];

    public async ValueTask DisposeAsync()
    {
        if (_table is not null)
        {
            await CloseAsync();
        }

        _mountpaths.Dispose();
    }
}
