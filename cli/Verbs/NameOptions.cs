using System.CommandLine;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary>The options of <c>put</c> and <c>get</c> that name many files or objects at once; at most one of them is given.</summary>
internal sealed class NameOptions
{
    private readonly Option<string?> _template;
    private readonly Option<string[]> _list;
    private readonly Option<string?>? _prefix;

    /// <summary>For <paramref name="things"/>, such as "files".</summary>
    public NameOptions(string things, bool hasPrefix)
    {
        _template = new("--template") { Description = $"the {things} whose names a template stands for: a{{001..100..2}}b, a@100b, a%04db", HelpName = "TEMPLATE" };
        _list = new("--list") { Description = $"the {things} of these names, with commas between them; repeatable", HelpName = "NAMES" };
        _prefix = hasPrefix ? new("--prefix") { Description = $"all {things} whose names begin with this", HelpName = "TEXT" } : null;
    }

    /// <summary>All of them.</summary>
    public IEnumerable<Option> All => _prefix is null ? [_template, _list] : [_template, _list, _prefix];

    /// <summary>True when the command line has one of them.</summary>
    public bool AreGiven(ParseResult parse) => All.Any(option => parse.GetResult(option) is { Implicit: false });

    /// <summary>What the command line names; null when it has none of them.</summary>
    /// <exception cref="UsageException">It has two of them, or one that makes no sense.</exception>
    public NamedThings? Of(ParseResult parse)
    {
        Option[] given = [.. All.Where(option => parse.GetResult(option) is { Implicit: false })];
        if (given.Length > 1)
        {
            throw new UsageException($"{string.Join(" and ", given.Select(option => option.Name))} do not go together");
        }

        if (given.Length == 0)
        {
            return null;
        }

        NameTemplate? template = null;
        if (parse.GetValue(_template) is { } text && !NameTemplate.TryParse(text, out template, out string? problem))
        {
            throw new UsageException(problem);
        }

        return new NamedThings { Template = template, List = ManyOptions.NamesOf(parse, _list), Prefix = _prefix is null ? null : parse.GetValue(_prefix) };
    }
}

/// <summary>Many names, given in one of three ways.</summary>
internal sealed record NamedThings
{
    /// <summary>A template; it may be a prefix.</summary>
    public NameTemplate? Template { get; init; }

    /// <summary>The names themselves.</summary>
    public IReadOnlyList<string>? List { get; init; }

    /// <summary>What they begin with.</summary>
    public string? Prefix { get; init; }
}
