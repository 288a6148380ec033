using Sluice.Engine.Buckets;

namespace Sluice.Engine.Summaries;

/// <summary>Which buckets to sum up.</summary>
public sealed record SummaryRequest
{
    /// <summary>The bucket; null for all that the caller may look at.</summary>
    public BucketName? Bucket { get; init; }

    /// <summary>Of all: only those of this provider; null for every one.</summary>
    public string? Provider { get; init; }

    /// <summary>Only objects whose names begin with this, as UTF-8; empty for all.</summary>
    public ReadOnlyMemory<byte> Prefix { get; init; }
}

/// <summary>
/// What a bucket holds, as far as it was counted. Sizes are in bytes. Objects are those that a listing shows: uploads in progress are none.
/// </summary>
public sealed record BucketSummary
{
    /// <summary>The bucket.</summary>
    public required BucketName Bucket { get; init; }

    /// <summary>Its objects.</summary>
    public required long ObjectCount { get; init; }

    /// <summary>Size of the smallest; 0 without any.</summary>
    public required long SmallestBytes { get; init; }

    /// <summary>Size of the largest; 0 without any.</summary>
    public required long LargestBytes { get; init; }

    /// <summary>Sizes of all of them together.</summary>
    public required long ContentBytes { get; init; }

    /// <summary>
    /// What their files hold: every copy, every slice with its padding, replicas beside slices, chunks, manifests and notes. Not the records, directories and whole blocks that the file
    /// system adds.
    /// </summary>
    public required long DiskBytes { get; init; }

    /// <summary>Average size, rounded to the nearest; 0 without any.</summary>
    public long AverageBytes => ObjectCount == 0 ? 0 : (long)Math.Round((double)ContentBytes / ObjectCount);
}

/// <summary>A summary that is being made, or was.</summary>
/// <param name="IsComplete">The job has come to its end, and nothing is left to be counted.</param>
/// <param name="HasBegun">Something was counted.</param>
/// <param name="Buckets">The buckets, in order of their names.</param>
/// <param name="CapacityBytes">Size of the file systems that the mountpaths are on, each counted once.</param>
public sealed record SummaryAnswer(bool IsComplete, bool HasBegun, IReadOnlyList<BucketSummary> Buckets, long CapacityBytes);
