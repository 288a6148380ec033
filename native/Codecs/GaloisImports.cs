using System.Runtime.InteropServices;

namespace Sluice.Native.Codecs;

/// <summary>Imports of native/c/gf.c: linked statically into the AOT binary (Native.targets), a shared object under the JIT (LibraryResolver.cs).</summary>
internal static unsafe partial class GaloisImports
{
    internal const string Library = "sluicegf";

    [LibraryImport(Library)]
    internal static partial int sluice_gf_has(int level);

    [LibraryImport(Library)]
    internal static partial void sluice_gf_sum(
        int level, byte* coefficients, int sources, int outputs, byte** source, byte** output, nuint length, int accumulate);
}
