using System.Globalization;
using System.Text.Json;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;

namespace Sluice.Bench.Rows;

/// <summary>The system calls of a PUT without a server around them: a process of this program (see <see cref="SyscallPut"/>) on the server's cores.</summary>
internal sealed class SyscallContender(PutSide side, string path, long sizeBytes, int writers, long bytesMax, BenchWorld world) : IContender
{
    public string Name => side.Name;

    public Task WarmAsync(CancellationToken token) => Task.CompletedTask; // the process warms up by itself

    public async Task<Sample> MeasureAsync(CancellationToken token)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string output = await Command.RunAsync(
            [
                "taskset", "-c", world.Settings.ServerCores, Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, "Sluice.Bench.dll"), "syscall-put",
                path, sizeBytes.ToString(culture), writers.ToString(culture), world.Settings.Seconds.ToString(culture), bytesMax.ToString(culture),
                side.IsStrict ? "strict" : "relaxed", ((int)side.Ways).ToString(culture),
            ],
            token);
        await Command.RunAsync(["sync", "-f", path], token);
        using JsonDocument document = JsonDocument.Parse(output);
        JsonElement root = document.RootElement;
        long requests = root.GetProperty("requests").GetInt64();
        Sample sample = Sample.OfRequests(requests, requests * sizeBytes, root.GetProperty("seconds").GetDouble(), root.GetProperty("cpu").GetDouble());
        sample.Set(Figure.P50, root.GetProperty("p50").GetDouble());
        sample.Set(Figure.P99, root.GetProperty("p99").GetDouble());
        sample.Set(Figure.P999, root.GetProperty("p999").GetDouble());
        return sample;
    }

    public ValueTask DisposeAsync() => default;
}
