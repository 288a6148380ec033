using System.CommandLine;
using System.Globalization;

namespace Sluice.Cli.Verbs;

/// <summary>What the verbs over many objects of a bucket have in common.</summary>
internal static class ManyOptions
{
    private const int WorkersMax = 128;

    /// <summary>How many objects at a time.</summary>
    public static Option<int> Workers()
    {
        var option = new Option<int>("--workers") { Description = "objects at a time; 0 for what suits the server, -1 for one after the other", HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) || value is < -1 or > WorkersMax))
            {
                result.AddError($"--workers takes a number from -1 to {WorkersMax}");
            }
        });
        return option;
    }

    /// <summary>The names of a --list, which may be given several times; null when it is not given. A usage error when one of them is empty.</summary>
    public static string[]? NamesOf(ParseResult parse, Option<string[]> list)
    {
        if (parse.GetResult(list) is null)
        {
            return null;
        }

        string[] names = [.. (parse.GetValue(list) ?? []).SelectMany(static each => each.Split(','))];
        return names.Length > 0 && Array.TrueForAll(names, static name => name.Length > 0) ? names : throw new UsageException("--list has an empty name");
    }
}
