using System.Globalization;
using Sluice.Bench.Clients;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>
/// Latency of hot GETs of 4 KiB in an open loop, at 30 % of what a closed loop reached, alone and beside GETs of cold 10 MiB objects. Both loads share
/// the client's core, so what the second does to the client is in it.
/// </summary>
internal sealed class MixedRow : IRow
{
    private const string Hot = "hot";
    private const int HotObjects = 16;
    private const int HotConnections = 64;
    private const int ColdConnections = 8;
    private const int Disks = 4;
    private const double Share = 0.3;
    private const long ColdBytes = 10 * Sizes.MiB;
    private const long ColdFlowBytes = 128 * Sizes.MiB;

    private ColdObjects? _objects;
    private string _home = "";
    private int _count;
    private long _rate;

    public string Name => "mixed/4KiB+10MiB";

    public bool IsDefault => true;

    public string Subject => "beside cold 10 MiB";

    public string Note => string.Create(
        CultureInfo.InvariantCulture,
        $"{_rate} requests a second due; cold objects on {Disks} loop devices of {ColdObjects.LoopBytesPerSecond / Sizes.MiB} MiB/s each, {ColdConnections} connections");

    public TimeSpan Estimate(BenchSettings settings) => TimeSpan.FromSeconds(12 + (settings.Rounds * ((4 * settings.Seconds) + 8)));

    public async Task PrepareAsync(BenchWorld world)
    {
        DiskThrottle.Machine.Require();
        _home = world.MakeDirectory("mixed");
        _count = (int)((world.Settings.Seconds + 4) * Disks * ColdObjects.LoopBytesPerSecond / ColdBytes); // more than a turn can read
        _objects = await ColdObjects.MakeAsync(world, _home, Disks, _count, ColdBytes);
        await using SluiceServer server = Make(world);
        await server.StartAsync(world.Token);
        await server.MakeBucketAsync(Hot, "{}", world.Token);
        await Connecting.FillAsync(server.Endpoint, Hot, HotObjects, 4 * Sizes.KiB, world.Token);
        var target = new Target { Endpoint = server.Endpoint, Bucket = Hot, ObjectCount = HotObjects, Connections = 32, Seconds = 1 };
        await world.Load.RunAsync(target, world.Token);
        ClientResult closed = await world.Load.RunAsync(target, world.Token);
        _rate = (long)(closed.Requests / closed.Seconds * Share);
    }

    public async Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world)
    {
        SluiceServer server = Make(world);
        await Opening.StartAsync(server, world.Token);
        return [new MixedContender(this, "alone", server, world, isBesideCold: false), new MixedContender(this, Subject, server, world, isBesideCold: true)];
    }

    public async ValueTask DisposeAsync()
    {
        if (_objects is not null)
        {
            await _objects.DisposeAsync();
        }

        BenchWorld.Remove(_home);
    }

    private SluiceServer Make(BenchWorld world) => new("sluice", world.Settings.Binary, world.Settings.ServerCores, _objects!.Mountpaths);

    /// <summary>Both contenders have one server, which goes with the first.</summary>
    private sealed class MixedContender(MixedRow row, string name, SluiceServer server, BenchWorld world, bool isBesideCold) : IContender
    {
        public string Name => name;

        public Task WarmAsync(CancellationToken token) => HotAsync(1, token);

        public async Task<Sample> MeasureAsync(CancellationToken token)
        {
            await PageCache.DropAsync(token);
            await HotAsync(1, token); // hot again
            using var end = CancellationTokenSource.CreateLinkedTokenSource(token);
            Task cold = isBesideCold ? await StartColdAsync(end.Token) : Task.CompletedTask;
            ClientResult hot = await HotAsync(world.Settings.Seconds, token);
            if (isBesideCold && cold.IsCompletedSuccessfully)
            {
                throw new BenchException("the cold objects were all read before the turn was over: what came after was alone");
            }

            await end.CancelAsync();
            await cold.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            var sample = new Sample();
            sample.Set(Figure.Requests, hot.Requests / hot.Seconds);
            sample.Set(Figure.P50, hot.P50);
            sample.Set(Figure.P99, hot.P99);
            sample.Set(Figure.P999, hot.P999);
            return sample;
        }

        public ValueTask DisposeAsync() => isBesideCold ? default : server.DisposeAsync();

        private Task<ClientResult> HotAsync(double seconds, CancellationToken token) => world.Load.RunAsync(
            server.Endpoint,
            Hot,
            HotConnections,
            [
                "-discard", "-filelist", world.Load.NamesOf(HotObjects), "-duration", seconds.ToString("f1", CultureInfo.InvariantCulture) + "s",
                "-rate", row._rate.ToString(CultureInfo.InvariantCulture),
            ],
            "get",
            token);

        /// <summary>
        /// Goes on when the cold load flows: what a client needs to start is a tenth of a second of the core that it shares with the one whose requests
        /// are due meanwhile.
        /// </summary>
        private async Task<Task> StartColdAsync(CancellationToken token)
        {
            long before = await ColdReadAsync(token);
            Task cold = ColdAsync(token);
            while (!cold.IsCompleted && await ColdReadAsync(token) < before + ColdFlowBytes)
            {
                await Task.Delay(10, token);
            }

            return cold;
        }

        private async Task<long> ColdReadAsync(CancellationToken token) =>
            await server.CounterAsync("cold.direct_bytes", token) + await server.CounterAsync("cold.cached_bytes", token);

        private Task<ClientResult> ColdAsync(CancellationToken token) => world.Load.RunAsync(
            server.Endpoint, ColdObjects.Bucket, ColdConnections, ["-discard", "-filelist", world.Load.NamesOf(row._count), "-epochs=1"], "get", token);
    }
}
