// One setting, described once: the flag, the variable, the key, the help and the checks all follow from this description, so that no
// source can know a setting that another does not.
namespace Sluice.Server.Settings;

/// <summary>How a setting is written.</summary>
public enum SettingShape
{
    /// <summary>One value.</summary>
    Single,

    /// <summary>One value or none; the file may say none as an empty list.</summary>
    Optional,

    /// <summary>On or off; the flag alone means on.</summary>
    Switch,

    /// <summary>Any number of values: the flag repeats, the variable separates by colon or comma, the file has a list.</summary>
    List,
}

/// <summary>A value as somebody wrote it.</summary>
/// <param name="Text">The value, never null.</param>
/// <param name="Origin">Where it stands, as a message begins: <c>--memory</c>, <c>SLUICE_MEMORY</c>, <c>/sluice.yaml:7: memory</c>.</param>
/// <param name="Directory">The absolute directory that a relative path in it starts from.</param>
public sealed record SettingText(string Text, string Origin, string Directory);

/// <summary>What became of a text: a value, or what is wrong with it as the rest of a sentence.</summary>
public readonly record struct Parsed<T>(T? Value, string? Problem);

/// <summary>A row of <see cref="SettingsTable"/>. Immutable.</summary>
public abstract class Setting
{
    /// <summary>Beginning of every variable.</summary>
    public const string VariablePrefix = "SLUICE_";

    /// <summary>Name, and key in the file: lower case with dashes.</summary>
    public required string Name { get; init; }

    /// <summary>What a value is, for the help: <c>SIZE</c>, <c>HOST:PORT</c>.</summary>
    public required string Unit { get; init; }

    /// <summary>One sentence for the help.</summary>
    public required string Help { get; init; }

    /// <summary>The default in words, for the help.</summary>
    public required string DefaultHelp { get; init; }

    /// <summary>How it is written.</summary>
    public SettingShape Shape { get; init; }

    /// <summary>The flag.</summary>
    public string Flag => "--" + Name;

    /// <summary>The environment variable.</summary>
    public string Variable => VariablePrefix + Name.Replace('-', '_').ToUpperInvariant();

    /// <summary>Reads one text; adds to <paramref name="problems"/> and answers null when it is refused.</summary>
    internal abstract EffectiveValue? Read(SettingText text, List<string> problems);

    /// <summary>The values that hold when nobody says anything.</summary>
    internal abstract IReadOnlyList<EffectiveValue> Default(MachineReport machine);
}

/// <summary>A row whose values are of one type.</summary>
public sealed class Setting<T> : Setting
    where T : notnull
{
    /// <summary>Reads a value.</summary>
    public required Func<SettingText, Parsed<T>> Parse { get; init; }

    /// <summary>Writes a value so that <see cref="Parse"/> reads the same one.</summary>
    public required Func<T, string> Format { get; init; }

    /// <summary>The default on a machine.</summary>
    public required Func<MachineReport, IReadOnlyList<T>> Defaults { get; init; }

    internal override EffectiveValue? Read(SettingText text, List<string> problems)
    {
        if (text.Text.Length == 0)
        {
            problems.Add($"{text.Origin}: is empty; give {Unit}, or leave it out");
            return null;
        }

        Parsed<T> parsed = Parse(text);
        if (parsed.Problem is not null)
        {
            problems.Add($"{text.Origin}: {parsed.Problem}");
            return null;
        }

        return new EffectiveValue(parsed.Value!, Format(parsed.Value!));
    }

    internal override IReadOnlyList<EffectiveValue> Default(MachineReport machine) =>
        [.. Defaults(machine).Select(value => new EffectiveValue(value, Format(value)))];
}

/// <summary>A value in force, and its text.</summary>
public sealed record EffectiveValue(object Value, string Text);

/// <summary>A setting in force.</summary>
/// <param name="Setting">Which.</param>
/// <param name="Values">Its values; exactly one, unless it is optional or a list.</param>
/// <param name="Origin">Where it was said: a flag, a variable, <c>file:line</c>, or <c>default</c>.</param>
public sealed record EffectiveSetting(Setting Setting, IReadOnlyList<EffectiveValue> Values, string Origin);
