using System.Text.Json.Serialization;

namespace Sluice.Contract;

/// <summary>What a bucket holds. Sizes are in bytes.</summary>
public sealed record SummaryView
{
    /// <summary>The bucket.</summary>
    public required BucketAddress Bucket { get; init; }

    /// <summary>Its objects.</summary>
    public required long Objects { get; init; }

    /// <summary>Sizes of all of them together.</summary>
    public required long ContentBytes { get; init; }

    /// <summary>What their files hold: copies, slices and chunks, each counted.</summary>
    public required long DiskBytes { get; init; }

    /// <summary>Size of the smallest object; 0 without any.</summary>
    public required long SmallestBytes { get; init; }

    /// <summary>Average size; 0 without any.</summary>
    public required long AverageBytes { get; init; }

    /// <summary>Size of the largest object; 0 without any.</summary>
    public required long LargestBytes { get; init; }

    /// <summary>Size of the server's file systems.</summary>
    public required long CapacityBytes { get; init; }

    /// <summary>What the bucket's files take of them, in percent, rounded.</summary>
    public required long UsedPercent { get; init; }
}

/// <summary>A summary on the wire.</summary>
internal sealed class WireSummary
{
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    [JsonPropertyName("provider")]
    public string? Provider { get; set; }

    [JsonPropertyName("namespace")]
    public WireNamespace? Namespace { get; set; }

    [JsonPropertyName("ObjCount")]
    public WireObjectCount? Count { get; set; }

    [JsonPropertyName("ObjSize")]
    public WireObjectSize? Size { get; set; }

    [JsonPropertyName("TotalSize")]
    public WireTotalSize? Total { get; set; }

    [JsonPropertyName("used_pct")]
    public long UsedPercent { get; set; }

    public SummaryView? ToView() =>
        !BucketAddress.TryCreate(Provider ?? "", Namespace?.Uuid ?? "", Namespace?.Name ?? "", Name ?? "", out BucketAddress? bucket, out _) || Count is null || Size is null || Total is null
            ? null
            : new SummaryView
            {
                Bucket = bucket,
                Objects = Count.Present,
                ContentBytes = Total.Present,
                DiskBytes = Total.OnDisk,
                SmallestBytes = Size.Smallest,
                AverageBytes = Size.Average,
                LargestBytes = Size.Largest,
                CapacityBytes = Total.Disks,
                UsedPercent = UsedPercent,
            };
}

/// <summary>Numbers of objects.</summary>
internal sealed class WireObjectCount
{
    [JsonPropertyName("obj_count_present")]
    public long Present { get; set; }
}

/// <summary>Sizes of single objects.</summary>
internal sealed class WireObjectSize
{
    [JsonPropertyName("obj_min_size")]
    public long Smallest { get; set; }

    [JsonPropertyName("obj_avg_size")]
    public long Average { get; set; }

    [JsonPropertyName("obj_max_size")]
    public long Largest { get; set; }
}

/// <summary>Sizes of all objects together.</summary>
internal sealed class WireTotalSize
{
    [JsonPropertyName("size_on_disk")]
    public long OnDisk { get; set; }

    [JsonPropertyName("size_all_present_objs")]
    public long Present { get; set; }

    [JsonPropertyName("total_disks_size")]
    public long Disks { get; set; }
}
