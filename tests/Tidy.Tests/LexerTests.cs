using Sluice.Tidy.Tests.Support;

namespace Sluice.Tidy.Tests;

/// <summary>The rules below are as good as the lexer and the outline: code in strings and comments is none, declarations are found whole.</summary>
public sealed class LexerTests
{
    [Theory]
    [InlineData("a(\"bad // bad\"); // bad")]
    [InlineData("a(@\"bad \"\" bad\\\"); /* bad\n bad */ b();")]
    [InlineData("a($\"bad {x[\"bad\"]} {{ bad }} {$\"{y}bad\"}\");")]
    [InlineData("a($@\"bad \"\" {x} bad\\\");")]
    [InlineData("a(\"\"\"bad \" bad \"\"\", $$\"\"\"bad {{x}} \"\"\"u8);")]
    [InlineData("a('\"', '\\'', \"bad\"); // bad")]
    [InlineData("/// <summary>bad</summary>\n#region bad\na();")]
    public void StringsCommentsAndDirectivesAreNoCode(string source)
    {
        IEnumerable<Token> words = CSharpLexer.Tokens(source).Where(token => token.Kind == TokenKind.Word);
        Assert.DoesNotContain(words, word => word.Text is "bad");
        Assert.Contains(words, word => word.Text == "a");
    }

    [Fact]
    public void TokensKnowTheirLines()
    {
        List<Token> tokens = CSharpLexer.Tokens("a\n/* x\ny */ b\n\"\"\"\nz\n\"\"\" c");
        Assert.Equal([(1, 1), (2, 3), (3, 3), (4, 6), (6, 6)], tokens.Select(token => (token.Line, token.EndLine)));
    }

    [Fact]
    public void DeclarationsAreFoundWithTheirBodies()
    {
        const string Source = """
            using System;
            [assembly: Foo("x")]
            namespace N;

            /// <summary>Doc.</summary>
            [Attribute(1, "}")]
            public sealed class Outer<T>(int x) : Base(x), IFace where T : class
            {
                private readonly Dictionary<int, string> _field = new() { { 1, "{" } };
                /// <summary>Doc.</summary>
                public int Property { get; set; } = 3;
                public int this[int i] => i;
                public (int A, int B) Pair() => (1, 2);
                public static bool operator ==(Outer<T> a, Outer<T> b) => a.Equals(b);
                internal async Task<T> RunAsync<U>(int[] a, string b = "x") where U : struct
                {
                    if (a is { Length: > 0 })
                    {
                        Local();
                    }
                    void Local() { }
                }
                public interface IInner { void Verb(int a); }
                private enum Colour { /** doc */ Red = 1, Green }
            }
            public readonly record struct Point(int X, int Y);
            public delegate void Handler(int a);
            """;
        List<Declaration> found = CSharpOutline.Of(CSharpLexer.Tokens(Source));
        Assert.Equal(
            ["Outer", "_field", "Property", "this", "RunAsync", "IInner", "Verb", "Colour", "Red", "Green", "Point", "Handler"],
            found.Select(declaration => declaration.Name).Where(name => name is not ("Pair" or "?" or "public" or "operator" or "==")));
        Assert.Equal(["Outer", "IInner", "Colour", "Point", "Handler"], found.Where(one => one.Kind == DeclarationKind.Type).Select(one => one.Name));
        Declaration run = found.Single(one => one.Name == "RunAsync");
        Assert.Equal((15, 22, true, false), (run.Line, run.EndLine, run.HasBody, run.IsPublic));
        Assert.True(found.Single(one => one.Name == "Verb").IsPublic);
        Assert.False(found.Single(one => one.Name == "Red").IsPublic);
        Assert.Equal(["Outer", "Property"], found.Where(one => one.IsDocumented).Select(one => one.Name));
    }
}
