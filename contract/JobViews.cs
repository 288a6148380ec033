// What a client asks of jobs and is answered, apart from the calls themselves.
using System.Globalization;
using System.Text.Json.Serialization;

namespace Sluice.Contract;

/// <summary>Which jobs; what is left empty filters nothing.</summary>
public sealed record JobQuery
{
    /// <summary>Id.</summary>
    public string Id { get; init; } = "";

    /// <summary>Kind or display name.</summary>
    public string Kind { get; init; } = "";

    /// <summary>Bucket.</summary>
    public BucketAddress? Bucket { get; init; }

    /// <summary>Mountpath, as the server has it configured.</summary>
    public string Mountpath { get; init; } = "";

    /// <summary>Only those that run.</summary>
    public bool OnlyRunning { get; init; }
}

/// <summary>A job at one moment.</summary>
public sealed record JobView
{
    /// <summary>Id.</summary>
    public required string Id { get; init; }

    /// <summary>Kind.</summary>
    public required string Kind { get; init; }

    /// <summary>What it works on, for people.</summary>
    public required string Target { get; init; }

    /// <summary>When it was started.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended; null while it runs.</summary>
    public required DateTimeOffset? EndedAt { get; init; }

    /// <summary>It ended because it was told to.</summary>
    public required bool IsAborted { get; init; }

    /// <summary>It runs and has nothing to do.</summary>
    public required bool IsIdle { get; init; }

    /// <summary>Why it was aborted, or what went wrong; empty when nothing.</summary>
    public required string Error { get; init; }

    /// <summary>Objects done.</summary>
    public required long Objects { get; init; }

    /// <summary>Objects to be done; 0 when not known.</summary>
    public required long ObjectsExpected { get; init; }

    /// <summary>Bytes done.</summary>
    public required long Bytes { get; init; }

    /// <summary>Bytes to be done; 0 when not known.</summary>
    public required long BytesExpected { get; init; }

    /// <summary>Bytes a second so far.</summary>
    public required long BytesPerSecond { get; init; }

    /// <summary>Objects that could not be done.</summary>
    public required long Failed { get; init; }

    /// <summary>What it found.</summary>
    public required long Findings { get; init; }

    /// <summary>Share that is done, 0 to 1; null when not known.</summary>
    public required double? Progress { get; init; }

    /// <summary>How long it will take still; null when not known.</summary>
    public required TimeSpan? Remaining { get; init; }

    /// <summary>What the kind has to tell besides.</summary>
    public required string Detail { get; init; }

    /// <summary>The settings it was started with, as JSON; empty when none.</summary>
    public required string Settings { get; init; }

    /// <summary>running, idle, finished, failed or aborted.</summary>
    public string State => EndedAt is null ? (IsIdle ? "idle" : "running") : IsAborted ? "aborted" : Error.Length > 0 ? "failed" : "finished";
}

/// <summary>What a job found; <paramref name="Count"/> may be more than is told.</summary>
public sealed record JobReport(long Count, IReadOnlyList<JobFindingView> Findings);

/// <summary>One thing that a job found.</summary>
/// <param name="Mountpath">Mountpath; empty when it is no single one's matter.</param>
/// <param name="Bucket">Bucket.</param>
/// <param name="Name">Object, or a file's path below the mountpath.</param>
/// <param name="Kind">What is wrong, a word.</param>
/// <param name="Detail">What is wrong, a sentence.</param>
/// <param name="Action">What was done, a word.</param>
public sealed record JobFindingView(string Mountpath, string Bucket, string Name, string Kind, string Detail, string Action);

/// <summary>A snapshot of a job on the wire. Numbers are texts there.</summary>
internal sealed class WireJob
{
    [JsonPropertyName("id")]
    public string? Id { get; set; }

    [JsonPropertyName("kind")]
    public string? Kind { get; set; }

    [JsonPropertyName("bck")]
    public WireBucket? Bucket { get; set; }

    [JsonPropertyName("start-time")]
    public DateTimeOffset StartedAt { get; set; }

