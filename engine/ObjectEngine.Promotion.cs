using System.Text;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Sources;

namespace Sluice.Engine;

/// <summary>Files of the server as objects.</summary>
public sealed partial class ObjectEngine
{
    private readonly SourceRoots _sourceRoots;

    /// <summary>
    /// Has a file of the server, or the files of a directory, become objects, each as a PUT of its bytes would make it; needs PROMOTE of the bucket. A file of up to
    /// <see cref="Limits.PromotedAtOnceBytesMax"/> is done, or refused, when this returns. Anything else is the job <c>promote</c>, which goes on behind a file that cannot be promoted and tells of it; several may
    /// run at once. What was promoted before it was stopped stays. Refuses what does not lie below one of <see cref="EngineOptions.PromoteRoots"/>.
    /// </summary>
    public async ValueTask<Result<Promotion>> PromoteAsync(Caller caller, PromotionRequest request, CancellationToken cancellation)
    {
        Result<Bucket> allowed = Enter(caller, request.Bucket, AccessBits.Promote, "PROMOTE");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        var avoided = new AvoidedDirectories(_environment.Io, () => Mountpaths.Map, () => Mountpaths.Rows().Select(static row => row.Path));
        Result<Source> opened = await _sourceRoots.OpenAsync(request.Source, avoided);
        if (!opened.Ok)
        {
            return opened.Error!;
        }

        var promoting = new Promoting(request, allowed.Value, caller, opened.Value, avoided);
        bool isTaken = false;
        try
        {
            if (Problem(promoting) is { } problem)
            {
                return problem;
            }

            if (!promoting.Source.IsDirectory && promoting.Source.SizeBytes <= Limits.PromotedAtOnceBytesMax)
            {
                return await PromoteAtOnceAsync(promoting, cancellation);
            }

            Result<Job> job = await Jobs.StartAsync(
                JobKinds.Promote, new JobRequest(JobTarget.Of(request.Bucket), request.Settings()), each => PromoteAsync(each, promoting), WhenRunning.Beside);
            isTaken = job.Ok;
            return job.Ok ? new Promotion { Job = job.Value } : job.Error!;
        }
        finally
        {
            if (!isTaken)
            {
                promoting.Source.Dispose();
            }
        }
    }

    /// <summary>Why no object can have the name that the request asks for; null when one may.</summary>
    private static Failure? Problem(Promoting promoting) =>
        ObjectName.TryCreateNative(promoting.Source.IsDirectory ? promoting.Request.NameBelow("x"u8) : promoting.Request.NameOfFile(promoting.Source.Name), out _, out string? problem)
            ? null : new Failure(ErrorCode.InvalidObjectName, promoting.Source.IsDirectory ? $"no object can have a name that begins with \"obj\": {problem}" : problem);

    private async ValueTask<Result<Promotion>> PromoteAtOnceAsync(Promoting promoting, CancellationToken cancellation)
    {
        Result<Promoted> promoted = await PromoteFileAsync(
            promoting, promoting.Source.Directory, promoting.Source.Name, promoting.Request.NameOfFile(promoting.Source.Name), static _ => default, cancellation);
        return !promoted.Ok ? promoted.Error!
            : promoted.Value.Kept is { } kept ? kept with { Message = $"the object is stored, and the file stays: {kept.Message}" }
            : new Promotion { Stored = promoted.Value.Stored?.Attributes() };
    }

