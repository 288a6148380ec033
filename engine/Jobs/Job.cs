namespace Sluice.Engine.Jobs;

/// <summary>
/// One job, running or ended: what it is and how far it has come. Readable from any thread; the numbers are those of the moment. Only its
/// <see cref="JobContext"/> and the <see cref="JobTable"/> change it.
/// </summary>
public sealed class Job
{
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _abort = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private long _objects;
    private long _bytes;
    private long _failed;
    private long _objectsExpected;
    private long _bytesExpected;
    private long _findingCount;
    private List<JobFinding> _findings = []; // guarded by _gate, as the rest
    private string? _firstFailure;
    private string _detail = "";
    private string? _abortReason;
    private string? _error;
    private DateTimeOffset? _endedAt;
    private bool _isIdle;
    private int _workers;

    internal Job(string id, JobKind kind, JobRequest request, TimeProvider time)
    {
        _time = time;
        Id = id;
        Kind = kind;
        Target = request.Target;
        Arguments = request.Arguments;
        StartedAt = time.GetUtcNow();
    }

    /// <summary>Its identity (xid): 12 characters, letters and digits, the first a letter, behind what the kind's ids begin with.</summary>
    public string Id { get; }

    /// <summary>Its kind.</summary>
    public JobKind Kind { get; }

    /// <summary>What it works on.</summary>
    public JobTarget Target { get; }

    /// <summary>The settings that it was started with, as one line of JSON; empty when it has none.</summary>
    public string Arguments { get; }

    /// <summary>When it was started.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>When it ended, by itself or not; null while it runs.</summary>
    public DateTimeOffset? EndedAt => Read(() => _endedAt);

    /// <summary>Completes, without an exception, when it has ended.</summary>
    public Task Ended => _ended.Task;

    /// <summary>True while it runs, idle or not.</summary>
    public bool IsRunning => EndedAt is null;

    /// <summary>It ended because it was told to.</summary>
    public bool IsAborted => Read(() => _endedAt is not null && _abortReason is not null);

    /// <summary>Why it was aborted; empty when it was not.</summary>
    public string AbortReason => Read(() => _abortReason ?? "");

    /// <summary>
    /// What went wrong, a sentence without paths: it ended early, or some objects could not be done. Empty while it runs and after a success.
    /// </summary>
    public string Error => Read(() => _error ?? "");

    /// <summary>Objects that are done.</summary>
    public long Objects => Volatile.Read(ref _objects);

    /// <summary>Bytes that are done.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Objects that could not be done.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Objects that it will have to do in all; 0 when that is not known.</summary>
    public long ObjectsExpected => Volatile.Read(ref _objectsExpected);

    /// <summary>Bytes that it will have to do in all; 0 when that is not known.</summary>
    public long BytesExpected => Volatile.Read(ref _bytesExpected);

    /// <summary>How many names it works on at once; 0 when it does not say.</summary>
    public int Workers => Volatile.Read(ref _workers);

    /// <summary>What the kind has to tell besides, one line; empty when nothing.</summary>
    public string Detail => Read(() => _detail);

    /// <summary>What it found: the first <see cref="Limits.JobFindingsMax"/>, and none any more when several jobs with findings have ended since.</summary>
    public IReadOnlyList<JobFinding> Findings => Read<IReadOnlyList<JobFinding>>(() => [.. _findings]);

    /// <summary>How much it found in all.</summary>
    public long FindingCount => Volatile.Read(ref _findingCount);

    /// <summary>It has nothing to do: it has ended, or is on demand and nobody wants anything.</summary>
    public bool IsIdle => Read(() => _endedAt is not null || _isIdle);

    /// <summary>How long it has run, or ran.</summary>
    public TimeSpan Elapsed => (EndedAt ?? _time.GetUtcNow()) - StartedAt;

    /// <summary>Bytes a second on the average since it began.</summary>
    public double BytesPerSecond => Bytes / Math.Max(Elapsed.TotalSeconds, 0.001);

    /// <summary>Share that is done, 0 to 1: by bytes where those are known, else by objects; null when neither is.</summary>
    public double? Progress =>
        !IsRunning && !IsAborted && Error.Length == 0 ? 1
        : BytesExpected > 0 ? Math.Min(1, (double)Bytes / BytesExpected)
        : ObjectsExpected > 0 ? Math.Min(1, (double)Objects / ObjectsExpected)
        : null;

    /// <summary>How long it will still take if it goes on as so far; null when that cannot be told.</summary>
    public TimeSpan? Remaining => Progress switch
    {
        _ when !IsRunning => TimeSpan.Zero,
        > 0 and { } share => TimeSpan.FromSeconds(Math.Min(Elapsed.TotalSeconds * (1 - share) / share, TimeSpan.FromDays(10_000).TotalSeconds)),
        _ => null,
    };

    /// <summary>Cancelled when it is to end.</summary>
    internal CancellationToken Aborted => _abort.Token;

    internal void Count(long objects, long bytes)
    {
        Interlocked.Add(ref _objects, objects);
        Interlocked.Add(ref _bytes, bytes);
    }

    internal void Fail(string sentence)
    {
        Interlocked.Increment(ref _failed);
        lock (_gate)
        {
            _firstFailure ??= sentence;
        }
    }

    internal void Report(JobFinding finding)
    {
        Interlocked.Increment(ref _findingCount);
        lock (_gate)
        {
            if (_findings.Count < Limits.JobFindingsMax)
            {
                _findings.Add(finding);
            }
        }
    }

    /// <summary>Lets go of the findings, which take memory.</summary>
    internal void ForgetFindings()
    {
        lock (_gate)
        {
            _findings = [];
        }
    }

    internal void Expect(long? objects, long? bytes)
    {
        Volatile.Write(ref _objectsExpected, objects ?? _objectsExpected);
        Volatile.Write(ref _bytesExpected, bytes ?? _bytesExpected);
    }

    internal void WorkWith(int workers) => Volatile.Write(ref _workers, workers);

    internal void Describe(string detail)
    {
        lock (_gate)
        {
            _detail = detail;
        }
    }

    internal void SetIdle(bool isIdle)
    {
        lock (_gate)
        {
            _isIdle = isIdle;
        }
    }

    /// <summary>Tells it to end; the first reason counts, and none does once it has ended.</summary>
    internal void Abort(string reason)
    {
        lock (_gate)
        {
            if (_endedAt is not null)
            {
                return;
            }

            _abortReason ??= reason;
        }

        _abort.Cancel();
    }

    /// <summary>It has ended. <paramref name="error"/> says why it could not go on; null when its body came to its end.</summary>
    internal void End(string? error)
    {
        lock (_gate)
        {
            long failed = Failed;
            _error = error ?? (failed == 0 ? null
                : $"{failed} {(failed == 1 ? "object" : "objects")} could not be done; the first: {_firstFailure}");
            _endedAt = _time.GetUtcNow();
        }

        _ended.SetResult();
    }

    private T Read<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }
}
