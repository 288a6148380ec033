using System.Runtime.CompilerServices;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>The removal of many objects at once, as a job.</summary>
public sealed partial class ObjectEngine
{
    /// <summary>
    /// Starts the job <c>delete-listrange</c>: each object is removed as a DELETE of its own would remove it. Several may run in one bucket at once. What was
    /// removed before the job was stopped or met a fault stays removed.
    /// </summary>
    public async ValueTask<Result<Job>> StartDeletionAsync(Caller caller, DeletionRequest request)
    {
        Result<Bucket> allowed = Enter(caller, request.Bucket, AccessBits.DeleteObject, "DELETE");
        return !allowed.Ok ? allowed.Error!
            : request.Workers is < -1 or > Limits.JobWorkersMax
                ? new Failure(ErrorCode.BadRequest, $"the number of workers is one from -1 to {Limits.JobWorkersMax}")
            : await Jobs.StartAsync(
                JobKinds.DeleteObjects, new JobRequest(JobTarget.Of(request.Bucket), request.Settings()), job => DeleteAsync(job, caller, request), WhenRunning.Beside);
    }

    private async Task DeleteAsync(JobContext job, Caller caller, DeletionRequest request)
    {
        if (_buckets.Find(request.Bucket) is not { } bucket)
        {
            return; // it was destroyed meanwhile
        }

        job.ObjectsExpected = request.Objects.Count;
        job.Workers = request.Workers switch { 0 => WorkersOf(_disks.Current.Serving.Count), -1 => 1, int exact => exact };
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(job.Aborted);
        try
        {
            await NameWorkers.RunAsync(
                NamesAsync(bucket, request.Objects, ending.Token), job.Workers, name => DeleteAsync(job, caller, request, name, ending), ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested && !job.Aborted.IsCancellationRequested)
        {
            // The object that ended it has been told.
        }
    }

    private async IAsyncEnumerable<ObjectName> NamesAsync(Bucket bucket, NameSelection objects, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (objects.IsPrefix)
        {
            await foreach (WalkedName walked in _walk.NamesAsync(bucket, objects.Prefix, objects.IsFlat, cancellation))
            {
                yield return walked.Name;
            }

            yield break;
        }

        foreach (ObjectName name in objects.Names())
        {
            yield return name;
        }
    }

    private async ValueTask DeleteAsync(JobContext job, Caller caller, DeletionRequest request, ObjectName name, CancellationTokenSource ending)
    {
        await job.PaceAsync(0);
        Result<long> removed = await RemoveAsync(caller, request.Bucket, name);
        if (removed.Ok)
        {
            job.Count(1, removed.Value);
            return;
        }

        bool isMissing = removed.Error!.Code == ErrorCode.ObjectNotFound;
        if (isMissing && (request.Objects.List is null || request.ContinuesOnError))
        {
            return;
        }

        job.Fail(isMissing ? removed.Error.Message : $"{request.Bucket}/{name}: {removed.Error.Message}");
        if (removed.Error.Code is ErrorCode.AccessDenied or ErrorCode.BucketNotFound || (!isMissing && !request.ContinuesOnError))
        {
            ending.CancelHere();
        }
    }

    /// <summary>Removes an object and answers its bytes. Not a verb of a client's, before which jobs would stand back.</summary>
    private async ValueTask<Result<long>> RemoveAsync(Caller caller, BucketName bucket, ObjectName name)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.DeleteObject, "DELETE"); // again: bits and durability may have been changed
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        try
        {
            ulong digest = allowed.Value.DigestOf(name);
            Result<StoredObject> stored = await _lookup.StatAsync(allowed.Value, name, digest);
            Result removed = await _removal.DeleteAsync(allowed.Value, name, digest);
            return !removed.Ok ? removed.Error! : stored.Ok ? stored.Value.Metadata.ContentBytes : 0;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>Removals of strict buckets wait for their directory's fsync, which they share: more than one on each mountpath.</summary>
    private static int WorkersOf(int mountpaths) => Math.Clamp(2 * mountpaths, 4, 32);
}
