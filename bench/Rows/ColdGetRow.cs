using System.Globalization;
using Sluice.Bench.Clients;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>
/// GET of objects that are not in memory, each once a turn, the caches dropped before: beside fio on the same files and nginx with its thread pool.
/// </summary>
internal sealed class ColdGetRow(long sizeBytes, int disks, bool isDefault) : IRow
{
    private const int Connections = 32;
    private const long BytesADisk = 256 * Sizes.MiB;

    private static readonly FioWay[] s_short =
    [
        new("psync", 16, IsDirect: false), new("io_uring", 16, IsDirect: false), new("io_uring", 16, IsDirect: true),
    ];

    private static readonly FioWay[] s_full =
    [
        .. from depth in (int[])[1, 4, 16, 64]
           from way in (FioWay[])[new("psync", depth, IsDirect: false), new("io_uring", depth, IsDirect: false), new("io_uring", depth, IsDirect: true)]
           select way,
    ];

    private readonly int _count = (int)(disks * BytesADisk / sizeBytes);
    private ColdObjects? _objects;
    private string _home = "";

    public string Name => string.Create(CultureInfo.InvariantCulture, $"cold/{Sizes.Text(sizeBytes)}/{disks}");

    public bool IsDefault => isDefault;

    public string Subject => "sluice";

    public string Note { get; private set; } = "";

    public TimeSpan Estimate(BenchSettings settings)
    {
        int contenders = (settings.IsFull ? s_full : s_short).Length + 2;
        return TimeSpan.FromSeconds(10 + (settings.Rounds * contenders * 2 * 2.5));
    }

    public async Task PrepareAsync(BenchWorld world)
    {
        if (disks > 1)
        {
            DiskThrottle.Machine.Require();
        }

        _home = world.MakeDirectory(Name);
        _objects = await ColdObjects.MakeAsync(world, _home, disks, _count, sizeBytes);
        string places = disks == 1 ? "the measured directory's own disk" : $"{disks} loop devices of {ColdObjects.LoopBytesPerSecond / Sizes.MiB} MiB/s each";
        Note = string.Create(
            CultureInfo.InvariantCulture,
            $"{_count} objects on {places}, placed by name and so not evenly; {Connections} connections. fio looks at each file before its clock starts: it does not pay for reading inodes.");
    }

    public Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world)
    {
        IEnumerable<Func<Task<IContender>>> fio = (world.Settings.IsFull ? s_full : s_short)
            .Select(way => (Func<Task<IContender>>)(() => Task.FromResult<IContender>(new FioContender(way, _objects!, sizeBytes, world))));
        return Opening.AllAsync([.. fio, () => OpenAsync(world, Contestant.Nginx), () => OpenAsync(world, Contestant.Ours(world.Settings))], open => open());
    }

    public async ValueTask DisposeAsync()
    {
        if (_objects is not null)
        {
            await _objects.DisposeAsync();
        }

        BenchWorld.Remove(_home);
    }

    private async Task<IContender> OpenAsync(BenchWorld world, Contestant contestant)
    {
        IServer server = contestant.Make(world.Settings, _home, _objects!.Mountpaths, new NginxOptions { HasThreads = true });
        (server as NginxServer)?.Link(ColdObjects.Bucket, _objects.Links);
        await Opening.StartAsync(server, world.Token);
        return new ColdContender(server, _count, world);
    }

    private sealed class ColdContender(IServer server, int count, BenchWorld world) : IContender
    {
        public string Name => server.Name;

        public Task WarmAsync(CancellationToken token) => Task.CompletedTask;

        public async Task<Sample> MeasureAsync(CancellationToken token)
        {
            string names = world.Load.NamesOf(count);
            await PageCache.DropAsync(token);
            return await ServedContender.MeasureAsync(server, () => world.Load.RunAsync(
                server.Endpoint, ColdObjects.Bucket, Connections, ["-discard", "-filelist", names, "-epochs=1"], "get", token));
        }

        public ValueTask DisposeAsync() => server.DisposeAsync();
    }
}
