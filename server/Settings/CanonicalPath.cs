// One directory has one path here: two spellings of one mountpath, or a link to it, must not reach the engine as two.
namespace Sluice.Server.Settings;

/// <summary>Paths without symbolic links, "." and "..", as realpath(3) answers them.</summary>
internal static class CanonicalPath
{
    private const int LinksMax = 40; // path_resolution(7): more links are a loop

    /// <summary>Canonical path of a directory that exists; relative ones start from <paramref name="from"/>, which is absolute.</summary>
    public static Parsed<string> OfDirectory(string path, string from)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            return new(null, "the path contains a NUL character");
        }

        var pending = new Stack<string>();
        Push(pending, Path.IsPathRooted(path) ? path : from + "/" + path);
        string at = "/";
        int links = 0;
        while (pending.TryPop(out string? component))
        {
            if (!Directory.Exists(at))
            {
                return new(null, Missing(at));
            }

            string next = component == ".." ? Path.GetDirectoryName(at) ?? "/" : Path.Combine(at, component);
            string? target = component == ".." ? null : new FileInfo(next).LinkTarget;
            if (target is null)
            {
                at = next;
                continue;
            }

            if (++links > LinksMax)
            {
                return new(null, $"{path} goes through more than {LinksMax} symbolic links");
            }

            Push(pending, target);
            at = Path.IsPathRooted(target) ? "/" : at;
        }

        return Directory.Exists(at) ? new(at, null) : new(null, Missing(at));
    }

    private static void Push(Stack<string> pending, string path)
    {
        foreach (string component in Enumerable.Reverse(path.Split('/', StringSplitOptions.RemoveEmptyEntries)))
        {
            if (component != ".")
            {
                pending.Push(component);
            }
        }
    }

    private static string Missing(string path) => File.Exists(path)
        ? $"{path} is not a directory"
        : $"{path} does not exist, or this user may not reach it; make the directory, or mount the drive there";
}
