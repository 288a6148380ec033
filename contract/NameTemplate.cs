using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Sluice.Contract;

/// <summary>
/// A text that stands for many object names (contract: objects §7): <c>a{001..010..3}b</c>, <c>a-@100-z</c> or <c>a%04dz</c>, with the last range fastest; or,
/// when it has none of these ranges, a prefix, of which one <c>*</c> at the end is dropped. How many names there are is known, and bounded, before the
/// first is made; they are made one at a time. Immutable.
/// <para>
/// The first style that the text has is the one that is read: braces, then <c>@</c>, then <c>%</c>; signs of the others are letters within it. A text that
/// begins a range and does not end it is refused: it would be a prefix that nobody meant.
/// </para>
/// </summary>
public sealed class NameTemplate
{
    /// <summary>Longest text in bytes of UTF-8: four times the longest name.</summary>
    public const int TextBytesMax = 4 << 10;

    /// <summary>Most names that one template may stand for.</summary>
    public const long NamesMax = 10_000_000;

    private readonly string _text;
    private readonly NumberRange[] _ranges;
    private readonly int _lengthMax;

    internal NameTemplate(string text, string prefix, NumberRange[] ranges, long count)
    {
        (_text, Prefix, _ranges, Count) = (text, prefix, ranges, count);
        _lengthMax = prefix.Length;
        foreach (NumberRange range in ranges)
        {
            _lengthMax += range.LengthMax + range.Gap.Length;
        }
    }

    /// <summary>What all names begin with: the text before the first range, or all that a prefix is; may be empty.</summary>
    public string Prefix { get; }

    /// <summary>True when there are no ranges: the names are those in a bucket that begin with <see cref="Prefix"/>.</summary>
    public bool IsPrefix => _ranges.Length == 0;

    /// <summary>How many names <see cref="Names"/> gives: 1 to <see cref="NamesMax"/>; 0 for a prefix.</summary>
    public long Count { get; }

    /// <summary>The first name; for a prefix, the prefix.</summary>
    public string First => Compose(Array.ConvertAll(_ranges, range => range.First), new char[_lengthMax]);

    /// <summary>The last name, which is the longest; for a prefix, the prefix.</summary>
    public string Last => Compose(Array.ConvertAll(_ranges, range => range.Last), new char[_lengthMax]);

    /// <summary>Reads a template, or says in one sentence what is wrong with it and at which character, counted from 1.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out NameTemplate? template, [NotNullWhen(false)] out string? problem)
    {
        template = null;
        if (text.Length > TextBytesMax || Encoding.UTF8.GetByteCount(text) > TextBytesMax)
        {
            problem = $"the template is longer than {TextBytesMax} bytes";
            return false;
        }

        var parser = new NameTemplateParser(text);
        template = parser.Parse();
        problem = parser.Problem;
        return template is not null;
    }

    /// <summary>
    /// All names in order, each made when it is asked for. Two may be the same where ranges of one width after the other have nothing between them. Not for
    /// a prefix.
    /// </summary>
    public IEnumerable<string> Names() =>
        IsPrefix ? throw new InvalidOperationException("the names of a prefix are in a bucket, not in the template") : Enumerate();

    /// <summary>The text as it was given.</summary>
    public override string ToString() => _text;

    private IEnumerable<string> Enumerate()
    {
        long[] at = Array.ConvertAll(_ranges, range => range.First);
        var name = new char[_lengthMax];
        for (long left = Count; left > 0; left--)
        {
            yield return Compose(at, name);
            Advance(at);
        }
    }

    private void Advance(long[] at)
    {
        for (int i = at.Length - 1; i >= 0; i--)
        {
            if (at[i] < _ranges[i].Last)
            {
                at[i] += _ranges[i].Step;
                return;
            }

            at[i] = _ranges[i].First;
        }
    }

    private string Compose(long[] at, char[] name)
    {
        Prefix.CopyTo(name);
        int length = Prefix.Length;
        for (int i = 0; i < at.Length; i++)
        {
            length += _ranges[i].Write(at[i], name.AsSpan(length));
            _ranges[i].Gap.CopyTo(name.AsSpan(length));
            length += _ranges[i].Gap.Length;
        }

        return new string(name, 0, length);
    }
}
