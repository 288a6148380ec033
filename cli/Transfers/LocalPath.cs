namespace Sluice.Cli.Transfers;

/// <summary>
/// Turns an object's name into a path below a directory. An object may have any name, so this is a boundary: what comes out lies below the
/// directory, or nothing comes out.
/// </summary>
public static class LocalPath
{
    /// <summary>The file for the object <paramref name="name"/> below <paramref name="directory"/>.</summary>
    /// <exception cref="RefusedException">The name has no safe file name, or leads through a symbolic link.</exception>
    public static string Below(string directory, string name)
    {
        string root = Path.GetFullPath(directory);
        string[] elements = name.Split('/');
        foreach (string element in elements)
        {
            if (element.Length == 0 || element is "." or ".." || element.Contains('\0', StringComparison.Ordinal))
            {
                throw new RefusedException($"\"{name}\" has no safe file name below {directory}");
            }
        }

        string path = root;
        foreach (string element in elements[..^1])
        {
            path = Path.Join(path, element);
            // A link inside the target, left there by someone else, would lead out of it again.
            if (new DirectoryInfo(path).LinkTarget is not null)
            {
                throw new RefusedException($"\"{name}\" leads through the symbolic link {path}");
            }
        }

        return Path.Join(path, elements[^1]);
    }

    /// <summary>The last element of a name, as a file name of its own.</summary>
    /// <exception cref="RefusedException">It is no safe file name.</exception>
    public static string FileNameOf(string name)
    {
        string last = name[(name.LastIndexOf('/') + 1)..];
        return last.Length > 0 && last is not ("." or "..") && !last.Contains('\0', StringComparison.Ordinal)
            ? last
            : throw new RefusedException($"\"{name}\" has no safe file name; give one");
    }
}
