using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;

namespace Sluice.Engine.Jobs;

/// <summary>
/// What is remembered of resumable jobs that have not come to their end: one document <c>.sluice/job-KIND</c> for each kind, on
/// min(<see cref="Limits.BucketDocumentCopies"/>, n) mountpaths in order of their uuids; read from all, the highest version wins. A kind
/// without unfinished jobs has no document. A marker too many costs a job that finds nothing to do, so copies need not agree.
/// </summary>
public sealed class JobMarkers(IFileIo io, Func<MountpathUse> enter, ILogger log)
{
    /// <summary>The home of a bucket (<see cref="BucketHome.Uname"/>), by which it is remembered: it may have another name when its job goes on.</summary>
    public Func<BucketName, string> HomeOf { get; init; } = static name => BucketHome.Of(name).Uname;

    /// <summary>The name of the bucket that has that home; null when there is none any more.</summary>
    public Func<string, BucketName?> NameOfHome { get; init; } = static home => UnifiedName.TryParse(Encoding.UTF8.GetBytes(home), out BucketName? name, out _, out _) ? name : null;

    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Dictionary<JobKind, JobDocument> _documents = []; // under _writing

    /// <summary>Reads what an earlier run left, in the order it was started. For who opens the engine.</summary>
    public async ValueTask<IReadOnlyList<(JobKind Kind, JobRequest Request)>> LoadAsync()
    {
        using MountpathUse use = enter();
        List<(JobKind, JobRequest)> unfinished = [];
        foreach (JobKind kind in JobKinds.All.Where(kind => kind.IsResumable))
        {
            JobDocument newest = new();
            foreach (Mountpath mountpath in use.Mountpaths)
            {
                await DocumentFiles.SweepAsync(io, mountpath.System, [NameOf(kind)]);
                newest = await ReadAsync(kind, mountpath) is { } one && one.Version > newest.Version ? one : newest;
            }

            _documents[kind] = newest;
            newest.Jobs.RemoveAll(row => row.Bucket is not null && NameOfHome(row.Bucket) is null); // what was to be done in a bucket that is gone
            unfinished.AddRange(newest.Jobs.Select(row => (kind, ToRequest(row))));
        }

        return unfinished;
    }

    /// <summary>A resumable job begins. What cannot be written is logged: the job runs, and would not go on after a crash.</summary>
    public ValueTask AddAsync(Job job) => ChangeAsync(job.Kind, rows => [.. rows.Where(row => !IsOf(row, job)), RowOf(job)]);

    /// <summary>It has come to its end.</summary>
    public ValueTask RemoveAsync(Job job) => ChangeAsync(job.Kind, rows => [.. rows.Where(row => !IsOf(row, job))]);

    /// <summary>A bucket is gone, and what was to be done in it.</summary>
    public async ValueTask ForgetAsync(BucketName bucket)
    {
        string home = HomeOf(bucket);
        foreach (JobKind kind in JobKinds.All.Where(kind => kind.IsResumable))
        {
            await ChangeAsync(kind, rows => [.. rows.Where(row => row.Bucket != home)]);
        }
    }

    private bool IsOf(JobRow row, Job job) => row.Mountpath == job.Target.Mountpath && row.Bucket == (job.Target.Bucket is { } bucket ? HomeOf(bucket) : null);

    private JobRow RowOf(Job job) => new()
    {
        Id = job.Id,
        Bucket = job.Target.Bucket is { } bucket ? HomeOf(bucket) : null,
        Mountpath = job.Target.Mountpath,
        Arguments = job.Arguments,
    };

    private JobRequest ToRequest(JobRow row) => new(new JobTarget(row.Bucket is null ? null : NameOfHome(row.Bucket), row.Mountpath), row.Arguments);

    private static string NameOf(JobKind kind) => "job-" + kind.Name;

    private async ValueTask<JobDocument?> ReadAsync(JobKind kind, Mountpath mountpath)
    {
        (ReadOnlyMemory<byte>? json, string? problem) = await DocumentFiles.ReadAsync(io, mountpath.System, NameOf(kind));
        JobDocument? document = null;
        if (json is { } bytes)
        {
            (document, problem) = JobDocument.Parse(bytes.Span);
        }

        if (problem is not null)
        {
            log.LogWarning("mountpath {Mountpath}: .sluice/{Document} cannot be used: {Problem}", mountpath.Path, NameOf(kind), problem);
        }

        return document;
    }

