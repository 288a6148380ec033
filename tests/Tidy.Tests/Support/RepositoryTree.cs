using System.Diagnostics;

namespace Sluice.Tidy.Tests.Support;

/// <summary>A file of the tree: its path from the root, with '/', and its text.</summary>
internal sealed record SourceFile(string Path, string Text)
{
    private List<Token>? _tokens;
    private List<Declaration>? _declarations;

    /// <summary>First component of the path; empty for a file at the root.</summary>
    public string Folder => Path.Contains('/') ? Path[..Path.IndexOf('/')] : "";

    public bool IsCSharp => Path.EndsWith(".cs", StringComparison.Ordinal);

    public List<Token> Tokens => _tokens ??= CSharpLexer.Tokens(Text);

    public IEnumerable<Token> Code => Tokens.Where(token => token.IsCode);

    public List<Declaration> Declarations => _declarations ??= CSharpOutline.Of(Tokens);

    public int LineCount => Text.Length == 0 ? 0 : Text.Count(c => c == '\n') + (Text[^1] == '\n' ? 0 : 1);
}

/// <summary>The files that git knows, and new ones that it would not ignore.</summary>
internal static class RepositoryTree
{
    private static readonly Lazy<IReadOnlyList<SourceFile>> s_files = new(Read);

    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<SourceFile> Files => s_files.Value;

    public static IEnumerable<SourceFile> CSharp => Files.Where(file => file.IsCSharp);

    public static IEnumerable<SourceFile> Projects => Files.Where(file => file.Path.EndsWith(".csproj", StringComparison.Ordinal));

    private static string FindRoot()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Sluice.slnx")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException("the tests do not lie below the repository's root");
    }

    private static SourceFile[] Read()
    {
        var start = new ProcessStartInfo("git", ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
        };
        using Process git = Process.Start(start)!;
        string[] paths = git.StandardOutput.ReadToEnd().Split('\0', StringSplitOptions.RemoveEmptyEntries);
        git.WaitForExit();
        if (git.ExitCode != 0 || paths.Length == 0)
        {
            throw new InvalidOperationException("git does not list the files of the repository");
        }

        return [.. paths.Distinct().Order(StringComparer.Ordinal)
            .Where(path => File.Exists(Path.Combine(Root, path)))
            .Select(path => new SourceFile(path, File.ReadAllText(Path.Combine(Root, path))))];
    }
}
