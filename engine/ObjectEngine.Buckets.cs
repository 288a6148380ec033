using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>The verbs on buckets.</summary>
public sealed partial class ObjectEngine
{
    /// <summary>Makes a bucket; <paramref name="properties"/> is a partial property tree, or undefined or null for the defaults.</summary>
    public async ValueTask<Result<BucketRecord>> CreateBucketAsync(Caller caller, BucketName bucket, JsonElement properties)
    {
        try
        {
            Result<Bucket> made = await _buckets.CreateAsync(bucket, properties);
            return made.Ok ? made.Value.Record : made.Error!;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>Destroys a bucket and everything in it. When it returns, a bucket of that name can be made again and is empty.</summary>
    public async ValueTask<Result> DestroyBucketAsync(Caller caller, BucketName bucket)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.DestroyBucket, "destroy");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        try
        {
            Result<Bucket> destroyed = await _buckets.DestroyAsync(bucket);
            if (!destroyed.Ok)
            {
                return destroyed.Error!;
            }

            _lookup.EvictBucket(destroyed.Value.Bid);
            StartEmptyingTrash();
            return Result.Done;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>
    /// Changes properties; only what is given. From relaxed to strict everything that was acknowledged is flushed before the answer.
    /// </summary>
    public async ValueTask<Result<BucketRecord>> SetBucketPropertiesAsync(Caller caller, BucketName bucket, JsonElement patch)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.PatchBucket, "PATCH");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        try
        {
            bool wasRelaxed = allowed.Value.Properties.Durability == Durability.Relaxed;
            Result<Bucket> changed = await _buckets.ChangeAsync(bucket, patch);
            if (changed.Ok && wasRelaxed && changed.Value.Properties.Durability == Durability.Strict)
            {
                await FlushAsync();
            }

            return changed.Ok ? changed.Value.Record : changed.Error!;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>Name and properties of a bucket.</summary>
    public Result<BucketRecord> HeadBucket(Caller caller, BucketName bucket)
    {
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.HeadBucket, "HEAD");
        return allowed.Ok ? allowed.Value.Record : allowed.Error!;
    }

    /// <summary>All buckets in order of their names; those of one provider when it is given.</summary>
    public Result<IReadOnlyList<BucketRecord>> ListBuckets(Caller caller, string? provider)
    {
        List<BucketRecord> records = [.. _buckets.All
            .Where(bucket => provider is null || bucket.Name.Provider == provider)
            .Select(bucket => bucket.Record)
            .OrderBy(record => record.Name.ToString(), StringComparer.Ordinal)];
        return records;
    }

    /// <summary>Makes everything durable that relaxed buckets have acknowledged.</summary>
    public async ValueTask FlushAsync()
    {
        foreach (RelaxedFlusher flusher in _flushers)
        {
            await flusher.FlushAsync();
        }
    }
}
