using System.Globalization;
using Sluice.Bench.Clients;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>Who answers a GET, and how its bucket keeps the object.</summary>
internal sealed record GetSide(string Name, Contestant Server, string Properties, int Mountpaths)
{
    /// <summary>Its last mountpath is gone when it is measured.</summary>
    public bool LosesOne { get; init; }
}

/// <summary>
/// GET of objects that are in memory, by buckets that keep or verify them in different ways. Each side has a server and mountpaths of its own, all on the measured
/// directory's disk, which is not read: what is compared is the work of the processor.
/// </summary>
internal sealed class ProtectedGetRow(string what, long sizeBytes, bool isDefault, IReadOnlyList<GetSide> sides) : IRow
{
    private const string Bucket = "kept";
    private const int Connections = 32;
    private const long BytesMax = 256 * Sizes.MiB;

    private readonly int _objectCount = (int)Math.Clamp(BytesMax / sizeBytes, 1, 16);
    private string _home = "";

    public string Name => string.Create(CultureInfo.InvariantCulture, $"kept/{Sizes.Text(sizeBytes)}/{what}");

    public bool IsDefault => isDefault;

    public string Subject => sides[^1].Name;

    public string Note => "";

    public TimeSpan Estimate(BenchSettings settings) => TimeSpan.FromSeconds(6 + (settings.Rounds * sides.Count * ((2 * settings.Seconds) + 1.5)));

    public async Task PrepareAsync(BenchWorld world)
    {
        _home = world.MakeDirectory(Name);
        foreach (GetSide side in sides)
        {
            await using (SluiceServer server = Make(side, side.Mountpaths, world))
            {
                await server.StartAsync(world.Token);
                await server.MakeBucketAsync(Bucket, side.Properties, world.Token);
                await Connecting.FillAsync(server.Endpoint, Bucket, _objectCount, sizeBytes, world.Token);
            }

            if (side.LosesOne)
            {
                string last = MountpathsOf(side)[^1];
                Directory.Move(last, last + "-away");
            }
        }
    }

    public Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world) => Opening.AllAsync(sides, async side =>
    {
        IServer server = Make(side, side.LosesOne ? side.Mountpaths - 1 : side.Mountpaths, world);
        await Opening.StartAsync(server, world.Token);
        var target = new Target
        {
            Endpoint = server.Endpoint, Bucket = Bucket, ObjectCount = _objectCount, Connections = Connections, Seconds = world.Settings.Seconds,
        };
        return (IContender)new ServedContender(server, world.Load, target);
    });

    public ValueTask DisposeAsync()
    {
        BenchWorld.Remove(_home);
        return default;
    }

    private string[] MountpathsOf(GetSide side) =>
        [.. Enumerable.Range(0, side.Mountpaths).Select(i => Path.Combine((side.Server with { Name = side.Name }).Home(_home), string.Create(CultureInfo.InvariantCulture, $"mp{i}")))];

    private SluiceServer Make(GetSide side, int mountpaths, BenchWorld world) => (SluiceServer)(side.Server with { Name = side.Name }).Make(
        world.Settings, _home, MountpathsOf(side)[..mountpaths], new NginxOptions(), side.LosesOne ? ["--allow-degraded"] : []);
}
