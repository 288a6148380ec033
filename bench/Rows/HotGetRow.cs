using System.Globalization;
using Sluice.Bench.Clients;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>
/// GET of objects that are in memory. nginx reads the very files that the first binary of ours stored, so that both send the same pages of the page
/// cache: how these lie in memory decides what a copy costs. Over TLS both have one certificate, and the client's settings leave them one cipher.
/// </summary>
internal sealed class HotGetRow(
    long sizeBytes, int connections, string client, bool isDefault, IReadOnlyList<Contestant> contestants, bool isTls = false) : IRow
{
    private const string Bucket = "hot";
    private const int ObjectCountMax = 16;
    private const long SlowestBytesPerSecond = Sizes.GiB / 2; // what wrk takes on one core, and a half of it

    private readonly int _objectCount = (int)Math.Clamp(Sizes.GiB / sizeBytes, 1, ObjectCountMax);
    private readonly double _leastSeconds = sizeBytes < Sizes.GiB ? (double)connections * sizeBytes / SlowestBytesPerSecond : 0; // of the largest, bytes count
    private string _home = "";
    private TlsFiles? _tls;

    public string Name => string.Create(CultureInfo.InvariantCulture, $"{(isTls ? "tls" : "get")}/{Sizes.Text(sizeBytes)}/{connections}/{client}");

    public bool IsDefault => isDefault;

    public string Subject => contestants[^1].Name;

    public string Note => _tls is null ? "" : $"TLS 1.3, {TlsFiles.Cipher} with each";

    public TimeSpan Estimate(BenchSettings settings) =>
        TimeSpan.FromSeconds(2 + (4.0 * sizeBytes * _objectCount / Sizes.GiB) + (settings.Rounds * contestants.Count * ((2 * Math.Max(settings.Seconds, _leastSeconds)) + Math.Max(1.5, _leastSeconds))));

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

        _tls = isTls ? TlsFiles.Make(_home) : null; // from here on: the objects came by plain TCP
    }

    public Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world) => Opening.AllAsync(contestants, async contestant =>
    {
        IServer server = Make(contestant, world);
        await Opening.StartAsync(server, world.Token);
        var target = new Target
        {
            Endpoint = server.Endpoint,
            Bucket = Bucket,
            ObjectCount = _objectCount,
            Connections = connections,
            Seconds = Math.Max(world.Settings.Seconds, _leastSeconds),
            LeastSeconds = _leastSeconds,
        };
        await Opening.OrDisposeAsync(server, () => _tls is null ? Task.CompletedTask : TlsFiles.RequireCipherAsync(server.Endpoint, world.Token));
        return new ServedContender(server, _tls is null ? world.Client(client) : world.WrkOverTls(_tls.OpenSslConfiguration), target);
    });

    public ValueTask DisposeAsync()
    {
        BenchWorld.Remove(_home);
        return default;
    }

    private string MountpathOf(Contestant contestant) => Path.Combine(contestant.Home(_home), "mp");

    private IServer Make(Contestant contestant, BenchWorld world)
    {
        IServer server = contestant.Make(world.Settings, _home, [MountpathOf(contestant)], new NginxOptions { Tls = _tls?.Pair }, _tls?.Flags ?? []);
        (server as NginxServer)?.Link(Bucket, SluiceServer.ObjectsOf(MountpathOf(contestants.First(one => !one.IsNginx)), Bucket));
        return server;
    }
}
