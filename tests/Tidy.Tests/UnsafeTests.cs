using System.Xml.Linq;
using Sluice.Tidy.Tests.Support;

namespace Sluice.Tidy.Tests;

/// <summary>Unsafe code is native's alone, and says at each place who keeps the memory alive and why the bounds hold.</summary>
public sealed class UnsafeTests
{
    private const int LinesBefore = 3; // a comment above a member, with its attributes between

    [Fact]
    public void OnlyNativeIsUnsafe() => Rule.Holds(RepositoryTree.Files.Where(file => file.Folder != "native").SelectMany(UnsafeElsewhere));

    [Theory]
    [InlineData("engine/A.cs", "unsafe class A;")]
    [InlineData("tests/A.Tests/A.cs", "class A { unsafe void B(int* c) { } }")]
    [InlineData("engine/engine.csproj", "<Project><PropertyGroup><AllowUnsafeBlocks>true</AllowUnsafeBlocks></PropertyGroup></Project>")]
    [InlineData("Directory.Build.props", "<Project><PropertyGroup><AllowUnsafeBlocks>True</AllowUnsafeBlocks></PropertyGroup></Project>")]
    public void UnsafeElsewhereIsCaught(string path, string text) => Rule.Catches(UnsafeElsewhere(new SourceFile(path, text)));

    [Theory]
    [InlineData("engine/A.cs", "class A; // unsafe\n/* unsafe */ class B { string _c = \"unsafe\"; }")]
    [InlineData("Directory.Build.props", "<Project><PropertyGroup><AllowUnsafeBlocks>false</AllowUnsafeBlocks></PropertyGroup></Project>")]
    public void TheWordAlonePasses(string path, string text) => Rule.Passes(UnsafeElsewhere(new SourceFile(path, text)));

    [Fact]
    public void EveryUnsafePlaceSaysWhyItIsSafe() => Rule.Holds(RepositoryTree.CSharp.SelectMany(Unexplained));

    [Theory]
    [InlineData("class A { void B()\n{\nunsafe { C(); } } }")]
    [InlineData("class A { unsafe void B(int* c) { *c = 1; } }")]
    [InlineData("unsafe class A { void B(byte[] c) { fixed (byte* d = c) { *d = 1; } } }")]
    [InlineData("unsafe class A { int B(byte* c) => C(c); }")]
    [InlineData("class A { // SAFETY: this one is about the field\nint _f;\n\n\n\nunsafe void B(int* c) { *c = 1; } }")]
    public void AnUnexplainedPlaceIsCaught(string source) => Rule.Catches(Unexplained(new SourceFile("native/A.cs", source)));

    [Theory]
    [InlineData("class A { void B() {\n// SAFETY: the array is pinned.\nunsafe { C(); } } }")]
    [InlineData("class A {\n// SAFETY: the caller owns c.\nunsafe void B(int* c) { *c = 1; } }")]
    [InlineData("unsafe class A { static partial int open(byte* path, int flags); struct B { public byte* Base; } }")]
    [InlineData("unsafe class A { int B(int c) { return 2 * c; } }")]
    [InlineData("class A(int a) { long B => (a * 2) * 3; }")]
    public void AnExplainedPlacePasses(string source) => Rule.Passes(Unexplained(new SourceFile("native/A.cs", source)));

    private static IEnumerable<string> UnsafeElsewhere(SourceFile file)
    {
        bool isProject = file.Path.EndsWith(".csproj", StringComparison.Ordinal) || file.Path.EndsWith(".props", StringComparison.Ordinal)
            || file.Path.EndsWith(".targets", StringComparison.Ordinal);
        return isProject
            ? XDocument.Parse(file.Text).Descendants("AllowUnsafeBlocks").Where(element => bool.Parse(element.Value)).Select(_ => $"{file.Path}: AllowUnsafeBlocks")
            : !file.IsCSharp ? []
            : file.Code.Where(token => token.Is("unsafe")).Select(token => $"{file.Path}:{token.Line}: unsafe");
    }

    /// <summary>Members with a body that touch pointers and have no comment in them or right before.</summary>
    private static IEnumerable<string> Unexplained(SourceFile file)
    {
        List<Token> reasons = [.. file.Tokens.Where(token => token.Kind == TokenKind.Comment && token.Text.Contains("SAFETY:", StringComparison.Ordinal))];
        return file.Declarations
            .Where(member => member.Kind != DeclarationKind.Type && member.HasBody && TouchesPointers(member))
            .Where(member => !reasons.Exists(reason => reason.Line >= member.Line - LinesBefore && reason.EndLine <= member.EndLine))
            .Select(member => $"{file.Path}:{member.Line}: {member.Name} has no SAFETY comment");
    }

    private static bool TouchesPointers(Declaration member) =>
        member.Code.Any(token => token.Is("unsafe") || token.Is("fixed")) || HasPointerParameter(member);

    /// <summary>A '*' among the parameters, before any body.</summary>
    private static bool HasPointerParameter(Declaration member) =>
        member.Code.TakeWhile(token => !token.Is("{") && !token.Is("=>")).SkipWhile(token => !token.Is("(")).Any(token => token.Is("*"));
}
