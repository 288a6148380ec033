using System.Buffers;
using System.Globalization;
using System.Text;

namespace Sluice.Contract;

/// <summary>Durations in Go's syntax, as the contract has them: <c>90s</c>, <c>1h30m</c>, <c>250ms</c>, <c>1.5h</c>.</summary>
public static class DurationText
{
    private static readonly SearchValues<char> s_number = SearchValues.Create("0123456789.");

    /// <summary>Reads a duration that is not negative; false for anything else. A plain 0 needs no unit.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        if (rest is "0")
        {
            return true;
        }

        decimal ticks = 0;
        bool any = false;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(s_number);
            if (digits <= 0 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value))
            {
                return false;
            }

            rest = rest[digits..];
            int letters = rest.IndexOfAny(s_number);
            ReadOnlySpan<char> unit = letters < 0 ? rest : rest[..letters];
            decimal scale = unit switch
            {
                "h" => TimeSpan.TicksPerHour,
                "m" => TimeSpan.TicksPerMinute,
                "s" => TimeSpan.TicksPerSecond,
                "ms" => TimeSpan.TicksPerMillisecond,
                "us" or "µs" => TimeSpan.TicksPerMicrosecond,
                "ns" => 0.01m,
                _ => 0,
            };
            if (scale == 0 || value > long.MaxValue / scale || (ticks += value * scale) > long.MaxValue)
            {
                return false;
            }

            rest = rest[unit.Length..];
            any = true;
        }

        duration = any ? TimeSpan.FromTicks((long)ticks) : TimeSpan.Zero;
        return any;
    }

    /// <summary>As the contract prints it: hours, minutes and seconds, zero parts at the end left out (<c>10m</c>, <c>2h</c>, <c>1h30m</c>).</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero)
        {
            return "0s";
        }

        var text = new StringBuilder();
        long hours = duration.Ticks / TimeSpan.TicksPerHour; // exact, where TotalHours is rounded
        Append(text, hours, "h");
        Append(text, duration.Minutes, "m");
        decimal seconds = (duration.Ticks % TimeSpan.TicksPerMinute) / (decimal)TimeSpan.TicksPerSecond;
        if (seconds > 0)
        {
            text.Append(seconds.ToString("0.#######", CultureInfo.InvariantCulture)).Append('s');
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, long count, string unit)
    {
        if (count > 0)
        {
            text.Append(count.ToString(CultureInfo.InvariantCulture)).Append(unit);
        }
    }
}
