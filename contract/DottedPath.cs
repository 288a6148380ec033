using System.Text.Json.Nodes;

namespace Sluice.Contract;

/// <summary>The leaves of a tree of settings, as command line and wire name them: <c>mirror.copies</c>.</summary>
public static class DottedPath
{
    /// <summary>
    /// Puts a value at a path into a tree, and makes the sections above it. False when a value stands there, or, with <paramref name="isBelowValue"/>, in the place of one of the sections;
    /// sections above that may have been made.
    /// </summary>
    public static bool TryAdd(JsonObject tree, string path, JsonNode? value, out bool isBelowValue)
    {
        isBelowValue = false;
        string[] keys = path.Split('.');
        foreach (string key in keys[..^1])
        {
            if (!tree.ContainsKey(key))
            {
                tree[key] = new JsonObject();
            }

            if (tree[key] is not JsonObject below)
            {
                isBelowValue = true;
                return false;
            }

            tree = below;
        }

        return tree.TryAdd(keys[^1], value);
    }
}
