using System.Globalization;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>
/// Redundancy as it lies on drives, counted by looking at them and not by asking the server: each name has its heads or copies, each sliced object its slices,
/// every one of a set on another drive, and there is nothing besides.
/// </summary>
public static class StoredCopies
{
    private const string Kept = "kept";

    /// <summary>What is missing or too much of a bucket on drives; null when all is as it must be.</summary>
    /// <param name="drives">Paths of the drives that are in service.</param>
    /// <param name="bucket">Name of the bucket.</param>
    /// <param name="names">All that it holds.</param>
    /// <param name="heads">Files that each name has.</param>
    /// <param name="sliced">Objects that are cut into slices.</param>
    /// <param name="slices">Slices that each of them has.</param>
    public static string? Problem(IReadOnlyList<string> drives, string bucket, IReadOnlyCollection<string> names, int heads, int sliced, int slices)
    {
        Dictionary<string, int> found = drives.SelectMany(drive => Files(drive, bucket, "%ob")).GroupBy(name => name).ToDictionary(name => name.Key, name => name.Count());
        if (found.Keys.Except(names).FirstOrDefault() is { } foreign)
        {
            return $"{bucket}/{foreign} is not there, but has {found[foreign]} files";
        }

        if (names.FirstOrDefault(name => found.GetValueOrDefault(name) != heads) is { } wrong)
        {
            return $"{bucket}/{wrong} has {found.GetValueOrDefault(wrong)} files, not {heads}";
        }

        // Their names are digest, generation and number.
        IGrouping<string, string>[] objects = [.. drives.SelectMany(drive => Files(drive, bucket, "%ec")).GroupBy(file => file.Split('.')[0])];
        string[] numbers = [.. Enumerable.Range(1, slices).Select(number => number.ToString("d5", CultureInfo.InvariantCulture))];
        foreach (IGrouping<string, string> one in objects)
        {
            string[][] parts = [.. one.Select(file => file.Split('.'))];
            if (parts.Select(part => part[1]).Distinct().Count() != 1 || !parts.Select(part => part[2]).Order(StringComparer.Ordinal).SequenceEqual(numbers))
            {
                return $"{bucket} has of one object the slices {string.Join(' ', one)}";
            }
        }

        if (objects.Length != sliced)
        {
            return $"{bucket} has slices of {objects.Length} objects, not {sliced}";
        }

        // Six slices may not share a drive, else fewer drives than parity take the object with them.
        return drives.Select(drive => Files(drive, bucket, "%ec").GroupBy(file => file.Split('.')[0]).FirstOrDefault(one => one.Count() > 1)).FirstOrDefault(one => one is not null) is { } shared
            ? $"{bucket} has several slices of {shared.Key} on one drive" : null;
    }

    /// <summary>Kept objects of a bucket as they lie on one drive.</summary>
    public static string[] KeptOn(string drive, string bucket) => [.. Files(drive, bucket, "%ob").Where(name => name.StartsWith(Kept, StringComparison.Ordinal))];

    private static IEnumerable<string> Files(string drive, string bucket, string kind)
    {
        string directory = Path.Combine(drive, $"@ais/{bucket}/{kind}");
        return Directory.Exists(directory) ? Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(directory, file)) : [];
    }
}
