using System.Text;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Summaries;

namespace Sluice.Engine;

/// <summary>What buckets hold, counted by a job.</summary>
public sealed partial class ObjectEngine
{
    private readonly SummaryTable _summaries = new();

    /// <summary>
    /// Starts the job <c>summary-bck</c>: every object is looked at, none is read, and none is kept from changing meanwhile. What comes or goes behind the walk is counted as it was, or not at all.
    /// Several may run at once. <see cref="SummariseAsync"/> answers what it has counted.
    /// </summary>
    public async ValueTask<Result<Job>> StartSummaryAsync(Caller caller, SummaryRequest request)
    {
        if (request.Prefix.Length > ObjectName.BytesMax)
        {
            return new Failure(ErrorCode.BadRequest, $"the prefix has {request.Prefix.Length} bytes; a name has at most {ObjectName.BytesMax}");
        }

        List<Bucket> buckets = [];
        if (request.Bucket is { } name)
        {
            Result<Bucket> allowed = Enter(caller, name, AccessBits.HeadBucket, "summary");
            if (!allowed.Ok)
            {
                return allowed.Error!;
            }

            buckets.Add(allowed.Value);
        }
        else
        {
            buckets.AddRange(_buckets.All
                .Where(bucket => (request.Provider is null || bucket.Name.Provider == request.Provider) && Enter(caller, bucket.Name, AccessBits.HeadBucket, "summary").Ok)
                .OrderBy(bucket => bucket.Name.ToString(), StringComparer.Ordinal));
        }

        var run = new SummaryRun(buckets, request.Prefix);
        JobTarget target = request.Bucket is { } one ? JobTarget.Of(one) : JobTarget.All;
        Result<Job> started = await Jobs.StartAsync(
            JobKinds.Summary, new JobRequest(target, SettingsOf(request)), job => SummariseAsync(job, run), WhenRunning.Beside);
        if (started.Ok)
        {
            run.Job = started.Value;
            _summaries.Add(run);
        }

        return started;
    }

    /// <summary>
    /// What the job of that id has counted so far; of <paramref name="bucket"/> alone when that is given. Refuses with JobNotFound when it is none, or was forgotten, and with Busy when it
    /// was stopped before its end.
    /// </summary>
    public async ValueTask<Result<SummaryAnswer>> SummariseAsync(Caller caller, string jobId, BucketName? bucket)
    {
        if (bucket is not null && Enter(caller, bucket, AccessBits.HeadBucket, "summary") is { Ok: false } refused)
        {
            return refused.Error!;
        }

        if (_summaries.Find(jobId) is not { } run || (bucket is not null && !run.Buckets.Any(one => one.Name == bucket)))
        {
            return new Failure(ErrorCode.JobNotFound, $"there is no summary with the id \"{Printable(jobId)}\"{(bucket is null ? "" : " of this bucket")}");
        }

        bool hasEnded = !run.Job!.IsRunning; // first: what it ended with is complete then
        SummaryAnswer answer = run.Answer(
            one => _buckets.Find(one.Name) == one && (bucket is null || one.Name == bucket) && Enter(caller, one.Name, AccessBits.HeadBucket, "summary").Ok,
            await CapacityAsync());
        return bucket is not null && answer.Buckets.Count == 0 ? new Failure(ErrorCode.JobNotFound, $"the bucket of summary \"{jobId}\" was destroyed")
            : !hasEnded || answer.IsComplete ? answer
            : run.Job.IsAborted ? new Failure(ErrorCode.Busy, $"the summary was stopped: {run.Job.AbortReason}")
            : new Failure(ErrorCode.StorageFailed, $"the summary could not be made: {run.Job.Error}");
    }

    private async Task SummariseAsync(JobContext job, SummaryRun run)
    {
        for (int i = 0; i < run.Buckets.Count; i++)
        {
            (Bucket bucket, int index) = (run.Buckets[i], i);
            job.Detail = $"{index} of {run.Buckets.Count} buckets are counted";
            await NameWorkers.RunAsync(
                _walk.NamesAsync(bucket, run.Prefix, isFlat: false, job.Aborted), walked => CountAsync(job, run, index, bucket, walked), job.Aborted);
        }

        job.Detail = $"{run.Buckets.Count} of {run.Buckets.Count} buckets are counted";
        run.Complete();
    }

