using System.Text.Json;

namespace Sluice.Contract;

/// <summary>Which objects of a bucket a job is to work on, and how (contract: objects §7). What is left out of names, template and prefix means all.</summary>
public sealed record ObjectSelection
{
    /// <summary>Names.</summary>
    public IReadOnlyList<string>? Names { get; init; }

    /// <summary>A <see cref="NameTemplate"/>.</summary>
    public string? Template { get; init; }

    /// <summary>What the names begin with, taken as it is.</summary>
    public string? Prefix { get; init; }

    /// <summary>Of a prefix: nothing below its directory.</summary>
    public bool IsFlat { get; init; }

    /// <summary>Names of a list that have no object, and objects that cannot be done, do not end the job.</summary>
    public bool ContinuesOnError { get; init; }

    /// <summary>Names at once; 0 for what suits the server, −1 for one after the other.</summary>
    public int Workers { get; init; }

    /// <summary>Writes the value of the message.</summary>
    internal void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        WriteMembers(writer);
        writer.WriteEndObject();
    }

    /// <summary>Writes its members into a message that has others, too.</summary>
    internal void WriteMembers(Utf8JsonWriter writer)
    {
        if (Names is not null)
        {
            writer.WriteStartArray("objnames");
            foreach (string name in Names)
            {
                writer.WriteStringValue(name);
            }

            writer.WriteEndArray();
        }
        else if ((Template ?? Prefix) is { Length: > 0 } text)
        {
            writer.WriteString("template", text);
            if (Template is null && !IsItsOwnPrefix(text))
            {
                writer.WriteBoolean("is-prefix", true);
            }
        }

        WriteHow(writer);
    }

    /// <summary>Those that do not say which objects.</summary>
    internal void WriteHow(Utf8JsonWriter writer)
    {
        if (IsFlat)
        {
            writer.WriteBoolean("non-recurs", true);
        }

        if (ContinuesOnError)
        {
            writer.WriteBoolean("coer", true);
        }

        if (Workers != 0)
        {
            writer.WriteNumber("num-workers", Workers);
        }
    }

    /// <summary>Most prefixes mean themselves, to every server; those that a template would read otherwise are marked.</summary>
    private static bool IsItsOwnPrefix(string text) => NameTemplate.TryParse(text, out NameTemplate? template, out _) && template.IsPrefix && template.Prefix == text;
}
