using System.Buffers.Binary;
using System.Numerics;

namespace Sluice.Cli.Transfers;

/// <summary>The two cyclic codes of the contract, fed in pieces. Managed twins of the native ones, so that a client needs nothing else.</summary>
internal static class CyclicCodes
{
    /// <summary>CRC-64/NVMe, reflected (NVM Express, NVM Command Set, "64b CRC").</summary>
    private const ulong NvmePolynomial = 0x9A6C9329AC4BC9B5;

    /// <summary>CRC-32C, reflected (RFC 3720, appendix B.4).</summary>
    private const ulong CastagnoliPolynomial = 0x82F63B78;

    private const int TableSize = 256;

    /// <summary>Eight tables, one behind the other: table n advances a byte over n bytes of zeros.</summary>
    private static readonly ulong[] s_nvme = MakeTables();

    /// <summary>CRC-32C of what went before and of <paramref name="bytes"/>; starts from 0.</summary>
    public static uint AppendCrc32C(uint value, ReadOnlySpan<byte> bytes)
    {
        value = ~value;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            value = BitOperations.Crc32C(value, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (byte each in bytes)
        {
            value = BitOperations.Crc32C(value, each);
        }

        return ~value;
    }

    /// <summary>CRC-64/NVMe of what went before and of <paramref name="bytes"/>; starts from 0.</summary>
    public static ulong AppendCrc64Nvme(ulong value, ReadOnlySpan<byte> bytes)
    {
        ulong[] tables = s_nvme;
        value = ~value;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            ulong mixed = value ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            value = 0;
            for (int table = 7; table >= 0; table--)
            {
                value ^= tables[(TableSize * table) + (byte)mixed];
                mixed >>= 8;
            }
        }

        foreach (byte each in bytes)
        {
            value = tables[(byte)value ^ each] ^ (value >> 8);
        }

        return ~value;
    }

    /// <summary>CRC-32C of bytes and of those behind them, from that of either, and how many the latter are.</summary>
    public static uint CombineCrc32C(uint first, uint second, long secondBytes) =>
        (uint)Shifted(first, secondBytes, CastagnoliPolynomial, 1UL << 31) ^ second;

    /// <summary>CRC-64/NVMe of bytes and of those behind them, from that of either, and how many the latter are.</summary>
    public static ulong CombineCrc64Nvme(ulong first, ulong second, long secondBytes) =>
        Shifted(first, secondBytes, NvmePolynomial, 1UL << 63) ^ second;

    /// <summary>
    /// A value times x to the power of 8 × <paramref name="bytes"/>, modulo the polynomial: what zeros behind it make of it. Bits are reflected: <paramref name="one"/> is
    /// the polynomial 1, and a step to the right multiplies by x.
    /// </summary>
    private static ulong Shifted(ulong value, long bytes, ulong polynomial, ulong one)
    {
        ulong power = one >> 8; // x to the power of 8, squared from bit to bit of the count
        for (; bytes > 0; bytes >>= 1)
        {
            value = (bytes & 1) != 0 ? Product(value, power, polynomial, one) : value;
            power = Product(power, power, polynomial, one);
        }

        return value;
    }

    private static ulong Product(ulong left, ulong right, ulong polynomial, ulong one)
    {
        ulong product = 0;
        for (ulong bit = one; bit != 0; bit >>= 1)
        {
            product ^= (left & bit) != 0 ? right : 0;
            right = (right & 1) != 0 ? (right >> 1) ^ polynomial : right >> 1;
        }

        return product;
    }

    private static ulong[] MakeTables()
    {
        var tables = new ulong[8 * TableSize];
        for (int index = 0; index < TableSize; index++)
        {
            ulong value = (ulong)index;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value >> 1) ^ ((value & 1) * NvmePolynomial);
            }

            tables[index] = value;
        }

        for (int index = TableSize; index < tables.Length; index++)
        {
            ulong before = tables[index - TableSize];
            tables[index] = tables[(byte)before] ^ (before >> 8);
        }

        return tables;
    }
}
