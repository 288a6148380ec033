using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Sluice.Native.Codecs;

/// <summary>
/// CRC-64/NVMe (NVM Express, NVM command set specification, 64-bit protection information): polynomial ad93d23594c93659, reflected,
/// all ones in and out. Folds up to 256 bytes a step with carry-less multiplication where the processor has it (Gopal et al., "Fast CRC
/// Computation for Generic Polynomials Using PCLMULQDQ"); wide vectors are native/c/crc64.c, since .NET 9 has no instructions for them.
/// <see cref="Scalar"/> is the table twin and oracle.
/// </summary>
public static class Crc64Nvme
{
    private const ulong Polynomial = 0x9a6c9329ac4bc9b5; // ad93d23594c93659 with its bits reversed
    private const int FoldBytesMin = 128; // below, setting up the lanes costs more than the table
    private const int WideBytesMin = 512; // below, the call into C costs more than it saves; four vectors of any level

    private static readonly CyclicAlgebra<ulong> s_algebra = new(Polynomial); // before what is made by it
    private static readonly ulong[] s_table = MakeTable();

    // x^(n-1) mod P for a fold over n bits; the product of two reflected factors comes out one place too high.
    private static readonly Vector128<ulong> s_fold512 = Vector128.Create(s_algebra.PowerOfX(512 + 64 - 1), s_algebra.PowerOfX(512 - 1));
    private static readonly Vector128<ulong> s_fold128 = Vector128.Create(s_algebra.PowerOfX(128 + 64 - 1), s_algebra.PowerOfX(128 - 1));

    private static readonly ulong[] s_wide256 = WideConstants(vectorBytes: 32);
    private static readonly ulong[] s_wide512 = WideConstants(vectorBytes: 64);
    private static readonly CarrylessLevel s_level = Enum.GetValues<CarrylessLevel>().Last(Has);

    /// <summary>What this processor has, slowest first.</summary>
    public static IReadOnlyList<CarrylessLevel> Levels { get; } = Array.FindAll(Enum.GetValues<CarrylessLevel>(), Has);

    /// <summary>Digest of a span.</summary>
    public static ulong Hash(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>Digest of what <paramref name="digest"/> is of, followed by <paramref name="data"/>. The digest of nothing is 0.</summary>
    public static ulong Append(ulong digest, ReadOnlySpan<byte> data) => Append(digest, data, s_level);

    /// <summary>The same with the instructions of one of <see cref="Levels"/>, where the span is long enough for them.</summary>
    public static ulong Append(ulong digest, ReadOnlySpan<byte> data, CarrylessLevel level) => ~(
        level >= CarrylessLevel.Wide256 && data.Length >= WideBytesMin ? Wide(~digest, data, level)
        : level >= CarrylessLevel.Pclmul && Pclmulqdq.IsSupported && data.Length >= FoldBytesMin ? Fold(~digest, data)
        : Table(~digest, data));

    /// <summary>The same by table, a byte at a time.</summary>
    public static ulong Scalar(ulong digest, ReadOnlySpan<byte> data) => ~Table(~digest, data);

    /// <summary>Digest of A followed by B, from both digests and the length of B in bytes, 0 or more.</summary>
    public static ulong Combine(ulong digestA, ulong digestB, long bytesOfB) => s_algebra.Combine(digestA, digestB, bytesOfB);

    private static ulong Fold(ulong state, ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<Vector128<ulong>> blocks = MemoryMarshal.Cast<byte, Vector128<ulong>>(data);
        Vector128<ulong> lane0 = blocks[0] ^ Vector128.Create(state, 0UL);
        Vector128<ulong> lane1 = blocks[1];
        Vector128<ulong> lane2 = blocks[2];
        Vector128<ulong> lane3 = blocks[3];
        int next = 4;
        Vector128<ulong> constants = s_fold512;
        for (; next + 4 <= blocks.Length; next += 4)
        {
            lane0 = FoldOne(lane0, constants) ^ blocks[next];
            lane1 = FoldOne(lane1, constants) ^ blocks[next + 1];
            lane2 = FoldOne(lane2, constants) ^ blocks[next + 2];
            lane3 = FoldOne(lane3, constants) ^ blocks[next + 3];
        }

        constants = s_fold128;
        Vector128<ulong> folded = FoldOne(lane0, constants) ^ lane1;
        folded = FoldOne(folded, constants) ^ lane2;
        folded = FoldOne(folded, constants) ^ lane3;
        for (; next < blocks.Length; next++)
        {
            folded = FoldOne(folded, constants) ^ blocks[next];
        }

        Span<byte> rest = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(rest, folded.GetElement(0));
        BinaryPrimitives.WriteUInt64LittleEndian(rest[8..], folded.GetElement(1));
        return Table(Table(0, rest), data[(blocks.Length * 16)..]);
    }

    private static unsafe ulong Wide(ulong state, ReadOnlySpan<byte> data, CarrylessLevel level)
    {
        int folded = data.Length & ~15;
        ulong* rest = stackalloc ulong[2];
        fixed (byte* start = data)
        fixed (ulong* constants = level == CarrylessLevel.Wide512 ? s_wide512 : s_wide256)
        {
            // SAFETY: the span is pinned and has four vectors of either level; the constants are six, the rest is two, as crc64.c has them.
            Crc64Imports.sluice_crc64_fold((int)level, constants, state, start, (nuint)folded, rest);
        }

        return Table(Table(0, new ReadOnlySpan<byte>(rest, 16)), data[folded..]);
    }

    /// <summary>For a step of four vectors, for one vector, and for one lane of 16 bytes.</summary>
    private static ulong[] WideConstants(int vectorBytes) =>
        [.. new[] { 4 * vectorBytes, vectorBytes, 16 }.SelectMany(bytes => new[] { s_algebra.PowerOfX((8 * bytes) + 64 - 1), s_algebra.PowerOfX((8 * bytes) - 1) })];

    private static Vector128<ulong> FoldOne(Vector128<ulong> lane, Vector128<ulong> constants) =>
        Pclmulqdq.CarrylessMultiply(lane, constants, 0x00) ^ Pclmulqdq.CarrylessMultiply(lane, constants, 0x11);

    private static ulong Table(ulong state, ReadOnlySpan<byte> data)
    {
        ulong[] table = s_table;
        foreach (byte value in data)
        {
            state = table[(byte)(state ^ value)] ^ (state >> 8);
        }

        return state;
    }

    private static ulong[] MakeTable()
    {
        var table = new ulong[256];
        for (int i = 0; i < table.Length; i++)
        {
            ulong value = (ulong)i;
            for (int bit = 0; bit < 8; bit++)
            {
                value = s_algebra.TimesX(value);
            }

            table[i] = value;
        }

        return table;
    }

    private static bool Has(CarrylessLevel level) => level switch
    {
        CarrylessLevel.Table => true,
        CarrylessLevel.Pclmul => Pclmulqdq.IsSupported,
        _ => Crc64Imports.sluice_crc64_has((int)level) != 0,
    };
}
