using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine;

/// <summary>Uploads in parts, and the chunked objects that they become (docs/decisions/0015-chunked-objects.md).</summary>
public sealed partial class ObjectEngine
{
    private readonly ConcurrentDictionary<(ulong Bid, ulong UploadId), Upload> _uploads = new();
    private readonly ConcurrentDictionary<(ulong Bid, ulong UploadId), Lazy<Task<Upload?>>> _soughtUploads = new();
    private readonly UploadFiles _uploadFiles;
    private readonly ChunkReaper _reaper;
    private Task _reaping = Task.CompletedTask;

    /// <summary>Uploads whose files are to be removed and are not yet.</summary>
    public int ReapedUploadsWaiting => _reaper.Count;

    /// <summary>Begins an upload and answers its id. Nothing is seen of it before it is completed.</summary>
    public async ValueTask<Result<string>> BeginUploadAsync(
        Caller caller, BucketName bucketName, ObjectName name, IReadOnlyList<KeyValuePair<string, string>> custom, CancellationToken cancellation)
    {
        Result<Bucket> allowed = Enter(caller, bucketName, AccessBits.PutObject, "PUT");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        if (CustomMetadata.Problem(custom) is { } problem)
        {
            return new Failure(ErrorCode.MetadataTooLarge, problem);
        }

        Bucket bucket = allowed.Value;
        Manifest note = NewNote(bucket, name, custom, isOwn: false);
        Result<StoredObject> stored = await StoreNoteAsync(bucket, note, cancellation);
        if (!stored.Ok)
        {
            return stored.Error!;
        }

        _uploads[(bucket.Bid, note.UploadId)] = new Upload(bucket, note, _clock.NowNs);
        return ChunkName.TextOf(note.UploadId);
    }

    /// <summary>
    /// Stores one part of an upload: <paramref name="request"/> names the object. A part that comes again replaces the one before; several may come at the same time. When this
    /// returns a value the part has the durability of its bucket.
    /// </summary>
    public async ValueTask<Result<ObjectAttributes>> PutPartAsync(Caller caller, PutRequest request, string uploadId, int number, CancellationToken cancellation)
    {
        if (number is < 1 or > Limits.ChunksMax)
        {
            return new Failure(ErrorCode.BadRequest, $"a part's number is one from 1 to {Limits.ChunksMax}, not {number}");
        }

        if (request.LengthBytes == 0)
        {
            return EmptyPart(number);
        }

        if (request.LengthBytes > Limits.ObjectBytesMax)
        {
            return TooLarge;
        }

        Result<Upload> found = await FindUploadAsync(caller, request.Bucket, request.Name, uploadId);
        if (!found.Ok)
        {
            return found.Error!;
        }

        Upload upload = found.Value;
        if (!upload.TryEnter())
        {
            return NoUpload(uploadId);
        }

        ChecksumType ofBucket = upload.Bucket.Properties.ChecksumType;
        ChecksumType kept = KeptOfParts(ofBucket);
        Digest? whole = upload.TakeDigest(kept == ofBucket ? ChecksumType.None : ofBucket, number);
        bool isStored = false;
        try
        {
            PutRequest part = request with { Name = upload.FileOf(number), Kept = kept, Custom = ChunkSum.CustomOf(request.Expected), IfEmpty = EmptyPart(number) };
            if (whole is not null)
            {
                var window = new BodyWindow(request.Body, whole);
                window.Begin(request.LengthBytes ?? long.MaxValue);
                part = part with { Body = window };
            }

            Result<StoredObject> stored = await StoreAsync(upload.Bucket, part, cancellation);
            _counters.Puts.Add();
            isStored = stored.Ok;
            return stored.Ok ? stored.Value.Attributes() : stored.Error!;
        }
        finally
        {
            if (isStored)
            {
                upload.Add(number);
            }

            upload.GiveDigest(whole, isStored ? number : 0);
            upload.Use(_clock.NowNs);
            upload.Leave();
        }
    }

