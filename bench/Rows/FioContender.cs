using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;

namespace Sluice.Bench.Rows;

/// <summary>A way to read files: fio's engine, how many reads at once, and whether past the page cache.</summary>
internal sealed record FioWay(string Engine, int Depth, bool IsDirect)
{
    public string Name => string.Create(CultureInfo.InvariantCulture, $"fio {Engine}{(IsDirect ? " direct" : "")} × {Depth}");
}

/// <summary>
/// fio reads every object once, whole, nothing of it in memory: what the disks and the kernel give without a server. psync has as many threads as it has depth,
/// io_uring one a disk.
/// </summary>
internal sealed class FioContender(FioWay way, ColdObjects objects, long sizeBytes, BenchWorld world) : IContender
{
    public string Name => way.Name;

    public Task WarmAsync(CancellationToken token) => Task.CompletedTask; // cold is the point

    public async Task<Sample> MeasureAsync(CancellationToken token)
    {
        string job = Path.Combine(world.Home, "cold.fio");
        await File.WriteAllTextAsync(job, Job(), token);
        await PageCache.DropAsync(token);
        string output = await Command.RunAsync(["taskset", "-c", world.Settings.ServerCores, "fio", "--output-format=json", job], token, world.Home);
        return Parse(output, sizeBytes);
    }

    public ValueTask DisposeAsync() => default;

    /// <summary>All jobs of a run together: bytes, the time of the slowest, the processor time of each.</summary>
    internal static Sample Parse(string output, long sizeBytes)
    {
        using JsonDocument document = JsonDocument.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..]); // notes may stand before
        long bytes = 0;
        double seconds = 0, cpu = 0;
        foreach (JsonElement one in document.RootElement.GetProperty("jobs").EnumerateArray())
        {
            JsonElement read = one.GetProperty("read");
            double runtime = read.GetProperty("runtime").GetDouble() / 1e3;
            bytes += read.GetProperty("io_bytes").GetInt64();
            seconds = Math.Max(seconds, runtime);
            cpu += (one.GetProperty("usr_cpu").GetDouble() + one.GetProperty("sys_cpu").GetDouble()) / 100 * one.GetProperty("job_runtime").GetDouble() / 1e3;
        }

        return seconds > 0 && bytes > 0 ? Sample.OfRequests(bytes / sizeBytes, bytes, seconds, cpu) : throw new BenchException("fio read nothing");
    }

    private string Job()
    {
        var text = new StringBuilder();
        text.AppendLine("[global]\nrw=read\nthread=1\nfile_service_type=sequential");
        text.AppendLine(CultureInfo.InvariantCulture, $"ioengine={way.Engine}\ndirect={(way.IsDirect ? 1 : 0)}\nbs={Math.Min(sizeBytes, Sizes.MiB)}");
        int readers = Math.Max(1, way.Depth / objects.Places.Count);
        for (int disk = 0; disk < objects.Places.Count; disk++)
        {
            foreach (string hand in objects.Deal(disk, way.Engine == "psync" ? readers : 1))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"[{disk}-{Path.GetFileName(hand)}]\nopendir={hand}\niodepth={(way.Engine == "psync" ? 1 : readers)}");
            }
        }

        return text.ToString();
    }
}
