namespace Sluice.Tidy.Tests.Support;

/// <summary>What is declared.</summary>
internal enum DeclarationKind
{
    /// <summary>Class, struct, record, interface, enum or delegate.</summary>
    Type,

    /// <summary>Method, constructor or operator.</summary>
    Method,

    /// <summary>Property, field, event or member of an enum.</summary>
    Member,
}

/// <summary>A type or a member; its tokens are those from its first modifier to its last brace or semicolon.</summary>
internal sealed record Declaration
{
    public required DeclarationKind Kind { get; init; }

    public required string Name { get; init; }

    public required IReadOnlyList<string> Modifiers { get; init; }

    public required int Line { get; init; }

    public required int EndLine { get; init; }

    /// <summary>Seen from outside its assembly: it and everything around it is public.</summary>
    public required bool IsPublic { get; init; }

    public required bool IsDocumented { get; init; }

    public required bool HasBody { get; init; }

    public required IReadOnlyList<Token> Code { get; init; }
}

/// <summary>The declarations of a C# file: types and their members, not what is inside of bodies.</summary>
internal sealed class CSharpOutline
{
    private static readonly string[] s_typeWords = ["class", "struct", "interface", "enum", "record", "delegate"];

    private readonly List<Token> _code = [];
    private readonly HashSet<int> _documented = []; // indexes of code tokens with a documentation comment right before
    private readonly List<Declaration> _found = [];
    private int _at;

    private CSharpOutline(IEnumerable<Token> tokens)
    {
        bool documented = false;
        foreach (Token token in tokens)
        {
            if (token.IsCode)
            {
                if (documented)
                {
                    _documented.Add(_code.Count);
                }

                _code.Add(token);
                documented = false;
            }
            else
            {
                documented |= token.Kind == TokenKind.DocComment;
            }
        }
    }

    /// <summary>All declarations, outer before inner ones.</summary>
    public static List<Declaration> Of(IEnumerable<Token> tokens)
    {
        var outline = new CSharpOutline(tokens);
        while (outline._at < outline._code.Count)
        {
            outline.ReadBody(isPublic: true, isInterface: false);
            outline._at++; // a closing brace too many; the compiler has said so
        }

        return outline._found;
    }

    private bool At(string text) => _at < _code.Count && _code[_at].Is(text);

    /// <summary>Declarations up to the brace that closes what they are in.</summary>
    private void ReadBody(bool isPublic, bool isInterface)
    {
        while (_at < _code.Count && !At("}"))
        {
            bool documented = _documented.Contains(_at);
            while (At("["))
            {
                SkipBalanced();
            }

            if (At("using") || At("extern"))
            {
                SkipTo(";");
            }
            else if (At("namespace"))
            {
                ReadNamespace();
            }
            else if (!At(";") && _at < _code.Count && !At("}"))
            {
                ReadDeclaration(documented, isPublic, isInterface);
                continue;
            }

            _at += At("}") ? 0 : 1;
        }
    }

    private void ReadNamespace()
    {
        while (_at < _code.Count && !At(";") && !At("{"))
        {
            _at++;
        }

        if (At("{"))
        {
            _at++;
            ReadBody(isPublic: true, isInterface: false);
        }
    }

    private void ReadDeclaration(bool documented, bool containerIsPublic, bool inInterface)
    {
        int start = _at;
        int end = SkipHeader();
        List<Token> header = _code[start..end];
        List<Token> words = [.. header.TakeWhile(token => !token.Is("(") && !token.Is(":") && !token.Is("where")).Where(token => token.Kind == TokenKind.Word)];
        string[] modifiers = [.. words.Select(token => token.Text)];
        bool isType = modifiers.Any(s_typeWords.Contains) || modifiers is ["extension"];
        bool isPublic = containerIsPublic
            && (modifiers.Contains("public") || (inInterface && !modifiers.Contains("private") && !modifiers.Contains("internal")));
        int index = _found.Count;
        bool hasBody = ReadRest(isType, isPublic || modifiers is ["extension"], modifiers);
        int last = Math.Min(_at, _code.Count) - 1;
        _found.Insert(index, new Declaration
        {
            Kind = isType ? DeclarationKind.Type : header.Exists(token => token.Is("(")) ? DeclarationKind.Method : DeclarationKind.Member,
            Name = isType ? TypeName(modifiers) : words.Count > 0 ? MemberName(words, header) : "?",
            Modifiers = modifiers,
            Line = _code[start].Line,
            EndLine = _code[last].EndLine,
            IsPublic = isPublic,
            IsDocumented = documented,
            HasBody = hasBody,
            Code = _code[start..(last + 1)],
        });
    }

