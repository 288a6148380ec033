using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>Large objects are split while they are stored (docs/decisions/0016-splitting.md).</summary>
public sealed partial class ObjectEngine
{
    /// <summary>For a request whose length is not known, or is more than the bucket stores as one.</summary>
    private async ValueTask<Result<StoredObject>> StoreLargeAsync(Bucket bucket, PutRequest request, CancellationToken cancellation)
    {
        ChunkProperties wanted = bucket.Properties.Chunks;
        request = await BodyReceiver.MeasuredAsync(request, (int)Math.Min(_bodyReadBytes, wanted.WholeBytesMax), cancellation);
        if (request.LengthBytes <= wanted.WholeBytesMax || (request.LengthBytes is null && wanted.WholeBytesMax >= Limits.ObjectBytesMax))
        {
            return await StoreAsync(bucket, request, cancellation);
        }

        if (request.LengthBytes is null && !bucket.Properties.Ec.Enabled && wanted.WholeBytesMax > _bodyReadBytes)
        {
            return await StoreUnknownAsync(bucket, request, wanted, cancellation);
        }

        Result<StoredObject> stored = await StoreSplitAsync(bucket, request, wanted, cancellation);
        if (stored is { Ok: true, Value.Metadata: { } metadata } && metadata.ContentBytes <= wanted.WholeBytesMax)
        {
            // Its length was not known when its first byte was written, and slices cannot be read before they are an object. That it stays split if this fails is no harm.
            await RechunkAsync(bucket, request.Name, wanted, cancellation);
            Result<StoredObject> now = await _lookup.StatAsync(bucket, request.Name, bucket.DigestOf(request.Name));
            return now is { Ok: true } && now.Value.Metadata.Version == metadata.Version ? now : stored;
        }

        return stored;
    }

