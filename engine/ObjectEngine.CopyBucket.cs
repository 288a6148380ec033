using System.Text;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>Many objects as those of another bucket, as a job.</summary>
public sealed partial class ObjectEngine
{
    /// <summary>
    /// Starts the job <c>copy-bck</c> or <c>copy-listrange</c>: each object is copied as <see cref="CopyObjectAsync"/> would copy it, and what was copied before the job was stopped or met
    /// a fault stays. The destination is made first when it is not there. Several may run at once. Within one bucket, objects that are written after the job has begun are not copied: they
    /// may be its own.
    /// </summary>
    public async ValueTask<Result<Job>> StartCopyAsync(Caller caller, BucketCopyRequest request)
    {
        Result<Bucket> source = Enter(caller, request.Bucket, AccessBits.GetObject, "GET");
        if (!source.Ok)
        {
            return source.Error!;
        }

        if (Problem(request) is { } problem)
        {
            return problem;
        }

        bool isMade = false;
        if (_buckets.Find(request.To) is null && !request.IsDryRun)
        {
            Result<Bucket> made = await MakeLikeAsync(request.To, source.Value.Properties);
            if (made.Error is { Code: not ErrorCode.BucketExists }) // somebody else has just made it
            {
                return made.Error;
            }

            isMade = made.Ok;
        }

        AccessBits needed = AccessBits.PutObject | (request.Synchronises ? AccessBits.DeleteObject : AccessBits.None);
        Result<Bucket> target = request.IsDryRun ? source : isMade ? _buckets.Find(request.To) ?? (Result<Bucket>)BucketTable.NotFound(request.To) : Enter(caller, request.To, needed, "PUT");
        if (!target.Ok)
        {
            return target.Error!;
        }

        var copying = new Copying(request, source.Value, target.Value, caller, needed, isMade, _clock.Next());
        return await Jobs.StartAsync(
            request.IsOfList ? JobKinds.CopyObjects : JobKinds.CopyBucket,
            new JobRequest(JobTarget.Of(request.Bucket) with { To = request.To }, request.Settings()),
            job => CopyAsync(job, copying),
            WhenRunning.Beside);
    }

    private static Failure? Problem(BucketCopyRequest request)
    {
        byte[] example = [.. request.Prepend.Span, (byte)'x'];
        return request.Workers is < -1 or > Limits.JobWorkersMax ? new Failure(ErrorCode.BadRequest, $"the number of workers is one from -1 to {Limits.JobWorkersMax}")
            : request is { Synchronises: true, Prepend.IsEmpty: false }
                ? new Failure(ErrorCode.BadRequest, "\"synchronize\" and \"prepend\" do not go together: what is in the destination could be the copy of anything")
            : request is { IsOntoItself: true, IsDryRun: false } ? new Failure(ErrorCode.BadRequest, $"bucket \"{request.Bucket}\" cannot be copied onto itself")
            : request is { Synchronises: true, IsDryRun: false } && request.Bucket == request.To
                ? new Failure(ErrorCode.BadRequest, "\"synchronize\" is for two buckets: within one it would remove what it copies")
            : !ObjectName.TryCreateNative(example, out _, out string? problem) ? new Failure(ErrorCode.InvalidObjectName, $"no object can have a name that begins with \"prepend\": {problem}")
            : null;
    }

