using System.Buffers.Binary;
using System.Numerics;

namespace Sluice.Cli.Transfers;

/// <summary>The two cyclic codes of the contract, fed in pieces. Managed twins of the native ones, so that a client needs nothing else.</summary>
internal static class CyclicCodes
{
    /// <summary>CRC-64/NVMe, reflected (NVM Express, NVM Command Set, "64b CRC").</summary>
    private const ulong NvmePolynomial = 0x9A6C9329AC4BC9B5;

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
