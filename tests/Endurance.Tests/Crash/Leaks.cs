using System.Text.RegularExpressions;

namespace Sluice.Endurance.Tests.Crash;

/// <summary>
/// Files on the mountpaths of an idle server that belong to no object: looked at from outside, by docs/ON_DISK.md, since a scrub would have the blind spots of
/// the engine.
/// </summary>
public static partial class Leaks
{
    /// <summary>What lies about, a line each. <paramref name="present"/>: the names that can be read, by bucket.</summary>
    public static IEnumerable<string> In(IReadOnlyList<string> paths, IReadOnlyList<Workload> loads, IReadOnlyDictionary<string, HashSet<string>> present)
    {
        string[] files = [.. paths.SelectMany(path => Files(path))];
        foreach (string file in files.Where(IsStray))
        {
            yield return $"left behind: {file}";
        }

        foreach (Workload load in loads)
        {
            string[] own = [.. files.Where(file => file.Contains($"/@ais/{load.Bucket}/", StringComparison.Ordinal))];
            int objects = present[load.Bucket].Count;
            int heads = own.Count(file => file.Contains("/%ob/", StringComparison.Ordinal));
            int slices = own.Count(file => file.Contains("/%ec/", StringComparison.Ordinal));
            if (heads != objects * load.FilesPerObject || slices != objects * load.SlicesPerObject)
            {
                yield return $"{load.Bucket}: {objects} objects have {heads} files, not {objects * load.FilesPerObject}, and {slices} slices, not {objects * load.SlicesPerObject}";
            }

            foreach (IGrouping<string, string> sidecars in own.Where(file => file.Contains("/%sc/", StringComparison.Ordinal)).GroupBy(file => file[..file.LastIndexOf('.')]))
            {
                if (sidecars.Count() > 1)
                {
                    yield return $"{sidecars.Count()} generations of one sidecar: {sidecars.Key}";
                }
            }
        }
    }

    /// <summary>A file that an idle server has no use for.</summary>
    public static bool IsStray(string file) => Stray().IsMatch(file);

    /// <summary>One that is on its way: it goes when the server has come to it.</summary>
    public static bool IsPassing(string file) => IsStray(file) && !file.Contains("/.sluice/quarantine/", StringComparison.Ordinal);

    private static string[] Files(string path)
    {
        try
        {
            return Directory.GetFiles(path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = default, IgnoreInaccessible = false });
        }
        catch (DirectoryNotFoundException)
        {
            return [$"{path}/.sluice/trash/changing"]; // something is just being removed: to be looked at again
        }
    }

    [GeneratedRegex("/%(wk|tb|ch)/|/\\.sluice/(trash|quarantine)/|/\\.sluice/[a-z-]+\\.new$|/\\.sluice/job-")]
    private static partial Regex Stray();
}
