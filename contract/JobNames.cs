using System.Collections.Frozen;

namespace Sluice.Contract;

/// <summary>The kinds of jobs that the contract names, and the names that people give them (contract: native API §8).</summary>
public static class JobNames
{
    private static readonly FrozenDictionary<string, string> s_kindsByDisplayName = new Dictionary<string, string>
    {
        ["elect-primary"] = "election",
        ["lru-eviction"] = "lru",
        ["cleanup"] = "cleanup-store",
        ["summary"] = "summary-bck",
        ["shard-summary"] = "summary-shard",
        ["shard-index"] = "index-shard",
        ["copy-objects"] = "copy-listrange",
        ["etl-objects"] = "etl-listrange",
        ["promote-files"] = "promote",
        ["evict-objects"] = "evict-listrange",
        ["evict-remote-bucket"] = "evict-remote-bck",
        ["delete-objects"] = "delete-listrange",
        ["prefetch-objects"] = "prefetch-listrange",
        ["ec-bucket"] = "ec-encode",
        ["mirror"] = "make-n-copies",
        ["rename-bucket"] = "move-bck",
        ["copy-bucket"] = "copy-bck",
        ["etl-bucket"] = "etl-bck",
        ["warm-up-metadata"] = "load-lom-cache",
    }.ToFrozenDictionary();

    private static readonly FrozenSet<string> s_kinds = s_kindsByDisplayName.Values.Concat(
    [
        "rebalance", "etl-inline", "resilver", "rechunk", "ec-get", "ec-put", "ec-resp", "put-copies", "archive", "blob-download", "download", "dsort",
        "list", "get-batch", "create-inventory", Scrub,
    ]).ToFrozenSet();

    /// <summary>Reads everything and compares it with its digests; the one kind that the contract does not have.</summary>
    public const string Scrub = "scrub";

    /// <summary>The kind that a name or display name stands for; null when the contract has none of it.</summary>
    public static string? KindOf(string name) => s_kinds.Contains(name) ? name : s_kindsByDisplayName.GetValueOrDefault(name);
}
