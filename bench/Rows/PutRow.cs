using System.Globalization;
using Sluice.Bench.Clients;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>Who takes a PUT, and what it promises before it answers.</summary>
/// <param name="Server">Null for the bare system calls.</param>
/// <param name="IsStrict">On stable storage before the answer.</param>
internal sealed record PutSide(string Name, Contestant? Server, bool IsStrict)
{
    /// <summary>How its bucket protects objects.</summary>
    public Protection Protection { get; init; } = Protection.None;

    /// <summary>Of the bare system calls.</summary>
    public PutWays Ways { get; init; }

    /// <summary>Properties of its bucket.</summary>
    public string Properties => $$"""{"durability":"{{(IsStrict ? "strict" : "relaxed")}}"{{Protection.Properties}}}""";
}

/// <summary>
/// PUT of new names by the product's own load generator, which sends no checksum: ours computes XXH64 and the digest of each block. Each row has a fresh XFS of
/// its own (see <see cref="LoopDisk"/>), on which each side has a directory; it is synced after each turn, outside of what is measured. Several disks are images in
/// memory: on one drive they would share its speed, and a second copy would cost half of it by the machine's fault.
/// </summary>
internal sealed class PutRow(long sizeBytes, int writers, string what, bool isDefault, IReadOnlyList<PutSide> sides, int disks = 1) : IRow
{
    private const string Bucket = "put";
    private const long DiskBytes = 64 * Sizes.GiB; // sparse
    private const long MemoryTurnBytesMax = 256 * Sizes.MiB; // no turn is removed before the row ends

    private readonly long _turnBytesMax = disks > 1 ? MemoryTurnBytesMax : Sizes.GiB; // what the page cache takes without beginning to write
    private readonly List<LoopDisk> _disks = [];
    private MemoryDirectory? _memory;
    private string _home = "";

    public string Name => string.Create(CultureInfo.InvariantCulture, $"{(sides.All(side => side.Server is null) ? "ways/" : "")}put/{Sizes.Text(sizeBytes)}/{what}/{writers}");

    public bool IsDefault => isDefault;

    public string Subject => sides[^1].Name;

    public string Note => "";

    public TimeSpan Estimate(BenchSettings settings) => TimeSpan.FromSeconds(4 + (settings.Rounds * sides.Count * ((2 * settings.Seconds) + 2)));

    public async Task PrepareAsync(BenchWorld world)
    {
        _home = world.MakeDirectory(Name);
        _memory = disks > 1 && !world.Settings.IsInPlace ? await MemoryDirectory.MakeAsync(Path.Combine(_home, "memory"), world.Token) : null;
        for (int i = 0; i < disks && !world.Settings.IsInPlace; i++)
        {
            _disks.Add(await LoopDisk.MakeAsync(_memory?.Path ?? _home, $"disk{i}", new DiskShape(DiskBytes), world.Token));
        }
    }

    public Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world) => Opening.AllAsync(sides, async side =>
    {
        string own = string.Concat(side.Name.Where(char.IsAsciiLetterOrDigit));
        string[] paths = [.. Enumerable.Range(0, disks).Select(i => Path.Combine(i < _disks.Count ? _disks[i].Path : Path.Combine(_home, $"disk{i}"), own))];
        string path = paths[0];
        if (side.Server is not { } contestant)
        {
            return new SyscallContender(side, Directory.CreateDirectory(path).FullName, sizeBytes, writers, _turnBytesMax, world);
        }

        IServer server = contestant.Make(world.Settings, path, [.. paths.Select(each => Path.Combine(each, "mp"))], new NginxOptions { TakesPut = true }, _disks.Count < disks && disks > 1 ? ["--allow-shared-disk"] : []);
        (server as NginxServer)?.Link(Bucket, Directory.CreateDirectory(Path.Combine(path, "objects")).FullName);
        await Opening.StartAsync(server, world.Token);
        var contender = new PutContender(side, server, paths, sizeBytes, writers, _turnBytesMax, world);
        await Opening.OrDisposeAsync(contender, contender.MakeBucketAsync);
        return contender;
    });

    public async ValueTask DisposeAsync()
    {
        foreach (LoopDisk disk in _disks)
        {
            await disk.DisposeAsync();
        }

        await (_memory?.DisposeAsync() ?? default);
        BenchWorld.Remove(_home);
    }

    private sealed class PutContender(PutSide side, IServer server, string[] paths, long sizeBytes, int writers, long turnBytesMax, BenchWorld world) : IContender
    {
        private const double WarmSeconds = 0.5;

        public string Name => side.Name;

        public async Task MakeBucketAsync()
        {
            if (server is SluiceServer ours && !Directory.Exists(SluiceServer.ObjectsOf(Path.Combine(paths[0], "mp"), Bucket)))
            {
                await ours.MakeBucketAsync(Bucket, side.Properties, world.Token);
            }
        }

        public Task WarmAsync(CancellationToken token) => PutAsync(WarmSeconds, token);

        public async Task<Sample> MeasureAsync(CancellationToken token)
        {
            Sample sample = await ServedContender.MeasureAsync(server, () => PutAsync(world.Settings.Seconds, token));
            await Command.RunAsync(["sync", "-f", .. paths], token);
            return sample;
        }

        public ValueTask DisposeAsync() => server.DisposeAsync();

        private Task<ClientResult> PutAsync(double seconds, CancellationToken token)
        {
            CultureInfo culture = CultureInfo.InvariantCulture;
            string size = sizeBytes.ToString(culture);
            return world.Load.RunAsync(
                server.Endpoint,
                Bucket,
                writers,
                [
                    "-pctput=100", "-skiplist", "-minsize", size, "-maxsize", size, "-cksum-type=none", "-duration", seconds.ToString("f1", culture) + "s",
                    "-totalputsize", turnBytesMax.ToString(culture),
                ],
                "put",
                token);
        }
    }
}
