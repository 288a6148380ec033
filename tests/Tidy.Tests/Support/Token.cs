namespace Sluice.Tidy.Tests.Support;

/// <summary>What a piece of C# source is.</summary>
internal enum TokenKind
{
    /// <summary>Identifier or keyword.</summary>
    Word,

    /// <summary>Number.</summary>
    Number,

    /// <summary>String or character literal, whole, holes of an interpolation with it.</summary>
    Text,

    /// <summary>Operator or punctuation.</summary>
    Mark,

    /// <summary>Comment that documents nothing.</summary>
    Comment,

    /// <summary>Documentation comment, one line of it.</summary>
    DocComment,

    /// <summary>Preprocessor line.</summary>
    Directive,
}

/// <summary>One piece of source; lines count from 1.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int Line, int EndLine)
{
    public bool IsCode => Kind is not (TokenKind.Comment or TokenKind.DocComment or TokenKind.Directive);

    public bool Is(string text) => Kind is TokenKind.Word or TokenKind.Mark && Text == text;
}
