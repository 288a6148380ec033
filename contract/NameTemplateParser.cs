using System.Globalization;
using System.Text;

namespace Sluice.Contract;

/// <summary>
/// Reads the text of a <see cref="NameTemplate"/> from the left to the right. Numbers are checked against overflow and counts against
/// <see cref="NameTemplate.NamesMax"/> before anything is made of them, so that what it allocates is bounded by the length of the text.
/// </summary>
internal ref struct NameTemplateParser(string text)
{
    /// <summary>Digits of a <c>%0Nd</c>: 0 to 9,999,999 are exactly <see cref="NameTemplate.NamesMax"/>.</summary>
    private const int FormatDigitsMax = 7;

    private readonly List<NumberRange> _ranges = [];
    private int _at;
    private long _count = 1;

    /// <summary>What is wrong, as one sentence; null when nothing is.</summary>
    public string? Problem { get; private set; }

    /// <summary>The template; null when there is a problem.</summary>
    public NameTemplate? Parse()
    {
        if (HasHalfACharacter())
        {
            return null;
        }

        char style = text.Contains('{', StringComparison.Ordinal) ? '{' : text.Contains('@', StringComparison.Ordinal) ? '@' : '%';
        int first = text.IndexOf(style, StringComparison.Ordinal);
        if (first < 0)
        {
            return new NameTemplate(text, text.EndsWith('*') ? text[..^1] : text, [], 0);
        }

        for (int start = first; start >= 0; start = text.IndexOf(style, _at))
        {
            _at = start + 1;
            bool isRead = style switch { '{' => Brace(start), '@' => At(start), _ => Format(start) };
            if (!isRead)
            {
                return null;
            }
        }

        return new NameTemplate(text, text[..first], [.. _ranges], _count);
    }

    /// <summary>{FIRST..LAST} or {FIRST..LAST..STEP}.</summary>
    private bool Brace(int start)
    {
        if (!Number(out long first, out int firstDigits) || !Dots(start) || !Number(out long last, out int lastDigits))
        {
            return false;
        }

        long step = 1;
        if (Rest.StartsWith("..", StringComparison.Ordinal))
        {
            int stepAt = _at + 2;
            _at = stepAt;
            if (!Number(out step, out _))
            {
                return false;
            }

            if (step == 0)
            {
                return Fail(stepAt, "a step is 1 or more");
            }
        }

        if (!Rest.StartsWith('}'))
        {
            return Rest.IsEmpty ? Fail(start, "the brace is not closed") : Fail(_at, "only \"..\" or the closing brace may stand here");
        }

        _at++;
        return first > last ? Fail(start, $"a range goes up, and {first} is more than {last}")
            : Add(start, first, last, step, Math.Min(firstDigits, lastDigits), '{');
    }

    /// <summary>@LAST, from 0.</summary>
    private bool At(int start) => Number(out long last, out int digits) && Add(start, 0, last, step: 1, digits, '@');

    /// <summary>%0Nd: all numbers of N digits.</summary>
    private bool Format(int start)
    {
        int widthAt = _at + 1;
        if (_ranges.Count > 0)
        {
            return Fail(start, "a template in the style %0Nd has one range, and this is a second '%'");
        }

        if (!Rest.StartsWith('0'))
        {
            return Fail(_at, "'%' is followed by 0, the number of digits, and d");
        }

        _at = widthAt;
        if (!Number(out long digits, out _))
        {
            return false;
        }

        if (!Rest.StartsWith('d'))
        {
            return Fail(_at, "'%' is followed by 0, the number of digits, and d");
        }

        _at++;
        if (digits is 0 or > FormatDigitsMax)
        {
            return digits == 0 ? Fail(widthAt, "a number has at least one digit") : TooMany(start);
        }

        long last = 9;
        for (long left = digits; left > 1; left--)
        {
            last = (last * 10) + 9;
        }

        return Add(start, 0, last, step: 1, (int)digits, '%');
    }

    private ReadOnlySpan<char> Rest => text.AsSpan(_at);

    /// <summary>A range has been read; the text up to the next one belongs to it.</summary>
    private bool Add(int start, long first, long last, long step, int digits, char style)
    {
        long more = (last - first) / step; // of the range, behind its first
        if (more >= NameTemplate.NamesMax || _count > NameTemplate.NamesMax / (more + 1))
        {
            return TooMany(start);
        }

        _count *= more + 1;
        int next = text.IndexOf(style, _at);
        _ranges.Add(new NumberRange(first, last, step, digits, text[_at..(next < 0 ? text.Length : next)]));
        return true;
    }

    private bool Dots(int start)
    {
        if (!Rest.StartsWith("..", StringComparison.Ordinal))
        {
            return Rest.IsEmpty ? Fail(start, "the brace is not closed") : Fail(_at, "\"..\" and the end of the range must stand here");
        }

        _at += 2;
        return true;
    }

    private bool Number(out long number, out int digits)
    {
        number = 0;
        int from = _at;
        for (; _at < text.Length && char.IsAsciiDigit(text[_at]); _at++)
        {
            int digit = text[_at] - '0';
            if (number > (long.MaxValue - digit) / 10)
            {
                digits = 0;
                return Fail(from, "the number is larger than 9223372036854775807");
            }

            number = (number * 10) + digit;
        }

        digits = _at - from;
        return digits > 0
            || (_at == text.Length ? Fail(_at - 1, "a number must stand behind it, and the text ends")
                : text[_at] == '-' ? Fail(_at, "numbers of a range are not negative")
                : Fail(_at, "a number must stand here"));
    }

    private bool HasHalfACharacter()
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return !Fail(i, "it is half of a surrogate pair, which is no text");
            }
        }

        return false;
    }

    private bool TooMany(int start) => Fail(start, $"up to this range there are more than {NameTemplate.NamesMax} names");

    /// <summary>Characters are counted as who wrote the text sees them, from 1.</summary>
    private bool Fail(int place, string sentence)
    {
        int character = 1;
        foreach (Rune _ in text.AsSpan(0, place).EnumerateRunes())
        {
            character++;
        }

        Problem = string.Create(CultureInfo.InvariantCulture, $"character {character} of the template: {sentence}");
        return false;
    }
}
