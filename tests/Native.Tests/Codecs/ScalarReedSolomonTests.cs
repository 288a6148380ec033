using Sluice.Native.Codecs;

namespace Sluice.Native.Tests.Codecs;

/// <summary>The field, against multiplication as it is defined: polynomials over two elements, modulo 0x11d.</summary>
public sealed class ScalarReedSolomonTests
{
    [Fact]
    public void EveryProductIsThatOfThePolynomials()
    {
        for (int a = 0; a < 256; a++)
        {
            for (int b = 0; b < 256; b++)
            {
                Assert.Equal(Product(a, b), ScalarReedSolomon.Multiply((byte)a, (byte)b));
            }
        }
    }

    [Fact]
    public void EveryElementButZeroHasItsInverse()
    {
        for (int value = 1; value < 256; value++)
        {
            Assert.Equal(1, ScalarReedSolomon.Multiply((byte)value, ScalarReedSolomon.Inverse((byte)value)));
        }

        Assert.Throws<DivideByZeroException>(() => ScalarReedSolomon.Inverse(0));
    }

    [Fact]
    public void WhatIsBeyondTheSourceStays()
    {
        byte[] sum = [1, 2, 3];
        ScalarReedSolomon.MultiplyAdd(2, [0x80, 1], sum);
        Assert.Equal([1 ^ 0x1d, 2 ^ 2, 3], sum);
        Assert.Throws<ArgumentOutOfRangeException>(() => ScalarReedSolomon.MultiplyAdd(2, [1, 2, 3, 4], sum));
    }

    private static int Product(int a, int b)
    {
        int product = 0;
        for (int bit = 0; bit < 8; bit++)
        {
            product ^= (b >> bit & 1) != 0 ? a << bit : 0;
        }

        for (int bit = 14; bit >= 8; bit--)
        {
            product ^= (product >> bit & 1) != 0 ? 0x11d << (bit - 8) : 0;
        }

        return product;
    }
}
