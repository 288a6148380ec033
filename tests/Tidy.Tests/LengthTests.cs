using Sluice.Tidy.Tests.Support;

namespace Sluice.Tidy.Tests;

/// <summary>A file has one responsibility, a method one screen.</summary>
public sealed class LengthTests
{
    private const int FileLinesMax = 400;
    private const int FileLinesHardMax = 600;
    private const int MethodLinesMax = 70;

    /// <summary>Files between the two limits, each with its reason.</summary>
    private static readonly Dictionary<string, string> s_longFiles = new()
    {
        ["engine/Io/DirectoryTable.cs"] = "one table under one monitor; its entries and its fsync are files of their own already",
        ["transport/Uring/UringInput.cs"] = "one pipe reader under one gate",
    };

    [Fact]
    public void FilesAreShort() => Rule.Holds(RepositoryTree.CSharp.SelectMany(file => LongFile(file, s_longFiles)));

    [Theory]
    [InlineData(401, "engine/B.cs")]
    [InlineData(601, "engine/A.cs")]
    public void ALongFileIsCaught(int lines, string excused) => Rule.Catches(LongFile(Lines(lines), new() { [excused] = "a reason" }));

    [Theory]
    [InlineData(400, "engine/B.cs")]
    [InlineData(600, "engine/A.cs")]
    public void AShortOrExcusedFilePasses(int lines, string excused) => Rule.Passes(LongFile(Lines(lines), new() { [excused] = "a reason" }));

    [Fact]
    public void NoExcuseOutlivesItsFile() => Rule.Holds(s_longFiles.Keys.Where(path =>
        RepositoryTree.Files.FirstOrDefault(file => file.Path == path) is not { LineCount: > FileLinesMax }));

    [Fact]
    public void MethodsAreShort() => Rule.Holds(RepositoryTree.CSharp.SelectMany(LongMethods));

    [Theory]
    [InlineData("class A\n{\n    void B()\n    {\n", 68, "    }\n}\n")]
    [InlineData("class A\n{\n    int B()\n        => C(\n", 68, ");\n}\n")]
    [InlineData("class A\n{\n    int B\n    {\n", 68, "    }\n}\n")]
    public void ALongMethodIsCaught(string head, int lines, string tail)
    {
        Rule.Catches(LongMethods(new SourceFile("engine/A.cs", head + string.Concat(Enumerable.Repeat("        // \n", lines)) + tail)));
        Rule.Passes(LongMethods(new SourceFile("engine/A.cs", head + string.Concat(Enumerable.Repeat("        // \n", lines - 1)) + tail)));
    }

    private static SourceFile Lines(int count) => new("engine/A.cs", string.Concat(Enumerable.Repeat("//\n", count)));

    private static IEnumerable<string> LongFile(SourceFile file, Dictionary<string, string> excused)
    {
        int max = excused.ContainsKey(file.Path) ? FileLinesHardMax : FileLinesMax;
        return file.LineCount <= max ? [] : [$"{file.Path}: {file.LineCount} lines; at most {max}"];
    }

    private static IEnumerable<string> LongMethods(SourceFile file) =>
        from member in file.Declarations
        let lines = member.EndLine - member.Line + 1
        where member.Kind != DeclarationKind.Type && member.HasBody && lines > MethodLinesMax
        select $"{file.Path}:{member.Line}: {member.Name} has {lines} lines; at most {MethodLinesMax}";
}