    /// <summary>
    /// Makes an object of the parts <paramref name="numbers"/>, which are all that are there, from 1 without a gap: it replaces what stands under the name. No byte of them is moved.
    /// </summary>
    public async ValueTask<Result<ObjectAttributes>> CompleteUploadAsync(
        Caller caller, BucketName bucketName, ObjectName name, string uploadId, IReadOnlyList<int> numbers, CancellationToken cancellation)
    {
        Result<Upload> found = await FindUploadAsync(caller, bucketName, name, uploadId);
        if (!found.Ok)
        {
            return found.Error!;
        }

        Upload upload = found.Value;
        if (!await upload.TryEndAsync())
        {
            return NoUpload(uploadId);
        }

        bool isDone = false;
        try
        {
            HashSet<ObjectDisk> unflushed = [];
            Result<Manifest> complete = await ComposeAsync(upload, numbers, unflushed);
            if (!complete.Ok)
            {
                return complete.Error!;
            }

            Result<StoredObject> stored = await PublishAsync(upload, complete.Value, unflushed, converted: null, cancellation);
            if (!stored.Ok)
            {
                return stored.Error!;
            }

            isDone = true;
            return stored.Value.Attributes();
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
        finally
        {
            if (isDone)
            {
                Forget((upload.Bucket.Bid, upload.Note.UploadId)); // behind the note, which a look for it would believe
            }
            else
            {
                upload.GoOn();
            }
        }
    }

    /// <summary>Ends an upload; its parts are gone when this returns, but those on mountpaths that are away, which go when they are back.</summary>
    public async ValueTask<Result> AbortUploadAsync(Caller caller, BucketName bucketName, ObjectName name, string uploadId)
    {
        Result<Upload> found = await FindUploadAsync(caller, bucketName, name, uploadId);
        if (!found.Ok)
        {
            return found.Error!;
        }

        Upload upload = found.Value;
        if (!await upload.TryEndAsync())
        {
            return NoUpload(uploadId);
        }

        Result given = new Failure(ErrorCode.StorageFailed, "the upload could not be aborted");
        try
        {
            return given = await GiveUpAsync(upload, CancellationToken.None);
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
        finally
        {
            if (!given.Ok)
            {
                upload.GoOn();
            }
        }
    }

    /// <summary>The uploads in progress of a bucket, oldest first: their notes. They are asked of the mountpaths.</summary>
    public async ValueTask<Result<IReadOnlyList<Manifest>>> ListUploadsAsync(Caller caller, BucketName bucketName)
    {
        Result<Bucket> allowed = Enter(caller, bucketName, AccessBits.ListObjects, "LIST");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        try
        {
            List<Manifest> found = [];
            foreach (ulong uploadId in await _uploadFiles.UploadsAsync(allowed.Value))
            {
                if (await ReadNoteAsync(allowed.Value, uploadId) is { State: ManifestState.Partial, IsOwn: false } note && await IsObjectsAsync(allowed.Value, note) == false)
                {
                    found.Add(note);
                }
            }

            return found;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>An upload in progress: what it was begun with, and the parts that it has by now, by number. Parts that come meanwhile may be in it or not.</summary>
    public async ValueTask<Result<UploadProgress>> ReadUploadAsync(Caller caller, BucketName bucketName, ObjectName name, string uploadId)
    {
        Result<Upload> found = await FindUploadAsync(caller, bucketName, name, uploadId);
        if (!found.Ok)
        {
            return found.Error!;
        }

        Upload upload = found.Value;
        if (!upload.TryEnter())
        {
            return NoUpload(uploadId);
        }

        try
        {
            List<UploadedPart> parts = [];
            foreach (int number in upload.Numbers)
            {
                ObjectName file = upload.FileOf(number);
                Result<StoredObject> part = await _lookup.StatAsync(upload.Bucket, file, upload.Bucket.DigestOf(file));
                if (!part.Ok)
                {
                    return part.Error!;
                }

                parts.Add(new UploadedPart(number, part.Value.Metadata.SizeBytes, part.Value.Metadata.Checksum));
            }

            return new UploadProgress(upload.Note, parts);
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
        finally
        {
            upload.Leave();
        }
    }

    /// <summary>
    /// Opens a chunked object for reading, behind <see cref="OpenObjectAsync"/>, which has counted it. The caller disposes the reader. Refuses with Busy when the name has another object,
    /// which is not chunked, by then.
    /// </summary>
    public async ValueTask<Result<ChunkedReader>> OpenChunkedAsync(Caller caller, BucketName bucketName, ObjectName name)
    {
        Result<Bucket> allowed = Enter(caller, bucketName, AccessBits.GetObject, "GET");
        Result<ChunkedReader> opened = allowed.Ok ? new Failure(ErrorCode.Busy, "the object was replaced meanwhile; try again") : allowed.Error!;
        try
        {
            for (int attempt = 0; attempt < OpenAttemptsMax && opened.Error is { Code: ErrorCode.Busy }; attempt++)
            {
                opened = await TryOpenChunkedAsync(allowed.Value, name);
            }

            return opened;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>The same once; Busy when the object was replaced in between.</summary>
    private async ValueTask<Result<ChunkedReader>> TryOpenChunkedAsync(Bucket bucket, ObjectName name)
    {
        var busy = new Failure(ErrorCode.Busy, "the object was replaced meanwhile; try again");
        ulong digest = bucket.DigestOf(name);
        Result<OpenObject> open = await _lookup.OpenAsync(bucket, name, digest);
        if (!open.Ok)
        {
            return open.Error!;
        }

        var head = new ObjectReader(open.Value, bucket);
        if (head.Stored.Metadata.Chunked is not { } chunked)
        {
            head.Dispose();
            return busy;
        }

        var reader = new ChunkedReader(head, bucket, _lookup, _reaper);
        Failure? problem = busy;
        try
        {
            Result<StoredObject> now = await _lookup.StatAsync(bucket, name, digest); // its chunks were not removed before they were held
            problem = !now.Ok ? now.Error
                : now.Value.Metadata.Chunked?.UploadId != chunked.UploadId ? busy
                : (await reader.LoadAsync()).Error;
            return problem is null ? reader : problem;
        }
        finally
        {
            if (problem is not null)
            {
                reader.Dispose();
            }
        }
    }
}
