using System.Globalization;

namespace Sluice.Endurance.Tests.Soak;

/// <summary>What an idle server holds, seen from outside: in /proc and on its mountpaths.</summary>
public static class SoakSample
{
    /// <summary>
    /// What is watched. Memory: without the pages of files, which the kernel may take back; the heap and the caches settle within the slack. Descriptors: caches keep
    /// some of the files that were read last. Strays: work files, tombstones, trash, quarantine, unfinished documents; none at all.
    /// </summary>
    public static readonly Gauge[] Gauges =
    [
        new("memory", "MiB", Share: 0.1, Slack: 16),
        new("descriptors", "", Share: 0.1, Slack: 16),
        new("threads", "", Share: 0, Slack: 4),
        new("strays", "files", Share: 0, Slack: 0),
        new("files", "", Share: 0.02, Slack: 4),
        new("directories", "", Share: 0.02, Slack: 8),
    ];

    /// <summary>One value a gauge, in their order.</summary>
    public static double[] Take(int process, IReadOnlyList<string> paths)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = default };
        string[] files = [.. paths.SelectMany(path => Directory.EnumerateFiles(path, "*", options))];
        return
        [
            AnonymousBytes(process) / (1 << 20),
            Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Count(),
            Directory.EnumerateDirectories($"/proc/{process}/task").Count(),
            files.Count(Crash.Leaks.IsStray),
            files.Length,
            paths.Sum(path => Directory.EnumerateDirectories(path, "*", options).Count()),
        ];
    }

    /// <summary>Memory that no file can give back (proc(5)).</summary>
    public static double AnonymousBytes(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").Single(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        return 1024 * double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
