// What the machine gives this process: read once at start, from /proc, the cgroup files and the processor, so that defaults and the self-test
// speak of the same numbers. The root of those files is a parameter: tests bring a machine of their own.
using System.Globalization;

namespace Sluice.Server;

/// <summary>The machine as this process sees it. What cannot be read is null, and named in no default.</summary>
public sealed record MachineReport
{
    /// <summary>Processors that this process may use.</summary>
    public required int Cores { get; init; }

    /// <summary>Memory of the machine in bytes; 0 when it cannot be read.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Least memory limit of the process's cgroups in bytes, v1 or v2; null without one.</summary>
    public required long? CgroupMemoryBytes { get; init; }

    /// <summary>Release of the kernel; empty when it cannot be read.</summary>
    public required string Kernel { get; init; }

    /// <summary>Files that the process may open (the soft limit); null when there is no limit or it cannot be read.</summary>
    public required long? OpenFilesMax { get; init; }

    /// <summary>Bytes that the process may pin (RLIMIT_MEMLOCK, the soft limit); null when there is no limit, or it does not hold (CAP_IPC_LOCK), or it cannot be read.</summary>
    public required long? LockedBytesMax { get; init; }

    /// <summary>Features of the published instruction set that the processor lacks; empty when it has all.</summary>
    public required IReadOnlyList<string> MissingCpuFeatures { get; init; }

    /// <summary>Memory that this process can hope for, in bytes: that of the machine or of its cgroup, whichever is less.</summary>
    public long UsableMemoryBytes => CgroupMemoryBytes is { } limit && (limit < MemoryBytes || MemoryBytes == 0) ? limit : MemoryBytes;

    /// <summary>One sentence when the processor lacks what the binary was compiled for; null when it has all.</summary>
    public string? CpuProblem => MissingCpuFeatures.Count == 0
        ? null
        : $"the processor lacks {string.Join(", ", MissingCpuFeatures)}, which the published binary needs (x86-64-v3 and pclmulqdq)";

    /// <summary>Reads the machine whose files lie under <paramref name="root"/>.</summary>
    public static MachineReport Read(string root = "/") => Read(root, CpuFeatures.ThisProcessor);

    /// <summary>Reads the machine whose files lie under <paramref name="root"/> and whose CPUID is <paramref name="processor"/>.</summary>
    internal static MachineReport Read(string root, Func<int, CpuLeaf> processor) => new()
    {
        Cores = Environment.ProcessorCount,
        MemoryBytes = MemoryTotal(ReadText(root, "proc/meminfo")),
        CgroupMemoryBytes = CgroupMemory.Limit(root),
        Kernel = ReadText(root, "proc/sys/kernel/osrelease").Trim(),
        OpenFilesMax = OpenFiles(ReadText(root, "proc/self/limits")),
        LockedBytesMax = LockedBytes(ReadText(root, "proc/self/limits"), ReadText(root, "proc/self/status")),
        MissingCpuFeatures = CpuFeatures.Missing(processor, ReadText(root, "proc/cpuinfo")),
    };

    /// <summary>One line for people.</summary>
    public override string ToString()
    {
        string limit = CgroupMemoryBytes is { } bytes ? $" (cgroup limit {Contract.SizeText.Format(bytes)})" : "";
        string files = OpenFilesMax?.ToString(CultureInfo.InvariantCulture) ?? "unlimited";
        return $"Linux {Kernel}, {Cores} cores, {Contract.SizeText.Format(MemoryBytes)} memory{limit}, {files} open files";
    }

    /// <summary>A file's text; empty when it is not there or may not be read, which every caller treats as not known.</summary>
    internal static string ReadText(string root, string path)
    {
        try
        {
            return File.ReadAllText(Path.Combine(root, path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static long MemoryTotal(string meminfo) // proc(5): "MemTotal:       24111 kB"
    {
        string[] words = Words(meminfo, "MemTotal:");
        return words.Length > 1 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long kib) ? kib << 10 : 0;
    }

    private static long? OpenFiles(string limits) // proc(5): "Max open files            1024                 524288               files"
    {
        string[] words = Words(limits, "Max open files");
        return words.Length > 3 && long.TryParse(words[3], NumberStyles.None, CultureInfo.InvariantCulture, out long count) ? count : null;
    }

    private static long? LockedBytes(string limits, string status) // proc(5): "Max locked memory         8388608              8388608              bytes"
    {
        const int LockCapability = 14; // capability.h, CAP_IPC_LOCK; proc(5): "CapEff:	000001ffffffffff"
        string[] effective = Words(status, "CapEff:");
        bool isFree = effective.Length > 0
            && ulong.TryParse(effective[0]["CapEff:".Length..].Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong mask)
            && (mask >> LockCapability & 1) != 0;
        string[] words = Words(limits, "Max locked memory");
        return !isFree && words.Length > 3 && long.TryParse(words[3], NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? bytes : null;
    }

    private static string[] Words(string text, string lineStart) =>
        text.Split('\n').FirstOrDefault(line => line.StartsWith(lineStart, StringComparison.Ordinal))
            ?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
}
