using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Cli.Terminal;

namespace Sluice.Cli.Verbs;

/// <summary>Bucket properties between the command line's <c>checksum.type=sha256</c> and the wire's JSON tree.</summary>
public static class PropertyTree
{
    /// <summary>
    /// The tree of all pairs, null for none. A value is a boolean or an integer if it looks like one, JSON if it starts with a quote, a
    /// brace or a bracket, else a text.
    /// </summary>
    /// <exception cref="UsageException">A pair is malformed, given twice, or below another pair's value.</exception>
    public static JsonObject? Parse(IReadOnlyCollection<string> pairs)
    {
        var root = new JsonObject();
        foreach (string pair in pairs)
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            string[] keys = equals < 0 ? [] : pair[..equals].Split('.');
            if (keys.Length == 0 || keys.Any(string.IsNullOrWhiteSpace))
            {
                throw new UsageException($"\"{pair}\" is not a property of the form KEY=VALUE");
            }

            JsonObject parent = root;
            foreach (string key in keys[..^1])
            {
                if (!parent.ContainsKey(key))
                {
                    parent[key] = new JsonObject();
                }

                parent = parent[key] as JsonObject ?? throw new UsageException($"\"{pair}\" lies below a property that has a value already");
            }

            if (parent.ContainsKey(keys[^1]))
            {
                throw new UsageException($"property {pair[..equals]} is given twice");
            }

            parent[keys[^1]] = Value(pair, pair[(equals + 1)..]);
        }

        return root.Count == 0 ? null : root;
    }

    /// <summary>The leaves of a tree as <c>key = value</c>, in the tree's order.</summary>
    public static IEnumerable<string> Lines(JsonObject tree) => Leaves(tree, "");

    private static IEnumerable<string> Leaves(JsonObject tree, string path)
    {
        foreach ((string key, JsonNode? value) in tree)
        {
            if (value is JsonObject { Count: > 0 } below)
            {
                foreach (string line in Leaves(below, $"{path}{key}."))
                {
                    yield return line;
                }
            }
            else
            {
                string text = value is JsonValue leaf && leaf.TryGetValue(out string? plain) ? plain : value?.ToJsonString() ?? "null";
                yield return PrintableText.Of($"{path}{key} = {text}");
            }
        }
    }

    private static JsonNode? Value(string pair, string text)
    {
        if (bool.TryParse(text, out bool truth))
        {
            return JsonValue.Create(truth);
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
        {
            return JsonValue.Create(number);
        }

        if (text.Length == 0 || text[0] is not ('"' or '{' or '['))
        {
            return JsonValue.Create(text);
        }

        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            throw new UsageException($"the value of \"{pair}\" is not valid JSON");
        }
    }
}
