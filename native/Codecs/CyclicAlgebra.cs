using System.Numerics;

namespace Sluice.Native.Codecs;

/// <summary>
/// Polynomials modulo that of a reflected cyclic code, whose highest bit is x^0: what digests of pieces are put together by. <paramref name="polynomial"/> is
/// reflected, without its highest term.
/// </summary>
internal sealed class CyclicAlgebra<T>(T polynomial)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>
{
    private static readonly int s_bits = int.CreateChecked(T.PopCount(T.AllBitsSet));

    private T[]? _shifts; // x^(8·2^i): what 2^i bytes that follow do to a digest

    private T[] Shifts => _shifts ??= MakeShifts();

    /// <summary>The product with x.</summary>
    public T TimesX(T value) => (value >>> 1) ^ (polynomial & (T.Zero - (value & T.One)));

    /// <summary>x to a power of 0 or more.</summary>
    public T PowerOfX(int exponent)
    {
        T value = T.One << (s_bits - 1);
        for (int i = 0; i < exponent; i++)
        {
            value = TimesX(value);
        }

        return value;
    }

    /// <summary>
    /// Digest of A followed by B, from both digests and the length of B in bytes, 0 or more: one product for each bit of that length which is set.
    /// </summary>
    public T Combine(T digestA, T digestB, long bytesOfB)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytesOfB);
        for (ulong bits = (ulong)bytesOfB; bits != 0; bits &= bits - 1)
        {
            digestA = Multiply(digestA, Shifts[BitOperations.TrailingZeroCount(bits)]);
        }

        return digestA ^ digestB;
    }

    /// <summary>Product of two polynomials. Digests are random bits, so a branch on them would be wrong every other time.</summary>
    private T Multiply(T a, T b)
    {
        T product = T.Zero;
        for (; a != T.Zero; a <<= 1)
        {
            product ^= b & (T.Zero - (a >>> (s_bits - 1)));
            b = TimesX(b);
        }

        return product;
    }

    private T[] MakeShifts()
    {
        var shifts = new T[63];
        T shift = PowerOfX(8); // one byte
        for (int i = 0; i < shifts.Length; i++)
        {
            shifts[i] = shift;
            shift = Multiply(shift, shift);
        }

        return shifts;
    }
}
