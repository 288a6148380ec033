using System.Globalization;
using System.Text;

namespace Sluice.Cli.Terminal;

/// <summary>
/// Text for people. An object's name may hold any character, and a terminal obeys some of them: those are shown as <c>\u001b</c> instead.
/// JSON output keeps the exact name.
/// </summary>
public static class PrintableText
{
    /// <summary>The text on one line, without control and formatting characters.</summary>
    public static string Of(string text)
    {
        if (!text.Any(IsUnsafe))
        {
            return text;
        }

        var safe = new StringBuilder(text.Length + 16);
        foreach (char each in text)
        {
            if (IsUnsafe(each))
            {
                safe.Append("\\u").Append(((int)each).ToString("x4"));
            }
            else
            {
                safe.Append(each);
            }
        }

        return safe.ToString();
    }

    /// <summary>An exception's message as one sentence: the first line, printable.</summary>
    public static string Sentence(Exception failure)
    {
        string line = failure.Message.Split('\n', 2)[0].Trim();
        return Of(line.Length == 0 ? failure.GetType().Name : line);
    }

    // Bidirectional overrides reorder what is on the screen, so they count as control characters (category Format).
    private static bool IsUnsafe(char each) => char.IsControl(each) || char.GetUnicodeCategory(each) == UnicodeCategory.LineSeparator
        || char.GetUnicodeCategory(each) == UnicodeCategory.ParagraphSeparator || each is (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
