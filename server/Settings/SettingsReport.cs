// What `sluice config` prints: the settings in force and who said so. The text is itself a file for --config.
using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sluice.Server.Settings;

/// <summary>Writes effective settings.</summary>
public static class SettingsReport
{
    private static readonly SearchValues<char> s_plain =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-");

    /// <summary>YAML, each setting with its origin as a comment. Reads back to the same settings.</summary>
    public static string Yaml(IReadOnlyList<EffectiveSetting> effective)
    {
        var text = new StringBuilder("# Settings of sluice serve and where each comes from. This text is a file for --config.\n");
        var lines = new List<(string Line, string Origin)>();
        foreach (EffectiveSetting one in effective)
        {
            if (one.Setting.Shape != SettingShape.List || one.Values.Count == 0)
            {
                lines.Add(($"{one.Setting.Name}: {(one.Values.Count == 0 ? "[]" : Quoted(one.Values[0].Text))}", one.Origin));
                continue;
            }

            lines.Add((one.Setting.Name + ":", one.Origin));
            lines.AddRange(one.Values.Select(value => ($"  - {Quoted(value.Text)}", "")));
        }

        int width = lines.Where(line => line.Origin.Length > 0).Max(line => line.Line.Length);
        foreach ((string line, string origin) in lines)
        {
            text.Append(origin.Length == 0 ? line : $"{line.PadRight(width)}  # {OneLine(origin)}").Append('\n');
        }

        return text.ToString();
    }

    /// <summary>JSON: name to <c>value</c> (text, null for none, true or false, or a list of texts) and <c>origin</c>.</summary>
    public static string Json(IReadOnlyList<EffectiveSetting> effective) => JsonText.Object(json =>
    {
        foreach (EffectiveSetting one in effective)
        {
            json.WriteStartObject(one.Setting.Name);
            WriteValue(json, one);
            json.WriteString("origin", one.Origin);
            json.WriteEndObject();
        }
    });

    private static void WriteValue(Utf8JsonWriter json, EffectiveSetting one)
    {
        switch (one.Setting.Shape)
        {
            case SettingShape.Single:
                json.WriteString("value", one.Values[0].Text);
                break;
            case SettingShape.Optional:
                json.WriteString("value", one.Values.Count == 0 ? null : one.Values[0].Text);
                break;
            case SettingShape.Switch:
                json.WriteBoolean("value", (bool)one.Values[0].Value);
                break;
            case SettingShape.List:
                json.WriteStartArray("value");
                foreach (EffectiveValue value in one.Values)
                {
                    json.WriteStringValue(value.Text);
                }

                json.WriteEndArray();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(one), one.Setting.Shape, "a shape without a form in JSON");
        }
    }

    /// <summary>A YAML scalar: plain where nobody can misread it, else in double quotes, whose escapes are those of JSON.</summary>
    private static string Quoted(string text)
    {
        bool plain = char.IsAsciiLetterOrDigit(text[0]) || text[0] == '/';
        return plain && text.AsSpan().IndexOfAnyExcept(s_plain) < 0
            ? text
            : '"' + JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text) + '"';
    }

    private static string OneLine(string origin) => string.Concat(origin.Select(c => char.IsControl(c) ? '?' : c));
}
