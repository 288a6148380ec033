using System.Globalization;
using System.Text;

namespace Sluice.Transport.Api;

/// <summary>
/// Times by a layout of Go's: the reference time "Mon Jan 2 15:04:05 MST 2006" as the client wants it to look. Clients of the native API name
/// their time format so. All times are UTC. What is no element stands for itself.
/// </summary>
public static class GoTimeFormat
{
    /// <summary>What a listing uses when no layout is asked for: RFC 822.</summary>
    public const string Default = "02 Jan 06 15:04 MST";

    // Longest first where one is the beginning of another.
    private static readonly (string Element, Func<DateTime, string> Text)[] s_elements =
    [
        ("January", time => time.ToString("MMMM", CultureInfo.InvariantCulture)),
        ("Jan", time => time.ToString("MMM", CultureInfo.InvariantCulture)),
        ("Monday", time => time.ToString("dddd", CultureInfo.InvariantCulture)),
        ("Mon", time => time.ToString("ddd", CultureInfo.InvariantCulture)),
        ("MST", _ => "UTC"),
        ("2006", time => time.ToString("yyyy", CultureInfo.InvariantCulture)),
        ("Z07:00", _ => "Z"),
        ("Z0700", _ => "Z"),
        ("-07:00", _ => "+00:00"),
        ("-0700", _ => "+0000"),
        ("-07", _ => "+00"),
        ("002", time => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture)),
        ("01", time => time.ToString("MM", CultureInfo.InvariantCulture)),
        ("02", time => time.ToString("dd", CultureInfo.InvariantCulture)),
        ("03", time => time.ToString("hh", CultureInfo.InvariantCulture)),
        ("04", time => time.ToString("mm", CultureInfo.InvariantCulture)),
        ("05", time => time.ToString("ss", CultureInfo.InvariantCulture)),
        ("06", time => time.ToString("yy", CultureInfo.InvariantCulture)),
        ("_2", time => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2)),
        ("15", time => time.ToString("HH", CultureInfo.InvariantCulture)),
        ("PM", time => time.Hour < 12 ? "AM" : "PM"),
        ("pm", time => time.Hour < 12 ? "am" : "pm"),
        ("1", time => time.Month.ToString(CultureInfo.InvariantCulture)),
        ("2", time => time.Day.ToString(CultureInfo.InvariantCulture)),
        ("3", time => time.ToString("%h", CultureInfo.InvariantCulture)),
        ("4", time => time.Minute.ToString(CultureInfo.InvariantCulture)),
        ("5", time => time.Second.ToString(CultureInfo.InvariantCulture)),
    ];

    /// <summary>A time in a layout; an empty one is <see cref="Default"/>.</summary>
    /// <param name="unixNs">Nanoseconds since 1970 UTC.</param>
    /// <param name="layout">Layout in Go's notation.</param>
    public static string Format(long unixNs, string layout)
    {
        DateTime time = DateTime.UnixEpoch.AddTicks(unixNs / 100);
        ReadOnlySpan<char> rest = layout.Length == 0 ? Default : layout;
        var text = new StringBuilder(rest.Length + 8);
        while (!rest.IsEmpty)
        {
            if (FractionDigits(rest) is > 0 and int digits)
            {
                AppendFraction(text, unixNs, digits, trimmed: rest[1] == '9', rest[0]);
                rest = rest[(digits + 1)..];
                continue;
            }

            bool found = false;
            foreach ((string element, Func<DateTime, string> format) in s_elements)
            {
                if (rest.StartsWith(element, StringComparison.Ordinal))
                {
                    text.Append(format(time));
                    rest = rest[element.Length..];
                    found = true;
                    break;
                }
            }

            if (!found)
            {
                text.Append(rest[0]);
                rest = rest[1..];
            }
        }

        return text.ToString();
    }

    /// <summary>".000" and ".999" (or with a comma): a fraction of that many digits, when no other digit follows.</summary>
    private static int FractionDigits(ReadOnlySpan<char> rest)
    {
        if (rest.Length < 2 || rest[0] is not ('.' or ',') || rest[1] is not ('0' or '9'))
        {
            return 0;
        }

        int end = 1;
        while (end < rest.Length && rest[end] == rest[1])
        {
            end++;
        }

        return end < rest.Length && char.IsAsciiDigit(rest[end]) ? 0 : end - 1;
    }

    private static void AppendFraction(StringBuilder text, long unixNs, int digits, bool trimmed, char separator)
    {
        string all = (unixNs % 1_000_000_000).ToString("000000000", CultureInfo.InvariantCulture);
        string shown = digits <= 9 ? all[..digits] : all.PadRight(digits, '0');
        shown = trimmed ? shown.TrimEnd('0') : shown;
        if (shown.Length > 0)
        {
            text.Append(separator).Append(shown);
        }
    }
}
