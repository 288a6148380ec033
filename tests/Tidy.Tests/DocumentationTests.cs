using System.Text.RegularExpressions;
using System.Xml.Linq;
using Sluice.Tidy.Tests.Support;

namespace Sluice.Tidy.Tests;

/// <summary>What is public is documented, what is depended on is decided, what is linked exists.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string[] s_documented = ["native", "contract", "engine", "transport"];

    /// <summary>Files whose names are documented elsewhere, with where.</summary>
    private static readonly Dictionary<string, string> s_documentedElsewhere = new()
    {
        ["native/Errno.cs"] = "errno(3)",
    };

    [Fact]
    public void PublicThingsAreDocumented() =>
        Rule.Holds(RepositoryTree.CSharp.Where(file => s_documented.Contains(file.Folder) && !s_documentedElsewhere.ContainsKey(file.Path)).SelectMany(Undocumented));

    [Theory]
    [InlineData("public class A;")]
    [InlineData("/// <summary>A.</summary>\npublic class A { public int B; }")]
    [InlineData("/// <summary>A.</summary>\npublic class A { [C] public void B() { } }")]
    [InlineData("/// <summary>A.</summary>\npublic interface IA { void B(); }")]
    [InlineData("/// <summary>A.</summary>\npublic enum A { B }")]
    [InlineData("// <summary>A.</summary>\npublic class A;")]
    public void AnUndocumentedThingIsCaught(string source) => Rule.Catches(Undocumented(new SourceFile("engine/A.cs", source)));

    [Theory]
    [InlineData("internal class A { public int B; }")]
    [InlineData("/// <summary>A.</summary>\n[D]\npublic class A { int _b; private class C { public int D; } }")]
    [InlineData("/// <summary>A.</summary>\npublic enum A\n{\n/// <summary>B.</summary>\n[D] B = 1,\n/// <summary>C.</summary>\nC }")]
    public void ADocumentedOrInnerThingPasses(string source) => Rule.Passes(Undocumented(new SourceFile("engine/A.cs", source)));

    [Fact]
    public void EveryPackageHasADecision()
    {
        SourceFile packages = RepositoryTree.Files.Single(file => file.Path == "Directory.Packages.props");
        Rule.Holds(UndecidedPackages(packages, Decisions()));
    }

    [Fact]
    public void APackageWithoutADecisionIsCaught() =>
        Rule.Catches(UndecidedPackages(new SourceFile("Directory.Packages.props", "<P><PackageVersion Include=\"Left.Pad\" Version=\"1.0\" /></P>"), Decisions()));

    [Fact]
    public void LinksLeadSomewhere() =>
        Rule.Holds(RepositoryTree.Files.Where(file => file.Path.EndsWith(".md", StringComparison.Ordinal)).SelectMany(file => BrokenLinks(file, RepositoryTree.Files)));

    [Theory]
    [InlineData("[a](B.md)")]
    [InlineData("[a](../native/Nothing.cs)")]
    [InlineData("[a](A.md#no-such-heading)")]
    [InlineData("[a](#no-such-heading)")]
    [InlineData("see `engine/Nothing.cs`")]
    public void ABrokenLinkIsCaught(string text) => Rule.Catches(BrokenLinks(new SourceFile("docs/C.md", text), s_twoFiles));

    [Theory]
    [InlineData("[a](A.md), [b](../engine/A.cs), [c](https://example.org/), [d](A.md#a-heading-of-its-own), `engine/A.cs`, `engine/*.cs`")]
    [InlineData("```\n[a](B.md)\n```")]
    public void AGoodLinkPasses(string text) => Rule.Passes(BrokenLinks(new SourceFile("docs/C.md", text), s_twoFiles));

    private static readonly SourceFile[] s_twoFiles =
        [new SourceFile("docs/A.md", "## A `heading` of its own\n"), new SourceFile("engine/A.cs", "class A;")];

    [GeneratedRegex(@"\[[^\]]*\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link { get; }

    [GeneratedRegex(@"`(?<path>(native|contract|engine|transport|server|cli|loader|bench|tests|docs|deploy)/[A-Za-z0-9_./-]+\.[a-z]+)`")]
    private static partial Regex PathSpan { get; }

    [GeneratedRegex(@"^#+ +(?<text>.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading { get; }

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence { get; }

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NotInAnchors { get; }

    private static string Decisions() => string.Concat(
        RepositoryTree.Files.Where(file => file.Path.StartsWith("docs/decisions/", StringComparison.Ordinal)).Select(file => file.Text));

    private static IEnumerable<string> Undocumented(SourceFile file) =>
        from declaration in file.Declarations
        where declaration.IsPublic && !declaration.IsDocumented && !declaration.Modifiers.Contains("partial") && !declaration.Modifiers.Contains("override")
        select $"{file.Path}:{declaration.Line}: {declaration.Name} has no documentation comment";

    private static IEnumerable<string> UndecidedPackages(SourceFile packages, string decisions) =>
        from package in XDocument.Parse(packages.Text).Descendants("PackageVersion")
        let name = package.Attribute("Include")!.Value
        where !decisions.Contains(name, StringComparison.Ordinal)
        select $"{name} has no decision in docs/decisions/";

    private static IEnumerable<string> BrokenLinks(SourceFile document, IReadOnlyList<SourceFile> files)
    {
        string text = Fence.Replace(document.Text, "");
        string[] targets = [.. Link.Matches(text).Select(match => match.Groups["target"].Value)];
        foreach (string target in targets.Where(target => !target.Contains("://", StringComparison.Ordinal)))
        {
            string[] parts = target.Split('#', 2);
            string path = parts[0].Length == 0 ? document.Path : Resolve(document.Path, parts[0]);
            SourceFile? file = path == document.Path ? document : files.FirstOrDefault(one => one.Path == path);
            bool isFolder = files.Any(one => one.Path.StartsWith(path.TrimEnd('/') + "/", StringComparison.Ordinal));
            if ((file is null && !isFolder) || (parts.Length == 2 && !Anchors(file).Contains(parts[1])))
            {
                yield return $"{document.Path}: the link to {target} leads nowhere";
            }
        }

        foreach (Match match in PathSpan.Matches(text))
        {
            if (!files.Any(file => file.Path == match.Groups["path"].Value))
            {
                yield return $"{document.Path}: there is no {match.Groups["path"].Value}";
            }
        }
    }

    private static string Resolve(string from, string target) =>
        Path.GetFullPath(Path.Combine("/", Path.GetDirectoryName(from)!, target)).TrimStart('/');

    /// <summary>Anchors as they are commonly made of headings: lower case, punctuation dropped, spaces to dashes.</summary>
    private static IEnumerable<string> Anchors(SourceFile? file) =>
        file is null ? [] : Heading.Matches(file.Text).Select(match =>
            NotInAnchors.Replace(match.Groups["text"].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-'));
}
