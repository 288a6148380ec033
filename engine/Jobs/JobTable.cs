using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Jobs;

/// <summary>
/// The jobs: those that run, and those that ended, of which the last <see cref="EndedMax"/> are kept. Bodies run beside the requests, on the
/// environment's <see cref="EngineEnvironment.Background"/>. What a body throws ends its job, never the process.
/// <para>
/// Two jobs of one kind do not run at once where their targets overlap, unless they are started as <see cref="WhenRunning.Beside"/>. A resumable job that is aborted, or that the end of the process
/// cuts short, has left a marker (<see cref="JobMarkers"/>), and goes on when the engine is opened again.
/// </para>
/// </summary>
public sealed class JobTable
{
    /// <summary>Ended jobs that are kept: the contract's number. 1,000 x some 600 bytes.</summary>
    public const int EndedMax = 1000;

    // Written at construction and by Register, before anything is started.
    private readonly EngineEnvironment _environment;
    private readonly JobBudget _budget;
    private readonly JobMarkers _markers;
    private readonly ILogger _log;
    private readonly Dictionary<JobKind, JobMaker> _makers = [];

    private readonly SemaphoreSlim _starting = new(1, 1);
    private readonly Lock _gate = new();
    private readonly List<Job> _jobs = []; // guarded by _gate: in order of their start
    private long _ended; // guarded by _gate
    private long _aborted; // guarded by _gate
    private long _failed; // guarded by _gate
    private bool _isClosed; // guarded by _gate

    /// <summary>No jobs yet.</summary>
    public JobTable(EngineEnvironment environment, JobBudget budget, JobMarkers markers)
    {
        _environment = environment;
        _budget = budget;
        _markers = markers;
        _log = environment.Log;
    }

