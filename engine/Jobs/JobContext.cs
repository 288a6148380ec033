namespace Sluice.Engine.Jobs;

/// <summary>What the body of a job sees of it. May be used from several workers of the job at once.</summary>
public sealed class JobContext
{
    private readonly Job _job;
    private readonly JobBudget _budget;

    internal JobContext(Job job, JobBudget budget)
    {
        _job = job;
        _budget = budget;
    }

    /// <summary>The job.</summary>
    public Job Job => _job;

    /// <summary>Cancelled when the job is to end: the body stops between two objects, or throws <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken Aborted => _job.Aborted;

    /// <summary>Objects that there are to be done in all, once that is known; for the progress.</summary>
    public long ObjectsExpected
    {
        get => _job.ObjectsExpected;
        set => _job.Expect(value, null);
    }

    /// <summary>Bytes that there are to be done in all, once that is known; for the progress.</summary>
    public long BytesExpected
    {
        get => _job.BytesExpected;
        set => _job.Expect(null, value);
    }

    /// <summary>How many names it works on at once, where it says so.</summary>
    public int Workers
    {
        get => _job.Workers;
        set => _job.WorkWith(value);
    }

    /// <summary>What the kind has to tell besides: one line, for people.</summary>
    public string Detail
    {
        get => _job.Detail;
        set => _job.Describe(value);
    }

    /// <summary>For a kind on demand: it has nothing to do just now.</summary>
    public bool IsIdle
    {
        get => _job.IsIdle;
        set => _job.SetIdle(value);
    }

    /// <summary>So many objects and bytes more are done.</summary>
    public void Count(long objects, long bytes) => _job.Count(objects, bytes);

    /// <summary>An object could not be done; the sentence, which names no path, is for the operator. The job goes on.</summary>
    public void Fail(string sentence) => _job.Fail(sentence);

    /// <summary>Something for the job's report.</summary>
    public void Report(JobFinding finding) => _job.Report(finding);

    /// <summary>
    /// Called before each object with the bytes that it will move: waits for the job's share while clients want the disks, and not at all
    /// while they do not. Throws <see cref="OperationCanceledException"/> when the job is aborted.
    /// </summary>
    public ValueTask PaceAsync(long bytes) => _budget.TakeAsync(bytes, Aborted);
}
