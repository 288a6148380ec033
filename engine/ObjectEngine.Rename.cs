using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>Another name for an object.</summary>
public sealed partial class ObjectEngine
{
    private const int RenameAttemptsMax = 16; // each needs somebody else who changed the object in between

    /// <summary>
    /// Gives an object another name in its bucket, and replaces what stands there: a copy, which is durable in a relaxed bucket too before the old name goes. A crash leaves the object
    /// under the old name, under both, or under the new one. Whoever changes it meanwhile is not lost: it is copied again then. Refuses with NotImplemented in a bucket with
    /// erasure coding, with BadRequest when it is the same name, and as a GET and a PUT do, when it has the old name as before. Both names are borrowed for the call.
    /// </summary>
    public async ValueTask<Result<ObjectAttributes>> RenameObjectAsync(Caller caller, BucketName bucketName, ObjectName name, ObjectName newName, CancellationToken cancellation)
    {
        Result<Bucket> allowed = Enter(caller, bucketName, AccessBits.MoveObject, "MOVE");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        if (allowed.Value.Properties.Ec.Enabled)
        {
            return new Failure(ErrorCode.NotImplemented, "objects of a bucket with erasure coding cannot be renamed");
        }

        if (name == newName)
        {
            return new Failure(ErrorCode.BadRequest, "the new name is the one that the object has");
        }

        Result<StoredObject> moved = new Failure(ErrorCode.Busy, "the object is being changed; try again");
        for (int attempt = 0; attempt < RenameAttemptsMax && moved.Error is { Code: ErrorCode.Busy }; attempt++)
        {
            moved = await MoveAsync(allowed.Value, name, newName, cancellation);
        }

        _counters.Puts.Add();
        _counters.Deletes.Add();
        return moved.Ok ? moved.Value.Attributes() : moved.Error!;
    }

    /// <summary>The same once; Busy when the object was changed in between.</summary>
    private async ValueTask<Result<StoredObject>> MoveAsync(Bucket bucket, ObjectName name, ObjectName newName, CancellationToken cancellation)
    {
        try
        {
            using DiskUse use = _disks.Enter();
            Result<ObjectContent> opened = await TryOpenContentAsync(bucket, name);
            if (!opened.Ok)
            {
                return opened.Error!;
            }

            using ObjectContent content = opened.Value;
            Result<StoredObject> stored = await CopyAsync(content, bucket, newName, cancellation);
            if (!stored.Ok)
            {
                return stored;
            }

            if (bucket.Properties.Durability == Durability.Relaxed && !await TryFlushAsync([stored.Value.Disk, .. stored.Value.Copies.Select(static copy => copy.Disk)]))
            {
                return new Failure(ErrorCode.StorageFailed, "a mountpath cannot say that the object is on it: it has both names; the server's log says why");
            }

            Result removed = await _removal.DeleteAsync(bucket, name, bucket.DigestOf(name), only: content.Stored);
            if (removed.Error is { Code: ErrorCode.ObjectNotFound })
            {
                await _removal.DeleteAsync(bucket, newName, bucket.DigestOf(newName), only: stored.Value); // somebody else has removed or renamed it: there is none to be had
            }

            return removed.Ok ? stored : removed.Error!;
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
}
