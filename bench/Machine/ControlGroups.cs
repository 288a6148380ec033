using System.Globalization;

namespace Sluice.Bench.Machine;

/// <summary>
/// Control groups (cgroups(7)) of one set of processes, in either version of the interface: their processor time in nanoseconds, ended threads and
/// children included, and the cores they may run on. The latter also holds for io_uring's workers, which follow a cpuset but not an affinity. Where
/// groups cannot be made, <see cref="ProcessSet"/> takes what /proc has.
/// </summary>
internal sealed class ControlGroups : IDisposable
{
    private const string Root = "/sys/fs/cgroup";

    private readonly List<string> _paths = [];
    private string? _usage;
    private bool _isV1;

    private ControlGroups()
    {
    }

    /// <summary>No groups at all.</summary>
    public static ControlGroups None => new();

    /// <summary>Processor time is counted by a group.</summary>
    public bool CountsCpu => _usage is not null;

    /// <summary>Cores are set by a group.</summary>
    public bool SetsCores { get; private set; }

    /// <summary>What this machine allows, for the results.</summary>
    public static string Method(string cores)
    {
        using ControlGroups groups = Make(cores);
        return (groups.CountsCpu ? "CPU by the server's control group" : "CPU by utime + stime of the server's processes, in ticks of 10 ms")
            + (groups.SetsCores ? ", pinned by cpuset and affinity" : ", pinned by affinity alone");
    }

    /// <summary>Shell words that put the shell into the groups.</summary>
    public string Entry => string.Concat(_paths.Select(path => $"echo $$ > {path}/cgroup.procs && "));

    /// <summary>Processes that are in the groups; none when there are no groups.</summary>
    public IReadOnlyList<int> Processes => _paths.Count == 0
        ? []
        : [.. File.ReadLines(Path.Combine(_paths[0], "cgroup.procs")).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];

    /// <summary>Makes what can be made.</summary>
    public static ControlGroups Make(string cores)
    {
        var groups = new ControlGroups();
        string name = $"sluice-bench-{Environment.ProcessId}-{Guid.NewGuid():n}";
        if (Directory.Exists(Path.Combine(Root, "cpuacct")))
        {
            groups.MakeV1(name, cores);
        }
        else
        {
            groups.MakeV2(name, cores);
        }

        return groups;
    }

    /// <summary>Processor time of all that has run in the group, in seconds.</summary>
    public double CpuSeconds()
    {
        if (_isV1)
        {
            return double.Parse(File.ReadAllText(_usage!), CultureInfo.InvariantCulture) / 1e9;
        }

        string line = File.ReadLines(_usage!).First(line => line.StartsWith("usage_usec ", StringComparison.Ordinal));
        return double.Parse(line.AsSpan("usage_usec ".Length), CultureInfo.InvariantCulture) / 1e6;
    }

    public void Dispose()
    {
        foreach (string path in _paths)
        {
            TryAll(() => Directory.Delete(path)); // it stays, empty, when a process is still on its way out
        }
    }

    private void MakeV1(string name, string cores)
    {
        _isV1 = true;
        TryAll(() =>
        {
            string path = Path.Combine(Root, "cpuacct", name);
            Directory.CreateDirectory(path);
            _paths.Add(path);
            _usage = Path.Combine(path, "cpuacct.usage");
        });
        TryAll(() =>
        {
            string path = Path.Combine(Root, "cpuset", name);
            Directory.CreateDirectory(path);
            File.WriteAllText(Path.Combine(path, "cpuset.cpus"), cores);
            File.WriteAllText(Path.Combine(path, "cpuset.mems"), File.ReadAllText(Path.Combine(Root, "cpuset", "cpuset.mems")));
            _paths.Add(path);
            SetsCores = true;
        });
    }

    private void MakeV2(string name, string cores) => TryAll(() =>
    {
        string path = Path.Combine(Root, name);
        Directory.CreateDirectory(path);
        _paths.Add(path);
        _usage = Path.Combine(path, "cpu.stat"); // usage_usec is there without the cpu controller
        File.WriteAllText(Path.Combine(Root, "cgroup.subtree_control"), "+cpuset");
        File.WriteAllText(Path.Combine(path, "cpuset.cpus"), cores);
        SetsCores = true;
    });

    /// <summary>Does one thing after the other, as far as this machine allows: in a container, or without root, groups are refused.</summary>
    private static void TryAll(Action steps)
    {
        try
        {
            steps();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // What was set before is in force, and MachineFacts tells what is missing.
        }
    }
}
