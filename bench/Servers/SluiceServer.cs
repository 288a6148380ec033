using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sluice.Bench.Machine;

namespace Sluice.Bench.Servers;

/// <summary>A published binary that serves mountpaths of its own.</summary>
internal sealed partial class SluiceServer(string name, string binary, string cores, IReadOnlyList<string> mountpaths, params string[] more) : IServer
{
    private static readonly TimeSpan s_startTime = TimeSpan.FromMinutes(2);

    private ProcessSet? _processes;

    public string Name => name;

    public Uri Endpoint { get; private set; } = new("http://127.0.0.1");

    /// <summary>See <see cref="ProcessSet.Start"/>.</summary>
    public bool IsGrouped { get; init; } = true;

    public ProcessSet Processes => _processes ?? throw new InvalidOperationException("not started");

    /// <summary>Directory of a bucket's objects on a mountpath, where they lie under their own names (docs/ON_DISK.md).</summary>
    public static string ObjectsOf(string mountpath, string bucket) => Path.Combine(mountpath, "@ais", bucket, "%ob");

    public async Task StartAsync(CancellationToken token)
    {
        foreach (string mountpath in mountpaths)
        {
            Directory.CreateDirectory(mountpath);
        }

        string[] shared = mountpaths.Count > 1 ? ["--allow-shared-disk"] : [];
        _processes = ProcessSet.Start(
            cores, [binary, "serve", "--listen", "127.0.0.1:0", .. shared, .. mountpaths.SelectMany(path => new[] { "--mountpath", path }), .. more], IsGrouped);
        string address = await Waiting.ForAsync(
            () => ListensOn().Match(_processes.Log) is { Success: true } match ? match.Groups[1].Value : null, Name, _processes, s_startTime, token);
        Endpoint = new Uri($"{(more.Contains("--tls-cert") ? "https" : "http")}://{address}");
    }

    /// <summary>Makes a bucket with properties such as {"durability":"relaxed"}.</summary>
    public async Task MakeBucketAsync(string bucket, string properties, CancellationToken token)
    {
        using HttpClient client = Connecting.Client(Endpoint);
        using var body = new StringContent($$"""{"action":"create-bck","value":{{properties}}}""", Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await client.PostAsync(new Uri($"/v1/buckets/{bucket}", UriKind.Relative), body, token);
        if (!response.IsSuccessStatusCode)
        {
            throw new BenchException($"{Name}: bucket {bucket}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(token)}");
        }
    }

    /// <summary>One of its counters (docs/COUNTERS.md).</summary>
    public async Task<long> CounterAsync(string counter, CancellationToken token)
    {
        using HttpClient client = Connecting.Client(Endpoint);
        using JsonDocument health = await JsonDocument.ParseAsync(
            await client.GetStreamAsync(new Uri("/v1/health?details=true", UriKind.Relative), token), cancellationToken: token);
        return health.RootElement.GetProperty("counters").GetProperty(counter).GetInt64();
    }

    public async ValueTask DisposeAsync()
    {
        if (_processes is not null)
        {
            await _processes.DisposeAsync();
        }
    }

    [GeneratedRegex(@"listens on ([^\s:]+:\d+)")]
    private static partial Regex ListensOn();
}
