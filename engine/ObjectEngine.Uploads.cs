using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>What uploads are made of: their notes, and the manifest that their parts make.</summary>
public sealed partial class ObjectEngine
{
    private static Failure NoUpload(string uploadId) => new(ErrorCode.ObjectNotFound, $"upload \"{Printable(uploadId)}\" does not exist: it was never begun, or is completed or aborted");

    private static Failure EmptyPart(int number) => new(ErrorCode.BadRequest, $"part {number}: invalid size (0)");

    private static Failure TooLarge => new(ErrorCode.BadBody, $"the largest object has {Limits.ObjectBytesMax} bytes");

    private static string Printable(string text) => string.Concat(text.Take(64).Select(static letter => char.IsAsciiLetterOrDigit(letter) ? letter : '?'));

    /// <summary>Digests that can be put together from those of parts: the whole object's comes from them.</summary>
    private static ChecksumType KeptOfParts(ChecksumType ofBucket) => ofBucket switch
    {
        ChecksumType.None => ChecksumType.None,
        ChecksumType.Crc64Nvme => ChecksumType.Crc64Nvme,
        _ => ChecksumType.Crc32C,
    };

    private static PutRequest NewRequest(Bucket bucket, ObjectName name, byte[] content) => new()
    {
        Bucket = bucket.Name, Name = name, Body = PipeReader.Create(new ReadOnlySequence<byte>(content)), LengthBytes = content.Length,
    };

    /// <summary>
    /// A number for an upload by which chunk 1 is placed on the object's own first mountpath, as the mountpaths are now: who reads the beginning of an object asks one drive. The others lie
    /// where their numbers put them. On average as many numbers are drawn as there are mountpaths.
    /// </summary>
    private ulong NewUploadId(Bucket bucket, ObjectName name)
    {
        const int DrawsOfEach = 16; // one of 9 million uploads finds none, and its chunk 1 lies elsewhere
        DiskSet set = _disks.Current;
        ObjectDisk? home = set.HomeOf(bucket.DigestOf(name));
        ulong uploadId = _clock.Next();
        for (int i = 1; i < DrawsOfEach * set.Open.Count && set.HomeOf(bucket.DigestOf(new ChunkName(uploadId, 1).ToObjectName())) != home; i++)
        {
            uploadId = _clock.Next();
        }

        return uploadId;
    }

    private ValueTask<Result<StoredObject>> StoreNoteAsync(Bucket bucket, Manifest note, CancellationToken cancellation) =>
        StoreAsync(bucket, NewRequest(bucket, NoteOf(note.UploadId), ManifestRecord.Format(note)) with { IsDurable = true }, cancellation);

