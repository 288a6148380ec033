using System.Globalization;

namespace Sluice.Bench.Machine;

/// <summary>The machine and the source that figures belong to. Without them a figure says nothing.</summary>
internal sealed record MachineFacts(
    string Cpu, int Cores, string Kernel, double MemoryGiB, double LoadAverage, string Commit, bool IsDirty, string FileSystem, DateTime TakenUtc)
{
    /// <summary>Load from which a machine is told to be busy: a fifth of a core.</summary>
    private const double IdleLoadMax = 0.2;

    /// <summary>Null when the machine was idle.</summary>
    public string? Warning => LoadAverage <= IdleLoadMax
        ? null
        : string.Create(
            CultureInfo.InvariantCulture,
            $"The machine was not idle: load average {LoadAverage:f2} at the start. Trust ratios and their spread, not absolute figures.");

    public static async Task<MachineFacts> TakeAsync(string repository, string directory, CancellationToken token)
    {
        string cpu = Field("/proc/cpuinfo", "model name").TrimStart(':', ' ');
        string memory = Field("/proc/meminfo", "MemTotal:").Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        string load = (await File.ReadAllTextAsync("/proc/loadavg", token)).Split(' ')[0];
        string commit = (await Command.RunAsync(["git", "rev-parse", "--short=10", "HEAD"], token, repository)).Trim();
        string changes = await Command.RunAsync(["git", "status", "--porcelain", "--untracked-files=no"], token, repository);
        string type = (await Command.RunAsync(["findmnt", "-n", "-o", "FSTYPE", "-T", directory], token)).Trim();
        return new MachineFacts(
            cpu,
            Environment.ProcessorCount,
            (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease", token)).Trim(),
            double.Parse(memory, CultureInfo.InvariantCulture) / (1 << 20),
            double.Parse(load, CultureInfo.InvariantCulture),
            commit,
            changes.Length > 0,
            type,
            DateTime.UtcNow);
    }

    private static string Field(string file, string name) =>
        File.ReadLines(file).First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Trim();
}
