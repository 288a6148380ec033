using System.Globalization;

namespace Sluice.Transport.Http;

/// <summary>A part of an object: at least one byte, within it.</summary>
public readonly record struct ByteRange(long Offset, long Count);

/// <summary>The one byte range of a GET (RFC 9110 §14; contract: objects §2). Several ranges and malformed ones are not satisfiable.</summary>
public static class RangeHeader
{
    /// <summary>
    /// Reads <c>bytes=a-b</c>, <c>bytes=a-</c> or <c>bytes=-n</c> against a size; the end is clamped. False when it cannot be satisfied: the
    /// answer is 416.
    /// </summary>
    public static bool TryParse(string header, long sizeBytes, out ByteRange range)
    {
        const string Unit = "bytes=";
        range = default;
        ReadOnlySpan<char> text = header.AsSpan().Trim();
        if (!text.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        text = text[Unit.Length..].Trim();
        int dash = text.IndexOf('-');
        if (dash < 0)
        {
            return false;
        }

        ReadOnlySpan<char> first = text[..dash].Trim();
        ReadOnlySpan<char> last = text[(dash + 1)..].Trim();
        long start = 0;
        long end = sizeBytes - 1;
        if ((!first.IsEmpty && !TryNumber(first, out start)) || (!last.IsEmpty && !TryNumber(last, out end)) || (first.IsEmpty && last.IsEmpty))
        {
            return false;
        }

        if (first.IsEmpty)
        {
            (start, end) = (end == 0 ? sizeBytes : Math.Max(0, sizeBytes - end), sizeBytes - 1);
        }
        else if (!last.IsEmpty && end < start)
        {
            return false;
        }

        end = Math.Min(end, sizeBytes - 1);
        if (start > end)
        {
            return false;
        }

        range = new ByteRange(start, end - start + 1);
        return true;
    }

    /// <summary>Digits alone: the runtime would pass over NUL characters behind them.</summary>
    private static bool TryNumber(ReadOnlySpan<char> text, out long number)
    {
        number = 0;
        return !text.ContainsAnyExceptInRange('0', '9') && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
