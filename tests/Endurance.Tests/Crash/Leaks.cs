using System.Text.RegularExpressions;

namespace Sluice.Endurance.Tests.Crash;

/// <summary>
/// Files on the mountpaths of an idle server that belong to no object: looked at from outside, by docs/ON_DISK.md, since a scrub would have the blind spots of
/// the engine.
/// </summary>
public static partial class Leaks
{
    private const string Uploads = "/%ob/%c/";

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
            string[] heads = [.. own.Where(file => file.Contains("/%ob/", StringComparison.Ordinal) && !file.Contains(Uploads, StringComparison.Ordinal))];
            int slices = own.Count(file => file.Contains("/%ec/", StringComparison.Ordinal));
            if (heads.Length != objects * load.FilesPerObject || slices != objects * load.SlicesPerObject)
            {
                yield return $"{load.Bucket}: {objects} objects have {heads.Length} files, not {objects * load.FilesPerObject}, and {slices} slices, not {objects * load.SlicesPerObject}";
            }

            foreach (string leak in OfUploads(load, heads, own))
            {
                yield return leak;
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

    /// <summary>
    /// Each object that is a manifest, and all are whose parts were sent, has a complete note and its chunks; other notes are of uploads in progress, which the engine has none of its own of.
    /// </summary>
    private static IEnumerable<string> OfUploads(Workload load, string[] heads, string[] files)
    {
        int complete = 0;
        foreach (IGrouping<string, string> upload in files.Where(file => file.Contains(Uploads, StringComparison.Ordinal)).GroupBy(file => Path.GetFileName(Path.GetDirectoryName(file)!)))
        {
            if (upload.FirstOrDefault(file => file.EndsWith("/00000", StringComparison.Ordinal)) is not { } note)
            {
                yield return $"{load.Bucket}: chunks without a note: {string.Join(' ', upload)}";
                continue;
            }

            byte[] bytes = File.ReadAllBytes(note);
            bool isComplete = bytes[1] == 2; // docs/ON_DISK.md
            int chunks = BitConverter.ToInt32(bytes, 40);
            complete += isComplete ? 1 : 0;
            if (!isComplete && load.Mix == Mix.Split)
            {
                yield return $"{load.Bucket}: an upload of the engine's own is left: {string.Join(' ', upload)}";
            }

            if (isComplete && upload.Count() != chunks + 1)
            {
                yield return $"{load.Bucket}: {chunks} chunks and a note have the files {string.Join(' ', upload)}";
            }
        }

        int chunked = load.Mix is Mix.Upload or Mix.Split ? heads.Count(IsManifest) : complete;
        if (complete != chunked || (load.Mix == Mix.Upload && chunked != heads.Length))
        {
            yield return $"{load.Bucket}: {heads.Length} objects, {chunked} of them chunked, and {complete} uploads that say they became one";
        }
    }

    /// <summary>What else a writer stores begins with a number in clear text.</summary>
    private static bool IsManifest(string file)
    {
        using FileStream head = File.OpenRead(file);
        return head.ReadByte() == 1; // docs/ON_DISK.md
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