    /// <summary>What follows a header: body, expression, initial value or nothing. True when there is code in it.</summary>
    private bool ReadRest(bool isType, bool isPublic, string[] modifiers)
    {
        if (At("{") && isType)
        {
            _at++;
            if (modifiers.Contains("enum"))
            {
                ReadEnum(isPublic);
            }
            else
            {
                ReadBody(isPublic, modifiers.Contains("interface"));
            }

            _at++;
            return true;
        }

        bool hasBody = At("{") || At("=>");
        if (At("{"))
        {
            SkipBalanced();
            if (!At("="))
            {
                return true;
            }
        }

        SkipTo(";");
        _at++;
        return hasBody;
    }

    private void ReadEnum(bool isPublic)
    {
        while (_at < _code.Count && !At("}"))
        {
            int start = _at;
            bool documented = _documented.Contains(_at);
            while (At("["))
            {
                SkipBalanced();
            }

            Token name = _code[_at];
            while (_at < _code.Count && !At(",") && !At("}"))
            {
                _at++;
            }

            _found.Add(new Declaration
            {
                Kind = DeclarationKind.Member,
                Name = name.Text,
                Modifiers = [],
                Line = name.Line,
                EndLine = _code[_at - 1].EndLine,
                IsPublic = isPublic,
                IsDocumented = documented,
                HasBody = false,
                Code = _code[start.._at],
            });
            _at += At(",") ? 1 : 0;
        }
    }

    /// <summary>Goes to what ends a header and answers where that is.</summary>
    private int SkipHeader()
    {
        bool isOperator = false;
        while (_at < _code.Count && !At("{") && !At(";") && !At("}") && (isOperator || (!At("=>") && !At("="))))
        {
            isOperator |= At("operator");
            if (At("(") || At("["))
            {
                isOperator = false;
                SkipBalanced();
            }
            else
            {
                _at++;
            }
        }

        return _at;
    }

    private void SkipTo(string end)
    {
        while (_at < _code.Count && !At(end))
        {
            if (At("(") || At("[") || At("{"))
            {
                SkipBalanced();
            }
            else
            {
                _at++;
            }
        }
    }

    private void SkipBalanced()
    {
        int depth = 0;
        do
        {
            depth += At("(") || At("[") || At("{") ? 1 : At(")") || At("]") || At("}") ? -1 : 0;
            _at++;
        }
        while (depth > 0 && _at < _code.Count);
    }

    private static string TypeName(string[] words)
    {
        int last = Array.FindLastIndex(words, s_typeWords.Contains);
        return words.Contains("delegate") ? words[^1] : last + 1 < words.Length ? words[last + 1] : words[^1];
    }

    /// <summary>The word before the parameters, or the last one; type parameters are passed over.</summary>
    private static string MemberName(List<Token> words, List<Token> header)
    {
        if (header.Exists(token => token.Is("this")))
        {
            return "this"; // an indexer
        }

        int end = header.FindIndex(token => token.Is("(") || token.Is(":") || token.Is("where"));
        int at = (end < 0 ? header.Count : end) - 1;
        for (int depth = 0; at >= 0 && (depth > 0 || header[at].Kind != TokenKind.Word); at--)
        {
            depth += header[at].Is(">") ? 1 : header[at].Is("<") ? -1 : 0;
        }

        return at >= 0 ? header[at].Text : words[^1].Text;
    }
}
