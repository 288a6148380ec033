using System.Globalization;
using Sluice.Bench.Machine;

namespace Sluice.Bench.Clients;

/// <summary>wrk (Debian): it copies bodies and parses heads, one thread a core. A script asks for the objects in turn and prints what it saw in one line.</summary>
internal sealed class WrkClient(string home, string cores, int threads) : IClient
{
    private const string Mark = "measured";

    private const string Script = """
        local n, count, prefix = 0, 1, ""
        function init(args) prefix, count = args[1], tonumber(args[2]) end
        function request() n = (n + 1) % count; return wrk.format("GET", prefix .. n) end
        function done(summary, latency, requests)
            local e = summary.errors
            print(string.format("measured %d %d %d %d %d %d %d", summary.requests, summary.bytes, summary.duration, e.connect + e.read + e.write + e.status,
                latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
        end
        """;

    public string Name => "wrk";

    /// <summary>A file of settings for OpenSSL, which chooses the cipher; null for its own choice.</summary>
    public string? OpenSslConfiguration { get; init; }

    public async Task<ClientResult> RunAsync(Target target, CancellationToken token)
    {
        string script = Path.Combine(home, "get.lua");
        await File.WriteAllTextAsync(script, Script, token);
        string seconds = Math.Max(1, Math.Round(target.Seconds)).ToString(CultureInfo.InvariantCulture);
        int used = Math.Min(threads, target.Connections);
        string[] line =
        [
            "taskset", "-c", cores, "wrk", $"-t{used}", $"-c{target.Connections}", $"-d{seconds}s", "--timeout", "60s", "-s", script,
            target.Endpoint.AbsoluteUri, "--", $"/v1/objects/{target.Bucket}/o", target.ObjectCount.ToString(CultureInfo.InvariantCulture),
        ];
        var environment = OpenSslConfiguration is null ? null : new Dictionary<string, string> { ["OPENSSL_CONF"] = OpenSslConfiguration };
        string output = await Command.RunAsync(line, token, environment: environment);
        return Parse(output);
    }

    /// <summary>The line of the script's end. Bytes of requests that were not whole count as well.</summary>
    /// <exception cref="BenchException">There is none, or requests failed.</exception>
    internal static ClientResult Parse(string output)
    {
        string? line = output.Split('\n').FirstOrDefault(line => line.StartsWith(Mark, StringComparison.Ordinal));
        long[] numbers = line is null ? [] : [.. line.Split(' ').Skip(1).Select(word => long.Parse(word, CultureInfo.InvariantCulture))];
        return numbers switch
        {
            [_, 0, ..] => throw new BenchException($"wrk saw no answer: {output.Trim()}"),
            [0, var bytes, var micros, 0, ..] => new ClientResult(0, bytes, micros / 1e6, double.NaN, double.NaN, double.NaN),
            [var requests, var bytes, var micros, 0, var p50, var p99, var p999] => new ClientResult(requests, bytes, micros / 1e6, p50, p99, p999),
            [_, _, _, var errors, ..] => throw new BenchException($"wrk: {errors} requests failed: {output.Trim()}"),
            _ => throw new BenchException($"wrk told nothing: {output.Trim()}"),
        };
    }
}
