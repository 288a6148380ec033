using System.Text.RegularExpressions;
using Sluice.Tidy.Tests.Support;

namespace Sluice.Tidy.Tests;

/// <summary>Words that say nothing in the name of a type, and texts that have no place in the tree.</summary>
public sealed partial class WordTests
{
    private static readonly string[] s_emptyWords = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utility", "Common", "Info", "Data", "Impl"];

    /// <summary>Written in two pieces, so that this file is not the one that has them.</summary>
    private static readonly (string What, Regex Pattern)[] s_banned =
    [
        ("unfinished work", new Regex("\\b(TO" + "DO|FIX" + "ME|HA" + "CK|XX" + "X)\\b")),
        ("a tool's name", new Regex("\\b(Cla" + "ude|L" + "LM|A" + "I (assistant|session)s?)\\b")),
        ("a path of one machine", new Regex("(^|[\\s\"'`(=:])/(wo" + "rk|ro" + "ot|ho" + "me/[a-z])\\b", RegexOptions.Multiline)),
        ("the host of a registry", new Regex("https?://[^\\s\"'/)]*(nu" + "get|py" + "pi|npm" + "js|regis" + "try|artifac" + "tory|jf" + "rog|pk" + "gs)")),
    ];

    private static readonly (string What, string Code)[] s_bannedInTests =
    [
        ("sleeps", "Thread.Sleep("),
        ("sleeps", "Task.Delay("),
        ("is skipped", "Skip="),
        ("cannot fail", "Assert.True(true)"),
    ];

    [Fact]
    public void TypesAreNamedForWhatTheyAre() => Rule.Holds(RepositoryTree.CSharp.SelectMany(EmptyNames));

    [Theory]
    [InlineData("class BucketManager;")]
    [InlineData("record struct ObjectInfo(int A);")]
    [InlineData("static class PathHelper { }")]
    [InlineData("interface IDataSource { }")]
    [InlineData("class A { enum UtilKind { B } }")]
    public void AnEmptyNameIsCaught(string source) => Rule.Catches(EmptyNames(new SourceFile("engine/A.cs", source)));

    [Theory]
    [InlineData("class ObjectMetadata { Data Manager; }")]
    [InlineData("class Informed; class Database;")]
    public void AWordWithinAWordPasses(string source) => Rule.Passes(EmptyNames(new SourceFile("engine/A.cs", source)));

    [Fact]
    public void NoFileHasABannedText() => Rule.Holds(RepositoryTree.Files.SelectMany(BannedTexts));

    [Theory]
    [InlineData("// TO", "DO: later")]
    [InlineData("# FIX", "ME")]
    [InlineData("written by Cla", "ude")]
    [InlineData("an L", "LM said so")]
    [InlineData("cd /wo", "rk/main")]
    [InlineData("see https://api.nu", "get.org/v3")]
    public void ABannedTextIsCaught(string head, string tail) => Rule.Catches(BannedTexts(new SourceFile("docs/A.md", head + tail)));

    [Theory]
    [InlineData("the work directory a/work/b, a hackney, TODOS of a fullmoon")]
    [InlineData("https://learn.microsoft.com/dotnet")]
    public void ATextThatOnlyLooksLikeOnePasses(string text) => Rule.Passes(BannedTexts(new SourceFile("docs/A.md", text)));

    [Fact]
    public void TestsNeitherSleepNorSkip() => Rule.Holds(RepositoryTree.CSharp.Where(file => file.Folder == "tests").SelectMany(BannedCode));

    [Theory]
    [InlineData("class A { void B() { Thread.Sleep(5); } }")]
    [InlineData("class A { async Task B() { await Task . Delay(5); } }")]
    [InlineData("class A { [Fact(Skip = \"later\")] void B() { } }")]
    [InlineData("class A { void B() { Assert.True(true); } }")]
    public void ASleepOrASkipIsCaught(string source) => Rule.Catches(BannedCode(new SourceFile("tests/A.Tests/A.cs", source)));

    [Fact]
    public void ATextAboutSleepingPasses() =>
        Rule.Passes(BannedCode(new SourceFile("tests/A.Tests/A.cs", "class A { /* Thread.Sleep(5) */ string _b = \"Task.Delay(1)\"; bool Skipped; }")));

    [GeneratedRegex("[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")]
    private static partial Regex Words { get; }

    private static IEnumerable<string> EmptyNames(SourceFile file) =>
        from type in file.Declarations
        where type.Kind == DeclarationKind.Type
        from Match word in Words.Matches(type.Name.Length > 1 && type.Name[0] == 'I' && char.IsUpper(type.Name[1]) ? type.Name[1..] : type.Name)
        where s_emptyWords.Contains(word.Value)
        select $"{file.Path}:{type.Line}: {type.Name}: \"{word.Value}\" says nothing";

    private static IEnumerable<string> BannedTexts(SourceFile file) =>
        from banned in s_banned
        from Match match in banned.Pattern.Matches(file.Text)
        select $"{file.Path}:{file.Text.AsSpan(0, match.Index).Count('\n') + 1}: {banned.What}: {match.Value.Trim()}";

    private static IEnumerable<string> BannedCode(SourceFile file)
    {
        List<Token> code = [.. file.Code];
        for (int i = 0; i < code.Count; i++)
        {
            if (code[i].Kind != TokenKind.Word)
            {
                continue;
            }

            string here = string.Concat(code.Skip(i).Take(6).Select(token => token.Text));
            foreach ((string what, string text) in s_bannedInTests)
            {
                if (here.StartsWith(text, StringComparison.Ordinal))
                {
                    yield return $"{file.Path}:{code[i].Line}: {what}: {text}";
                }
            }
        }
    }
}
