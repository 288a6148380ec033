using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Redundancy;

namespace Sluice.Engine;

/// <summary>Erasure coding: the job that brings what is there to what the bucket wants, and the repair of what is found lacking.</summary>
public sealed partial class ObjectEngine
{
    /// <summary>
    /// Starts the job <c>ec-encode</c> for a bucket: every object is cut into slices, copied, or put together again, as the bucket wants it by now, and what it
    /// lacks is rebuilt. One that runs is ended first: it may have been started for other properties.
    /// </summary>
    public async ValueTask<Result<Job>> StartErasureCodingAsync(Caller caller, BucketName bucket)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.PatchBucket, "ec-encode");
        return !allowed.Ok ? allowed.Error!
            : !ErasureReconciler.Handles(allowed.Value.Properties)
                ? new Failure(ErrorCode.BadRequest, $"bucket \"{bucket}\" has no erasure coding: set ec.enabled")
            : await Jobs.StartAsync(JobKinds.EcEncode, JobTarget.Of(bucket), job => EncodeAsync(job, bucket), WhenRunning.Supersede);
    }

    /// <summary>
    /// Brings one object to what its bucket wants, and gives it back what it lacks, every unit compared. NotFound when there is none; Damaged when too
    /// little is left of it.
    /// </summary>
    public async ValueTask<Result> MakeWholeAsync(Caller caller, BucketName bucket, ObjectName name)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.PatchBucket, "repair");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        try
        {
            Result<Reconciled> done = await MakeWholeAsync(allowed.Value, name, allowed.Value.DigestOf(name));
            return done.Error is { } failure ? failure : Result.Done;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>How an object of a bucket is kept, as far as erasure coding goes; null when that has no part in it.</summary>
    public ErasureLayout? ErasureOf(BucketName bucket, StoredObject stored) =>
        _buckets.Find(bucket) is { } found ? ErasureLayout.Of(found.Properties.Ec, stored.Metadata) : null;

    /// <summary>What records say of parts, as long as their mountpaths are open.</summary>
    private RecordedParts NewParts() => new(id => _disks.Current.Open.FirstOrDefault(disk => disk.Uuid == id && id != Guid.Empty));

    /// <summary>For a job that was cut short, when the engine is opened again.</summary>
    private Result<Func<JobContext, Task>> MakeEncoding(JobRequest request) => request.Target.Bucket is { } bucket
        ? (Func<JobContext, Task>)(job => EncodeAsync(job, bucket))
        : new Failure(ErrorCode.BadRequest, "ec-encode needs a bucket");

    private async Task EncodeAsync(JobContext job, BucketName name)
    {
        if (_buckets.Find(name) is not { } bucket)
        {
            return; // it was destroyed meanwhile
        }

        await NameWorkers.RunAsync(_walk.NamesAsync(bucket, job.Aborted), walked => EncodeAsync(job, bucket, walked), job.Aborted);
    }

    private async ValueTask EncodeAsync(JobContext job, Bucket bucket, WalkedName walked)
    {
        string? problem;
        long bytes = 0;
        try
        {
            using DiskUse use = _disks.Enter();
            Result<ErasureReconciled> done = await _erasureReconciler.ReconcileAsync(bucket, walked.Name, walked.Digest, job, verify: false);
            problem = done.Ok ? done.Value.StillDegraded ? "too few mountpaths" : null
                : done.Error!.Code == ErrorCode.ObjectNotFound ? null : done.Error.Message; // removed meanwhile
            bytes = done.Ok ? done.Value.Bytes : 0;
        }
        catch (StorageException fault)
        {
            problem = Refuse(fault).Message;
        }

        if (problem is not null)
        {
            job.Fail($"{bucket.Name}/{walked.Name}: {problem}");
        }

        job.Count(1, bytes);
    }
}
