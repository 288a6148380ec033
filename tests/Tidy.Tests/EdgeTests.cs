using System.Xml.Linq;
using Sluice.Tidy.Tests.Support;

namespace Sluice.Tidy.Tests;

/// <summary>The house: which project uses which, what lies where (docs/ARCHITECTURE.md).</summary>
public sealed class EdgeTests
{
    private static readonly string[] s_folders =
        ["native", "contract", "engine", "transport", "server", "cli", "loader", "bench", "tests", "docs", "deploy", ".ci"];

    private static readonly Dictionary<string, string[]> s_uses = new()
    {
        ["native"] = [],
        ["contract"] = [],
        ["engine"] = ["native", "contract"],
        ["transport"] = ["engine", "native", "contract"],
        ["cli"] = ["contract"],
        ["loader"] = ["contract", "native"],
        ["server"] = ["native", "contract", "engine", "transport", "cli", "loader"],
        ["bench"] = ["native", "engine", "transport"],
        ["tests"] = ["native", "contract", "engine", "transport", "cli", "loader", "server", "bench"],
    };

    [Fact]
    public void ProjectsUseOnlyWhatTheHouseAllows() => Rule.Holds(RepositoryTree.Projects.SelectMany(ForbiddenUses));

    [Theory]
    [InlineData("contract/contract.csproj", "../engine/engine.csproj")]
    [InlineData("engine/engine.csproj", "../transport/transport.csproj")]
    [InlineData("native/native.csproj", "../contract/contract.csproj")]
    [InlineData("cli/cli.csproj", "../engine/engine.csproj")]
    [InlineData("loader/loader.csproj", "..\\engine\\engine.csproj")]
    [InlineData("transport/transport.csproj", "../server/server.csproj")]
    [InlineData("tests/A.Tests/A.Tests.csproj", "../B.Tests/B.Tests.csproj")]
    [InlineData("other/other.csproj", "../native/native.csproj")]
    public void AForbiddenUseIsCaught(string project, string reference) => Rule.Catches(ForbiddenUses(Project(project, reference)));

    [Theory]
    [InlineData("server/server.csproj", "../transport/transport.csproj")]
    [InlineData("tests/A.Tests/A.Tests.csproj", "../../server/server.csproj")]
    public void AnAllowedUsePasses(string project, string reference) => Rule.Passes(ForbiddenUses(Project(project, reference)));

    [Fact]
    public void EveryFileLiesInAKnownFolder() => Rule.Holds(RepositoryTree.Files.SelectMany(StrangeFolders));

    [Fact]
    public void AStrangeFolderIsCaught() => Rule.Catches(StrangeFolders(new SourceFile("common/Things.cs", "")));

    [Fact]
    public void AFolderIsOneProjectOfItsName() => Rule.Holds(RepositoryTree.Projects.SelectMany(MisnamedProjects));

    [Theory]
    [InlineData("engine/Engine.csproj")]
    [InlineData("engine/Io/Io.csproj")]
    [InlineData("tests/A.Tests/B.Tests.csproj")]
    public void AMisnamedProjectIsCaught(string project) => Rule.Catches(MisnamedProjects(Project(project, "../native/native.csproj")));

    [Fact]
    public void TheEngineKnowsNoHttp() => Rule.Holds(RepositoryTree.CSharp.Where(file => file.Folder == "engine").SelectMany(HttpTypes));

    [Theory]
    [InlineData("using Microsoft.AspNetCore.Http;")]
    [InlineData("using System.Net.Http;")]
    [InlineData("class A { Microsoft.AspNetCore.Http.IHeaderDictionary _headers; }")]
    [InlineData("class A { void B(HttpContext context) { } }")]
    [InlineData("class A { IHttpRequestFeature _feature; }")]
    public void AnHttpTypeIsCaught(string source) => Rule.Catches(HttpTypes(new SourceFile("engine/A.cs", source)));

    [Theory]
    [InlineData("using System.IO.Pipelines; using Microsoft.Extensions.Logging; class A; // HttpContext")]
    [InlineData("class A { string _text = \"System.Net.Http\"; }")]
    public void PipesAndLoggingPass(string source) => Rule.Passes(HttpTypes(new SourceFile("engine/A.cs", source)));

    private static SourceFile Project(string path, string reference) =>
        new(path, $"<Project><ItemGroup><ProjectReference Include=\"{reference}\" /></ItemGroup></Project>");

    private static IEnumerable<string> ForbiddenUses(SourceFile project)
    {
        foreach (XElement reference in XDocument.Parse(project.Text).Descendants("ProjectReference"))
        {
            string path = reference.Attribute("Include")!.Value.Replace('\\', '/');
            string used = Path.GetFileNameWithoutExtension(path);
            if (!s_uses.TryGetValue(project.Folder, out string[]? allowed) || !allowed.Contains(used))
            {
                yield return $"{project.Path} uses {used}";
            }
        }
    }

    private static IEnumerable<string> StrangeFolders(SourceFile file) =>
        file.Folder.Length == 0 || s_folders.Contains(file.Folder) ? [] : [$"{file.Path}: {file.Folder}/ is none of the folders of the house"];

    private static IEnumerable<string> MisnamedProjects(SourceFile project)
    {
        string[] parts = project.Path.Split('/');
        bool good = parts[0] == "tests"
            ? parts is [_, var suite, var file] && file == suite + ".csproj" && suite.EndsWith(".Tests", StringComparison.Ordinal)
            : parts is [var folder, var name] && name == folder + ".csproj";
        return good ? [] : [$"{project.Path}: one folder, one project of its name"];
    }

    private static IEnumerable<string> HttpTypes(SourceFile file)
    {
        List<Token> code = [.. file.Code];
        for (int i = 0; i < code.Count; i++)
        {
            string dotted = string.Concat(code.Skip(i).Take(5).Select(token => token.Text));
            string word = code[i].Kind == TokenKind.Word ? code[i].Text.TrimStart('I') : "";
            if (dotted.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
                || dotted.StartsWith("System.Net.Http", StringComparison.Ordinal)
                || (word.StartsWith("Http", StringComparison.Ordinal) && word.Length > 4 && char.IsUpper(word[4])))
            {
                yield return $"{file.Path}:{code[i].Line}: {dotted} belongs to transport";
            }
        }
    }
}
