using System.Globalization;
using Sluice.Engine.Io;
using Sluice.Engine.Placement;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>
/// A kind of file, or of attribute, that the store has on disk: which bucket has it, which files of an object are it, which bytes of them, what a scrub calls
/// damage of it, and whether something is left to bring one of them back from.
/// </summary>
public sealed record FileKind
{
    private const string Always = "\"durability\":\"relaxed\",\"checksum\":{\"verify\":\"always\"}";
    private const int LongPairs = 900;

    public static IReadOnlyList<FileKind> All { get; } =
    [
        new() { Name = "plain object", Directory = "%ob", Finding = "block", Size = 300 },
        new() { Name = "record of a plain object", Directory = "%ob", Finding = "record", Attribute = XattrName.Record, Size = 300 },
        new() { Name = "sidecar of a plain object", Directory = "%sc", Finding = "sidecar", Pairs = LongPairs, Size = 300 },
        Mirror with { Name = "mirror copy", Directory = "%ob", Finding = "block" },
        Mirror with { Name = "record of a mirror copy", Directory = "%ob", Finding = "record", Attribute = XattrName.Record },
        Mirror with { Name = "sidecar of a mirror copy", Directory = "%sc", Finding = "sidecar", Pairs = LongPairs },
        Sliced with { Name = "slice", Directory = "%ec", Finding = "slice" },
        Sliced with { Name = "record of a slice", Directory = "%ec", Finding = "slice", Attribute = XattrName.Record },
        Replicated with { Name = "replica", Directory = "%ec", Finding = "slice" },
        Replicated with { Name = "record of a replica", Directory = "%ec", Finding = "slice", Attribute = XattrName.Record },
        Sliced with { Name = "record of a head", Directory = "%ob", Finding = "record", Attribute = XattrName.Record },
        Sliced with { Name = "head", Directory = "%ob", Finding = "size", IsEmpty = true },
        Sliced with { Name = "sidecar of a head", Directory = "%sc", Finding = "sidecar", Pairs = LongPairs },
        Trailed with { Name = "trailer of a slice", Directory = "%ec", Finding = "slice" },
        Trailed with { Name = "record of a slice with a trailer", Directory = "%ec", Finding = "slice", Attribute = XattrName.Record, From = 0 },
    ];

    private static FileKind Mirror => new()
    {
        Name = "", Directory = "", Finding = "", Mountpaths = 3, Size = 300, HasRedundancy = true, More = ",\"mirror\":{\"enabled\":true,\"copies\":2}",
    };

    /// <summary>One stripe; its last data unit is not full, so that there is padding.</summary>
    private static FileKind Sliced => new()
    {
        Name = "", Directory = "", Finding = "", Mountpaths = 4, Size = 8000, HasRedundancy = true,
        More = ",\"ec\":{\"enabled\":true,\"data_slices\":2,\"parity_slices\":2,\"unit\":\"64KiB\",\"objsize_limit\":0}",
    };

    /// <summary>The same with a replica behind the four slices.</summary>
    private static FileKind Replicated => Sliced with
    {
        Size = 700, Ending = ".00005", More = Sliced.More.Replace("\"objsize_limit\":0", "\"objsize_limit\":0,\"keep_replica\":true", StringComparison.Ordinal),
    };

    /// <summary>65 units in each slice, one more than a record has room for.</summary>
    private static FileKind Trailed => new()
    {
        Name = "", Directory = "", Finding = "", Mountpaths = 2, Size = (64 * (64 << 10)) + 5000, Objects = 4, From = (64 * (64 << 10)) + 8192, HasRedundancy = true,
        More = ",\"ec\":{\"enabled\":true,\"data_slices\":1,\"parity_slices\":1,\"unit\":\"64KiB\",\"objsize_limit\":0}",
    };

    public required string Name { get; init; }

    /// <summary>The directory of the bucket that the files lie in.</summary>
    public required string Directory { get; init; }

    /// <summary>The word that a scrub has for it.</summary>
    public required string Finding { get; init; }

    /// <summary>It is this attribute of the files and not their bytes.</summary>
    public XattrName? Attribute { get; init; }

    public int Mountpaths { get; init; } = 2;

    public string More { get; init; } = "";

    public int Size { get; init; }

    public int Pairs { get; init; }

    public int Objects { get; init; } = 24;

    /// <summary>The first byte that is meant.</summary>
    public int From { get; init; }

    /// <summary>What the names of its files end with.</summary>
    public string Ending { get; init; } = "";

    public bool IsEmpty { get; init; }

    /// <summary>One file of an object may be lost.</summary>
    public bool HasRedundancy { get; init; }

    public string Properties => $"{{{Always}{More}}}";

    public static FileKind Of(string name) => All.Single(kind => kind.Name == name);

    /// <summary>The files of an object that are of this kind, in the order of the mountpaths.</summary>
    public string[] FilesOf(EngineFixture fixture, string name) =>
        [.. FilesOf(fixture, Directory, name).Where(file => file.EndsWith(Ending, StringComparison.Ordinal))];

    public static string[] FilesOf(EngineFixture fixture, string directory, string name)
    {
        string digest = Hrw.Digest(fixture.Bucket.UnamePrefix.Span, System.Text.Encoding.UTF8.GetBytes(name)).ToString("x16", CultureInfo.InvariantCulture);
        return [.. fixture.Paths.Select(path => Path.Combine(path, "@ais/b", directory)).Where(System.IO.Directory.Exists)
            .SelectMany(path => System.IO.Directory.EnumerateFiles(path, directory == "%ob" ? name : digest + ".*"))];
    }
}
