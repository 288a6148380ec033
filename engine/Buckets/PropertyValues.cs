using System.Globalization;
using System.Text.Json;
using Sluice.Contract;

namespace Sluice.Engine.Buckets;

/// <summary>Reads values of the property tree, which come as JSON's kinds or as texts, and words the refusals.</summary>
public static class PropertyValues
{
    /// <summary>End of the refusal of what is not built.</summary>
    public const string NotBuilt = "is not supported by this version";

    /// <summary>A refusal.</summary>
    public static Failure Refused(string message) => new(ErrorCode.InvalidProperty, message);

    /// <summary>A property's name as it may be shown.</summary>
    public static string Printable(string name) => string.Concat(name.Take(64).Select(c => char.IsControl(c) || c == '"' ? '?' : c));

    /// <summary>Applies each property of a section to what is there so far; the first refusal ends it.</summary>
    public static Result<T> ApplySection<T>(T to, JsonProperty section, Func<T, JsonProperty, Result<T>> apply)
    {
        return section.Value.ValueKind == JsonValueKind.Object
            ? ApplyAll(to, section.Value, apply)
            : Refused($"property \"{section.Name}\" must be a JSON object");
    }

    /// <summary>The same for a section that is known to be an object.</summary>
    public static Result<T> ApplyAll<T>(T to, JsonElement section, Func<T, JsonProperty, Result<T>> apply)
    {
        foreach (JsonProperty property in section.EnumerateObject())
        {
            Result<T> applied = apply(to, property);
            if (!applied.Ok)
            {
                return applied;
            }

            to = applied.Value;
        }

        return to;
    }

    /// <summary>A switch of the contract that is not built may be given as off, which is what it is.</summary>
    public static Result<T> OffOrNotBuilt<T>(T to, string section, JsonProperty property, params ReadOnlySpan<string> known)
    {
        bool off = known.Contains(property.Name) && TryBool(property.Value, out bool on) && !on;
        return off ? to : Refused($"property \"{section}.{Printable(property.Name)}\" {NotBuilt}");
    }

    /// <summary>The property when its value is true or false.</summary>
    public static Result<T> Bool<T>(string section, JsonProperty property, Func<bool, T> with) =>
        TryBool(property.Value, out bool on) ? with(on) : Refused($"property \"{section}.{property.Name}\" must be true or false");

    /// <summary>The property when its value is a whole number from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public static Result<T> Integer<T>(string section, JsonProperty property, long min, long max, Func<long, T> with) =>
        TryInteger(property.Value, out long number) && number >= min && number <= max
            ? with(number)
            : Refused($"property \"{section}.{property.Name}\" must be a whole number from {min} to {max}");

    /// <summary>The property when its value is a duration in Go's syntax from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public static Result<T> Duration<T>(string section, JsonProperty property, TimeSpan min, TimeSpan max, Func<TimeSpan, T> with) =>
        property.Value.ValueKind == JsonValueKind.String && DurationText.TryParse(property.Value.GetString()!, out TimeSpan duration) && duration >= min && duration <= max
            ? with(duration)
            : Refused($"property \"{section}.{property.Name}\" must be a duration from {DurationText.Format(min)} to {DurationText.Format(max)}, such as {DurationText.Format(min)}");

    /// <summary>The property when its value is one of these texts.</summary>
    public static Result<T> OneOf<T>(string section, JsonProperty property, Func<string, T> with, params ReadOnlySpan<string> known)
    {
        string? text = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString() : null;
        return text is not null && known.Contains(text) ? with(text) : Refused($"property \"{section}.{property.Name}\" must be one of {string.Join(", ", known.ToArray().Select(one => $"\"{one}\""))}");
    }

    /// <summary>The property when its value is a text of at most <paramref name="max"/> characters, none of them a control character, that <paramref name="isGood"/> takes.</summary>
    public static Result<T> Text<T>(string section, JsonProperty property, int max, string what, Func<string, bool> isGood, Func<string, T> with)
    {
        string? text = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString() : null;
        return text is not null && text.Length <= max && !text.Any(char.IsControl) && (text.Length == 0 || isGood(text))
            ? with(text)
            : Refused($"property \"{section}.{property.Name}\" must be {what}");
    }

    /// <summary>True or false, in JSON or in words.</summary>
    public static bool TryBool(JsonElement value, out bool on)
    {
        on = value.ValueKind == JsonValueKind.True || (value.ValueKind == JsonValueKind.String && value.GetString() is "true" or "True");
        return on || value.ValueKind == JsonValueKind.False || (value.ValueKind == JsonValueKind.String && value.GetString() is "false" or "False");
    }

    /// <summary>A whole number, or a text that is one or a size ("256KiB").</summary>
    public static bool TryInteger(JsonElement value, out long number)
    {
        number = 0;
        return value.ValueKind switch
        {
            JsonValueKind.Number => value.TryGetInt64(out number),
            JsonValueKind.String => long.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number)
                || SizeText.TryParse(value.GetString()!, out number),
            _ => false,
        };
    }
}