    /// <summary>An upload in progress of that object; one that an earlier run of the engine began is found by its note.</summary>
    private async ValueTask<Result<Upload>> FindUploadAsync(Caller caller, BucketName bucketName, ObjectName name, string uploadId)
    {
        Result<Bucket> allowed = Enter(caller, bucketName, AccessBits.PutObject, "PUT");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        Bucket bucket = allowed.Value;
        if (!ChunkName.TryReadUpload(uploadId, out ulong number))
        {
            return NoUpload(uploadId);
        }

        try
        {
            Upload? upload = _uploads.GetValueOrDefault((bucket.Bid, number)) ?? await SeekUploadAsync(bucket, number);
            if (upload is not { Note.IsOwn: false } || upload.Note.Name != name)
            {
                return NoUpload(uploadId);
            }

            upload.Use(_clock.NowNs);
            return upload;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>
    /// An upload that only its note tells of. All who ask at the same time share one look: of two, the second could have read the note before the first one's upload was
    /// completed, and would bring it back; a part of it would then replace a chunk of the object.
    /// </summary>
    private async ValueTask<Upload?> SeekUploadAsync(Bucket bucket, ulong uploadId)
    {
        (ulong, ulong) key = (bucket.Bid, uploadId);
        Lazy<Task<Upload?>> look = _soughtUploads.GetOrAdd(key, _ => new Lazy<Task<Upload?>>(() => ReadUploadAsync(bucket, uploadId)));
        try
        {
            return await look.Value;
        }
        finally
        {
            _soughtUploads.TryRemove(new KeyValuePair<(ulong, ulong), Lazy<Task<Upload?>>>(key, look));
        }
    }

    /// <summary>One at a time for an upload. It is looked for here again: whoever completes or aborts one takes it out when its note says so.</summary>
    private async Task<Upload?> ReadUploadAsync(Bucket bucket, ulong uploadId)
    {
        if (_uploads.TryGetValue((bucket.Bid, uploadId), out Upload? upload))
        {
            return upload;
        }

        Manifest? note = await ReadNoteAsync(bucket, uploadId);
        if (note is not { State: ManifestState.Partial, IsOwn: false } || await IsObjectsAsync(bucket, note) != false)
        {
            return null;
        }

        upload = new Upload(bucket, note, _clock.NowNs);
        foreach (int part in await _uploadFiles.NumbersAsync(bucket, uploadId))
        {
            if (part > 0)
            {
                upload.Add(part);
            }
        }

        return _uploads[(bucket.Bid, uploadId)] = upload;
    }

    /// <summary>What the note of an upload says; null when there is none that can be read.</summary>
    private async ValueTask<Manifest?> ReadNoteAsync(Bucket bucket, ulong uploadId) => await LoadNoteAsync(bucket, uploadId) is { Ok: true } note ? note.Value : null;

    /// <summary>The same, or why not: NotFound when there is none on the mountpaths that are open.</summary>
    private async ValueTask<Result<Manifest>> LoadNoteAsync(Bucket bucket, ulong uploadId)
    {
        Result<Manifest> note = await LoadManifestAsync(bucket, new ChunkName(uploadId, 0).ToObjectName());
        return note.Ok && note.Value.UploadId != uploadId ? new Failure(ErrorCode.Damaged, "the note is another upload's") : note;
    }

    /// <summary>The manifest that a chunked object is; null of any other object, and when it cannot be read.</summary>
    private async ValueTask<Manifest?> ReadManifestAsync(Bucket bucket, ObjectName name) => await LoadManifestAsync(bucket, name) is { Ok: true } read ? read.Value : null;

    private ValueTask<Result<Manifest>> LoadManifestAsync(Bucket bucket, ObjectName name) => ChunkedReader.LoadManifestAsync(_lookup, bucket, name);

    /// <summary>True when the object of a note's name is the one that the upload became; null when that cannot be told.</summary>
    private async ValueTask<bool?> IsObjectsAsync(Bucket bucket, Manifest note)
    {
        Result<StoredObject> head = await _lookup.LookAsync(bucket, note.Name, bucket.DigestOf(note.Name));
        return head.Ok ? head.Value.Metadata.Chunked?.UploadId == note.UploadId
            : head.Error!.Code == ErrorCode.ObjectNotFound ? false : null;
    }

    /// <summary>
    /// Makes the object that a complete manifest is of: what a power cut may take of its chunks in a relaxed bucket, on the mountpaths <paramref name="unflushed"/>, is flushed before.
    /// The note follows; that it does not is no failure, for the next start sees to it.
    /// </summary>
    private async ValueTask<Result<StoredObject>> PublishAsync(
        Upload upload, Manifest complete, HashSet<ObjectDisk> unflushed, StoredObject? converted, CancellationToken cancellation)
    {
        Bucket bucket = upload.Bucket;
        if (bucket.Properties.Durability == Durability.Relaxed && !await TryFlushAsync(unflushed))
        {
            return new Failure(ErrorCode.StorageFailed, "a mountpath that has parts cannot say that they are on it; the server's log says why");
        }

        PutRequest request = NewRequest(bucket, complete.Name, ManifestRecord.Format(complete)) with
        {
            Custom = complete.Custom, Chunked = ChunkedContent.Of(complete), Converted = converted,
        };
        Result<StoredObject> stored = await StoreAsync(bucket, request, cancellation);
        if (!stored.Ok)
        {
            return stored;
        }

        stored.Value.Manifest = complete;
        Result<StoredObject> noted = await StoreNoteAsync(bucket, complete, cancellation);
        if (!noted.Ok)
        {
            _log.LogWarning("{Bucket}, upload {Upload}: its note still says that it is in progress: {Problem}",
                bucket.Name, ChunkName.TextOf(complete.UploadId), noted.Error!.Message);
        }
        else if (bucket.Properties.Durability == Durability.Strict) // else when a scrub looks, which flushes it
        {
            await LookForLostAsync(bucket, complete.UploadId);
        }

        return stored;
    }

    /// <summary>True when everything on those mountpaths up to now is on stable storage.</summary>
    private async ValueTask<bool> TryFlushAsync(IEnumerable<ObjectDisk> disks)
    {
        try
        {
            bool[] flushed = await Task.WhenAll(disks.Select(static disk => FlushAsync(disk).AsTask()));
            return flushed.All(static one => one);
        }
        catch (StorageException fault)
        {
            Refuse(fault);
            return false;
        }
    }

    /// <summary>
    /// The manifest of what has come; adds the mountpaths whose parts a power cut may take in a relaxed bucket: those of parts that lie on one alone.
    /// </summary>
    private async ValueTask<Result<Manifest>> ComposeAsync(Upload upload, IReadOnlyList<int> numbers, HashSet<ObjectDisk> unflushed)
    {
        int[] stored = upload.Numbers;
        if (stored.Length == 0)
        {
            return new Failure(ErrorCode.BadRequest, $"upload \"{ChunkName.TextOf(upload.Note.UploadId)}\" has no chunks");
        }

        if (numbers.Count != stored.Length || stored[^1] != stored.Length || !numbers.Order().SequenceEqual(stored))
        {
            return new Failure(ErrorCode.BadRequest,
                $"partial completion: {numbers.Count} parts are listed, {stored.Length} are stored; they must be the same, from 1 without a gap");
        }

        ChecksumType bucketType = upload.Bucket.Properties.ChecksumType;
        ChecksumType kept = KeptOfParts(bucketType);
        var sum = new ChunkSum(kept);
        foreach (int number in stored)
        {
            ObjectName file = upload.FileOf(number);
            Result<StoredObject> part = await _lookup.StatAsync(upload.Bucket, file, upload.Bucket.DigestOf(file));
            if (!part.Ok)
            {
                return part.Error!;
            }

            if (part.Value is { Copies.Count: 0, Metadata.Slices: null })
            {
                unflushed.Add(part.Value.Disk);
            }

            if (part.Value.Metadata.Checksum.Type != kept)
            {
                return new Failure(ErrorCode.Busy, "the bucket's checksum was changed while the parts came; send them again");
            }

            sum.Add(number, part.Value.Metadata);
            if (sum.SizeBytes > Limits.ObjectBytesMax)
            {
                return TooLarge;
            }
        }

        return NewComplete(upload.Note, upload.DigestInOrder(bucketType, stored.Length) ?? sum.Checksum, sum);
    }

    /// <summary>For scrubs: what is wrong with the chunks of an object, or with a chunk whose upload has no note; null when nothing is.</summary>
    private async ValueTask<string?> ChunksProblemAsync(Bucket bucket, ObjectName name)
    {
        if (ChunkName.TryRead(name.Utf8.Span, out ChunkName file))
        {
            if (file.Number == 0)
            {
                return await NoteProblemAsync(bucket, file.UploadId);
            }

            ObjectName note = NoteOf(file.UploadId);
            bool hasNote = !AllServe || await _lookup.StatAsync(bucket, note, bucket.DigestOf(note)) is not { Error.Code: ErrorCode.ObjectNotFound };
            return !hasNote && (await _lookup.StatAsync(bucket, name, bucket.DigestOf(name))).Ok // removed meanwhile, it goes before the note
                ? "its upload has no note: no object has it"
                : null;
        }

        ulong digest = bucket.DigestOf(name);
        Result<StoredObject> before = await _lookup.StatAsync(bucket, name, digest);
        if (!before.Ok || before.Value.Metadata.Chunked is not { } chunked)
        {
            return null; // it has been replaced since
        }

        string? problem = await ReadManifestAsync(bucket, name) is { } manifest && ChunkedContent.Of(manifest) == chunked
            ? await ChunksProblemAsync(bucket, manifest)
            : "its manifest cannot be read, or is another one";
        Result<StoredObject> after = problem is null ? before : await _lookup.StatAsync(bucket, name, digest);
        return after.Ok && after.Value.Metadata.Chunked == chunked ? problem : null;
    }

    private async ValueTask<string?> ChunksProblemAsync(Bucket bucket, Manifest manifest)
    {
        int there = 0;
        for (int i = 0; i < manifest.Chunks.Count; i++)
        {
            ManifestChunk chunk = manifest.Chunks[i];
            ObjectName file = new ChunkName(manifest.UploadId, chunk.Number).ToObjectName();
            Result<StoredObject> stored = await _lookup.StatAsync(bucket, file, bucket.DigestOf(file));
            if (stored.Ok && (stored.Value.Metadata.SizeBytes != chunk.SizeBytes || ChunkedReader.Crc64Of(stored.Value.Metadata) != chunk.Crc64))
            {
                return $"chunk {chunk.Number} is another one than its manifest says";
            }

            there += stored.Ok || stored.Error!.Code == ErrorCode.Unavailable ? 1 : 0; // what is away is not lost
        }

        return there == manifest.Chunks.Count ? null : $"{there} of {manifest.Chunks.Count} chunks are there";
    }

    /// <summary>An upload is an object now, or nothing.</summary>
    private void Forget((ulong Bid, ulong UploadId) key)
    {
        if (_uploads.TryRemove(key, out Upload? upload))
        {
            upload.DropDigest();
        }
    }

    /// <summary>The bucket is gone, and with it the uploads to it.</summary>
    private void ForgetUploads(ulong bid)
    {
        foreach ((ulong Bid, ulong UploadId) key in _uploads.Keys)
        {
            if (key.Bid == bid)
            {
                Forget(key);
            }
        }
    }
}
