using System.Globalization;
using System.Text.Json;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>What a server holds at a moment: descriptors by kind, work files, connections and leases. Taken while it is idle, it is the baseline to come back to.</summary>
public sealed class ServerResources
{
    private static readonly string[] s_gauges = ["net.connections", "net.leases", "net.requests"];

    private readonly Dictionary<string, int> _descriptors;
    private readonly Dictionary<string, long> _counters;
    private readonly int _logLength;

    private ServerResources(Dictionary<string, int> descriptors, Dictionary<string, long> counters, int logLength)
    {
        _descriptors = descriptors;
        _counters = counters;
        _logLength = logLength;
    }

    /// <summary>
    /// What an idle server holds: the least of several looks, because the connection that asked before may not be closed quite yet.
    /// </summary>
    public static async Task<ServerResources> BaselineAsync(BackendServer server)
    {
        ServerResources least = await OfAsync(server);
        for (int look = 0; look < 5; look++)
        {
            ServerResources next = await OfAsync(server);
            foreach ((string kind, int count) in least._descriptors.ToArray())
            {
                least._descriptors[kind] = Math.Min(count, next._descriptors.GetValueOrDefault(kind));
            }
        }

        return least;
    }

    /// <summary>Waits until a server is back to this and has no work files.</summary>
    public Task ReturnAsync(BackendServer server, string what) => Eventually.HoldsAsync(async () =>
    {
        ServerResources now = await OfAsync(server);
        string[] problems = [.. now.Beyond(this), .. WorkFiles(server.Mountpaths).Select(path => $"work file {path}")];
        return problems.Length == 0 ? null : $"{server.Backend}, {what}: {string.Join("; ", problems)}";
    });

    /// <summary>Lines that a server has logged since.</summary>
    public string[] LogSince(BackendServer server) => server.Process.Log[_logLength..].Split('\n');

    /// <summary>Files in the work directories of mountpaths.</summary>
    public static IEnumerable<string> WorkFiles(IEnumerable<string> mountpaths) => mountpaths
        .SelectMany(path => Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)).Where(path => path.Contains("/%wk/", StringComparison.Ordinal));

    /// <summary>Descriptors of a process, counted by what they are open on: a path, or a kind such as "socket".</summary>
    public static Dictionary<string, int> Descriptors(int processId) => new DirectoryInfo($"/proc/{processId}/fd").EnumerateFileSystemInfos()
        .Select(descriptor => descriptor.LinkTarget).OfType<string>() // null: closed meanwhile
        .GroupBy(target => target.StartsWith('/') ? target : target.Split(":[")[0]).ToDictionary(kind => kind.Key, kind => kind.Count());

    /// <summary>Memory of a process that is resident, in bytes; "RssAnon:" is the part that no file can give back (proc(5)).</summary>
    public static long ResidentBytes(int processId, string kind = "VmRSS:")
    {
        string line = File.ReadLines($"/proc/{processId}/status").Single(line => line.StartsWith(kind, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }

    /// <summary>What a server holds now, the connection that asks included.</summary>
    private static async Task<ServerResources> OfAsync(BackendServer server)
    {
        using JsonDocument details = JsonDocument.Parse(await server.DocumentAsync("/v1/health?details=true"));
        Dictionary<string, long> counters = details.RootElement.GetProperty("counters").EnumerateObject()
            .Where(counter => IsHeld(counter.Name))
            .ToDictionary(counter => counter.Name, counter => counter.Value.GetInt64());
        Assert.Empty(s_gauges.Except(counters.Keys).Select(name => $"{server.Backend}: /v1/health?details=true has no counter {name}"));
        return new ServerResources(Descriptors(server.Process.Id), counters, server.Process.Log.Length);
    }

    /// <summary>Counters of what is held and given back; what is resident and what the collector has are not among them.</summary>
    private static bool IsHeld(string name) =>
        s_gauges.Contains(name) || name is "admission.inflight" or "admission.queued"
        || (name.StartsWith("memory.", StringComparison.Ordinal) && name.EndsWith(".leases", StringComparison.Ordinal));

    /// <summary>
    /// What there is more of than in a baseline. One descriptor for a file that has its name is a cache's; peaks and totals only grow.
    /// </summary>
    private IEnumerable<string> Beyond(ServerResources baseline)
    {
        foreach ((string target, int count) in _descriptors)
        {
            bool isCacheable = target.StartsWith('/') && !target.EndsWith(" (deleted)", StringComparison.Ordinal) && !target.Contains("/%wk/", StringComparison.Ordinal);
            int allowed = Math.Max(baseline._descriptors.GetValueOrDefault(target), isCacheable ? 1 : 0);
            if (count > allowed)
            {
                yield return $"{count} descriptors of {target}, not {allowed}";
            }
        }

        foreach ((string name, long value) in _counters)
        {
            bool onlyGrows = name.Contains("peak", StringComparison.Ordinal) || name.Contains("total", StringComparison.Ordinal);
            if (!onlyGrows && value > baseline._counters.GetValueOrDefault(name))
            {
                yield return $"{name} is {value}, before {baseline._counters.GetValueOrDefault(name)}";
            }
        }
    }
}
