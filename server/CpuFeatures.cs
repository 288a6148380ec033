// Whether the processor can run what was published. Read from the kernel's list, not from IsSupported: in the published binary that is a
// constant of the compilation.
namespace Sluice.Server;

/// <summary>Features of the published instruction set, by the names of /proc/cpuinfo.</summary>
internal static class CpuFeatures
{
    /// <summary>x86-64-v3 (System V ABI, AMD64 supplement, table 3.1), each level's own additions, and carry-less multiplication.</summary>
    public static readonly IReadOnlyList<string> Needed =
    [
        "cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3",
        "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave",
        "pclmulqdq",
    ];

    /// <summary>The needed features that the first processor of <paramref name="cpuinfo"/> does not list.</summary>
    public static IReadOnlyList<string> Missing(string cpuinfo)
    {
        string flags = cpuinfo.Split('\n').FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal)) ?? "";
        var has = flags[(flags.IndexOf(':', StringComparison.Ordinal) + 1)..].Split(' ').ToHashSet();
        return [.. Needed.Where(feature => !has.Contains(feature))];
    }
}