    private async Task PromoteAsync(JobContext job, Promoting promoting)
    {
        using Source source = promoting.Source;
        if (!source.IsDirectory)
        {
            (job.ObjectsExpected, job.BytesExpected, job.Workers) = (1, source.SizeBytes, 1);
            await PromoteAsync(job, promoting, (source.Directory, source.Name), source.Name, promoting.Request.NameOfFile(source.Name), ending: null);
            return;
        }

        job.Workers = WorkersOf(_disks.Current.Serving.Count);
        job.ObjectsExpected = await CountAsync(job, promoting);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(job.Aborted);
        try
        {
            await NameWorkers.RunAsync(EntriesOf(promoting, ending.Token), job.Workers, entry => PromoteAsync(job, promoting, entry, ending), ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested && !job.Aborted.IsCancellationRequested)
        {
            // The file that ended it has been told.
        }
    }

    private IAsyncEnumerable<SourceEntry> EntriesOf(Promoting promoting, CancellationToken cancellation) => SourceTree.EntriesAsync(
        _environment.Io, promoting.Source.Directory, promoting.Request.IsRecursive, promoting.Avoided, Limits.WalkEntriesMax, cancellation);

    /// <summary>How many files there are now: for the progress.</summary>
    private async ValueTask<long> CountAsync(JobContext job, Promoting promoting)
    {
        long count = 0;
        await foreach (SourceEntry entry in EntriesOf(promoting, job.Aborted))
        {
            using (entry)
            {
                count += entry.Kind == EntryKind.File ? 1 : 0;
            }
        }

        return count;
    }

    private async ValueTask PromoteAsync(JobContext job, Promoting promoting, SourceEntry entry, CancellationTokenSource ending)
    {
        using (entry)
        {
            if (entry.Directory is not { } directory || entry.Kind != EntryKind.File)
            {
                Tell(job, promoting, entry.Path, entry.Problem ?? SourceProblem.OtherKind(entry.Name.Span), isStored: false);
                return;
            }

            await PromoteAsync(job, promoting, (directory, entry.Name), entry.Path, promoting.Request.NameBelow(entry.Path), ending);
        }
    }

    /// <summary>Promotes one file and tells the job what became of it; one that no other could follow ends the job.</summary>
    private async ValueTask PromoteAsync(
        JobContext job, Promoting promoting, (FileHandle Directory, ReadOnlyMemory<byte> Name) file, byte[] path, byte[] objectName, CancellationTokenSource? ending)
    {
        long taken = 0;
        await job.PaceAsync(0);
        Result<Promoted> promoted = await PromoteFileAsync(promoting, file.Directory, file.Name, objectName, TakeAsync, job.Aborted);
        if (!promoted.Ok)
        {
            job.Count(0, -taken); // what was read of it is not stored
            if (promoted.Error!.Code == ErrorCode.ObjectNotFound && ending is not null)
            {
                return; // it was removed behind the walk
            }

            Tell(job, promoting, path, promoted.Error, isStored: false);
            if (promoted.Error.Code is ErrorCode.BucketNotFound or ErrorCode.OutOfSpace || promoting.Problem(this) is not null)
            {
                ending?.CancelHere();
            }

            return;
        }

        if (promoted.Value.Stored is null)
        {
            job.Detail = $"{promoting.Skip()} skipped: an object is there";
            return;
        }

        job.Count(1, 0);
        if (promoted.Value.Kept is { } kept)
        {
            Tell(job, promoting, path, kept, isStored: true);
        }

        async ValueTask TakeAsync(int bytes)
        {
            await job.PaceAsync(bytes);
            job.Count(0, bytes);
            taken += bytes;
        }
    }

    private static void Tell(JobContext job, Promoting promoting, byte[] path, Failure why, bool isStored)
    {
        string shown = SourceProblem.Shown(path);
        job.Fail(isStored ? $"{shown} is stored, and its file stays: {why.Message}" : $"{shown}: {why.Message}");
        job.Report(new JobFinding
        {
            Mountpath = "",
            Bucket = promoting.Bucket.Name.ToString(),
            Name = Encoding.UTF8.GetString(path),
            Kind = isStored ? "kept" : WordOf(why.Code),
            Detail = why.Message,
            Action = isStored ? "stored" : "not promoted",
        });
    }

    private static string WordOf(ErrorCode code) => code switch
    {
        ErrorCode.InvalidObjectName => "name",
        ErrorCode.BadRequest => "kind",
        ErrorCode.AccessDenied => "denied",
        ErrorCode.BadBody => "changed",
        ErrorCode.OutOfSpace => "space",
        _ => "failed",
    };

    /// <summary>Stores one file, unless an object is there that is to stay, and removes it then where that is asked for.</summary>
    private async ValueTask<Result<Promoted>> PromoteFileAsync(
        Promoting promoting, FileHandle directory, ReadOnlyMemory<byte> fileName, byte[] objectName, Func<int, ValueTask> take, CancellationToken cancellation)
    {
        if (promoting.Problem(this) is { } refused)
        {
            return refused;
        }

        if (!ObjectName.TryCreateNative(objectName, out ObjectName name, out string? problem))
        {
            return new Failure(ErrorCode.InvalidObjectName, problem);
        }

        if (!promoting.Request.Overwrites)
        {
            Result<StoredObject> there = await LookAsync(promoting.Bucket, name);
            if (there.Ok || there.Error!.Code != ErrorCode.ObjectNotFound)
            {
                return there.Ok ? default(Promoted) : there.Error!;
            }
        }

        Result<SourceFile> opened = await SourceFile.OpenAsync(_environment.Io, directory, fileName);
        if (!opened.Ok)
        {
            return opened.Error!;
        }

        using SourceFile file = opened.Value;
        Result<StoredObject> stored = await StoreFileAsync(promoting, name, file, take, cancellation);
        return !stored.Ok ? stored.Error!
            : new Promoted(stored.Value, promoting.Request.DeletesSource ? await RemoveStoredAsync(promoting.Bucket, stored.Value, file) : null);
    }

    private async ValueTask<Result<StoredObject>> StoreFileAsync(
        Promoting promoting, ObjectName name, SourceFile file, Func<int, ValueTask> take, CancellationToken cancellation)
    {
        if (file.SizeBytes > Limits.ObjectBytesMax)
        {
            return TooLarge;
        }

        try
        {
            using ObjectBody body = file.Body(take);
            var put = new PutRequest
            {
                Bucket = promoting.Bucket.Name, Name = name, Body = body, LengthBytes = file.SizeBytes, IsDurable = promoting.Request.DeletesSource,
            };
            return await StoreSizedAsync(promoting.Bucket, put, cancellation);
        }
        catch (UnreadableException unreadable)
        {
            return unreadable.Failure;
        }
    }

    /// <summary>Removes a file whose object is stored, when that is durable; why the file stays otherwise.</summary>
    private async ValueTask<Failure?> RemoveStoredAsync(Bucket bucket, StoredObject stored, SourceFile file)
    {
        // Chunks and manifests of a relaxed bucket are durable by a flush alone, whatever was asked of the PUT.
        bool isDurable = bucket.Properties.Durability == Durability.Strict || stored.Metadata.Chunked is null || await TryFlushAsync();
        return isDurable ? await file.RemoveAsync() : new Failure(ErrorCode.StorageFailed, "the object is not known to be on stable storage; the server's log says why");
    }

    /// <summary>What became of a file.</summary>
    /// <param name="Stored">Its object; null when it was passed over.</param>
    /// <param name="Kept">Why the file was not removed though it was to be; null when it was, or was not to be.</param>
    private readonly record struct Promoted(StoredObject? Stored, Failure? Kept);

    /// <summary>What is promoted, and by whose leave.</summary>
    /// <param name="Request">What was asked for.</param>
    /// <param name="Bucket">The bucket that is written.</param>
    /// <param name="Caller">Who has asked.</param>
    /// <param name="Source">The file or directory; disposed by who works on it.</param>
    /// <param name="Avoided">The mountpaths.</param>
    private sealed record Promoting(PromotionRequest Request, Bucket Bucket, Caller Caller, Source Source, AvoidedDirectories Avoided)
    {
        private long _skipped;

        /// <summary>One more file was passed over; answers how many were.</summary>
        public long Skip() => Interlocked.Increment(ref _skipped);

        /// <summary>Why the next file is not to be promoted: the bucket may be gone, or its access bits changed.</summary>
        public Failure? Problem(ObjectEngine engine)
        {
            Result<Bucket> entered = engine.Enter(Caller, Bucket.Name, AccessBits.Promote, "PROMOTE");
            return !entered.Ok || entered.Value != Bucket ? entered.Error ?? BucketTable.NotFound(Bucket.Name) : null;
        }
    }
}
