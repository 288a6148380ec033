using System.Globalization;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>
/// Jobs over the wire, where they are called xactions (contract: native API §8, observability §5). One node, so one list of snapshots. A job is visible
/// from the moment its id is answered.
/// </summary>
internal sealed class JobApi(ObjectEngine engine, NodeIdentity node)
{
    private const string NotEnded = "0001-01-01T00:00:00Z";
    private const int WorkersShift = 10; // of glob.id: joggers in 10 bits below, how often a queue was full above

    /// <summary>True for the questions that are answered here.</summary>
    public static bool IsQuestion(string what) => what is "status" or "status_all" or "running_all" or "qryxstats" or "job_report";

    /// <summary>PUT <c>start</c>: answers the id as bare text.</summary>
    public async ValueTask<Failure?> StartAsync(RequestContext context, ActionMessage message)
    {
        Result<JobMessage> read = Read(message.Value);
        if (!read.Ok)
        {
            return read.Error;
        }

        JobMessage wanted = read.Value;
        Result<JobRequest> request = wanted.ToRequest();
        JobKind? kind = JobKinds.Find(wanted.Kind);
        Failure? refusal = !request.Ok ? request.Error
            : kind is { IsStartable: true } ? null
            : Refusal(wanted.Kind);
        foreach (BucketName bucket in wanted.Buckets)
        {
            Result<BucketRecord> record = engine.HeadBucket(Caller.Anonymous, bucket);
            refusal ??= record.Ok ? null : record.Error;
        }

        if (refusal is not null)
        {
            return refusal;
        }

        Result<Job> started = await engine.Jobs.StartAsync(kind!, request.Value, WhenRunning.Refuse);
        if (!started.Ok)
        {
            return started.Error;
        }

        await Answers.TextAsync(context, started.Value.Id);
        return null;
    }

    /// <summary>PUT <c>stop</c>: those that run are told to end; that none does is no error.</summary>
    public async ValueTask<Failure?> StopAsync(RequestContext context, ActionMessage message)
    {
        Result<JobMessage> read = Read(message.Value);
        if (!read.Ok)
        {
            return read.Error;
        }

        if (read.Value.Id.Length == 0 && read.Value.Kind.Length == 0)
        {
            return Unnamed();
        }

        foreach (Job job in engine.Jobs.All.Where(job => job.IsRunning && read.Value.Fits(job)))
        {
            engine.Jobs.Abort(job.Id, "stopped by a user");
        }

        await Answers.EmptyAsync(context);
        return null;
    }

    /// <summary>GET with <c>what</c>; the message is the body.</summary>
    public ValueTask<Failure?> QueryAsync(RequestContext context, string what) => ActionMessage.HandleAsync(context, async message =>
    {
        Result<JobMessage> read = Read(message.Root);
        if (!read.Ok)
        {
            return read.Error;
        }

        List<Job> fitting = [.. engine.Jobs.All.Where(read.Value.Fits)];
        Failure? refusal = what switch
        {
            "status" => StatusProblem(read.Value, fitting),
            "qryxstats" or "job_report" => read.Value.Id.Length > 0 && fitting.Count == 0 ? NotFound(read.Value)
                : what == "job_report" && read.Value.Id.Length == 0 ? Unnamed() : null,
            _ => null,
        };
        if (refusal is not null)
        {
            return refusal;
        }

        await Answers.JsonAsync(context, writer => Write(writer, what, fitting));
        return null;
    });

    private void Write(Utf8JsonWriter writer, string what, List<Job> jobs)
    {
        switch (what)
        {
            case "status":
                WriteStatus(writer, jobs.LastOrDefault(job => job.IsRunning) ?? jobs[^1]);
                break;
            case "status_all" when jobs.Count == 0:
                writer.WriteNullValue();
                break;
            case "status_all":
                WriteAll(writer, jobs, WriteStatus);
                break;
            case "running_all":
                WriteAll(writer, jobs.Where(job => job.IsRunning), static (writer, job) => writer.WriteStringValue($"{job.Kind.Name}[{job.Id}]"));
                break;
            case "job_report":
                WriteReport(writer, jobs[0]);
                break;
            default:
                writer.WriteStartObject();
                writer.WritePropertyName(node.TargetId);
                WriteAll(writer, jobs, WriteSnapshot);
                writer.WriteEndObject();
                break;
        }
    }

    private Result<JobMessage> Read(JsonElement message)
    {
        Result<JobMessage> read = JobMessage.Read(message);
        return read.Ok && read.Value.Node.Length > 0 && read.Value.Node != node.TargetId && read.Value.Node != node.ProxyId
            ? new Failure(ErrorCode.JobNotFound, $"node \"{Answers.Printable(read.Value.Node)}\" is not known")
            : read;
    }

    private Failure? StatusProblem(JobMessage wanted, List<Job> fitting) =>
        wanted.Id.Length == 0 && wanted.Kind.Length == 0 ? Unnamed()
        : fitting.Count > 0 ? null
        : engine.Jobs.Find(wanted.Id) is { } other && wanted.Kind.Length > 0 && other.Kind.Name != wanted.Kind
            ? new Failure(ErrorCode.BadRequest, $"job \"{other.Id}\" is of kind \"{other.Kind.Name}\", not \"{Answers.Printable(wanted.Kind)}\"")
        : NotFound(wanted);

    private static Failure Unnamed() => new(ErrorCode.BadRequest, "say which job: \"ID\" or \"Kind\" is missing");

