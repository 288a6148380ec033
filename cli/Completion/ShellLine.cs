using System.Text;

namespace Sluice.Cli.Completion;

/// <summary>Inside what the cursor of a shell is.</summary>
internal enum ShellQuote
{
    /// <summary>No quotes.</summary>
    None,

    /// <summary>Apostrophes.</summary>
    Single,

    /// <summary>Double quotes.</summary>
    Double,
}

/// <summary>
/// A command line of bash up to the cursor, taken apart as bash does it, so that a completion goes on where the last word ends: in its quotes, or with what needs it
/// escaped. bash itself hands out words that are cut at colons and still quoted.
/// </summary>
internal sealed class ShellLine
{
    private const string Unescaped = "_-./:@%+=,";
    private const string EscapedInDouble = "\"$`\\";

    private readonly List<string> _words = [];
    private readonly StringBuilder _word = new();
    private bool _isWord;
    private bool _isTarget;
    private bool _expands;
    private bool _endsWithEscape;
    private ShellQuote _quote;

    private ShellLine()
    {
    }

    /// <summary>The words without their quotes, the command first; the last one is what is being typed, and may be empty.</summary>
    public IReadOnlyList<string> Words => _words;

    /// <summary>False where the last word cannot be completed here: it is the file of a redirection, or the shell would put something else in its place.</summary>
    public bool CanBeCompleted { get; private set; }

    /// <summary>Takes a line apart.</summary>
    public static ShellLine Parse(string line)
    {
        var parsed = new ShellLine();
        for (int at = 0; at < line.Length; at++)
        {
            parsed.Add(line[at], at + 1 < line.Length ? line[at + 1] : '\0', ref at);
        }

        parsed.CanBeCompleted = !parsed._expands && !parsed._isTarget;
        parsed._words.Add(parsed._word.ToString());
        return parsed;
    }

    /// <summary>
    /// What bash is to put in the place of <paramref name="typed"/>, the end of the last word as it stands in the line, so that the word goes on with
    /// <paramref name="rest"/>.
    /// </summary>
    public string Extended(string typed, string rest)
    {
        var text = new StringBuilder(_endsWithEscape && typed.EndsWith('\\') ? typed[..^1] : typed);
        foreach (char each in rest)
        {
            text.Append(_quote switch
            {
                ShellQuote.Single => each == '\'' ? "'\\''" : each.ToString(),
                // History is expanded in these quotes, and a backslash before it stays.
                ShellQuote.Double => each == '!' ? "\"\\!\"" : EscapedInDouble.Contains(each, StringComparison.Ordinal) ? $"\\{each}" : each.ToString(),
                _ => char.IsAscii(each) && !char.IsAsciiLetterOrDigit(each) && !Unescaped.Contains(each, StringComparison.Ordinal) ? $"\\{each}" : each.ToString(),
            });
        }

        return text.ToString();
    }

    private void Add(char each, char next, ref int at)
    {
        _endsWithEscape = false;
        switch (_quote)
        {
            case ShellQuote.Single when each == '\'':
            case ShellQuote.Double when each == '"':
                _quote = ShellQuote.None;
                break;
            case ShellQuote.Double when each == '\\' && next != '\0' && !EscapedInDouble.Contains(next, StringComparison.Ordinal):
                _word.Append(each);
                break;
            case ShellQuote.Single:
                _word.Append(each);
                break;
            case ShellQuote.None or ShellQuote.Double when each == '\\':
                _isWord = true;
                _endsWithEscape = next == '\0';
                if (next != '\0')
                {
                    _word.Append(next);
                    at++;
                }

                break;
            default:
                AddPlain(each);
                break;
        }
    }

    /// <summary>A character that nothing escapes, outside of apostrophes.</summary>
    private void AddPlain(char each)
    {
        _expands |= each is '$' or '`';
        if (_quote == ShellQuote.Double)
        {
            _word.Append(each);
        }
        else if (each is ' ' or '\t' or '\n')
        {
            End();
        }
        else if (each is '<' or '>')
        {
            _isWord &= !_word.ToString().All(char.IsAsciiDigit); // the 2 of 2> is no word
            End();
            _isTarget = true;
        }
        else
        {
            _isWord = true;
            _quote = each switch { '\'' => ShellQuote.Single, '"' => ShellQuote.Double, _ => ShellQuote.None };
            if (_quote == ShellQuote.None)
            {
                _word.Append(each);
            }
        }
    }

    private void End()
    {
        if (_isWord && !_isTarget)
        {
            _words.Add(_word.ToString());
        }

        _isTarget &= !_isWord;
        (_isWord, _expands) = (false, false);
        _word.Clear();
    }
}
