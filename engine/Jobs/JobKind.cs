namespace Sluice.Engine.Jobs;

/// <summary>What one job of a kind works on.</summary>
public enum JobScope
{
    /// <summary>Everything of the node.</summary>
    Node,

    /// <summary>One bucket.</summary>
    Bucket,

    /// <summary>One mountpath, or all of them.</summary>
    Mountpath,

    /// <summary>A bucket, a mountpath, or everything: who starts it says which.</summary>
    Any,
}

/// <summary>A kind of job: a row of <see cref="JobKinds"/>.</summary>
/// <param name="Name">As it goes over the wire (contract: native API §8).</param>
/// <param name="Scope">What one of them works on.</param>
/// <param name="IsResumable">One that does not come to its end goes on after a restart.</param>
/// <param name="IsOnDemand">It idles when it has nothing to do, and is running all the same.</param>
public sealed record JobKind(string Name, JobScope Scope, bool IsResumable, bool IsOnDemand)
{
    /// <summary>The name that people use; the wire takes it too.</summary>
    public string DisplayName { get; init; } = Name;

    /// <summary>What its ids begin with; empty for nothing.</summary>
    public string IdPrefix { get; init; } = "";

    /// <summary>The wire's <c>start</c> starts it; others have calls of their own.</summary>
    public bool IsStartable { get; init; }
}

/// <summary>All kinds of jobs. What is not here cannot run.</summary>
public static class JobKinds
{
    /// <summary>Brings every object of a bucket to the number of copies that the bucket wants.</summary>
    public static readonly JobKind MakeCopies = new("make-n-copies", JobScope.Bucket, IsResumable: true, IsOnDemand: false) { DisplayName = "mirror" };

    /// <summary>Makes the further copies of objects that were answered with one.</summary>
    public static readonly JobKind PutCopies = new("put-copies", JobScope.Bucket, IsResumable: false, IsOnDemand: true);

    /// <summary>Brings every object of a bucket to the slices that the bucket wants.</summary>
    public static readonly JobKind EcEncode = new("ec-encode", JobScope.Bucket, IsResumable: true, IsOnDemand: false) { DisplayName = "ec-bucket" };

    /// <summary>Removes the objects of a list, of a template or below a prefix of a bucket.</summary>
    public static readonly JobKind DeleteObjects = new("delete-listrange", JobScope.Bucket, IsResumable: false, IsOnDemand: false) { DisplayName = "delete-objects" };

    /// <summary>Splits the objects of a bucket into chunks, or puts them together again.</summary>
    public static readonly JobKind Rechunk = new("rechunk", JobScope.Bucket, IsResumable: true, IsOnDemand: false);

    /// <summary>Copies the objects of a bucket to another one.</summary>
    public static readonly JobKind CopyBucket = new("copy-bck", JobScope.Bucket, IsResumable: false, IsOnDemand: false) { DisplayName = "copy-bucket" };

    /// <summary>The same with those of a list, of a template or below a prefix.</summary>
    public static readonly JobKind CopyObjects = new("copy-listrange", JobScope.Bucket, IsResumable: false, IsOnDemand: false) { DisplayName = "copy-objects", IdPrefix = "tco-" };

    /// <summary>Gives a bucket another name.</summary>
    public static readonly JobKind RenameBucket = new("move-bck", JobScope.Bucket, IsResumable: false, IsOnDemand: false) { DisplayName = "rename-bucket" };

    /// <summary>Makes files of the server objects of a bucket.</summary>
    public static readonly JobKind Promote = new("promote", JobScope.Bucket, IsResumable: false, IsOnDemand: false) { DisplayName = "promote-files" };

    /// <summary>Counts what one bucket holds, or all of them.</summary>
    public static readonly JobKind Summary = new("summary-bck", JobScope.Any, IsResumable: false, IsOnDemand: false) { DisplayName = "summary" };

    /// <summary>Brings every object to the mountpaths where it belongs.</summary>
    public static readonly JobKind Resilver = new("resilver", JobScope.Any, IsResumable: true, IsOnDemand: false) { IsStartable = true };

    /// <summary>Reads everything and compares it with its digests.</summary>
    public static readonly JobKind Scrub = new("scrub", JobScope.Any, IsResumable: false, IsOnDemand: false) { IsStartable = true };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<JobKind> All { get; } = [MakeCopies, PutCopies, EcEncode, Rechunk, DeleteObjects, CopyBucket, CopyObjects, RenameBucket, Promote, Summary, Resilver, Scrub];

    /// <summary>The kind of that name or display name; null when there is none.</summary>
    public static JobKind? Find(string name) => All.FirstOrDefault(kind => kind.Name == name || kind.DisplayName == name);
}
