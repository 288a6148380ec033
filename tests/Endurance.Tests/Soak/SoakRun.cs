using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sluice.EndToEnd.Tests.Support;
using Sluice.Endurance.Tests.Crash;

namespace Sluice.Endurance.Tests.Soak;

/// <summary>
/// Cycles of load and faults on one server that is never restarted: a mixed load on buckets of each kind, a bucket that is filled and destroyed, connections
/// that are cut in the middle of a request, and every other time a mountpath that fails and comes back. When all of it has ended and the server is idle, a sample is taken.
/// </summary>
public sealed partial class SoakRun(SluiceProcess server, Store store, CutDisks disks, Action<string> say)
{
    private static readonly (string Bucket, string Properties)[] s_standing =
    [
        ("plain", "{}"),
        ("relaxed", """{"durability":"relaxed"}"""),
        ("mirror", """{"mirror":{"enabled":true,"copies":2}}"""),
        ("ec", """{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"unit":"64KiB","objsize_limit":0}}"""),
    ];

    private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(5);

    private readonly Lock _counting = new();
    private readonly List<double>[] _samples = [.. SoakSample.Gauges.Select(_ => new List<double>())];

    /// <summary>Cycles that were run.</summary>
    public int Cycles { get; private set; }

    /// <summary>Requests of the loaders.</summary>
    public long Requests { get; private set; }

    /// <summary>Those that failed: of objects on a mountpath that was away, mostly.</summary>
    public long Failed { get; private set; }

    /// <summary>Bodies that were not what was stored.</summary>
    public List<string> Wrong { get; } = [];

    /// <summary>Runs for so long, and as many cycles as a judgement needs after the first.</summary>
    public async Task<GaugeResult[]> RunAsync(TimeSpan duration)
    {
        foreach ((string bucket, string properties) in s_standing)
        {
            await store.CreateAsync(bucket, properties);
            await LoadAsync(bucket, "-pctput=100", "-maxputs=60", "-minsize=1k", "-maxsize=300k", "-num-subdirs=5", "-cleanup=false");
        }

        int seconds = Math.Clamp((int)duration.TotalSeconds / 60, 3, 20);
        double[]? before = null;
        for (long start = Stopwatch.GetTimestamp(); Cycles <= Flatness.SamplesMin + 1 || Stopwatch.GetElapsedTime(start) < duration; Cycles++)
        {
            await CycleAsync(seconds);
            if (Cycles == 0)
            {
                continue; // caches, pools and directories are made
            }

            double[] sample = SoakSample.Take(server.Id, disks.Paths);
            for (int i = 0; before is not null && i < sample.Length; i++)
            {
                _samples[i].Add((before[i] + sample[i]) / 2); // every second cycle has a drive shut down, whose cached files are closed: one of each
            }

            before = sample;

            if (Cycles % 5 == 0)
            {
                string values = string.Join(", ", SoakSample.Gauges.Select((gauge, i) => string.Create(CultureInfo.InvariantCulture, $"{gauge.Name} {sample[i]:F0}")));
                say($"{Stopwatch.GetElapsedTime(start):hh\\:mm\\:ss}, cycle {Cycles}: {values}; {Requests} requests, {Failed} failed");
            }
        }

        return [.. SoakSample.Gauges.Select((gauge, i) => Flatness.Judge(gauge, _samples[i]))];
    }

    private async Task CycleAsync(int seconds)
    {
        string[] mix = ["-pctupdate=30", "-minsize=1k", "-maxsize=300k", $"-duration={seconds}s", "-verifyhash", "-numworkers=3", "-cleanup=false"];
        Task[] loads =
        [
            .. s_standing.Select(standing => LoadAsync(standing.Bucket, mix)),
            LoadAsync("churn", "-pctput=100", "-maxputs=100", "-minsize=100", "-maxsize=100k", "-num-subdirs=7", "-numworkers=2", "-cleanup=true"),
            CutConnectionsAsync(),
        ];
        int? failing = Cycles % 2 == 1 ? Cycles / 2 % disks.Paths.Count : null;
        if (failing is { } index)
        {
            await disks.ShutDownAsync(index);
            await MountpathIsAsync(disks.Paths[index], "faulted");
        }

        await Task.WhenAll(loads);
        if (failing is { } back)
        {
            await disks.BringBackAsync(back);
            (int code, _, string error) = await SluiceProcess.RunAsync(null, server.Endpoint, "mountpath", "enable", disks.Paths[back], "--wait");
            Assert.True(code == 0, error);
            await MountpathIsAsync(disks.Paths[back], "serving");
        }

        await IdleAsync();
    }

