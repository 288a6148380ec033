using System.Globalization;

namespace Sluice.Contract;

/// <summary>One range of a <see cref="NameTemplate"/>: its numbers, how they are written, and the text behind it.</summary>
internal readonly struct NumberRange
{
    private readonly string _format;

    /// <summary>The numbers <paramref name="first"/>, first + step, … up to <paramref name="bound"/>, which they need not meet.</summary>
    public NumberRange(long first, long bound, long step, int digitsMin, string gap)
    {
        (First, Step, Gap) = (first, step, gap);
        Last = first + ((bound - first) / step * step);
        _format = string.Create(CultureInfo.InvariantCulture, $"D{digitsMin}");
        LengthMax = Math.Max(digitsMin, DigitsOf(Last));
    }

    /// <summary>The first number, from 0.</summary>
    public long First { get; }

    /// <summary>The last number that is met.</summary>
    public long Last { get; }

    /// <summary>From one to the next, from 1.</summary>
    public long Step { get; }

    /// <summary>The text up to the next range or the end.</summary>
    public string Gap { get; }

    /// <summary>Characters of the longest number.</summary>
    public int LengthMax { get; }

    /// <summary>Writes a number with its zeros and answers its length; there is room for <see cref="LengthMax"/>.</summary>
    public int Write(long number, Span<char> destination) =>
        number.TryFormat(destination, out int length, _format, CultureInfo.InvariantCulture) ? length
            : throw new InvalidOperationException($"{number} is longer than the numbers of its range");

    private static int DigitsOf(long number)
    {
        int digits = 1;
        for (; number >= 10; number /= 10)
        {
            digits++;
        }

        return digits;
    }
}
