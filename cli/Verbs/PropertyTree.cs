using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary>Bucket properties between the command line's <c>checksum.type=sha256</c> and the wire's JSON tree.</summary>
public static class PropertyTree
{
    /// <summary>
    /// The tree of all pairs, null for none. A value is a boolean or an integer if it looks like one, JSON if it starts with a quote, a
    /// brace or a bracket, else a text. What begins with a brace is no pair but a tree, and stands alone.
    /// </summary>
    /// <exception cref="UsageException">A pair is malformed, given twice, or below another pair's value.</exception>
    public static JsonObject? Parse(IReadOnlyCollection<string> pairs)
    {
        if (pairs.Any(pair => pair.StartsWith('{')))
        {
            return pairs.Count == 1 ? Whole(pairs.First()) : throw new UsageException("properties as JSON do not go together with others");
        }

        var root = new JsonObject();
        foreach (string pair in pairs)
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            string[] keys = equals < 0 ? [] : pair[..equals].Split('.');
            if (keys.Length == 0 || keys.Any(string.IsNullOrWhiteSpace))
            {
                throw new UsageException($"\"{pair}\" is not a property of the form KEY=VALUE");
            }

            if (!DottedPath.TryAdd(root, pair[..equals], Value(pair, pair[(equals + 1)..]), out bool isBelowValue))
            {
                throw new UsageException(isBelowValue ? $"\"{pair}\" lies below a property that has a value already" : $"property {pair[..equals]} is given twice");
            }
        }

        return root.Count == 0 ? null : root;
    }

    /// <summary>What lies at a path such as <c>mirror</c> or <c>mirror.copies</c>; the tree itself at an empty one. False when there is nothing.</summary>
    public static bool TryFind(JsonObject tree, string path, out JsonNode? found)
    {
        found = tree;
        foreach (string key in path.Length == 0 ? [] : path.Split('.'))
        {
            if (found is not JsonObject parent || !parent.TryGetPropertyValue(key, out found))
            {
                found = null;
                return false;
            }
        }

        return true;
    }

    /// <summary>What lies at <paramref name="path"/>, as one <c>key = value</c> for each of its leaves, in the tree's order.</summary>
    public static IEnumerable<string> Lines(JsonNode? value, string path)
    {
        if (value is JsonObject { Count: > 0 } section)
        {
            foreach ((string key, JsonNode? below) in section)
            {
                foreach (string line in Lines(below, path.Length == 0 ? key : $"{path}.{key}"))
                {
                    yield return line;
                }
            }
        }
        else if (path.Length > 0)
        {
            string text = value is JsonValue leaf && leaf.TryGetValue(out string? plain) ? plain : value?.ToJsonString() ?? "null";
            yield return PrintableText.Of($"{path} = {text}");
        }
    }

    private static JsonObject? Whole(string text)
    {
        try
        {
            return JsonNode.Parse(text) is JsonObject { Count: > 0 } tree ? tree : null;
        }
        catch (Exception failure) when (failure is JsonException or ArgumentException)
        {
            throw new UsageException($"the properties {text} are not valid JSON, or have one twice");
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
