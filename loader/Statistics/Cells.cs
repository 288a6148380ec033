// Numbers as the contract prints them (contract: load generator §4). '.' and ',' whatever the locale.
using System.Globalization;

namespace Sluice.Loader.Statistics;

/// <summary>Texts of table cells.</summary>
public static class Cells
{
    private const long Microsecond = 1_000, Millisecond = 1_000_000, Second = 1_000_000_000, Minute = 60 * Second;

    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary><c>1,234,567</c>.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>One decimal, binary units; <c>-</c> for zero.</summary>
    public static string Size(long bytes) => bytes == 0 ? "-" : Scaled(bytes, "F1");

    /// <summary>Bytes a second over a time in nanoseconds, two decimals; <c>-</c> for zero.</summary>
    public static string Throughput(long bytes, long nanoseconds) =>
        bytes == 0 || nanoseconds <= 0 ? "-" : Scaled((double)bytes * Second / nanoseconds, "F2") + "/s";

    /// <summary>A duration as Go prints it, to three decimals: <c>512ns</c>, <c>4.399ms</c>, <c>1m2.500s</c>.</summary>
    public static string Latency(long nanoseconds) =>
        nanoseconds < Microsecond ? string.Create(CultureInfo.InvariantCulture, $"{nanoseconds}ns")
        : nanoseconds < Millisecond ? Three(nanoseconds, Microsecond) + "µs"
        : nanoseconds < Second ? Three(nanoseconds, Millisecond) + "ms"
        : nanoseconds < Minute ? Three(nanoseconds, Second) + "s"
        : string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / Minute}m") + Three(nanoseconds % Minute, Second) + "s";

    /// <summary>Cut, not rounded: 999.9996 µs must not become 1000.000 µs.</summary>
    private static string Three(long nanoseconds, long unit) =>
        string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / unit}.{nanoseconds % unit / (unit / 1000):000}");

    private static string Scaled(double value, string format)
    {
        int power = 0;
        while (value >= 1024 && power < s_units.Length - 1)
        {
            (value, power) = (value / 1024, power + 1);
        }

        return value.ToString(power == 0 ? "F0" : format, CultureInfo.InvariantCulture) + s_units[power];
    }
}
