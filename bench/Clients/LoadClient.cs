using System.Globalization;
using System.Text.Json;
using Sluice.Bench.Machine;

namespace Sluice.Bench.Clients;

/// <summary>The product's own load generator. On GET the kernel drops the bodies, so that the server can be the one that is busy.</summary>
internal sealed class LoadClient(string home, string cores, string binary) : IClient
{
    public string Name => "load";

    public async Task<ClientResult> RunAsync(Target target, CancellationToken token)
    {
        string names = NamesOf(target.ObjectCount);
        string seconds = target.Seconds.ToString("f1", CultureInfo.InvariantCulture);
        return await RunAsync(target.Endpoint, target.Bucket, target.Connections, ["-discard", "-filelist", names, "-duration", $"{seconds}s"], "get", token);
    }

    /// <summary>A file with the names o0 to o(count - 1).</summary>
    public string NamesOf(int count)
    {
        string path = Path.Combine(home, string.Create(CultureInfo.InvariantCulture, $"names-{count}.txt"));
        if (!File.Exists(path))
        {
            File.WriteAllLines(path, Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"o{i}")));
        }

        return path;
    }

    /// <summary>Runs it with flags of a row's own.</summary>
    /// <param name="operation">get or put: whose figures count.</param>
    public async Task<ClientResult> RunAsync(
        Uri endpoint, string bucket, int connections, IEnumerable<string> flags, string operation, CancellationToken token)
    {
        string[] line =
        [
            "taskset", "-c", cores, binary, "load", "-ip", "127.0.0.1", "-port", endpoint.Port.ToString(CultureInfo.InvariantCulture), "-bucket", $"ais://{bucket}",
            "-cleanup=false", "-statsinterval", "0", "-quiet", "-json", "-numworkers", connections.ToString(CultureInfo.InvariantCulture), .. flags,
        ];
        CommandResult result = await Command.TryRunAsync(line, token);
        return result.ExitCode == 0
            ? Parse(result.Output, operation)
            : throw new BenchException($"sluice load: status {result.ExitCode}: {result.Error.Trim()}");
    }

    /// <summary>The last element of the array: the totals.</summary>
    /// <exception cref="BenchException">Requests failed, or there were none.</exception>
    internal static ClientResult Parse(string output, string operation)
    {
        using JsonDocument document = JsonDocument.Parse(output);
        JsonElement totals = document.RootElement[document.RootElement.GetArrayLength() - 1].GetProperty(operation);
        long errors = totals.GetProperty("errors").GetInt64();
        long count = Text(totals, "count");
        if (errors > 0 || count == 0)
        {
            throw new BenchException($"sluice load: {errors} requests failed, {count} did not");
        }

        return new ClientResult(
            count, Text(totals, "bytes"), totals.GetProperty("duration").GetInt64() / 1e9, Micros(totals, "p50"), Micros(totals, "p99"), Micros(totals, "p999"));
    }

    private static long Text(JsonElement element, string name) => long.Parse(element.GetProperty(name).GetString()!, CultureInfo.InvariantCulture);

    private static double Micros(JsonElement element, string name) => element.GetProperty(name).GetInt64() / 1e3;
}
