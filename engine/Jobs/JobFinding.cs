namespace Sluice.Engine.Jobs;

/// <summary>Something that a job found and an operator should know of. Its texts may name paths: it is for who may start jobs.</summary>
public sealed record JobFinding
{
    /// <summary>The mountpath, as configured; empty when it is no single one's matter.</summary>
    public required string Mountpath { get; init; }

    /// <summary>The bucket, as <c>ais://bucket</c>; empty when there is none.</summary>
    public required string Bucket { get; init; }

    /// <summary>The object's name, or the file's path below the mountpath where it has none.</summary>
    public required string Name { get; init; }

    /// <summary>What is wrong: a word of the kind of job, for scripts.</summary>
    public required string Kind { get; init; }

    /// <summary>The same as a sentence.</summary>
    public required string Detail { get; init; }

    /// <summary>What was done about it: a word, for scripts; "reported" when nothing.</summary>
    public required string Action { get; init; }
}
