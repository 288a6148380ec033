// Whether the processor can run what was published. Asked of the processor itself: IsSupported is a constant of the compilation in the
// published binary, and the kernel's list in /proc/cpuinfo leaves out what a hypervisor hides from the kernel but not from programs.
using System.Runtime.Intrinsics.X86;

namespace Sluice.Server;

/// <summary>What CPUID answers for one leaf.</summary>
/// <param name="Eax">Register EAX.</param>
/// <param name="Ebx">Register EBX.</param>
/// <param name="Ecx">Register ECX.</param>
/// <param name="Edx">Register EDX.</param>
internal readonly record struct CpuLeaf(int Eax, int Ebx, int Ecx, int Edx);

/// <summary>Features of the published instruction set, by the names of the System V ABI, in lower case.</summary>
internal static class CpuFeatures
{
    private const int Basic = 1;
    private const int Structured = 7;
    private const int Extended = unchecked((int)0x8000_0001);

    // x86-64-v3 (System V ABI, AMD64 supplement, table 3.1), each level's own additions, and carry-less multiplication. Leaves and bits:
    // Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E.
    private static readonly (string Name, int Leaf, char Register, int Bit)[] s_table =
    [
        ("cmpxchg16b", Basic, 'c', 13), ("lahf-sahf", Extended, 'c', 0), ("popcnt", Basic, 'c', 23), ("sse3", Basic, 'c', 0),
        ("sse4_1", Basic, 'c', 19), ("sse4_2", Basic, 'c', 20), ("ssse3", Basic, 'c', 9),
        ("avx", Basic, 'c', 28), ("avx2", Structured, 'b', 5), ("bmi1", Structured, 'b', 3), ("bmi2", Structured, 'b', 8),
        ("f16c", Basic, 'c', 29), ("fma", Basic, 'c', 12), ("lzcnt", Extended, 'c', 5), ("movbe", Basic, 'c', 22),
        ("osxsave", Basic, 'c', 27), ("pclmulqdq", Basic, 'c', 1),
    ];

    /// <summary>The names of all needed features.</summary>
    public static IReadOnlyList<string> Needed { get; } = [.. s_table.Select(row => row.Name)];

    /// <summary>CPUID of the processor that this thread runs on; zeros where there is no such instruction.</summary>
    public static CpuLeaf ThisProcessor(int leaf)
    {
        if (!X86Base.IsSupported)
        {
            return default;
        }

        (int eax, int ebx, int ecx, int edx) = X86Base.CpuId(leaf, 0);
        return new CpuLeaf(eax, ebx, ecx, edx);
    }

    /// <summary>
    /// The needed features that <paramref name="processor"/> lacks. A kernel that does not keep AVX registers takes <c>avx</c> out of
    /// <paramref name="cpuinfo"/> (kernel: fpu__init_system_xstate), so there it is missing whatever the processor says; without a flags line,
    /// <c>osxsave</c> alone stands for the kernel.
    /// </summary>
    public static IReadOnlyList<string> Missing(Func<int, CpuLeaf> processor, string cpuinfo)
    {
        var missing = s_table.Where(row => !Has(processor, row.Leaf, row.Register, row.Bit)).Select(row => row.Name).ToList();
        string? flags = cpuinfo.Split('\n').FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal));
        if (flags is not null && !flags.Split(' ').Contains("avx") && !missing.Contains("avx"))
        {
            missing.Add("avx registers kept by the kernel");
        }

        return missing;
    }

    private static bool Has(Func<int, CpuLeaf> processor, int leaf, char register, int bit)
    {
        // Above the last leaf CPUID answers with those of another one, which mean something else.
        int first = leaf & unchecked((int)0x8000_0000);
        if ((uint)processor(first).Eax < (uint)leaf)
        {
            return false;
        }

        CpuLeaf answer = processor(leaf);
        return (((register == 'b' ? answer.Ebx : answer.Ecx) >>> bit) & 1) != 0;
    }
}
