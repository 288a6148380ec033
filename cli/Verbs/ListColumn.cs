using System.Globalization;
using System.Text.Json;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary>
/// A property of listed objects: its name on the wire, which is its name for people too, and how it is shown. Columns have a fixed width, since a listing is printed
/// while it is read; a value that is wider pushes the rest of its line.
/// </summary>
/// <param name="Name">As the contract has it.</param>
/// <param name="Width">Characters; below zero for a column that is aligned to the left.</param>
/// <param name="Text">The value for people; empty when there is none.</param>
/// <param name="Json">Writes the value for scripts.</param>
internal sealed record ListColumn(string Name, int Width, Func<ListedObject, string> Text, Action<Utf8JsonWriter, ListedObject> Json)
{
    public static readonly ListColumn Size =
        new("size", 15, each => each.SizeBytes.ToString(CultureInfo.InvariantCulture), (writer, each) => writer.WriteNumber("size", each.SizeBytes));

    public static readonly ListColumn Version = OfText("version", 7, each => each.Version);
    public static readonly ListColumn Checksum = OfText("checksum", -16, each => each.Checksum);
    public static readonly ListColumn AccessTime = OfText("atime", -19, each => each.AccessTime);

    /// <summary>All but the name, which each line ends with, in the contract's order.</summary>
    public static IReadOnlyList<ListColumn> All { get; } =
    [
        Size,
        Version,
        Checksum,
        AccessTime,
        OfTruth("cached", -6, each => each.IsCached),
        OfText("status", -19, each => StatusOf(each.Status)),
        new("copies", 6, each => each.Copies.ToString(CultureInfo.InvariantCulture), (writer, each) => writer.WriteNumber("copies", each.Copies)),
        OfText("ec", -15, each => each.Erasure),
        OfText("custom", -24, each => each.Custom),
        OfText("location", -32, each => each.Location),
        OfTruth("chunked", -7, each => each.IsChunked),
    ];

    /// <summary>The names that <see cref="Parse"/> takes.</summary>
    public static string Names => $"{NameOfName}, {string.Join(", ", All.Select(column => column.Name))}";

    private const string NameOfName = "name";

    /// <summary>The columns of a list with commas, each once and in its order; "all" for all of them.</summary>
    /// <exception cref="UsageException">A name is none of them.</exception>
    public static ListColumn[] Parse(string list)
    {
        var columns = new List<ListColumn>();
        foreach (string name in list.Split(',', StringSplitOptions.TrimEntries))
        {
            columns.AddRange(name switch
            {
                "all" => All,
                NameOfName => [],
                _ => [All.FirstOrDefault(column => column.Name == name) ?? throw new UsageException($"a listing has no property \"{name}\": they are {Names}, or all")],
            });
        }

        return [.. columns.Distinct()];
    }

    /// <summary>What the heads of the columns look like.</summary>
    public static string Heads(IEnumerable<ListColumn> columns) => Line(columns, column => column.Name.ToUpperInvariant(), NameOfName.ToUpperInvariant());

    /// <summary>An entry for people. A directory has a name and nothing else.</summary>
    public static string Line(IEnumerable<ListColumn> columns, ListedObject entry) =>
        PrintableText.Of(Line(columns, column => entry.IsDirectory || column.Text(entry) is not { Length: > 0 } text ? "-" : text, entry.Name));

    private static string Line(IEnumerable<ListColumn> columns, Func<ListColumn, string> text, string name) =>
        string.Concat(columns.Select(column => (column.Width < 0 ? text(column).PadRight(-column.Width) : text(column).PadLeft(column.Width)) + "  ")) + name;

    private static ListColumn OfText(string name, int width, Func<ListedObject, string> value) => new(name, width, value, (writer, each) => writer.WriteString(name, value(each)));

    private static ListColumn OfTruth(string name, int width, Func<ListedObject, bool> value) =>
        new(name, width, each => value(each) ? "yes" : "no", (writer, each) => writer.WriteBoolean(name, value(each)));

    private static string StatusOf(ListedStatus status) => status switch
    {
        ListedStatus.Ok => "ok",
        ListedStatus.MisplacedNode => "misplaced-node",
        ListedStatus.MisplacedMountpath => "misplaced-mountpath",
        ListedStatus.Copy => "copy",
        ListedStatus.CopyAlone => "copy-alone",
        _ => $"unknown-{(int)status}",
    };
}
