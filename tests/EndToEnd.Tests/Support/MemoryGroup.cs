using System.Diagnostics;
using System.Globalization;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>
/// A memory cgroup of its own, in either version of the interface (cgroups(7)), for one process tree that is started with <see cref="Launcher"/>. Removed
/// on disposal, when its processes have ended.
/// </summary>
public sealed class MemoryGroup : IDisposable
{
    private const string V1 = "/sys/fs/cgroup/memory";
    private const string V2 = "/sys/fs/cgroup";

    private static readonly TimeSpan s_leavingMax = TimeSpan.FromSeconds(30);

    private readonly string _path;
    private readonly bool _isV1 = Directory.Exists(V1);

    /// <summary>Makes a group with a limit. Needs root, as mounting does.</summary>
    public MemoryGroup(long limitBytes)
    {
        _path = Path.Combine(Parent(), $"sluice-e2e-{Environment.ProcessId}-{Guid.NewGuid():n}");
        Directory.CreateDirectory(_path);
        File.WriteAllText(Path.Combine(_path, _isV1 ? "memory.limit_in_bytes" : "memory.max"), limitBytes.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The beginning of a command line whose process is in the group before it is anything else.</summary>
    public string[] Launcher => ["/bin/sh", "-c", $"echo $$ > {_path}/cgroup.procs && exec \"$@\"", "sh"];

    /// <summary>Processes of the group that the kernel has killed for want of memory.</summary>
    public long OomKillCount
    {
        get
        {
            string file = Path.Combine(_path, _isV1 ? "memory.oom_control" : "memory.events");
            string line = File.ReadLines(file).Single(line => line.StartsWith("oom_kill ", StringComparison.Ordinal));
            return long.Parse(line.AsSpan("oom_kill ".Length), CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The most that the group had, page cache included, in bytes.</summary>
    public long PeakBytes =>
        long.Parse(File.ReadAllText(Path.Combine(_path, _isV1 ? "memory.max_usage_in_bytes" : "memory.peak")), CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    /// <remarks>A process that has been waited for may still be on its way out of its group: EBUSY until it has left.</remarks>
    public void Dispose()
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                Directory.Delete(_path);
                return;
            }
            catch (IOException busy) when (Stopwatch.GetElapsedTime(started) < s_leavingMax)
            {
                _ = busy;
                Thread.Yield();
            }
        }
    }

    /// <summary>Where a group can be made: below our own in v1; in v2 below the root, since a group with processes has no children with limits.</summary>
    private string Parent()
    {
        if (!_isV1)
        {
            File.WriteAllText(Path.Combine(V2, "cgroup.subtree_control"), "+memory");
            return V2;
        }

        string own = File.ReadLines("/proc/self/cgroup").Select(line => line.Split(':', 3)).Single(fields => fields[1].Split(',').Contains("memory"))[2];
        string path = V1 + own;
        return Directory.Exists(path) ? path : V1; // in a container the path may be the host's
    }
}