    /// <summary>All that are known, in order of their start.</summary>
    public IReadOnlyList<Job> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _jobs];
            }
        }
    }

    /// <summary>The job of that id; null when it is not known, or not any more.</summary>
    public Job? Find(string id) => All.FirstOrDefault(job => job.Id == id);

    /// <summary>
    /// Who makes the body of a kind that is started by name: over the wire, or because an unfinished one left a marker. Once for each kind,
    /// before the engine serves.
    /// </summary>
    public void Register(JobKind kind, JobMaker maker) => _makers.Add(kind, maker);

    /// <summary>Starts a job of a registered kind; what the kind refuses, or nobody registered, is refused.</summary>
    public async ValueTask<Result<Job>> StartAsync(JobKind kind, JobRequest request, WhenRunning whenRunning)
    {
        if (!_makers.TryGetValue(kind, out JobMaker? maker))
        {
            return new Failure(ErrorCode.BadRequest, $"jobs of kind \"{kind.Name}\" are not started by name");
        }

        Result<Func<JobContext, Task>> body = maker(request);
        return body.Ok ? await StartAsync(kind, request, body.Value, whenRunning) : body.Error!;
    }

    /// <summary>Starts a job without settings.</summary>
    public ValueTask<Result<Job>> StartAsync(JobKind kind, JobTarget target, Func<JobContext, Task> body, WhenRunning whenRunning) =>
        StartAsync(kind, new JobRequest(target, ""), body, whenRunning);

    /// <summary>
    /// Starts a job in the background. It can be found by its id when this returns. Where a running one of the kind overlaps, refused with
    /// <see cref="ErrorCode.Busy"/>, or as <paramref name="whenRunning"/> says; refused with <see cref="ErrorCode.Unavailable"/> when the engine closes.
    /// </summary>
    public async ValueTask<Result<Job>> StartAsync(JobKind kind, JobRequest request, Func<JobContext, Task> body, WhenRunning whenRunning)
    {
        Invariant.That(kind.Scope != JobScope.Bucket || request.Target.Bucket is not null, "a job of a bucket has one");
        Job job;
        await _starting.WaitAsync();
        try
        {
            IReadOnlyList<Job> overlapping = whenRunning == WhenRunning.Beside ? [] : Running(kind, request.Target);
            if (whenRunning == WhenRunning.Beside && Running(kind, JobTarget.All).Count >= Limits.JobsBesideMax)
            {
                return new Failure(ErrorCode.Busy, $"{Limits.JobsBesideMax} jobs of kind \"{kind.Name}\" are running: wait for one of them or stop it");
            }

            foreach (Job running in overlapping)
            {
                switch (whenRunning)
                {
                    case WhenRunning.Join:
                        return running;
                    case WhenRunning.Refuse:
                        return new Failure(ErrorCode.Busy, $"job {running.Id} ({kind.Name}, {running.Target}) is running: wait for it or stop it");
                    default:
                        running.Abort("another one was started in its place");
                        await running.Ended;
                        break;
                }
            }

            job = new Job(kind.IdPrefix + "j" + _environment.NewGuid().ToString("N")[..11], kind, request, _environment.Time);
            if (kind.IsResumable)
            {
                await _markers.AddAsync(job);
            }

            lock (_gate)
            {
                if (_isClosed)
                {
                    return new Failure(ErrorCode.Unavailable, "the server is stopping");
                }

                _jobs.Add(job);
            }
        }
        finally
        {
            _starting.Release();
        }

        _log.LogInformation("job {Id}: {Kind} of {Target} begins", job.Id, kind.Name, job.Target);
        _ = _environment.Background(() => RunAsync(job, body)); // awaited by way of Job.Ended
        return job;
    }

    /// <summary>Tells a running job to end, and does not wait for that; false when there is none of that id that runs.</summary>
    public bool Abort(string id, string reason)
    {
        Job? job = Find(id);
        bool isRunning = job is { IsRunning: true };
        job?.Abort(reason);
        return isRunning;
    }

    /// <summary>A job that works on one bucket, or writes to it, and does not just wait for work; null when there is none.</summary>
    public Job? WorkingOn(BucketName bucket, Job except) =>
        All.FirstOrDefault(job => job.IsRunning && job != except && !job.Kind.IsOnDemand && (job.Target.Bucket == bucket || job.Target.To == bucket));

    /// <summary>The bucket goes: its jobs end, and none of them is begun again.</summary>
    public async ValueTask EndBucketAsync(BucketName bucket)
    {
        foreach (Job job in All.Where(job => job.IsRunning && (job.Target.Bucket == bucket || job.Target.To == bucket)))
        {
            job.Abort("its bucket is destroyed");
            await job.Ended;
        }

        await _markers.ForgetAsync(bucket);
    }

    /// <summary>Starts what an earlier run did not finish. A kind that nobody registered keeps its marker.</summary>
    public async ValueTask ResumeAsync()
    {
        foreach ((JobKind kind, JobRequest request) in await _markers.LoadAsync())
        {
            Result<Job> started = await StartAsync(kind, request, WhenRunning.Join);
            if (!started.Ok)
            {
                _log.LogWarning("{Kind} of {Target} was not finished and does not go on: {Reason}", kind.Name, request.Target, started.Error!.Message);
            }
        }
    }

    /// <summary>Counters, by name.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counters()
    {
        lock (_gate)
        {
            return
            [
                new("job.running", _jobs.Count(job => job.IsRunning)),
                new("job.ended", _ended),
                new("job.aborted", _aborted),
                new("job.failed", _failed),
            ];
        }
    }

    /// <summary>Aborts what runs, and returns when all has ended. Nothing is started afterwards.</summary>
    public async ValueTask CloseAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
        }

        foreach (Job job in All)
        {
            job.Abort("the server stopped");
        }

        foreach (Job job in All)
        {
            await job.Ended;
        }
    }

    private List<Job> Running(JobKind kind, JobTarget target) =>
        [.. All.Where(job => job.Kind == kind && job.IsRunning && job.Target.Overlaps(target))];

    private async Task RunAsync(Job job, Func<JobContext, Task> body)
    {
        string? error = null;
        bool isDone = false;
        try
        {
            await body(new JobContext(job, _budget));
            isDone = !job.Aborted.IsCancellationRequested;
        }
        catch (OperationCanceledException) when (job.Aborted.IsCancellationRequested)
        {
            error = null; // that it was aborted is told by itself
        }
        catch (StorageException fault)
        {
            _log.LogError("job {Id}: {Fault}", job.Id, fault.Message);
            error = ObjectDisk.Refusal(fault).Message;
        }
        catch (Exception defect)
        {
            _log.LogError(defect, "job {Id}: {Kind} of {Target} met a defect", job.Id, job.Kind.Name, job.Target);
            error = "an internal error; the server's log says which";
        }

        try
        {
            if (job.Kind.IsResumable && isDone)
            {
                await _markers.RemoveAsync(job);
            }
        }
        finally
        {
            End(job, error);
        }
    }

    private void End(Job job, string? error)
    {
        lock (_gate)
        {
            job.End(error);
            _ended++;
            _aborted += job.IsAborted ? 1 : 0;
            _failed += job.Error.Length > 0 ? 1 : 0;
            for (int excess = _jobs.Count(one => !one.IsRunning) - EndedMax; excess > 0; excess--)
            {
                _jobs.Remove(_jobs.First(one => !one.IsRunning));
            }

            foreach (Job old in _jobs.Where(one => !one.IsRunning && one.FindingCount > 0).SkipLast(Limits.JobReportsMax))
            {
                old.ForgetFindings();
            }
        }

        string how = job.IsAborted ? $"aborted: {job.AbortReason}" : job.Error.Length > 0 ? $"failed: {job.Error}" : "finished";
        _log.LogInformation("job {Id}: {Kind} of {Target}, {Objects} objects, {Bytes} bytes, {Seconds:F1} s: {How}",
            job.Id, job.Kind.Name, job.Target, job.Objects, job.Bytes, job.Elapsed.TotalSeconds, how);
    }
}
