using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Sluice.Bench.Machine;

/// <summary>
/// A started program with all its processes: pinned to cores, its processor time and memory counted together. Disposing ends it: SIGTERM, and
/// SIGKILL when it does not go.
/// </summary>
internal sealed class ProcessSet : IAsyncDisposable
{
    private static readonly TimeSpan s_endTime = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly ControlGroups _groups;
    private readonly StringBuilder _log = new();

    private ProcessSet(Process process, ControlGroups groups) => (_process, _groups) = (process, groups);

    /// <summary>Process id of the first.</summary>
    public int Id => _process.Id;

    /// <summary>True once the first process has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>What it has printed.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    /// <summary>Starts a program on cores such as "0" or "0-3".</summary>
    /// <param name="isGrouped">
    /// False to start the program itself on the cores of this process: groups, and the commands that come before it, take longer than it does.
    /// </param>
    public static ProcessSet Start(string cores, IEnumerable<string> words, bool isGrouped = true)
    {
        ControlGroups groups = isGrouped ? ControlGroups.Make(cores) : ControlGroups.None;
        string[] line = isGrouped ? ["/bin/sh", "-c", $"{groups.Entry}exec \"$@\"", "sh", "taskset", "-c", cores, .. words] : [.. words];
        var process = new Process { StartInfo = new ProcessStartInfo(line[0], line[1..]) { RedirectStandardError = true, RedirectStandardOutput = true } };
        var set = new ProcessSet(process, groups);
        process.ErrorDataReceived += (_, received) => set.Append(received.Data);
        process.OutputDataReceived += (_, received) => set.Append(received.Data);
        process.Start();
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return set;
    }

    /// <summary>Processor time since the start, in seconds.</summary>
    public double CpuSeconds() => _groups.CountsCpu ? _groups.CpuSeconds() : Members().Sum(TicksOf) / 100.0;

    /// <summary>Resident memory of all processes, in bytes; what they share counts for each.</summary>
    public double ResidentBytes() => Members().Sum(id => StatusOf(id, "VmRSS:") * 1024.0);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // The first process is the program itself: each word of the line before replaced itself by the next.
            using (Process kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
            {
                await kill.WaitForExitAsync();
            }

            using var patience = new CancellationTokenSource(s_endTime);
            try
            {
                await _process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }

        _process.Dispose();
        _groups.Dispose();
    }

    private void Append(string? line)
    {
        lock (_log)
        {
            _log.AppendLine(line);
        }
    }

    private IReadOnlyList<int> Members() => _groups.CountsCpu ? _groups.Processes : Descendants(_process.Id);

    /// <summary>A process and its children, theirs too (proc(5)).</summary>
    private static List<int> Descendants(int root)
    {
        List<int> found = [root];
        for (int i = 0; i < found.Count; i++)
        {
            string children = $"/proc/{found[i]}/task/{found[i]}/children";
            if (File.Exists(children))
            {
                string[] ids = File.ReadAllText(children).Split(' ', StringSplitOptions.RemoveEmptyEntries);
                found.AddRange(ids.Select(id => int.Parse(id, CultureInfo.InvariantCulture)));
            }
        }

        return found;
    }

    /// <summary>utime and stime in ticks; the fields behind the command's name, which may hold spaces.</summary>
    private static double TicksOf(int id)
    {
        string stat = File.ReadAllText($"/proc/{id}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture);
    }

    private static long StatusOf(int id, string name)
    {
        string? line = File.ReadLines($"/proc/{id}/status").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
