// Go's rules for flags (package flag): one dash or two, "-flag=value" or "-flag value", a switch without value means true, and what does
// not begin with a dash ends the flags.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Contract;

namespace Sluice.Loader.Flags;

/// <summary>Reads a command line against the table.</summary>
public static class FlagParser
{
    /// <summary>
    /// Values by flag name, each written as its kind demands; a flag given twice has its last value. Null with a sentence when the line makes
    /// no sense, or asks for something that is not built.
    /// </summary>
    public static IReadOnlyDictionary<string, string>? Parse(IReadOnlyList<string> arguments, out string problem)
    {
        var values = new Dictionary<string, string>();
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            if (argument.Length < 2 || argument[0] != '-' || argument == "--")
            {
                problem = $"\"{argument}\" is no flag; sluice load takes flags only";
                return null;
            }

            string body = argument[1] == '-' ? argument[2..] : argument[1..];
            int equals = body.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? body : body[..equals];
            if (FlagTable.Find(name is "h" or "help" ? "usage" : name) is not { } flag)
            {
                problem = $"there is no flag -{name}";
                return null;
            }

            string? value = equals >= 0 ? body[(equals + 1)..]
                : flag.Kind == FlagKind.Switch ? "true"
                : ++i < arguments.Count ? arguments[i]
                : null;
            if (Problem(flag, value) is { } wrong)
            {
                problem = wrong;
                return null;
            }

            values[flag.Name] = value!;
        }

        problem = "";
        return values;
    }

    /// <summary>Go's spellings of a truth value; null for anything else.</summary>
    public static bool? Truth(string text) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => null,
    };

    private static string? Problem(Flag flag, string? value)
    {
        if (value is null)
        {
            return $"-{flag.Name} needs a value";
        }

        bool isGood = flag.Kind switch
        {
            FlagKind.Number => long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= 0,
            FlagKind.Size => SizeText.TryParse(value, out _),
            FlagKind.Duration => DurationText.TryParse(value, out _),
            FlagKind.Switch => Truth(value) is not null,
            FlagKind.Json => IsObject(value),
            _ => true,
        };
        return !isGood ? $"-{flag.Name}={value} is not {Expected(flag.Kind)}"
            : flag.Missing is not null && !IsDefault(flag, value) ? $"-{flag.Name}: {flag.Missing}"
            : null;
    }

    /// <summary>A script may spell out the default of something that is not built: that asks for nothing.</summary>
    private static bool IsDefault(Flag flag, string value) => flag.Kind switch
    {
        FlagKind.Switch => Truth(value) == Truth(flag.Default),
        FlagKind.Size => SizeText.TryParse(value, out long size) && SizeText.TryParse(flag.Default, out long usual) && size == usual,
        _ => value == flag.Default,
    };

    private static string Expected(FlagKind kind) => kind switch
    {
        FlagKind.Number => "a number from 0",
        FlagKind.Size => "a size such as 4KiB",
        FlagKind.Duration => "a duration such as 90s or 1h30m",
        FlagKind.Switch => "true or false",
        _ => "a JSON object",
    };

    private static bool IsObject(string text)
    {
        try
        {
            return JsonNode.Parse(text) is JsonObject;
        }
        catch (JsonException)
        {
            return false; // the caller's sentence says what was expected
        }
    }
}
