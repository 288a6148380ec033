using System.Runtime.InteropServices;

namespace Sluice.Native.Codecs;

/// <summary>Imports of native/c/crc64.c, which is in the library of <see cref="GaloisImports"/>.</summary>
internal static unsafe partial class Crc64Imports
{
    [LibraryImport(GaloisImports.Library)]
    internal static partial int sluice_crc64_has(int level);

    [LibraryImport(GaloisImports.Library)]
    internal static partial void sluice_crc64_fold(int level, ulong* constants, ulong state, byte* data, nuint length, ulong* rest);
}
