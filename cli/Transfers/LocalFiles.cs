using System.IO.Enumeration;

namespace Sluice.Cli.Transfers;

/// <summary>A file that is to be sent.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Name">What it is called below the target.</param>
/// <param name="SizeBytes">Its size; 0 for what is no file, or is not there.</param>
internal readonly record struct LocalFile(string Path, string Name, long SizeBytes);

/// <summary>Many files of this machine, found while those before them are sent.</summary>
internal static class LocalFiles
{
    /// <summary>
    /// All below a directory, by their paths in it. Hidden files belong to it. A link to a file stands for the file; a link to a directory is not entered, it could lead
    /// round in circles.
    /// </summary>
    public static IAsyncEnumerable<LocalFile> Below(string directory)
    {
        string root = Path.GetFullPath(directory);
        return Afar(new FileSystemEnumerable<LocalFile>(
            root,
            (ref entry) => Of(root, entry.ToFullPath(), entry.Length),
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false })
        {
            ShouldIncludePredicate = (ref entry) => !entry.IsDirectory,
            ShouldRecursePredicate = (ref entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        });
    }

    /// <summary>Those at some paths; what a path begins with that is <paramref name="droppedLength"/> characters long is not part of the name.</summary>
    public static IAsyncEnumerable<LocalFile> At(IEnumerable<string> paths, Func<string, int> droppedLength) => Afar(paths.Select(path =>
    {
        var file = new FileInfo(path);
        return new LocalFile(path, path[droppedLength(path)..], file.Exists ? file.Length : 0);
    }));

    private static LocalFile Of(string root, string path, long sizeBytes) => new(path, Path.GetRelativePath(root, path), sizeBytes);

    /// <summary>Off the caller's thread: the transfers start while a large directory is still being read.</summary>
    private static async IAsyncEnumerable<LocalFile> Afar(IEnumerable<LocalFile> files)
    {
        await Task.Yield();
        foreach (LocalFile file in files)
        {
            yield return file;
        }
    }
}
