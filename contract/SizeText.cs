using System.Buffers;
using System.Globalization;

namespace Sluice.Contract;

/// <summary>
/// Sizes as people and the contract write them: <c>512</c>, <c>4KiB</c>, <c>1.5GiB</c>, <c>10mb</c>. IEC and SI units are both binary, as in the
/// contract.
/// </summary>
public static class SizeText
{
    private static readonly SearchValues<char> s_number = SearchValues.Create("0123456789.");
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    /// <summary>Reads a size; false for anything that is not one, or does not fit 63 bits.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        string trimmed = text.Trim();
        int digits = trimmed.AsSpan().IndexOfAnyExcept(s_number);
        string number = digits < 0 ? trimmed : trimmed[..digits];
        string unit = digits < 0 ? "" : trimmed[digits..].Trim().ToUpperInvariant();
        int power = unit switch
        {
            "" or "B" => 0,
            "K" or "KB" or "KIB" => 1,
            "M" or "MB" or "MIB" => 2,
            "G" or "GB" or "GIB" => 3,
            "T" or "TB" or "TIB" => 4,
            "P" or "PB" or "PIB" => 5,
            _ => -1,
        };
        if (power < 0 || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)
            || value > long.MaxValue >> (10 * power))
        {
            return false;
        }

        bytes = (long)(value * (1L << (10 * power)));
        return true;
    }

    /// <summary>As the contract prints it: the largest unit that leaves a number of at least one, without decimals; zero as <c>0B</c>.</summary>
    public static string Format(long bytes)
    {
        int power = 0;
        double value = bytes;
        while (value >= 1024 && power < s_units.Length - 1)
        {
            (value, power) = (value / 1024, power + 1);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Math.Round(value)}{s_units[power]}");
    }
}
