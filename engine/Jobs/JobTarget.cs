using Sluice.Engine.Buckets;

namespace Sluice.Engine.Jobs;

/// <summary>What a job works on. A value; two of them with the same parts are the same target.</summary>
/// <param name="Bucket">One bucket; null for all.</param>
/// <param name="Mountpath">One mountpath, as configured; null for all.</param>
public sealed record JobTarget(BucketName? Bucket, string? Mountpath)
{
    /// <summary>The bucket that a copy is written to; null for what has none.</summary>
    public BucketName? To { get; init; }

    /// <summary>Everything.</summary>
    public static JobTarget All { get; } = new(null, null);

    /// <summary>One bucket.</summary>
    public static JobTarget Of(BucketName bucket) => new(bucket, null);

    /// <summary>One mountpath.</summary>
    public static JobTarget On(string mountpath) => new(null, mountpath);

    /// <summary>True when both have something in common.</summary>
    public bool Overlaps(JobTarget other) =>
        (Bucket is null || other.Bucket is null || Bucket == other.Bucket)
        && (Mountpath is null || other.Mountpath is null || Mountpath == other.Mountpath);

    /// <summary>As an operator reads it: the bucket, the mountpath, or "everything".</summary>
    public override string ToString() => (Bucket, Mountpath) switch
    {
        (null, null) => "everything",
        (null, { } mountpath) => mountpath,
        ({ } bucket, null) => To is null ? bucket.ToString() : $"{bucket} to {To}",
        ({ } bucket, { } mountpath) => $"{bucket} on {mountpath}",
    };
}

/// <summary>What becomes of a start while a job of the same kind runs whose target overlaps.</summary>
public enum WhenRunning
{
    /// <summary>It is refused with <see cref="Contract.ErrorCode.Busy"/>.</summary>
    Refuse,

    /// <summary>The running one is aborted and awaited, then the new one starts.</summary>
    Supersede,

    /// <summary>The running one is answered, and nothing starts.</summary>
    Join,

    /// <summary>Both run, for kinds whose jobs do not mind each other; refused as busy when <see cref="Limits.JobsBesideMax"/> run already.</summary>
    Beside,
}

/// <summary>What a job is to be made for: the wire's <c>start</c>, or the marker that an unfinished one left.</summary>
/// <param name="Target">What it works on.</param>
/// <param name="Arguments">Its settings as one line of JSON, or empty: whoever registered the kind knows them.</param>
public sealed record JobRequest(JobTarget Target, string Arguments);

/// <summary>Makes the body of a job from a request, or refuses it with a sentence for the person who asked.</summary>
public delegate Result<Func<JobContext, Task>> JobMaker(JobRequest request);
