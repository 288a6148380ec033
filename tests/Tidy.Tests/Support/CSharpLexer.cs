namespace Sluice.Tidy.Tests.Support;

/// <summary>
/// Cuts C# source into tokens, well enough to tell code from strings and comments: all forms of strings, nested interpolations, characters,
/// both kinds of comments, preprocessor lines. It refuses nothing: whoever compiles the tree does that.
/// </summary>
internal sealed class CSharpLexer
{
    private static readonly string[] s_marks = ["=>", "==", "!=", "<=", ">=", "::"]; // those that a rule would mistake in two pieces

    private readonly string _source;
    private int _position;
    private int _line = 1;

    private CSharpLexer(string source)
    {
        _source = source;
    }

    private char Current => Peek(0);

    /// <summary>All tokens, comments with them.</summary>
    public static List<Token> Tokens(string source)
    {
        var lexer = new CSharpLexer(source);
        var tokens = new List<Token>();
        while (lexer.TryRead(out Token token))
        {
            tokens.Add(token);
        }

        return tokens;
    }

    private char Peek(int ahead) => _position + ahead < _source.Length ? _source[_position + ahead] : '\0';

    private bool At(string text) => string.CompareOrdinal(_source, _position, text, 0, text.Length) == 0;

    private void Advance(int count = 1)
    {
        for (int end = Math.Min(_position + count, _source.Length); _position < end; _position++)
        {
            _line += _source[_position] == '\n' ? 1 : 0;
        }
    }

    private bool TryRead(out Token token)
    {
        while (_position < _source.Length && (char.IsWhiteSpace(Current) || Current == '\uFEFF'))
        {
            Advance();
        }

        token = default;
        if (_position >= _source.Length)
        {
            return false;
        }

        int start = _position;
        int line = _line;
        TokenKind kind = ReadOne();
        token = new Token(kind, _source[start.._position], line, _line);
        return true;
    }

    private TokenKind ReadOne()
    {
        if (At("//"))
        {
            bool documents = At("///") && Peek(3) != '/';
            ReadLine();
            return documents ? TokenKind.DocComment : TokenKind.Comment;
        }

        if (At("/*"))
        {
            int end = _source.IndexOf("*/", _position + 2, StringComparison.Ordinal);
            Advance((end < 0 ? _source.Length : end + 2) - _position);
            return TokenKind.Comment;
        }

        if (Current == '#')
        {
            ReadLine();
            return TokenKind.Directive;
        }

        if (Current == '\'' || IsString())
        {
            ReadText();
            return TokenKind.Text;
        }

        if (char.IsLetter(Current) || Current is '_' or '@')
        {
            Advance();
            ReadWord();
            return TokenKind.Word;
        }

        if (char.IsDigit(Current))
        {
            ReadWord();
            return TokenKind.Number;
        }

        Advance(Array.Find(s_marks, At)?.Length ?? 1);
        return TokenKind.Mark;
    }

    private void ReadLine()
    {
        int end = _source.IndexOf('\n', _position);
        Advance((end < 0 ? _source.Length : end) - _position);
    }

    private void ReadWord()
    {
        while (char.IsLetterOrDigit(Current) || Current == '_')
        {
            Advance();
        }
    }

    private bool IsString()
    {
        int ahead = 0;
        while (Peek(ahead) is '$' or '@')
        {
            ahead++;
        }

        return Peek(ahead) == '"';
    }

    private void ReadText()
    {
        if (Current == '\'')
        {
            ReadUntilQuote('\'', verbatim: false, interpolated: false);
            return;
        }

        bool verbatim = false;
        bool interpolated = false;
        for (; Current != '"'; Advance())
        {
            verbatim |= Current == '@';
            interpolated |= Current == '$';
        }

        if (At("\"\"\""))
        {
            ReadRaw();
        }
        else
        {
            ReadUntilQuote('"', verbatim, interpolated);
        }

        if (At("u8"))
        {
            Advance(2);
        }
    }

    /// <summary>A raw string ends with as many quotes as it began with; no hole has so many.</summary>
    private void ReadRaw()
    {
        int quotes = 0;
        while (Peek(quotes) == '"')
        {
            quotes++;
        }

        Advance(quotes);
        int end = _source.IndexOf(new string('"', quotes), _position, StringComparison.Ordinal);
        Advance((end < 0 ? _source.Length : end + quotes) - _position);
    }

    private void ReadUntilQuote(char quote, bool verbatim, bool interpolated)
    {
        Advance();
        while (_position < _source.Length)
        {
            if (Current == quote && !(verbatim && Peek(1) == quote))
            {
                Advance();
                return;
            }

            if (interpolated && Current == '{' && Peek(1) != '{')
            {
                Advance();
                ReadHole();
                continue;
            }

            bool pair = (verbatim && Current == quote) || (!verbatim && Current == '\\') || (interpolated && Current == '{');
            Advance(pair ? 2 : 1);
        }
    }

    /// <summary>Code in an interpolation, strings within it included, to the brace that ends it.</summary>
    private void ReadHole()
    {
        for (int depth = 1; depth > 0 && TryRead(out Token token);)
        {
            depth += token.Is("{") ? 1 : token.Is("}") ? -1 : 0;
        }
    }
}
