using System.Collections.Concurrent;
using System.Threading.Channels;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Redundancy;

/// <summary>
/// The jobs over copies. <c>make-n-copies</c> brings every object of a bucket to the copies that the bucket wants now, up or down; a change of the
/// number starts it, and supersedes one that runs. <c>put-copies</c> makes the further copies of objects that were answered with one.
/// </summary>
internal sealed class CopyJobs
{
    private readonly JobTable _jobs;
    private readonly ObjectWalk _walk;
    private readonly ObjectReconciler _reconciler;
    private readonly BucketTable _buckets;
    private readonly ConcurrentDictionary<ulong, PutCopiesQueue> _queues = [];

    public CopyJobs(JobTable jobs, ObjectWalk walk, ObjectReconciler reconciler, BucketTable buckets)
    {
        (_jobs, _walk, _reconciler, _buckets) = (jobs, walk, reconciler, buckets);
        jobs.Register(JobKinds.MakeCopies, MakerOf);
    }

    /// <summary>Brings all objects of the bucket to what it wants now.</summary>
    public ValueTask<Result<Job>> MakeCopiesAsync(Bucket bucket) =>
        _jobs.StartAsync(JobKinds.MakeCopies, new JobRequest(JobTarget.Of(bucket.Name), ""), WhenRunning.Supersede);

    /// <summary>
    /// After a crash nobody knows the objects whose further copies were still to be made: in buckets that are answered with one, all are looked at.
    /// </summary>
    public async ValueTask AfterCrashAsync()
    {
        foreach (Bucket bucket in _buckets.All.Where(bucket => bucket.Properties.Mirror is { Enabled: true, Sync: false }))
        {
            await _jobs.StartAsync(JobKinds.MakeCopies, new JobRequest(JobTarget.Of(bucket.Name), ""), WhenRunning.Join);
        }
    }

    /// <summary>An object was answered with one copy: the others are made later; or now, when too many are waiting already.</summary>
    public async ValueTask PutLaterAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        PutCopiesQueue queue = _queues.GetOrAdd(bucket.Bid, _ => new PutCopiesQueue(bucket, _reconciler));
        if (!queue.TryAdd(new WalkedName(name.Copy(), digest), bucket.Properties.Mirror.BurstBuffer))
        {
            await _reconciler.ReconcileAsync(bucket, name, digest);
            return;
        }

        if (!queue.IsServed)
        {
            await _jobs.StartAsync(JobKinds.PutCopies, JobTarget.Of(bucket.Name), queue.RunAsync, WhenRunning.Join);
        }
    }

    /// <summary>The bucket had another name: the job that waits for objects of it does so under the new one.</summary>
    public async ValueTask RenamedAsync(Bucket bucket, BucketName from)
    {
        foreach (Job old in _jobs.All.Where(job => job.IsRunning && job.Kind == JobKinds.PutCopies && job.Target.Bucket == from))
        {
            old.Abort("its bucket has another name");
            await old.Ended;
        }

        if (_queues.TryGetValue(bucket.Bid, out PutCopiesQueue? queue) && !queue.IsServed)
        {
            await _jobs.StartAsync(JobKinds.PutCopies, JobTarget.Of(bucket.Name), queue.RunAsync, WhenRunning.Join);
        }
    }

    /// <summary>The bucket is gone.</summary>
    public void Forget(Bucket bucket) => _queues.TryRemove(bucket.Bid, out _);

    /// <summary>Makes all copies that are still to be made; nothing is put any more.</summary>
    public async ValueTask FinishAsync()
    {
        foreach (PutCopiesQueue queue in _queues.Values)
        {
            await queue.FinishAsync();
        }
    }

    private Result<Func<JobContext, Task>> MakerOf(JobRequest request) =>
        request.Target.Bucket is { } name && _buckets.Find(name) is { } bucket
            ? new Func<JobContext, Task>(job => MakeCopiesAsync(job, bucket))
            : new Failure(ErrorCode.BucketNotFound, $"bucket \"{request.Target.Bucket}\" does not exist");

    private async Task MakeCopiesAsync(JobContext job, Bucket bucket)
    {
        int wanted = bucket.Properties.Mirror.Wanted;
        await bucket.DrainCommitsAsync(); // the last that were begun for another number
        await NameWorkers.RunAsync(_walk.NamesAsync(bucket, job.Aborted), walked => _reconciler.ReconcileForAsync(job, bucket, walked), job.Aborted);
        if (job.Job.Failed == 0 && !job.Aborted.IsCancellationRequested)
        {
            await _buckets.SettleCopiesAsync(bucket, wanted);
        }
    }
}

/// <summary>The objects of one bucket whose further copies are to be made: a bounded queue, and the job that empties it.</summary>
internal sealed class PutCopiesQueue(Bucket bucket, ObjectReconciler reconciler)
{
    private readonly Channel<WalkedName> _waiting = Channel.CreateUnbounded<WalkedName>();
    private volatile bool _isServed;

    /// <summary>A job is there to make them.</summary>
    public bool IsServed => _isServed;

    /// <summary>False when so many are waiting that this one would be too many.</summary>
    public bool TryAdd(WalkedName walked, int waitingMax) => _waiting.Reader.Count < waitingMax && _waiting.Writer.TryWrite(walked);

    /// <summary>The job's body: makes copies until it is told to end.</summary>
    public async Task RunAsync(JobContext job)
    {
        _isServed = true;
        try
        {
            await NameWorkers.RunAsync(NamesAsync(job), walked => MakeAsync(job, walked), job.Aborted);
        }
        finally
        {
            _isServed = false;
        }
    }

    private async ValueTask MakeAsync(JobContext job, WalkedName walked)
    {
        try
        {
            await reconciler.ReconcileForAsync(job, bucket, walked);
        }
        catch (OperationCanceledException)
        {
            _waiting.Writer.TryWrite(walked); // for the next job, or the end
            throw;
        }
    }

    /// <summary>Makes those that are left.</summary>
    public async ValueTask FinishAsync()
    {
        while (_waiting.Reader.TryRead(out WalkedName walked))
        {
            await reconciler.ReconcileAsync(bucket, walked.Name, walked.Digest);
        }
    }

    private async IAsyncEnumerable<WalkedName> NamesAsync(JobContext job)
    {
        while (true)
        {
            job.IsIdle = _waiting.Reader.Count == 0;
            await _waiting.Reader.WaitToReadAsync(job.Aborted);
            job.IsIdle = false;
            while (!job.Aborted.IsCancellationRequested && _waiting.Reader.TryRead(out WalkedName walked))
            {
                yield return walked;
            }
        }
    }
}