    private async ValueTask CountAsync(JobContext job, SummaryRun run, int index, Bucket bucket, WalkedName walked)
    {
        await job.PaceAsync(0);
        Result<(long Content, long Disk)> sizes;
        try
        {
            sizes = await SizesAsync(job, bucket, walked);
        }
        catch (StorageException fault)
        {
            sizes = Refuse(fault);
        }

        if (sizes.Ok)
        {
            run.Count(index, sizes.Value.Content, sizes.Value.Disk);
            job.Count(1, sizes.Value.Content);
        }
        else if (sizes.Error!.Code != ErrorCode.ObjectNotFound) // else it was removed meanwhile
        {
            job.Fail($"{bucket.Name}/{walked.Name}: {sizes.Error.Message}");
        }
    }

    private async ValueTask<Result<(long Content, long Disk)>> SizesAsync(JobContext job, Bucket bucket, WalkedName walked)
    {
        Result<StoredObject> stored = await _lookup.LookAsync(bucket, walked.Name, walked.Digest);
        if (!stored.Ok)
        {
            return stored.Error!;
        }

        long disk = DiskBytesOf(bucket, stored.Value);
        if (stored.Value.Metadata.Chunked is null)
        {
            return (stored.Value.Metadata.ContentBytes, disk);
        }

        Result<ChunkedReader> open = await TryOpenChunkedAsync(bucket, walked.Name);
        if (open.Error is { Code: ErrorCode.Busy })
        {
            return await SizesAsync(job, bucket, walked); // it is another object by now
        }

        if (!open.Ok)
        {
            return open.Error!;
        }

        using ChunkedReader reader = open.Value;
        ulong upload = reader.Stored.Metadata.Chunked!.UploadId;
        ObjectName noteName = new ChunkName(upload, 0).ToObjectName();
        Result<StoredObject> note = await _lookup.LookAsync(bucket, noteName, bucket.DigestOf(noteName)); // of one that lost its note nothing is missing
        disk = DiskBytesOf(bucket, reader.Stored) + (note.Ok ? DiskBytesOf(bucket, note.Value) : 0);
        for (int i = 0; i < reader.Manifest.Chunks.Count; i++)
        {
            await job.PaceAsync(0);
            ManifestChunk chunk = reader.Manifest.Chunks[i];
            ObjectName name = new ChunkName(upload, chunk.Number).ToObjectName();
            Result<StoredObject> part = await _lookup.LookAsync(bucket, name, bucket.DigestOf(name));
            if (!part.Ok)
            {
                return new Failure(ErrorCode.Damaged, $"chunk {chunk.Number}: {part.Error!.Message}");
            }

            disk += DiskBytesOf(bucket, part.Value);
        }

        return (reader.SizeBytes, disk);
    }

    /// <summary>What the files of one object, or of one chunk, hold. How many small copies erasure coding keeps is what the bucket wants: who looks at an object does not count them.</summary>
    private static long DiskBytesOf(Bucket bucket, StoredObject stored)
    {
        ObjectMetadata metadata = stored.Metadata;
        if (metadata.Slices is { } slices)
        {
            bool hasReplica = slices.Mountpaths.Count > slices.Geometry.SliceCount;
            return (slices.Geometry.SliceBytes * slices.Geometry.SliceCount) + (hasReplica ? metadata.SizeBytes : 0);
        }

        int copies = ErasureLayout.Of(bucket.Properties.Ec, metadata) is { IsReplicated: true } layout ? layout.ParitySlices + 1 : stored.Copies.Count + 1;
        return metadata.FileBytes * copies;
    }

    /// <summary>Size of the file systems of all mountpaths in bytes, each counted once.</summary>
    private async ValueTask<long> CapacityAsync()
    {
        long bytes = 0;
        HashSet<ulong> seen = [];
        using DiskUse use = _disks.Enter();
        foreach (ObjectDisk disk in use.Set.Open)
        {
            if (seen.Add(disk.Attachment!.Mountpath.Device))
            {
                IoResult<FileSystemStatus> space = await disk.Io.StatFileSystemAsync(disk.Root);
                bytes += space.Ok ? space.Value.SizeBytes : 0;
            }
        }

        return bytes;
    }

    private static string SettingsOf(SummaryRequest request) =>
        request.Prefix.IsEmpty ? "" : new System.Text.Json.Nodes.JsonObject { ["prefix"] = Encoding.UTF8.GetString(request.Prefix.Span) }.ToJsonString();
}
