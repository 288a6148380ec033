using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;

namespace Sluice.Engine;

/// <summary>The job that splits objects, or puts them together again.</summary>
public sealed partial class ObjectEngine
{
    private const int RechunkAttemptsMax = 3; // each needs somebody who changed the object while it was written anew

    /// <summary>
    /// Starts the job <c>rechunk</c>: every object of the bucket, or below a prefix, is brought to the chunks that are asked for, or put together as one. Objects stay what they are to
    /// their readers, digest, version and time included, and are read meanwhile. One that runs is ended first.
    /// </summary>
    public async ValueTask<Result<Job>> StartRechunkAsync(Caller caller, RechunkRequest request)
    {
        Result<Bucket> allowed = Enter(caller, request.Bucket, AccessBits.PatchBucket, "rechunk");
        return !allowed.Ok ? allowed.Error!
            : request.SizeLimitBytes is < 0 or > ChunkProperties.MonolithicBytesMost
                ? new Failure(ErrorCode.BadRequest, $"objsize-limit is a size from 0 to {ChunkProperties.MonolithicBytesMost}")
            : request.ChunkBytes is < ChunkProperties.ChunkBytesMin or > ChunkProperties.ChunkBytesMax
                ? new Failure(ErrorCode.BadRequest, $"chunk-size is a size from {ChunkProperties.ChunkBytesMin} to {ChunkProperties.ChunkBytesMax}")
            : await Jobs.StartAsync(
                JobKinds.Rechunk, new JobRequest(JobTarget.Of(request.Bucket), request.Settings()), job => RechunkAsync(job, request), WhenRunning.Supersede);
    }

    /// <summary>For a job that was cut short, when the engine is opened again.</summary>
    private Result<Func<JobContext, Task>> MakeRechunk(JobRequest request) =>
        request.Target.Bucket is { } bucket && RechunkRequest.TryParse(bucket, request.Arguments, out RechunkRequest? parsed)
            ? (Func<JobContext, Task>)(job => RechunkAsync(job, parsed))
            : new Failure(ErrorCode.BadRequest, "rechunk needs a bucket and its settings");

    private async Task RechunkAsync(JobContext job, RechunkRequest request)
    {
        if (_buckets.Find(request.Bucket) is { } bucket)
        {
            await NameWorkers.RunAsync(
                _walk.NamesAsync(bucket, request.Prefix, isFlat: false, job.Aborted), walked => RechunkAsync(job, bucket, walked, request.Wanted(bucket.Properties.Chunks)), job.Aborted);
        }
    }

    private async ValueTask RechunkAsync(JobContext job, Bucket bucket, WalkedName walked, ChunkProperties wanted)
    {
        await job.PaceAsync(0);
        Result<long> done = new Failure(ErrorCode.Busy, "it is being changed");
        for (int attempt = 0; attempt < RechunkAttemptsMax && done.Error is { Code: ErrorCode.Busy }; attempt++)
        {
            done = await RechunkAsync(bucket, walked.Name, wanted, job.Aborted);
        }

        if (done.Error is { Code: not ErrorCode.ObjectNotFound })
        {
            job.Fail($"{bucket.Name}/{walked.Name}: {done.Error.Message}");
        }

        await job.PaceAsync(done.Ok ? done.Value : 0);
        job.Count(1, done.Ok ? done.Value : 0);
    }

    /// <summary>
    /// Brings one object to the chunks that are wanted; answers the bytes that were written, 0 when it was as it is to be. Refuses with Busy when it was changed meanwhile, and as a GET when it
    /// cannot be read.
    /// </summary>
    private async ValueTask<Result<long>> RechunkAsync(Bucket bucket, ObjectName name, ChunkProperties wanted, CancellationToken cancellation)
    {
        try
        {
            using DiskUse use = _disks.Enter();
            ulong digest = bucket.DigestOf(name);
            Result<StoredObject> stored = await _lookup.StatAsync(bucket, name, digest);
            if (!stored.Ok || IsAsWanted(stored.Value.Metadata, wanted))
            {
                return stored.Ok ? 0 : stored.Error!;
            }

            return stored.Value.Metadata.Chunked is null
                ? await SplitAsync(bucket, name, digest, wanted, cancellation)
                : await SplitAnewAsync(bucket, name, wanted, cancellation);
        }
        catch (UnreadableException unreadable)
        {
            return unreadable.Failure;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    private static bool IsAsWanted(ObjectMetadata metadata, ChunkProperties wanted)
    {
        if (metadata.ContentBytes <= wanted.WholeBytesMax || metadata.Chunked is not { } chunked)
        {
            return (metadata.Chunked is null) == (metadata.ContentBytes <= wanted.WholeBytesMax);
        }

        long bytes = wanted.BytesOf(chunked.SizeBytes, number: 1);
        return chunked.LargestChunkBytes == bytes && chunked.ChunkCount == ((chunked.SizeBytes - 1) / bytes) + 1;
    }

    private async ValueTask<Result<long>> SplitAsync(Bucket bucket, ObjectName name, ulong digest, ChunkProperties wanted, CancellationToken cancellation)
    {
        Result<OpenObject> open = await _lookup.OpenAsync(bucket, name, digest);
        if (!open.Ok)
        {
            return open.Error!;
        }

        using var reader = new ObjectReader(open.Value, bucket);
        using ObjectBody body = ObjectBody.Of(reader);
        return reader.Stored.Metadata.Chunked is null
            ? await LayOutAsync(bucket, name, reader.Stored, body, wanted, cancellation)
            : new Failure(ErrorCode.Busy, "it is being changed");
    }

    private async ValueTask<Result<long>> SplitAnewAsync(Bucket bucket, ObjectName name, ChunkProperties wanted, CancellationToken cancellation)
    {
        Result<ChunkedReader> open = await TryOpenChunkedAsync(bucket, name);
        if (!open.Ok)
        {
            return open.Error!;
        }

        using ChunkedReader reader = open.Value;
        using ObjectBody body = ObjectBody.Of(reader);
        return await LayOutAsync(bucket, name, reader.Stored, body, wanted, cancellation);
    }

    /// <summary>Writes an object's bytes anew, in the way that is wanted. They are compared with its digest on the way.</summary>
    private async ValueTask<Result<long>> LayOutAsync(
        Bucket bucket, ObjectName name, StoredObject stored, ObjectBody body, ChunkProperties wanted, CancellationToken cancellation)
    {
        ObjectMetadata metadata = stored.Metadata;
        Checksum checksum = metadata.Chunked?.Checksum ?? metadata.Checksum;
        var request = new PutRequest
        {
            Bucket = bucket.Name,
            Name = name,
            Body = body,
            LengthBytes = metadata.ContentBytes,
            Expected = checksum,
            Kept = checksum.Type,
            Custom = metadata.Custom,
            Converted = stored,
        };
        Result<StoredObject> written = metadata.ContentBytes <= wanted.WholeBytesMax
            ? await StoreAsync(bucket, request, cancellation)
            : await StoreSplitAsync(bucket, request, wanted, cancellation);
        return written.Ok ? metadata.ContentBytes : written.Error!;
    }
}