    /// <summary>
    /// Takes a body of unknown length into one file as long as it may be one. One that goes on is split, and the file's bytes are its first ones: they are written twice.
    /// </summary>
    private async ValueTask<Result<StoredObject>> StoreUnknownAsync(Bucket bucket, PutRequest request, ChunkProperties wanted, CancellationToken cancellation)
    {
        try
        {
            using DiskUse use = _disks.Enter(DiskUseKind.Upload);
            await using ReplicaSet set = ReplicaSet.Rent(bucket, request, bucket.DigestOf(request.Name));
            if (await _space.IsFullAsync(_lookup.HomeOf(set.Digest)))
            {
                return ObjectDisk.OutOfSpace;
            }

            Result<IBodySink> sink = await AddHeadsAsync(set, lengthBytes: null);
            if (!sink.Ok)
            {
                return sink.Error!;
            }

            var window = new BodyWindow(request.Body);
            window.Begin(wanted.WholeBytesMax);
            Result<ReceivedBody> body = await BodyReceiver.ReceiveAsync(sink.Value, request with { Body = window }, request.KeptIn(bucket), _bodyReadBytes, cancellation);
            if (window.TakenBytes == wanted.WholeBytesMax && await window.HasMoreAsync(cancellation)) // then a digest that was sent is not of these bytes alone
            {
                using ObjectBody whole = ObjectBody.Of(set.Members[0].Work, window.TakenBytes, request.Body);
                return await StoreSplitAsync(bucket, request with { Body = whole }, wanted, cancellation);
            }

            return body.Ok ? await CommitAsync(set, body.Value, request.Custom) : body.Error!;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>Stores an object in chunks of the size that is wanted: an upload of the engine's own, which nobody else sees.</summary>
    private async ValueTask<Result<StoredObject>> StoreSplitAsync(Bucket bucket, PutRequest request, ChunkProperties wanted, CancellationToken cancellation)
    {
        var upload = new Upload(bucket, NewNote(bucket, request.Name, request.Custom, isOwn: true), _clock.NowNs);
        _uploads[(bucket.Bid, upload.Note.UploadId)] = upload; // before its note is there: who finds that without this takes it for left behind
        bool isPublishing = false;
        bool isDone = false;
        try
        {
            Result<StoredObject> noted = await StoreNoteAsync(bucket, upload.Note, cancellation);
            if (!noted.Ok)
            {
                return noted;
            }

            HashSet<ObjectDisk> unflushed = [];
            Result<Manifest> received = await ReceiveChunksAsync(upload, request, wanted, unflushed, cancellation);
            if (!received.Ok)
            {
                return received.Error!;
            }

            isPublishing = true;
            Result<StoredObject> stored = await PublishAsync(upload, received.Value, unflushed, request.Converted, cancellation);
            isDone = stored.Ok;
            return stored;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
        finally
        {
            _uploads.TryRemove((bucket.Bid, upload.Note.UploadId), out _);
            if (!isDone && isPublishing)
            {
                _reaper.LookThrough(); // it may be the object's
            }
            else if (!isDone)
            {
                _reaper.Free(bucket, upload.Note.UploadId);
            }
        }
    }

    /// <summary>Takes the body into chunks, and compares it with what was said of it. Adds the mountpaths whose chunks a power cut may take in a relaxed bucket.</summary>
    private async ValueTask<Result<Manifest>> ReceiveChunksAsync(
        Upload upload, PutRequest request, ChunkProperties wanted, HashSet<ObjectDisk> unflushed, CancellationToken cancellation)
    {
        Bucket bucket = upload.Bucket;
        ChecksumType kept = request.KeptIn(bucket);
        ChecksumType ofChunks = kept is ChecksumType.Crc32C or ChecksumType.Crc64Nvme ? kept : ChecksumType.None;
        using Digest? whole = kept == ofChunks ? null : Digest.Rent(kept); // else it is put together from those of the chunks
        using Digest? sent = request.Expected.Type is ChecksumType.None || request.Expected.Type == kept ? null : Digest.Rent(request.Expected.Type);
        var window = new BodyWindow(request.Body, whole, sent);
        var sum = new ChunkSum(ofChunks);
        for (int number = 1; request.LengthBytes is { } length ? sum.SizeBytes < length : await window.HasMoreAsync(cancellation); number++)
        {
            if (number > Limits.ChunksMax)
            {
                return TooLarge;
            }

            long bytes = wanted.BytesOf(request.LengthBytes, number);
            long? exact = request.LengthBytes - sum.SizeBytes is { } left ? Math.Min(bytes, left) : null;
            window.Begin(exact ?? bytes);
            Result<StoredObject> stored = await StoreAsync(
                bucket,
                new PutRequest { Bucket = bucket.Name, Name = upload.FileOf(number), Body = window, LengthBytes = exact, Kept = ofChunks },
                cancellation);
            if (!stored.Ok)
            {
                return window.TakenBytes < sum.SizeBytes + exact && stored.Error!.Code == ErrorCode.BadBody
                    ? new Failure(ErrorCode.BadBody, $"the body ended after {window.TakenBytes} of its declared {request.LengthBytes} bytes")
                    : stored.Error!;
            }

            sum.Add(number, stored.Value.Metadata);
            if (stored.Value is { Copies.Count: 0, Metadata.Slices: null })
            {
                unflushed.Add(stored.Value.Disk);
            }
        }

        if (request.LengthBytes is { } declared && await window.HasMoreAsync(cancellation))
        {
            return new Failure(ErrorCode.BadBody, $"the body is longer than its declared {declared} bytes");
        }

        Checksum checksum = whole?.Finish() ?? sum.Checksum;
        Checksum arrived = sent?.Finish() ?? checksum;
        return arrived != request.Expected && request.Expected.Type != ChecksumType.None
            ? new Failure(ErrorCode.BadDigest, $"bad data checksum: the client sent {request.Expected}, the body has {arrived}")
            : NewComplete(upload.Note, checksum, sum);
    }

    private Manifest NewNote(Bucket bucket, ObjectName name, IReadOnlyList<KeyValuePair<string, string>> custom, bool isOwn) => new()
    {
        State = ManifestState.Partial,
        IsOwn = isOwn,
        UploadId = NewUploadId(bucket, name),
        CreatedNs = _clock.NowNs,
        Name = name.Copy(),
        Custom = custom,
        Chunks = new ChunkTableBuilder(ChecksumType.None).Build(),
    };

    private Manifest NewComplete(Manifest note, Checksum checksum, ChunkSum sum)
    {
        const string ETagKey = "ETag"; // custom metadata that clients are shown as the header
        string tag = sum.ETag;
        KeyValuePair<string, string>[] tagged = [.. note.Custom, new(ETagKey, tag)];
        bool isTagged = tag.Length > 0 && !note.Custom.Any(static pair => pair.Key == ETagKey) && CustomMetadata.Problem(tagged) is null;
        return new Manifest
        {
            State = ManifestState.Complete,
            UploadId = note.UploadId,
            Generation = _clock.Next(),
            CreatedNs = note.CreatedNs,
            Name = note.Name,
            Custom = isTagged ? tagged : note.Custom,
            Checksum = checksum,
            ETag = tag,
            Chunks = sum.Build(),
        };
    }
}
