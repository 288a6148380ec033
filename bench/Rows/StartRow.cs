using System.Diagnostics;
using System.Globalization;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>
/// From the start of the process to the first body that a client has, with many objects present, and what the server has in memory when nobody asks any more.
/// Seen to a millisecond.
/// </summary>
internal sealed class StartRow(int objects, bool isDefault) : IRow
{
    private const string Bucket = "start";
    private const long DiskBytes = 64 * Sizes.GiB; // sparse
    private const int Writers = 64;
    private const int Folders = 1000;

    private LoopDisk? _disk;
    private string _home = "";

    public string Name => string.Create(CultureInfo.InvariantCulture, $"start/{objects}");

    public bool IsDefault => isDefault;

    public string Subject => "sluice";

    public string Note => string.Create(
        CultureInfo.InvariantCulture,
        $"{objects} objects of one byte in {Folders} directories, on an XFS; memory two seconds after the first answer");

    public TimeSpan Estimate(BenchSettings settings) => TimeSpan.FromSeconds(5 + (objects / 10_000.0) + (settings.Rounds * 2 * 2 * 2.5));

    public async Task PrepareAsync(BenchWorld world)
    {
        _home = world.MakeDirectory(Name);
        _disk = await LoopDisk.MakeAsync(_home, "disk", new DiskShape(DiskBytes), world.Token);
        await using SluiceServer server = Make(world.Settings);
        await server.StartAsync(world.Token);
        await server.MakeBucketAsync(Bucket, """{"durability":"relaxed"}""", world.Token);
        await Connecting.FillAsync(server.Endpoint, Bucket, 1, 1, world.Token);
        string[] flags =
        [
            "-pctput=100", "-skiplist", "-minsize=1", "-maxsize=1", "-cksum-type=none", "-num-subdirs", Folders.ToString(CultureInfo.InvariantCulture),
            "-maxputs", objects.ToString(CultureInfo.InvariantCulture),
        ];
        await world.Load.RunAsync(server.Endpoint, Bucket, Writers, flags, "put", world.Token);
    }

    public Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world)
    {
        string home = Path.Combine(_home, "nginx");
        Directory.CreateDirectory(home);
        IReadOnlyList<IContender> contenders =
        [
            new StartContender("nginx", () => MakeNginx(world.Settings, home)), new StartContender("sluice", () => Make(world.Settings)),
        ];
        return Task.FromResult(contenders);
    }

    public async ValueTask DisposeAsync()
    {
        if (_disk is not null)
        {
            await _disk.DisposeAsync();
        }

        BenchWorld.Remove(_home);
    }

    private string Mountpath => Path.Combine(_disk!.Path, "mp");

    private SluiceServer Make(BenchSettings settings) => new("sluice", settings.Binary, settings.ServerCores, [Mountpath]) { IsGrouped = false };

    private NginxServer MakeNginx(BenchSettings settings, string home)
    {
        var server = new NginxServer("nginx", home, settings.ServerCores, settings.ServerCoreCount, new NginxOptions()) { IsGrouped = false };
        server.Link(Bucket, SluiceServer.ObjectsOf(Mountpath, Bucket));
        return server;
    }

    private sealed class StartContender(string name, Func<IServer> make) : IContender
    {
        private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(2);

        public string Name => name;

        public async Task WarmAsync(CancellationToken token) => await MeasureAsync(TimeSpan.Zero, token);

        public Task<Sample> MeasureAsync(CancellationToken token) => MeasureAsync(s_idle, token);

        public ValueTask DisposeAsync() => default;

        private async Task<Sample> MeasureAsync(TimeSpan idle, CancellationToken token)
        {
            await using IServer server = make();
            long started = Stopwatch.GetTimestamp();
            await server.StartAsync(token);
            Connecting.RequireAnswer(server.Endpoint, $"/v1/objects/{Bucket}/o0");
            double elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            await Task.Delay(idle, token);
            var sample = new Sample();
            sample.Set(Figure.Start, elapsed);
            sample.Set(Figure.Resident, server.Processes.ResidentBytes() / (1 << 20));
            return sample;
        }
    }
}
