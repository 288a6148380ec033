using System.Buffers.Binary;
using System.Numerics;

namespace Sluice.Native.Tests.Codecs;

/// <summary>XXH64 written after the specification (doc/xxhash_spec.md of xxHash): the oracle for the library that the product links.</summary>
public static class Xxh64Scalar
{
    private const ulong PrimeA = 0x9e3779b185ebca87, PrimeB = 0xc2b2ae3d27d4eb4f, PrimeC = 0x165667b19e3779f9;
    private const ulong PrimeD = 0x85ebca77c2b2ae63, PrimeE = 0x27d4eb2f165667c5;

    public static ulong Hash(ReadOnlySpan<byte> data, ulong seed)
    {
        ulong length = (ulong)data.Length;
        ulong hash = seed + PrimeE;
        if (data.Length >= 32)
        {
            Span<ulong> lanes = [seed + PrimeA + PrimeB, seed + PrimeB, seed, seed - PrimeA];
            for (; data.Length >= 32; data = data[32..])
            {
                for (int i = 0; i < 4; i++)
                {
                    lanes[i] = Round(lanes[i], BinaryPrimitives.ReadUInt64LittleEndian(data[(8 * i)..]));
                }
            }

            hash = BitOperations.RotateLeft(lanes[0], 1) + BitOperations.RotateLeft(lanes[1], 7)
                + BitOperations.RotateLeft(lanes[2], 12) + BitOperations.RotateLeft(lanes[3], 18);
            foreach (ulong lane in lanes)
            {
                hash = ((hash ^ Round(0, lane)) * PrimeA) + PrimeD;
            }
        }

        hash += length;
        for (; data.Length >= 8; data = data[8..])
        {
            hash = (BitOperations.RotateLeft(hash ^ Round(0, BinaryPrimitives.ReadUInt64LittleEndian(data)), 27) * PrimeA) + PrimeD;
        }

        if (data.Length >= 4)
        {
            hash = (BitOperations.RotateLeft(hash ^ (BinaryPrimitives.ReadUInt32LittleEndian(data) * PrimeA), 23) * PrimeB) + PrimeC;
            data = data[4..];
        }

        foreach (byte value in data)
        {
            hash = BitOperations.RotateLeft(hash ^ (value * PrimeE), 11) * PrimeA;
        }

        hash = (hash ^ (hash >> 33)) * PrimeB;
        hash = (hash ^ (hash >> 29)) * PrimeC;
        return hash ^ (hash >> 32);
    }

    private static ulong Round(ulong lane, ulong input) => BitOperations.RotateLeft(lane + (input * PrimeB), 31) * PrimeA;
}