    private static Failure NotFound(JobMessage wanted) =>
        new(ErrorCode.JobNotFound, $"job \"{Answers.Printable(wanted.Id.Length > 0 ? wanted.Id : wanted.Kind)}\" not found");

    private static Failure Refusal(string kind) =>
        kind.Length == 0 ? new Failure(ErrorCode.BadRequest, "the message has no \"Kind\" of job to start")
        : JobKinds.Find(kind) is not null ? new Failure(ErrorCode.BadRequest, $"jobs of kind \"{kind}\" have a call of their own and cannot be started by name")
        : JobNames.KindOf(kind) is not null ? new Failure(ErrorCode.NotImplemented, $"jobs of kind \"{kind}\" are not built yet")
        : new Failure(ErrorCode.BadRequest, $"unknown kind of job \"{Answers.Printable(kind)}\"");

    private static void WriteAll(Utf8JsonWriter writer, IEnumerable<Job> jobs, Action<Utf8JsonWriter, Job> write)
    {
        writer.WriteStartArray();
        foreach (Job job in jobs)
        {
            write(writer, job);
        }

        writer.WriteEndArray();
    }

    private static void WriteStatus(Utf8JsonWriter writer, Job job)
    {
        DateTimeOffset? ended = job.EndedAt; // first: see WriteSnapshot
        bool isAborted = ended is not null && job.IsAborted;
        writer.WriteStartObject();
        writer.WriteString("kind", job.Kind.Name);
        writer.WriteString("uuid", job.Id);
        writer.WriteString("err", ended is null ? "" : isAborted ? job.AbortReason : job.Error);
        writer.WriteNumber("end_time", ended is { } at ? (at.UtcTicks - DateTime.UnixEpoch.Ticks) * 100 : 0);
        writer.WriteBoolean("aborted", isAborted);
        writer.WriteEndObject();
    }

    /// <summary>
    /// A job goes on while it is written. Whether it has ended is therefore read first: a client that is told so does not ask again, and the rest has to be what it ended with.
    /// </summary>
    internal static void WriteSnapshot(Utf8JsonWriter writer, Job job)
    {
        DateTimeOffset? ended = job.EndedAt;
        bool isAborted = ended is not null && job.IsAborted;
        writer.WriteStartObject();
        WriteExtension(writer, job);
        writer.WriteString("start-time", Rfc3339(job.StartedAt));
        writer.WriteString("end-time", ended is { } at ? Rfc3339(at) : NotEnded);
        WriteBucket(writer, "bck", job.Target.Bucket);
        WriteBucket(writer, "src-bck", job.Target.To is null ? null : job.Target.Bucket);
        WriteBucket(writer, "dst-bck", job.Target.To);
        writer.WriteString("id", job.Id);
        writer.WriteString("kind", job.Kind.Name);
        writer.WriteString("ctlmsg", job.Arguments);
        writer.WriteString("abort-err", isAborted ? job.AbortReason : "");
        writer.WriteString("err", ended is null ? "" : job.Error);
        writer.WriteString("glob.id", Decimal((long)job.Workers << WorkersShift));
        writer.WriteStartObject("stats");
        writer.WriteString("loc-objs", Decimal(job.Objects));
        writer.WriteString("loc-bytes", Decimal(job.Bytes));
        foreach (string other in (ReadOnlySpan<string>)["out-objs", "out-bytes", "in-objs", "in-bytes"])
        {
            writer.WriteString(other, "0");
        }

        writer.WriteEndObject();
        writer.WriteBoolean("aborted", isAborted);
        writer.WriteBoolean("is_idle", job.IsIdle);
        writer.WriteEndObject();
    }

    /// <summary>What the contract's snapshot has no place for; numbers as text, as there.</summary>
    private static void WriteExtension(Utf8JsonWriter writer, Job job)
    {
        writer.WriteStartObject("ext");
        writer.WriteString("target", job.Target.ToString());
        writer.WriteString("mountpath", job.Target.Mountpath ?? "");
        writer.WriteString("detail", job.Detail);
        writer.WriteString("objects_expected", Decimal(job.ObjectsExpected));
        writer.WriteString("bytes_expected", Decimal(job.BytesExpected));
        writer.WriteString("failed", Decimal(job.Failed));
        writer.WriteString("findings", Decimal(job.FindingCount));
        writer.WriteString("bytes_per_second", Decimal((long)job.BytesPerSecond));
        writer.WriteString("progress", job.Progress is { } share ? share.ToString("0.0000", CultureInfo.InvariantCulture) : "");
        writer.WriteString("eta_ns", job.Remaining is { } left ? Decimal(left.Ticks * 100) : "");
        writer.WriteEndObject();
    }

    private static void WriteReport(Utf8JsonWriter writer, Job job)
    {
        writer.WriteStartObject();
        writer.WriteString("id", job.Id);
        writer.WriteNumber("count", job.FindingCount);
        writer.WriteStartArray("findings");
        foreach (JobFinding finding in job.Findings)
        {
            writer.WriteStartObject();
            writer.WriteString("mountpath", finding.Mountpath);
            writer.WriteString("bucket", finding.Bucket);
            writer.WriteString("name", finding.Name);
            writer.WriteString("kind", finding.Kind);
            writer.WriteString("detail", finding.Detail);
            writer.WriteString("action", finding.Action);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteBucket(Utf8JsonWriter writer, string member, BucketName? bucket)
    {
        writer.WritePropertyName(member);
        BucketApi.WriteIdentity(writer, bucket);
    }

    private static string Rfc3339(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture);

    private static string Decimal(long value) => value.ToString(CultureInfo.InvariantCulture);
}
