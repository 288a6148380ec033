namespace Sluice.Native.Codecs;

/// <summary>
/// GF(2^8) with x^8 + x^4 + x^3 + x^2 + 1 (0x11d), whose x (2) generates all 255 others, and the loop of erasure coding a byte at a time: the twin
/// and oracle of native/c/gf.c, made another way, from logarithms. Also what <see cref="ReedSolomon"/> makes its coefficients with.
/// </summary>
public static class ScalarReedSolomon
{
    private const int Polynomial = 0x11d;
    private const int Order = 255; // of the multiplicative group

    // Written once at start, read by all. Powers twice over, so that a sum of two logarithms needs no remainder.
    private static readonly byte[] s_powers = Powers();
    private static readonly byte[] s_logarithms = Logarithms();

    /// <summary>The product of two elements.</summary>
    public static byte Multiply(byte a, byte b) => a == 0 || b == 0 ? (byte)0 : s_powers[s_logarithms[a] + s_logarithms[b]];

    /// <summary>The element whose product with <paramref name="value"/> is 1. Zero has none: <see cref="DivideByZeroException"/>.</summary>
    public static byte Inverse(byte value) =>
        value == 0 ? throw new DivideByZeroException("zero has no inverse") : s_powers[Order - s_logarithms[value]];

    /// <summary>Adds <paramref name="coefficient"/> times each byte of <paramref name="source"/> to the byte of <paramref name="sum"/> at its place.</summary>
    /// <param name="coefficient">The factor.</param>
    /// <param name="source">Data.</param>
    /// <param name="sum">At least as long; what is beyond stays.</param>
    public static void MultiplyAdd(byte coefficient, ReadOnlySpan<byte> source, Span<byte> sum)
    {
        sum = sum[..source.Length];
        for (int i = 0; i < source.Length; i++)
        {
            sum[i] ^= Multiply(coefficient, source[i]);
        }
    }

    private static byte[] Powers()
    {
        var powers = new byte[2 * Order];
        int power = 1;
        for (int exponent = 0; exponent < powers.Length; exponent++)
        {
            powers[exponent] = (byte)power;
            power <<= 1;
            power ^= power > byte.MaxValue ? Polynomial : 0;
        }

        return powers;
    }

    private static byte[] Logarithms()
    {
        var logarithms = new byte[byte.MaxValue + 1];
        for (int exponent = 0; exponent < Order; exponent++)
        {
            logarithms[s_powers[exponent]] = (byte)exponent;
        }

        return logarithms;
    }
}
