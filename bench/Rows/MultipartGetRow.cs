using System.Globalization;
using Sluice.Bench.Clients;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>
/// GET of a large object that is in memory, kept as one file and as the parts that it came in, from one server: what is compared is the work of the processor. The
/// mountpaths are directories of the measured directory's disk, which is not read.
/// </summary>
internal sealed class MultipartGetRow(long sizeBytes, UploadShape shape, bool isDefault) : IRow
{
    private const string Object = "o0";
    private const int Mountpaths = 4;
    private const int Connections = 8; // as in get/1GiB/8/load: the loader counts whole bodies, and more of them are not over in its time

    private readonly MultipartSide _parted = new(shape);
    private string _home = "";

    public string Name => string.Create(CultureInfo.InvariantCulture, $"multipart/get/{Sizes.Text(sizeBytes)}/{shape.Parts}");

    public bool IsDefault => isDefault;

    public string Subject => _parted.Name;

    public string Note => string.Create(CultureInfo.InvariantCulture, $"{Connections} connections; parts of {Sizes.Text(sizeBytes / shape.Parts)}");

    public TimeSpan Estimate(BenchSettings settings) => TimeSpan.FromSeconds(12 + (settings.Rounds * ((4 * settings.Seconds) + 6)));

    public async Task PrepareAsync(BenchWorld world)
    {
        _home = world.MakeDirectory(Name);
        await using SluiceServer server = Make(world.Settings);
        await server.StartAsync(world.Token);
        foreach (MultipartSide side in (MultipartSide[])[MultipartSide.Whole, _parted])
        {
            await server.MakeBucketAsync(side.Bucket, side.Properties("relaxed"), world.Token);
            using var client = new UploadClient(server.Endpoint, side.Bucket);
            await client.PutAsync(Object, sizeBytes, side.Shape, world.Token);
            await client.RequirePartsAsync(Object, side.Shape.Parts, world.Token);
        }
    }

    public async Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world)
    {
        SluiceServer server = Make(world.Settings);
        await Opening.StartAsync(server, world.Token);
        return [new Contender(MultipartSide.Whole, server, world, ownsServer: true), new Contender(_parted, server, world, ownsServer: false)];
    }

    public ValueTask DisposeAsync()
    {
        BenchWorld.Remove(_home);
        return default;
    }

    private SluiceServer Make(BenchSettings settings) => new(
        "sluice", settings.Binary, settings.ServerCores,
        [.. Enumerable.Range(0, Mountpaths).Select(i => Path.Combine(_home, string.Create(CultureInfo.InvariantCulture, $"mp{i}")))]);

    /// <summary>Both have one server, which goes with the first.</summary>
    private sealed class Contender(MultipartSide side, SluiceServer server, BenchWorld world, bool ownsServer) : IContender
    {
        private readonly Target _target = new()
        {
            Endpoint = server.Endpoint, Bucket = side.Bucket, ObjectCount = 1, Connections = Connections, Seconds = world.Settings.Seconds,
        };

        public string Name => side.Name;

        public Task WarmAsync(CancellationToken token) => world.Load.RunAsync(_target with { Seconds = 1 }, token);

        public Task<Sample> MeasureAsync(CancellationToken token) => ServedContender.MeasureAsync(server, () => world.Load.RunAsync(_target, token));

        public ValueTask DisposeAsync() => ownsServer ? server.DisposeAsync() : default;
    }
}
