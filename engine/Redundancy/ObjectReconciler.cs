using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Redundancy;

/// <summary>What was done for one name.</summary>
public readonly record struct Reconciled
{
    /// <summary>Nothing: all was as it is wanted, or there is no such object.</summary>
    public static Reconciled None => default;

    /// <summary>Files were made, moved or removed.</summary>
    public bool Changed => CopiesMade > 0 || Removed > 0;

    /// <summary>Copies or slices that were made.</summary>
    public int CopiesMade { get; init; }

    /// <summary>Files that were removed or set aside: excess, misplaced, older or damaged ones.</summary>
    public int Removed { get; init; }

    /// <summary>Bytes of objects that were written.</summary>
    public long Bytes { get; init; }

    /// <summary>It is less than the bucket wants: too few mountpaths, no room on them, or mountpaths that could not be asked.</summary>
    public bool StillDegraded { get; init; }

    /// <summary>It lies elsewhere than on its first mountpath, which failed or has no room, and only a search of all finds it there.</summary>
    public bool IsElsewhere { get; init; }
}

/// <summary>How one kind of layout makes an object's files what the bucket wants.</summary>
public interface IRedundancy
{
    /// <summary>True when objects of that record, or those that the bucket wants to have, are this one's.</summary>
    bool Handles(BucketProperties wanted, ObjectMetadata newest);

    /// <summary>
    /// As <see cref="ObjectReconciler.ReconcileAsync"/>. No lock is held at the call: it takes the name's when it needs it, and looks again then. Refuses with Busy when what it
    /// finds is not its own: the name was deleted and stored anew since it was chosen.
    /// </summary>
    ValueTask<Result<Reconciled>> ReconcileAsync(Bucket bucket, ObjectName name, ulong digest, JobContext? job, bool verify);
}

/// <summary>
/// Makes the files of one name what its bucket's properties and the present mountpaths want; what every job calls for every name. The newest
/// generation wins: what it lacks is made, verified by its digests and durable before anything is removed; then what is misplaced, in excess or
/// of an older generation goes. A crash at any moment leaves the object whole, and the next call comes to the same end. Reads and writes go on.
/// </summary>
public sealed class ObjectReconciler(ObjectLookup lookup, IRedundancy copies, IReadOnlyList<IRedundancy> others)
{
    private const int AttemptsMax = 4; // each needs a delete and a write to the name in between

    /// <summary>
    /// Looks at the name and changes what has to be changed; <see cref="Reconciled.None"/> when nothing stands under it. With
    /// <paramref name="verify"/> all bytes are read and compared, else they are taken at the word of their records, as far as they need not be
    /// copied. Refuses with Damaged when no good generation is left and StorageFailed when no mountpath that could tell answers. Throws
    /// <see cref="StorageException"/> when a disk fails in a way that leaves nothing to go on with, <see cref="OperationCanceledException"/> when
    /// the job is aborted.
    /// </summary>
    public async ValueTask<Result<Reconciled>> ReconcileAsync(Bucket bucket, ObjectName name, ulong digest, JobContext? job = null, bool verify = false)
    {
        for (int attempt = 0; attempt < AttemptsMax; attempt++)
        {
            IRedundancy strategy = others.Count == 0 ? copies : await ChooseAsync(bucket, name, digest);
            Result<Reconciled> done = await strategy.ReconcileAsync(bucket, name, digest, job, verify);
            if (done.Error?.Code != ErrorCode.Busy)
            {
                return done;
            }
        }

        return new Reconciled { StillDegraded = true };
    }

    private async ValueTask<IRedundancy> ChooseAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        (List<ObjectPlace> places, _) = await lookup.SurveyAsync(bucket, name, digest);
        ObjectMetadata? newest = places.Select(place => place.Stored?.Metadata).Where(metadata => metadata is not null).MaxBy(metadata => metadata!.Generation);
        return newest is null ? copies : others.FirstOrDefault(other => other.Handles(bucket.Properties, newest)) ?? copies;
    }

    /// <summary>The same for a job: a name that cannot be done is counted there, and the job goes on.</summary>
    public async ValueTask ReconcileForAsync(JobContext job, Bucket bucket, WalkedName walked, bool verify = false)
    {
        try
        {
            Result<Reconciled> done = await ReconcileAsync(bucket, walked.Name, walked.Digest, job, verify);
            if (!done.Ok && done.Error!.Code == ErrorCode.BucketNotFound)
            {
                return;
            }

            if (!done.Ok || done.Value.StillDegraded)
            {
                job.Fail(done.Error?.Message ?? $"{bucket.Name}/{walked.Name} has fewer copies than it should: too few mountpaths have room or work");
            }

            job.Count(1, done.Ok ? done.Value.Bytes : 0);
        }
        catch (StorageException fault)
        {
            job.Fail($"{bucket.Name}/{walked.Name}: {ObjectDisk.Refusal(fault).Message}");
        }
    }
}
