using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary>The options of <c>ls</c>: which entries, and what of each.</summary>
internal sealed class ListOptions
{
    private readonly Option<bool> _recursive = new("--recursive", "-r") { Description = "all objects instead of one level of directories" };
    private readonly Option<bool> _flat = new("--non-recursive", "--nr") { Description = "one level of directories, as is listed without it" };
    private readonly Option<string?> _prefix = new("--prefix") { Description = "only names that begin with this, where the address has no prefix", HelpName = "TEXT" };
    private readonly Option<string?> _regex = new("--regex") { Description = "only names in which this is found; without backtracking, so without look-around and back references", HelpName = "RE" };
    private readonly Option<int?> _limit = Count("--limit", "at most so many entries");
    private readonly Option<bool> _long = new("--long", "-l") { Description = "size, version and last access as well" };
    private readonly Option<string?> _properties = new("--props") { Description = $"these properties as well, with commas between them, or all: {ListColumn.Names}", HelpName = "LIST" };
    private readonly Option<bool> _noHeaders = new("--no-headers", "-H") { Description = "of --props: no line with the names of the columns" };
    private readonly Option<bool> _paged = new("--paged") { Description = "print each page as soon as it is read, as is done without it" };
    private readonly Option<int?> _pageSize = Count("--page-size", "entries that the server is asked for at a time; as many as it likes without it");
    private readonly Option<bool> _summary = new("--summary") { Description = "at the end how many they are and their size; without a bucket, those of each" };
    private readonly Option<bool> _countOnly = new("--count-only") { Description = "only that" };

    /// <summary>All of them.</summary>
    public IEnumerable<Option> All => [_properties, _prefix, _recursive, _flat, _paged, _pageSize, _limit, _summary, _countOnly, _regex, _long, _noHeaders];

    /// <summary>Only names that match; null for all.</summary>
    /// <exception cref="UsageException">It is no expression, or one that needs backtracking.</exception>
    public Regex? PatternOf(ParseResult parse)
    {
        if (parse.GetValue(_regex) is not { } text)
        {
            return null;
        }

        try
        {
            // Linear in the length of the name whatever the expression is.
            return new Regex(text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception failure) when (failure is ArgumentException or NotSupportedException)
        {
            throw new UsageException($"--regex: {failure.Message.Split('\n')[0]}");
        }
    }

    /// <summary>Most entries to print.</summary>
    public long LimitOf(ParseResult parse) => parse.GetValue(_limit) ?? long.MaxValue;

    /// <summary>How what is listed is added up.</summary>
    public (bool Sums, bool Prints) SumsOf(ParseResult parse) => (parse.GetValue(_summary) || parse.GetValue(_countOnly), !parse.GetValue(_countOnly));

    /// <summary>Refuses what goes with a bucket alone.</summary>
    /// <exception cref="UsageException">One of those is given.</exception>
    public void RefuseWithoutBucket(ParseResult parse)
    {
        Option[] ofObjects = [_properties, _prefix, _recursive, _flat, _paged, _pageSize, _countOnly, _long, _noHeaders];
        if (ofObjects.FirstOrDefault(option => parse.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new UsageException($"{given.Name} goes with the objects of a bucket, and none is named");
        }
    }

    /// <summary>What the server is asked.</summary>
    public ListQuery QueryOf(ParseResult parse, ObjectAddress address)
    {
        string? prefix = parse.GetValue(_prefix);
        if (prefix is not null && address.Name.Length > 0)
        {
            throw new UsageException($"--prefix goes with a bucket, and \"{address}\" has a prefix already");
        }

        bool isRecursive = parse.GetValue(_recursive);
        if (isRecursive && parse.GetValue(_flat))
        {
            throw new UsageException("--recursive and --non-recursive do not go together");
        }

        // A page need not hold more than is printed, unless some of it is passed over.
        long pageSize = parse.GetValue(_pageSize) ?? 0;
        long limit = parse.GetValue(_regex) is null ? LimitOf(parse) : long.MaxValue;
        if (limit < long.MaxValue && (pageSize == 0 || pageSize > limit))
        {
            pageSize = limit;
        }

        ListFormat format = FormatOf(parse);
        (bool sums, _) = SumsOf(parse);
        string[] properties = [.. format.Values.Concat(sums ? [ListColumn.Size] : []).Distinct().Select(column => column.Name).Prepend("name")];
        return new ListQuery
        {
            Prefix = prefix ?? address.Name,
            Properties = string.Join(',', properties),
            PageSize = (int)pageSize,
            Flags = isRecursive ? ListFlags.None : ListFlags.NoRecursion,
        };
    }

    /// <summary>What is printed of each entry.</summary>
    public ListFormat FormatOf(ParseResult parse)
    {
        bool isLong = parse.GetValue(_long);
        if (parse.GetValue(_properties) is not { } list)
        {
            return isLong
                ? new ListFormat([ListColumn.Size, ListColumn.Version with { Width = 6 }, ListColumn.AccessTime], [ListColumn.Size, ListColumn.Checksum, ListColumn.Version, ListColumn.AccessTime], HasHeads: false)
                : new ListFormat([], [ListColumn.Size], HasHeads: false);
        }

        if (isLong)
        {
            throw new UsageException("--long and --props do not go together");
        }

        ListColumn[] columns = ListColumn.Parse(list);
        return new ListFormat(columns, columns, HasHeads: !parse.GetValue(_noHeaders));
    }

    private static Option<int?> Count(string name, string description)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value < 1))
            {
                result.AddError($"{name} takes a number from 1");
            }
        });
        return option;
    }
}

/// <summary>What is printed of each entry.</summary>
/// <param name="Columns">For people, before the name.</param>
/// <param name="Values">For scripts, behind the name.</param>
/// <param name="HasHeads">Whether people get a line with the names of the columns.</param>
internal sealed record ListFormat(IReadOnlyList<ListColumn> Columns, IReadOnlyList<ListColumn> Values, bool HasHeads);
