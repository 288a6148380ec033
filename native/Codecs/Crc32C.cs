using System.Buffers.Binary;
using System.Numerics;

namespace Sluice.Native.Codecs;

/// <summary>
/// CRC-32C (Castagnoli; RFC 3720, appendix B.4): polynomial 1edc6f41, reflected, all ones in and out. Eight bytes a step with the
/// processor's instruction; <see cref="Scalar"/> is the bitwise twin and oracle.
/// </summary>
public static class Crc32C
{
    private const uint Polynomial = 0x82f63b78;

    private static readonly CyclicAlgebra<uint> s_algebra = new(Polynomial);

    /// <summary>Digest of a span.</summary>
    public static uint Hash(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>Digest of what <paramref name="digest"/> is of, followed by <paramref name="data"/>. The digest of nothing is 0.</summary>
    public static uint Append(uint digest, ReadOnlySpan<byte> data)
    {
        uint state = ~digest;
        for (; data.Length >= 8; data = data[8..])
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(data));
        }

        foreach (byte value in data)
        {
            state = BitOperations.Crc32C(state, value);
        }

        return ~state;
    }

    /// <summary>The same, a bit at a time.</summary>
    public static uint Scalar(uint digest, ReadOnlySpan<byte> data)
    {
        uint state = ~digest;
        foreach (byte value in data)
        {
            state ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                state = s_algebra.TimesX(state);
            }
        }

        return ~state;
    }

    /// <summary>Digest of A followed by B, from both digests and the length of B in bytes, 0 or more.</summary>
    public static uint Combine(uint digestA, uint digestB, long bytesOfB) => s_algebra.Combine(digestA, digestB, bytesOfB);
}
