using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Engine.Pooling;
using Sluice.Engine.Redundancy;

namespace Sluice.Engine;

/// <summary>The verbs on objects.</summary>
public sealed partial class ObjectEngine
{
    private const int PatchAttemptsMax = 16; // each needs somebody else who changed the object in between

    /// <summary>Opens an object for reading. The caller disposes the reader.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result<ObjectReader>> OpenObjectAsync(Caller caller, BucketName bucket, ObjectName name)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.GetObject, "GET");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        try
        {
            Result<OpenObject> open = await _lookup.OpenAsync(allowed.Value, name, allowed.Value.DigestOf(name));
            if (!open.Ok)
            {
                return open.Error!;
            }

            _counters.Gets.Add();
            open.Value.Stored.Touch(_clock.NowNs);
            return new ObjectReader(open.Value, allowed.Value);
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>What an object is.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result<ObjectAttributes>> HeadObjectAsync(Caller caller, BucketName bucket, ObjectName name)
    {
        Result<StoredObject> stored = await StatObjectAsync(caller, bucket, name);
        return stored.Ok ? stored.Value.Attributes() with { Erasure = ErasureOf(bucket, stored.Value) } : stored.Error!;
    }

    /// <summary>The same as it is cached, for who keeps something with it.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result<StoredObject>> StatObjectAsync(Caller caller, BucketName bucket, ObjectName name)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.HeadObject, "HEAD");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        try
        {
            return await _lookup.StatAsync(allowed.Value, name, allowed.Value.DigestOf(name));
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>
    /// Stores an object; when this returns a value, the object has the durability of its bucket. On a refusal the old object is untouched,
    /// except after a failed directory fsync, whose message says so. What reading the body throws passes through, nothing changed. An object that has the digest and size that the client
    /// sent is left as it is, its version too.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result<ObjectAttributes>> PutObjectAsync(Caller caller, PutRequest request, CancellationToken cancellation)
    {
        Result<Bucket> allowed = Enter(caller, request.Bucket, AccessBits.PutObject, "PUT");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        if (CustomMetadata.Problem(request.Custom) is { } problem)
        {
            return new Failure(ErrorCode.MetadataTooLarge, problem);
        }

        if (request.LengthBytes > Limits.ObjectBytesMax)
        {
            return TooLarge;
        }

        Result<StoredObject>? same = request.Expected.Type == ChecksumType.None || request.IsStoredAnyway ? null : await TryPutSameAsync(allowed.Value, request, cancellation);
        Result<StoredObject> stored = same ?? await StoreSizedAsync(allowed.Value, request, cancellation);
        _counters.Puts.Add();
        return stored.Ok ? stored.Value.Attributes() : stored.Error!;
    }

    /// <summary>Stores an object as one or in chunks, by a request that was checked.</summary>
    private ValueTask<Result<StoredObject>> StoreSizedAsync(Bucket bucket, PutRequest request, CancellationToken cancellation) =>
        request.LengthBytes <= bucket.Properties.Chunks.WholeBytesMax
            ? StoreAsync(bucket, request, cancellation)
            : StoreLargeAsync(bucket, request, cancellation);

    /// <summary>Stores an object as one, whatever its size, by a request that was checked.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<StoredObject>> StoreAsync(Bucket bucket, PutRequest request, CancellationToken cancellation)
    {
        try
        {
            ulong digest = bucket.DigestOf(request.Name);
            using DiskUse upload = _disks.Enter(DiskUseKind.Upload);
            if (await _space.IsFullAsync(_lookup.HomeOf(digest)))
            {
                return ObjectDisk.OutOfSpace;
            }

            if (bucket.Properties.Ec.Enabled)
            {
                return await _erasureWriter.PutAsync(bucket, request, digest, _bodyReadBytes, cancellation);
            }

            await using ReplicaSet set = ReplicaSet.Rent(bucket, request, digest);
            Result<IBodySink> sink = await AddHeadsAsync(set, request.LengthBytes);
            if (!sink.Ok)
            {
                return sink.Error!;
            }

            Result<ReceivedBody> body = await BodyReceiver.ReceiveAsync(sink.Value, request, request.KeptIn(bucket), _bodyReadBytes, cancellation);
            if (!body.Ok)
            {
                return body.Error!;
            }

            return await CommitAsync(set, body.Value, request.Custom);
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>Commits an object that is stored whole, and sees to the copies that it lacks then.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<StoredObject>> CommitAsync(ReplicaSet set, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom)
    {
        Result<StoredObject> stored = await _commit.CommitAsync(set, body, custom);
        if (stored.Ok && (set.IsDegraded || stored.Value.Copies.Count + 1 < set.Bucket.Properties.Mirror.Wanted))
        {
            await CompleteCopiesAsync(set);
        }

        return stored;
    }

    /// <summary>The work files of an object that is stored whole, and what takes its body into them.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<IBodySink>> AddHeadsAsync(ReplicaSet set, long? lengthBytes)
    {
        if (set.Bucket.Properties.Mirror is { Enabled: true, Sync: true })
        {
            Result added = await CopiesSink.AddHeadsAsync(set, _disks.Current.Ranked(set.Digest), _log);
            return added.Ok ? new CopiesSink(set, _log) : added.Error!;
        }

        WorkFile work = await WorkFile.CreateAsync(_lookup.HomeOf(set.Digest), set.Bucket, set.Digest, mayHold: lengthBytes is null or <= Limits.HeldBodyBytesMax);
        set.Add(ReplicaMember.Head(work));
        return work;
    }

    /// <summary>Removes an object.</summary>
    public async ValueTask<Result> DeleteObjectAsync(Caller caller, BucketName bucket, ObjectName name)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.DeleteObject, "DELETE");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        try
        {
            Result deleted = await _removal.DeleteAsync(allowed.Value, name, allowed.Value.DigestOf(name));
            _counters.Deletes.Add();
            return deleted;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>Merges custom metadata by key, or replaces all of it.</summary>
    public async ValueTask<Result<ObjectAttributes>> SetCustomAsync(
        Caller caller, BucketName bucket, ObjectName name, IReadOnlyList<KeyValuePair<string, string>> custom, bool replaceAll)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.UpdateObject, "PATCH");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        try
        {
            Result<StoredObject> stored = await SetCustomAsync(allowed.Value, name, allowed.Value.DigestOf(name), custom, replaceAll);
            return stored.Ok ? stored.Value.Attributes() : stored.Error!;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>In place, or by new heads where they speak of slices; which of them may change while it is looked at.</summary>
    private async ValueTask<Result<StoredObject>> SetCustomAsync(
        Bucket bucket, ObjectName name, ulong digest, IReadOnlyList<KeyValuePair<string, string>> custom, bool replaceAll, bool isDurable = false)
    {
        Result<StoredObject> stored = new Failure(ErrorCode.Busy, "the object is being changed");
        for (int attempt = 0; attempt < PatchAttemptsMax && stored.Error is { Code: ErrorCode.Busy }; attempt++)
        {
            Result<StoredObject> known = await _lookup.StatAsync(bucket, name, digest);
            stored = known is { Ok: true, Value.Metadata.Slices: not null }
                ? await _erasureWriter.SetCustomAsync(bucket, name, digest, known.Value, replaceAll ? custom : ObjectPatch.Merge(known.Value.Metadata.Custom, custom))
                : await _patch.SetCustomAsync(bucket, name, digest, custom, replaceAll, isDurable);
        }

        if (stored is { Ok: true, Value.Metadata.Slices: null } && bucket.Properties.Ec.Enabled)
        {
            // Whole copies: the first was changed, the others are brought to it before the answer.
            Result<ErasureReconciled> spread = await _erasureReconciler.ReconcileAsync(bucket, name, digest, job: null, verify: false);
            return spread.Ok ? stored : spread.Error!;
        }

        return stored;
    }

    /// <summary>Who holds the object's name right now.</summary>
    public Result<LockState> CheckLock(Caller caller, BucketName bucket, ObjectName name)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.HeadObject, "check-lock");
        return allowed.Ok ? _locks.State(allowed.Value.DigestOf(name)) : allowed.Error!;
    }

    private Result<Bucket> Enter(Caller caller, BucketName name, AccessBits needed, string verb)
    {
        Bucket? bucket = _buckets.Find(name);
        return bucket is null ? BucketTable.NotFound(name)
            : (bucket.Properties.Access & needed) == needed ? bucket
            : new Failure(ErrorCode.AccessDenied, $"bucket \"{name}\": {verb} access denied for {caller.Name}");
    }

    private Failure Refuse(StorageException fault)
    {
        _counters.Faults.Add();
        _log.LogError("{Fault}", fault.Message);
        return ObjectDisk.Refusal(fault);
    }
}
