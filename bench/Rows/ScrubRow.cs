using System.Globalization;
using System.Text.Json;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>A scrub of objects that are not in memory, at no rate of its own, beside fio, which reads the same files and compares nothing.</summary>
internal sealed class ScrubRow(int disks, bool isDefault) : IRow
{
    private const long SizeBytes = 10 * Sizes.MiB;
    private const long BytesADisk = 512 * Sizes.MiB;

    private static readonly FioWay[] s_fio = [new("psync", 1, IsDirect: true), new("io_uring", 4, IsDirect: true)];

    private readonly int _count = (int)(disks * BytesADisk / SizeBytes);
    private ColdObjects? _objects;
    private string _home = "";

    public string Name => string.Create(CultureInfo.InvariantCulture, $"scrub/{Sizes.Text(SizeBytes)}/{disks}");

    public bool IsDefault => isDefault;

    public string Subject => "sluice";

    public string Note => string.Create(CultureInfo.InvariantCulture, $"{_count} objects of 10 MiB; a depth of fio is for each disk, so many files are read one behind the other");

    public TimeSpan Estimate(BenchSettings settings) => TimeSpan.FromSeconds(10 + (settings.Rounds * (s_fio.Length + 1) * 2.5));

    public async Task PrepareAsync(BenchWorld world)
    {
        if (disks > 1)
        {
            DiskThrottle.Machine.Require();
        }

        _home = world.MakeDirectory(Name);
        _objects = await ColdObjects.MakeAsync(world, _home, disks, _count, SizeBytes);
    }

    public Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world)
    {
        IEnumerable<Func<Task<IContender>>> fio = s_fio.Select(way => (Func<Task<IContender>>)(() =>
            Task.FromResult<IContender>(new FioContender(way with { Depth = way.Depth * disks }, _objects!, SizeBytes, world))));
        return Opening.AllAsync([.. fio, OpenOursAsync], open => open());

        async Task<IContender> OpenOursAsync()
        {
            IServer server = Contestant.Ours(world.Settings).Make(world.Settings, _home, _objects!.Mountpaths, new NginxOptions());
            await Opening.StartAsync(server, world.Token);
            return new ScrubContender(server, _count, world);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_objects is not null)
        {
            await _objects.DisposeAsync();
        }

        BenchWorld.Remove(_home);
    }

    private sealed class ScrubContender(IServer server, int count, BenchWorld world) : IContender
    {
        public string Name => server.Name;

        public Task WarmAsync(CancellationToken token) => Task.CompletedTask; // cold is the point

        public async Task<Sample> MeasureAsync(CancellationToken token)
        {
            await PageCache.DropAsync(token);
            double cpu = server.Processes.CpuSeconds();
            string output = await Command.RunAsync(
                ["taskset", "-c", world.Settings.ClientCores, world.Settings.Binary, "scrub", "--rate", "0", "--wait", "--json", "--endpoint", server.Endpoint.ToString()], token);
            cpu = server.Processes.CpuSeconds() - cpu;
            return Parse(output, count, cpu);
        }

        public ValueTask DisposeAsync() => server.DisposeAsync();
    }

    /// <summary>The job's own beginning and end: what asks for its state now and then is not measured.</summary>
    internal static Sample Parse(string output, int objects, double cpuSeconds)
    {
        using JsonDocument document = JsonDocument.Parse(output);
        JsonElement job = document.RootElement;
        long bytes = job.GetProperty("bytes").GetInt64();
        if (bytes != objects * SizeBytes || job.GetProperty("findings").GetInt64() != 0)
        {
            throw new BenchException($"the scrub read {bytes} bytes of {objects * SizeBytes}, or found something");
        }

        double seconds = (job.GetProperty("ended").GetDateTimeOffset() - job.GetProperty("started").GetDateTimeOffset()).TotalSeconds;
        return Sample.OfRequests(objects, bytes, seconds, cpuSeconds);
    }
}