    [JsonPropertyName("end-time")]
    public DateTimeOffset EndedAt { get; set; }

    [JsonPropertyName("aborted")]
    public bool IsAborted { get; set; }

    [JsonPropertyName("is_idle")]
    public bool IsIdle { get; set; }

    [JsonPropertyName("abort-err")]
    public string? AbortError { get; set; }

    [JsonPropertyName("err")]
    public string? Error { get; set; }

    [JsonPropertyName("ctlmsg")]
    public string? Settings { get; set; }

    [JsonPropertyName("stats")]
    public WireJobStatistics? Statistics { get; set; }

    [JsonPropertyName("ext")]
    public WireJobExtension? Extension { get; set; }

    public JobView ToView() => new()
    {
        Id = Id ?? "",
        Kind = Kind ?? "",
        Target = Extension?.Target ?? Bucket?.Name ?? "",
        StartedAt = StartedAt,
        EndedAt = EndedAt == default ? null : EndedAt,
        IsAborted = IsAborted,
        IsIdle = IsIdle,
        Error = AbortError is { Length: > 0 } abort ? abort : Error ?? "",
        Objects = Statistics?.Objects ?? 0,
        ObjectsExpected = Extension?.ObjectsExpected ?? 0,
        Bytes = Statistics?.Bytes ?? 0,
        BytesExpected = Extension?.BytesExpected ?? 0,
        BytesPerSecond = Extension?.BytesPerSecond ?? 0,
        Failed = Extension?.Failed ?? 0,
        Findings = Extension?.Findings ?? 0,
        Progress = double.TryParse(Extension?.Progress, NumberStyles.Float, CultureInfo.InvariantCulture, out double share) ? share : null,
        Remaining = long.TryParse(Extension?.RemainingNs, NumberStyles.None, CultureInfo.InvariantCulture, out long ns) ? TimeSpan.FromTicks(ns / 100) : null,
        Detail = Extension?.Detail ?? "",
        Settings = Settings ?? "",
    };
}

/// <summary>What a job has done.</summary>
internal sealed class WireJobStatistics
{
    [JsonPropertyName("loc-objs")]
    public long Objects { get; set; }

    [JsonPropertyName("loc-bytes")]
    public long Bytes { get; set; }
}

/// <summary>What this server tells of a job beyond the contract.</summary>
internal sealed class WireJobExtension
{
    [JsonPropertyName("target")]
    public string? Target { get; set; }

    [JsonPropertyName("detail")]
    public string? Detail { get; set; }

    [JsonPropertyName("objects_expected")]
    public long ObjectsExpected { get; set; }

    [JsonPropertyName("bytes_expected")]
    public long BytesExpected { get; set; }

    [JsonPropertyName("bytes_per_second")]
    public long BytesPerSecond { get; set; }

    [JsonPropertyName("failed")]
    public long Failed { get; set; }

    [JsonPropertyName("findings")]
    public long Findings { get; set; }

    [JsonPropertyName("progress")]
    public string? Progress { get; set; }

    [JsonPropertyName("eta_ns")]
    public string? RemainingNs { get; set; }
}

/// <summary>A job's findings on the wire.</summary>
internal sealed class WireReport
{
    [JsonPropertyName("count")]
    public long Count { get; set; }

    [JsonPropertyName("findings")]
    public WireFinding[]? Findings { get; set; }
}

/// <summary>One thing that a job found, on the wire.</summary>
internal sealed class WireFinding
{
    [JsonPropertyName("mountpath")]
    public string? Mountpath { get; set; }

    [JsonPropertyName("bucket")]
    public string? Bucket { get; set; }

    [JsonPropertyName("name")]
    public string? Name { get; set; }

    [JsonPropertyName("kind")]
    public string? Kind { get; set; }

    [JsonPropertyName("detail")]
    public string? Detail { get; set; }

    [JsonPropertyName("action")]
    public string? Action { get; set; }

    public JobFindingView ToView() => new(Mountpath ?? "", Bucket ?? "", Name ?? "", Kind ?? "", Detail ?? "", Action ?? "");
}
