using System.CommandLine;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary>Options that take a size, as <see cref="SizeText"/> reads it.</summary>
internal static class SizeOption
{
    /// <summary>An option for sizes from <paramref name="min"/> to <paramref name="max"/> bytes; without a default it may be left out.</summary>
    public static Option<string?> Make(string name, string description, long min = 0, long max = long.MaxValue, long? byDefault = null)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = "SIZE" };
        if (byDefault is { } bytes)
        {
            option.DefaultValueFactory = _ => SizeText.Format(bytes);
        }

        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!SizeText.TryParse(result.Tokens[0].Value, out long given) || given < min || given > max))
            {
                result.AddError(max == long.MaxValue ? $"{name} takes a size, such as 64MiB" : $"{name} takes a size from {min} to {SizeText.Format(max)}, such as 16MiB");
            }
        });
        return option;
    }

    /// <summary>What was given, or is the default, in bytes; null when neither is.</summary>
    public static long? Of(ParseResult parse, Option<string?> option) =>
        parse.GetValue(option) is not { } text ? null : SizeText.TryParse(text, out long bytes) ? bytes : throw new UsageException($"\"{text}\" is no size");
}