    /// <summary>Half an upload and half a download each, ended by a reset.</summary>
    private async Task CutConnectionsAsync()
    {
        for (int i = 0; i < 10; i++)
        {
            await CutAsync("PUT /v1/objects/plain/cut HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + new string('x', 200_000), reads: false);
            await CutAsync("GET /v1/buckets/plain HTTP/1.1\r\nHost: x\r\n\r\n", reads: true);
        }
    }

    private async Task CutAsync(string request, bool reads)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) };
        await socket.ConnectAsync(server.Endpoint.Host, server.Endpoint.Port);
        try
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes(request)).WaitAsync(s_deadline);
            if (reads)
            {
                await socket.ReceiveAsync(new byte[100]).WaitAsync(s_deadline);
            }
        }
        catch (SocketException)
        {
            // Refused before all of it was sent, because its mountpath is away.
        }
    }

    private async Task LoadAsync(string bucket, params string[] flags)
    {
        string[] arguments = ["load", $"-bucket=ais://{bucket}", $"-ip={server.Endpoint.Host}", $"-port={server.Endpoint.Port}", "-statsinterval=0", .. flags];
        (int code, string output, string error) = (1, "", "");
        // A loader lists its bucket first, and does not ask again when the lists of others are in the way, or a mountpath that fails and is not out yet.
        await Eventually.HoldsAsync(
            async () =>
            {
                (code, output, error) = await SluiceProcess.RunAsync(null, null, arguments);
                return code != 0 && (error.Contains("the server is busy", StringComparison.Ordinal) || error.Contains("a disk failed", StringComparison.Ordinal)) ? error : null;
            },
            s_deadline);
        Assert.True(code == 0, $"{string.Join(' ', arguments)}: {code} {error}");
        lock (_counting)
        {
            foreach (Match row in FinalRow().Matches(output))
            {
                Requests += Number(row.Groups["count"].Value);
                Failed += Number(row.Groups["errors"].Value);
            }

            Wrong.AddRange(error.Split('\n').Where(line =>
                line.Contains("is not the one that was PUT", StringComparison.Ordinal) || line.Contains("checksum", StringComparison.OrdinalIgnoreCase)));
        }
    }

    /// <summary>Waits until a mountpath is in a state, as the server says.</summary>
    private Task MountpathIsAsync(string path, string state) => Eventually.HoldsAsync(
        async () =>
        {
            (_, string output, _) = await SluiceProcess.RunAsync(null, server.Endpoint, "mountpath", "ls", "--json");
            return output.Split('\n').Any(line => line.Contains($"\"{path}\"", StringComparison.Ordinal) && line.Contains($"\"{state}\"", StringComparison.Ordinal))
                ? null : $"{path} is not {state}: {output}";
        },
        s_deadline);

    /// <summary>Waits until nothing is asked of the server, nothing is repaired and no job runs.</summary>
    private Task IdleAsync() => Eventually.HoldsAsync(
        async () =>
        {
            using JsonDocument details = JsonDocument.Parse(await store.ControlAsync(HttpMethod.Get, "/v1/health?details=true", ""));
            JsonElement counters = details.RootElement.GetProperty("counters");
            string[] busy =
            [
                .. ((string[])["net.requests", "repair.queued", "job.running", "disk.away"])
                    .Where(name => counters.GetProperty(name).GetInt64() > (name == "net.requests" ? 1 : 0)), // the one that asks
                .. disks.Paths.SelectMany(path => Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)).Where(Leaks.IsPassing),
            ];
            return busy.Length == 0 ? null : $"the server is not idle: {string.Join(", ", busy.Take(10))}";
        },
        s_deadline);

    private static long Number(string text) => long.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\d\d:\d\d:\d\d  (GET|PUT) +(?<count>[\d,]+) +\t[^(\n]*\t(?<errors>[\d,]+)$", RegexOptions.Multiline)]
    private static partial Regex FinalRow();
}
