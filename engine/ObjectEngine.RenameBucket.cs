using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;

namespace Sluice.Engine;

/// <summary>Another name for a bucket (docs/decisions/0018).</summary>
public sealed partial class ObjectEngine
{
    /// <summary>
    /// Gives a bucket another name, by the job <c>move-bck</c>, which has come to its end when this returns. No file moves: who reads and writes goes on, the old name is not found any more and
    /// can be made anew. Refused with <see cref="ErrorCode.Busy"/> while another job works on the bucket, except those that wait for work.
    /// </summary>
    public async ValueTask<Result<Job>> RenameBucketAsync(Caller caller, BucketName bucket, BucketName to)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.MoveBucket, "move-bck");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        if (bucket == to)
        {
            return new Failure(ErrorCode.BadRequest, $"bucket \"{bucket}\" has that name already");
        }

        if (BucketTable.Unsupported(to) is { } unsupported)
        {
            return unsupported;
        }

        if (_buckets.Find(to) is not null)
        {
            return BucketTable.Exists(to);
        }

        var outcome = new TaskCompletionSource<Failure?>(TaskCreationOptions.RunContinuationsAsynchronously);
        Result<Job> job = await Jobs.StartAsync(JobKinds.RenameBucket, new JobRequest(JobTarget.Of(bucket) with { To = to }, ""), job => ReportAsync(job, outcome.Task), WhenRunning.Refuse);
        if (!job.Ok)
        {
            return job;
        }

        Failure? refused = new(ErrorCode.StorageFailed, "the renaming was cut off");
        try
        {
            refused = await RenameAsync(job.Value, bucket, to);
        }
        finally
        {
            outcome.SetResult(refused);
        }

        await job.Value.Ended;
        return refused is null ? job : refused;
    }

    /// <summary>The job of a verb that is waited for: it says how that ended.</summary>
    private static async Task ReportAsync(JobContext job, Task<Failure?> outcome)
    {
        if (await outcome is { } failure)
        {
            job.Fail(failure.Message);
        }
    }

    private async ValueTask<Failure?> RenameAsync(Job job, BucketName from, BucketName to)
    {
        if (Jobs.WorkingOn(from, except: job) is { } other)
        {
            return new Failure(ErrorCode.Busy, $"job {other.Id} ({other.Kind.Name}, {other.Target}) is running: wait for it or stop it");
        }

        try
        {
            return (await _buckets.RenameAsync(from, to, bucket => _copyJobs.RenamedAsync(bucket, from))).Error;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }
}
