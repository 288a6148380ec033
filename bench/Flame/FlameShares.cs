namespace Sluice.Bench.Flame;

/// <summary>Which frames the samples were in themselves, without what they called.</summary>
internal static class FlameShares
{
    /// <summary>Shares of all samples, largest first.</summary>
    public static IReadOnlyList<(string Name, double Share)> Of(FlameNode root)
    {
        var own = new Dictionary<string, long>(StringComparer.Ordinal);
        Add(root, own);
        return [.. own.Select(pair => (pair.Key, (double)pair.Value / root.Samples)).OrderByDescending(pair => pair.Item2)];
    }

    private static void Add(FlameNode node, Dictionary<string, long> own)
    {
        long below = 0;
        foreach (FlameNode child in node.Children)
        {
            below += child.Samples;
            Add(child, own);
        }

        own[node.Name] = own.GetValueOrDefault(node.Name) + node.Samples - below;
    }
}