    /// <summary>A bucket with the properties of another one, as far as the mountpaths of now can give them.</summary>
    private async ValueTask<Result<Bucket>> MakeLikeAsync(BucketName name, BucketProperties like)
    {
        if ((Refused(like) ?? ErasureRefusals.Problem(like.Ec, _disks.Current.Serving.Count)) is { } refused)
        {
            return refused;
        }

        try
        {
            return await _buckets.CreateAsync(name, like);
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    private async Task CopyAsync(JobContext job, Copying copying)
    {
        BucketCopyRequest request = copying.Request;
        job.ObjectsExpected = request.Objects.Count;
        job.Workers = request.Workers switch { 0 => WorkersOf(_disks.Current.Serving.Count), -1 => 1, int exact => exact };
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(job.Aborted);
        try
        {
            await NameWorkers.RunAsync(
                NamesAsync(copying.Source, request.Objects, ending.Token), job.Workers, name => CopyAsync(job, copying, name, ending), ending.Token);
            if (request is { Synchronises: true, IsDryRun: false, Objects.IsPrefix: true })
            {
                await NameWorkers.RunAsync(
                    NamesAsync(copying.Target, request.Objects, ending.Token), job.Workers, name => RemoveIfAloneAsync(job, copying, name, ending), ending.Token);
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested && !job.Aborted.IsCancellationRequested)
        {
            // The object that ended it has been told.
        }
    }

    private async ValueTask CopyAsync(JobContext job, Copying copying, ObjectName name, CancellationTokenSource ending)
    {
        BucketCopyRequest request = copying.Request;
        if (!name.Utf8.Span.StartsWith(request.Filter.Span))
        {
            return;
        }

        await job.PaceAsync(0);
        Result<long> copied = await CopyOneAsync(copying, name, job.Aborted);
        bool isMissing = copied.Error is { Code: ErrorCode.ObjectNotFound };
        if (isMissing && request is { Synchronises: true, IsDryRun: false, Objects.IsPrefix: false })
        {
            Result removed = await RemoveCopyAsync(copying, request.CopyNameOf(name.Utf8.Span));
            copied = removed.Ok || removed.Error!.Code == ErrorCode.ObjectNotFound ? -1 : removed.Error;
            isMissing = false;
        }

        if (copied.Ok)
        {
            await job.PaceAsync(Math.Max(copied.Value, 0));
            job.Count(copied.Value < 0 ? 0 : 1, Math.Max(copied.Value, 0));
        }
        else if (!isMissing || (request.Objects.List is not null && !request.ContinuesOnError)) // else it is gone, or never was
        {
            Fail(job, copying, name, copied.Error!, isMissing, ending);
        }
    }

    /// <summary>Copies one object and answers its bytes; −1 for one that is passed over.</summary>
    private async ValueTask<Result<long>> CopyOneAsync(Copying copying, ObjectName name, CancellationToken cancellation)
    {
        if (copying.Problem(this) is { } refused)
        {
            return refused;
        }

        if (!ObjectName.TryCreateNative(copying.Request.CopyNameOf(name.Utf8.Span), out ObjectName toName, out string? problem))
        {
            return new Failure(ErrorCode.InvalidObjectName, $"its copy cannot have the name that it is to have: {problem}");
        }

        if (copying.Request.IsDryRun || copying.Source == copying.Target)
        {
            Result<StoredObject> stored = await LookAsync(copying.Source, name);
            bool isEnough = !stored.Ok || copying.Request.IsDryRun || stored.Value.Metadata.Generation > copying.BegunAt || name == toName;
            if (isEnough)
            {
                return !stored.Ok ? stored.Error! : copying.Request.IsDryRun ? stored.Value.Metadata.ContentBytes : -1;
            }
        }

        Result<StoredObject> copy = await CopyAsync(copying.Source, name, copying.Target, toName, cancellation);
        return copy.Ok ? copy.Value.Metadata.ContentBytes : copy.Error!;
    }

    private async ValueTask<Result<StoredObject>> LookAsync(Bucket bucket, ObjectName name)
    {
        try
        {
            return await _lookup.LookAsync(bucket, name, bucket.DigestOf(name));
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>Removes an object of the destination when none of the source's is what it is the copy of.</summary>
    private async ValueTask RemoveIfAloneAsync(JobContext job, Copying copying, ObjectName copy, CancellationTokenSource ending)
    {
        await job.PaceAsync(0);
        foreach (byte[] original in copying.Request.OriginalsOf(copy.Utf8.ToArray()))
        {
            Result<StoredObject> stored = ObjectName.TryCreateNative(original, out ObjectName name, out _)
                && name.Utf8.Span.StartsWith(copying.Request.Objects.Prefix.Span) // else it was not asked for
                    ? await LookAsync(copying.Source, name)
                    : new Failure(ErrorCode.ObjectNotFound, "no object can have that name");
            if (stored.Ok || stored.Error!.Code != ErrorCode.ObjectNotFound)
            {
                return; // it is there, or nobody knows: nothing is removed on a guess
            }
        }

        Result removed = await RemoveCopyAsync(copying, copy.Utf8);
        if (!removed.Ok && removed.Error!.Code != ErrorCode.ObjectNotFound)
        {
            Fail(job, copying, copy, removed.Error, isMissing: false, ending);
        }
    }

    private async ValueTask<Result> RemoveCopyAsync(Copying copying, ReadOnlyMemory<byte> name)
    {
        if (copying.Problem(this) is { } refused)
        {
            return refused;
        }

        if (!ObjectName.TryCreateNative(name, out ObjectName copy, out string? problem))
        {
            return new Failure(ErrorCode.InvalidObjectName, problem);
        }

        try
        {
            return await _removal.DeleteAsync(copying.Target, copy, copying.Target.DigestOf(copy));
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    private static void Fail(JobContext job, Copying copying, ObjectName name, Failure why, bool isMissing, CancellationTokenSource ending)
    {
        job.Fail(isMissing ? why.Message : $"{copying.Source.Name}/{name}: {why.Message}");
        if (why.Code is ErrorCode.AccessDenied or ErrorCode.BucketNotFound or ErrorCode.OutOfSpace || (!isMissing && !copying.Request.ContinuesOnError))
        {
            ending.CancelHere();
        }
    }

    /// <summary>What one job copies, and by whose leave.</summary>
    /// <param name="Request">What was asked for.</param>
    /// <param name="Source">The bucket that is read.</param>
    /// <param name="Target">The bucket that is written; of a dry run the other one.</param>
    /// <param name="Caller">Who has asked.</param>
    /// <param name="Needed">What must be allowed of the destination.</param>
    /// <param name="IsMade">The destination was made for this: what its properties forbid others they do not forbid who fills it.</param>
    /// <param name="BegunAt">Objects of a later generation were written behind its beginning.</param>
    private sealed record Copying(BucketCopyRequest Request, Bucket Source, Bucket Target, Caller Caller, AccessBits Needed, bool IsMade, ulong BegunAt)
    {
        /// <summary>Why the next object is not to be copied: buckets may be gone, or their access bits changed.</summary>
        public Failure? Problem(ObjectEngine engine)
        {
            Result<Bucket> source = engine.Enter(Caller, Source.Name, AccessBits.GetObject, "GET");
            if (!source.Ok || source.Value != Source)
            {
                return source.Error ?? BucketTable.NotFound(Source.Name);
            }

            Result<Bucket> target = Request.IsDryRun ? source : engine.Enter(Caller, Target.Name, IsMade ? AccessBits.None : Needed, "PUT");
            return !target.Ok || target.Value != Target ? target.Error ?? BucketTable.NotFound(Target.Name) : null;
        }
    }
}