    private async ValueTask ChangeAsync(JobKind kind, Func<List<JobRow>, List<JobRow>> change)
    {
        await _writing.WaitAsync();
        try
        {
            JobDocument old = _documents.GetValueOrDefault(kind) ?? new JobDocument();
            var next = new JobDocument { Version = old.Version + 1, Jobs = change(old.Jobs) };
            if (old.Jobs.Count == 0 && next.Jobs.Count == 0)
            {
                return;
            }

            _documents[kind] = next;
            using MountpathUse use = enter();

            // Removed from all: those that were the first when it was written may not be now, and what is left would begin the job anew at every start.
            int copies = next.Jobs.Count > 0 ? Limits.BucketDocumentCopies : use.Mountpaths.Count;
            foreach (Mountpath mountpath in use.Mountpaths.OrderBy(one => one.Uuid, StringComparer.Ordinal).Take(copies))
            {
                IoResult done = next.Jobs.Count > 0
                    ? await DocumentFiles.WriteAsync(io, mountpath.System, NameOf(kind), next.Format())
                    : await io.UnlinkAsync(mountpath.System, Encoding.ASCII.GetBytes(NameOf(kind)), EntryKind.File);
                if (!done.Ok && done.Error != Native.Errno.ENOENT)
                {
                    log.LogWarning("mountpath {Mountpath}: .sluice/{Document} could not be written: {Error}", mountpath.Path, NameOf(kind), done.Error);
                }
            }
        }
        finally
        {
            _writing.Release();
        }
    }
}

/// <summary>The document <c>job-KIND</c>: unfinished jobs of a kind.</summary>
public sealed class JobDocument
{
    /// <summary>Rises with each change while there are unfinished jobs of the kind, from 1.</summary>
    [JsonPropertyName("version")]
    public long Version { get; set; }

    /// <summary>The jobs.</summary>
    [JsonPropertyName("jobs")]
    public List<JobRow> Jobs { get; set; } = [];

    /// <summary>The JSON bytes.</summary>
    public byte[] Format() => JsonSerializer.SerializeToUtf8Bytes(this, JobJson.Default.JobDocument);

    /// <summary>Reads the JSON bytes; null with a sentence when they are no such document.</summary>
    public static (JobDocument? Document, string? Problem) Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            JobDocument? document = JsonSerializer.Deserialize(json, JobJson.Default.JobDocument);
            string? problem = document is null ? "it is empty" : document.Jobs.Select(row => row is null ? "a row is empty" : row.Problem()).FirstOrDefault(one => one is not null);
            return problem is null ? (document, null) : (null, problem);
        }
        catch (JsonException exception)
        {
            return (null, exception.Message);
        }
    }
}

/// <summary>One unfinished job.</summary>
public sealed class JobRow
{
    /// <summary>Id of the run that began it; the one that goes on has another.</summary>
    [JsonPropertyName("id")]
    public required string Id { get; set; }

    /// <summary>The home of its bucket (<see cref="BucketHome.Uname"/>); null for all.</summary>
    [JsonPropertyName("bucket")]
    public string? Bucket { get; set; }

    /// <summary>Its mountpath; null for all.</summary>
    [JsonPropertyName("mountpath")]
    public string? Mountpath { get; set; }

    /// <summary>Its settings, one line of JSON or empty.</summary>
    [JsonPropertyName("arguments")]
    public string Arguments { get; set; } = "";

    /// <summary>What is wrong with the row; null when nothing is.</summary>
    public string? Problem() => Bucket is null || BucketHome.TryParse(Bucket, out _) ? null : $"\"{Bucket}\" is no bucket";
}

/// <summary>Source-generated JSON of the jobs' documents. Unknown members are refused: they would be lost with the next change.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, RespectNullableAnnotations = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(JobDocument))]
internal sealed partial class JobJson : JsonSerializerContext;
