using System.Globalization;
using Sluice.Bench.Clients;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>
/// GET of objects that are in memory. nginx reads the very files that the first binary of ours stored, so that both send the same pages of the page
/// cache: how these lie in memory decides what a copy costs.
/// </summary>
internal sealed class HotGetRow(long sizeBytes, int connections, string client, bool isDefault, IReadOnlyList<Contestant> contestants) : IRow
{
    private const string Bucket = "hot";
    private const int ObjectCountMax = 16;

    private readonly int _objectCount = (int)Math.Clamp(Sizes.GiB / sizeBytes, 1, ObjectCountMax);
    private string _home = "";

    public string Name => string.Create(CultureInfo.InvariantCulture, $"get/{Sizes.Text(sizeBytes)}/{connections}/{client}");

    public bool IsDefault => isDefault;

    public string Subject => contestants[^1].Name;

    public string Note => "";

    public TimeSpan Estimate(BenchSettings settings) =>
        TimeSpan.FromSeconds(2 + (4.0 * sizeBytes * _objectCount / Sizes.GiB) + (settings.Rounds * contestants.Count * ((2 * settings.Seconds) + 1.5)));

    public async Task PrepareAsync(BenchWorld world)
    {
        _home = world.MakeDirectory(Name);
        foreach (Contestant contestant in contestants.Where(contestant => !contestant.IsNginx))
        {
            await using var server = (SluiceServer)Make(contestant, world);
            await server.StartAsync(world.Token);
            await server.MakeBucketAsync(Bucket, "{}", world.Token);
            await Connecting.FillAsync(server.Endpoint, Bucket, _objectCount, sizeBytes, world.Token);
        }
    }

    public Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world) => Opening.AllAsync(contestants, async contestant =>
    {
        IServer server = Make(contestant, world);
        await Opening.StartAsync(server, world.Token);
        var target = new Target
        {
            Endpoint = server.Endpoint, Bucket = Bucket, ObjectCount = _objectCount, Connections = connections, Seconds = world.Settings.Seconds,
        };
        return new ServedContender(server, world.Client(client), target);
    });

    public ValueTask DisposeAsync()
    {
        BenchWorld.Remove(_home);
        return default;
    }

    private string MountpathOf(Contestant contestant) => Path.Combine(contestant.Home(_home), "mp");

    private IServer Make(Contestant contestant, BenchWorld world)
    {
        IServer server = contestant.Make(world.Settings, _home, [MountpathOf(contestant)], new NginxOptions());
        (server as NginxServer)?.Link(Bucket, SluiceServer.ObjectsOf(MountpathOf(contestants.First(one => !one.IsNginx)), Bucket));
        return server;
    }
}
