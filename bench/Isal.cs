using System.Runtime.InteropServices;
using Sluice.Bench.Machine;
using Sluice.Native.Codecs;

namespace Sluice.Bench;

/// <summary>The erasure-code encoder of ISA-L as a rival, from Debian's libisal2 where that is installed. The product has nothing of it.</summary>
internal static class Isal
{
    private const string Library = "libisal.so.2";
    private const int TableBytes = 32; // of each coefficient: erasure_code.h, ec_init_tables

    public static bool IsThere { get; } = NativeLibrary.TryLoad(Library, out _);

    /// <summary>Encodes with the codec's own matrix, so that both do the same work.</summary>
    /// <param name="data">D.</param>
    /// <param name="parity">P.</param>
    /// <param name="units">D + P or more units of pinned arrays.</param>
    public static Action Encoder(int data, int parity, Memory<byte>[] units)
    {
        byte[] matrix = [.. Enumerable.Range(0, parity * data).Select(i => ReedSolomon.Coefficient(i / data, i % data))];
        var tables = new byte[TableBytes * matrix.Length];
        ec_init_tables(data, parity, matrix, tables);
        nint[] addresses = [.. units.Select(Address)], sources = addresses[..data], outputs = addresses[data..(data + parity)];
        int length = units[0].Length;
        Action encode = () => ec_encode_data(length, data, parity, tables, sources, outputs);
        encode();
        byte[][] theirs = [.. units[data..(data + parity)].Select(unit => unit.ToArray())];
        new ReedSolomon(data, parity).Encode([.. units.Take(data).Select(unit => (ReadOnlyMemory<byte>)unit)], units.AsSpan(data, parity));
        return theirs.Zip(units.Skip(data)).All(pair => pair.Second.Span.SequenceEqual(pair.First)) ? encode : throw new BenchException("ISA-L and the codec differ");
    }

    private static nint Address(Memory<byte> unit) => MemoryMarshal.TryGetArray(unit, out ArraySegment<byte> segment)
        ? Marshal.UnsafeAddrOfPinnedArrayElement(segment.Array!, segment.Offset)
        : throw new BenchException("a unit is not of an array");

    [DllImport(Library), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void ec_init_tables(int k, int rows, byte[] a, byte[] gftbls);

    [DllImport(Library), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void ec_encode_data(int len, int k, int rows, byte[] gftbls, nint[] data, nint[] coding);
}
