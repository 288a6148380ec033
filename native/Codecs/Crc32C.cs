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

    private static readonly uint[] s_shifts = MakeShifts(); // x^(8·2^i): what 2^i bytes that follow do to a digest

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
                state = TimesX(state);
            }
        }

        return ~state;
    }

    /// <summary>
    /// Digest of A followed by B, from both digests and the length of B in bytes, 0 or more: one product for each bit of that length which is set.
    /// </summary>
    public static uint Combine(uint digestA, uint digestB, long bytesOfB)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytesOfB);
        for (ulong bits = (ulong)bytesOfB; bits != 0; bits &= bits - 1)
        {
            digestA = Multiply(digestA, s_shifts[BitOperations.TrailingZeroCount(bits)]);
        }

        return digestA ^ digestB;
    }

    /// <summary>Product of two polynomials modulo P; bit 31 is x^0. Digests are random bits, so a branch on them would be wrong every other time.</summary>
    private static uint Multiply(uint a, uint b)
    {
        uint product = 0;
        for (; a != 0; a <<= 1)
        {
            product ^= b & (uint)((int)a >> 31);
            b = TimesX(b);
        }

        return product;
    }

    private static uint[] MakeShifts()
    {
        var shifts = new uint[63];
        uint shift = 1U << 23; // x^8: one byte
        for (int i = 0; i < shifts.Length; i++)
        {
            shifts[i] = shift;
            shift = Multiply(shift, shift);
        }

        return shifts;
    }

    private static uint TimesX(uint value) => (value >> 1) ^ (Polynomial & (0 - (value & 1)));
}
