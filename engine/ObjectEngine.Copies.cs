using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>An object as another one, of the same bucket or of another.</summary>
public sealed partial class ObjectEngine
{
    private const int OpenAttemptsMax = 16; // each needs somebody else who replaced the object in between

    /// <summary>
    /// Stores what an object is now under another name: bytes, which are compared with their digests on the way, and custom metadata. Digest, version, redundancy and chunks are those that a
    /// PUT to <paramref name="toBucket"/> would give it; needs GET of the one bucket and PUT of the other. No lock is held while it is read: who replaces or removes either meanwhile
    /// does so. An object that is copied onto itself stays as it is. Refuses as a GET and as a PUT do, and nothing has changed then. Both names are borrowed for the call.
    /// </summary>
    public async ValueTask<Result<ObjectAttributes>> CopyObjectAsync(
        Caller caller, BucketName bucketName, ObjectName name, BucketName toBucket, ObjectName toName, CancellationToken cancellation)
    {
        Result<Bucket> source = Enter(caller, bucketName, AccessBits.GetObject, "GET");
        Result<Bucket> target = source.Ok ? Enter(caller, toBucket, AccessBits.PutObject, "PUT") : source;
        if (!target.Ok)
        {
            return target.Error!;
        }

        _counters.Gets.Add();
        Result<StoredObject> stored = await CopyAsync(source.Value, name, target.Value, toName, cancellation);
        _counters.Puts.Add();
        return stored.Ok ? stored.Value.Attributes() : stored.Error!;
    }

    /// <summary>The same for who has entered both buckets, and is no client: a job's work is not counted as one's.</summary>
    private async ValueTask<Result<StoredObject>> CopyAsync(Bucket source, ObjectName name, Bucket target, ObjectName toName, CancellationToken cancellation)
    {
        try
        {
            using DiskUse use = _disks.Enter();
            if (source == target && name == toName)
            {
                return await _lookup.StatAsync(source, name, source.DigestOf(name));
            }

            Result<ObjectContent> opened = await OpenContentAsync(source, name);
            if (!opened.Ok)
            {
                return opened.Error!;
            }

            using ObjectContent content = opened.Value;
            return await CopyAsync(content, target, toName, cancellation);
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

    /// <summary>The same of one that is open. What cannot be read of it is thrown.</summary>
    private async ValueTask<Result<StoredObject>> CopyAsync(ObjectContent content, Bucket target, ObjectName toName, CancellationToken cancellation)
    {
        var request = new PutRequest
        {
            Bucket = target.Name,
            Name = toName,
            Body = content.Body,
            LengthBytes = content.Stored.Metadata.ContentBytes,
            Expected = content.Checksum,
            Custom = content.Stored.Metadata.Custom,
        };
        Result<StoredObject> stored = await StoreSizedAsync(target, request, cancellation);
        return stored.Error is { Code: ErrorCode.BadDigest or ErrorCode.BadBody } ? content.Stored.Damage("its bytes are not those of its digest") : stored;
    }

    /// <summary>Opens an object, in whatever way it is stored, as the body of another one. The caller disposes it. Refuses as a GET does.</summary>
    private async ValueTask<Result<ObjectContent>> OpenContentAsync(Bucket bucket, ObjectName name)
    {
        Result<ObjectContent> opened = new Failure(ErrorCode.Busy, "the object was replaced meanwhile; try again");
        for (int attempt = 0; attempt < OpenAttemptsMax && opened.Error is { Code: ErrorCode.Busy }; attempt++)
        {
            opened = await TryOpenContentAsync(bucket, name);
        }

        return opened;
    }

    /// <summary>The same once; Busy when a chunked object was replaced in between.</summary>
    private async ValueTask<Result<ObjectContent>> TryOpenContentAsync(Bucket bucket, ObjectName name)
    {
        Result<OpenObject> open = await _lookup.OpenAsync(bucket, name, bucket.DigestOf(name));
        if (!open.Ok)
        {
            return open.Error!;
        }

        var reader = new ObjectReader(open.Value, bucket);
        if (reader.Stored.Metadata.Chunked is null)
        {
            return new ObjectContent(reader.Stored, ObjectBody.Of(reader), reader);
        }

        reader.Dispose();
        Result<ChunkedReader> chunked = await TryOpenChunkedAsync(bucket, name);
        return chunked.Ok ? new ObjectContent(chunked.Value.Stored, ObjectBody.Of(chunked.Value), chunked.Value) : chunked.Error!;
    }
}
