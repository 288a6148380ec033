using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
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
            BucketProperties defaults = _buckets.Defaults.Properties;
            Result<BucketProperties> asked = BucketProperties.Apply(defaults, properties);
            if (asked.Ok && (ErasureProblem(BucketProperties.Default, asked.Value, properties) ?? Refused(asked.Value)) is { } refused)
            {
                return refused;
            }

            Result<Bucket> made = asked.Ok ? await _buckets.CreateAsync(bucket, asked.Value) : asked.Error!;
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
            await Jobs.EndBucketAsync(bucket);
            Result<Bucket> destroyed = await _buckets.DestroyAsync(bucket);
            if (!destroyed.Ok)
            {
                return destroyed.Error!;
            }

            _lookup.EvictBucket(destroyed.Value.Bid);
            _standing.ForgetBucket(destroyed.Value.Bid);
            ForgetUploads(destroyed.Value.Bid);
            ForgetAppends(destroyed.Value.Bid);
            _copyJobs.Forget(destroyed.Value);
            await ForgetNamesAsync(destroyed.Value.Bid);
            StartEmptyingTrash();
            return Result.Done;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>
    /// Changes properties; only what is given. From relaxed to strict everything that was acknowledged is flushed before the answer; where
    /// that fails, or an earlier flush did, it is refused and the bucket stays relaxed.
    /// </summary>
    public async ValueTask<Result<BucketRecord>> SetBucketPropertiesAsync(Caller caller, BucketName bucket, JsonElement patch)
    {
        Result<BucketChange> changed = await ChangeBucketAsync(caller, bucket, patch);
        return changed.Ok ? changed.Value.Record : changed.Error!;
    }

    /// <summary>The same; the answer has the job that brings the bucket's objects to the new properties, which has been started.</summary>
    public async ValueTask<Result<BucketChange>> ChangeBucketAsync(Caller caller, BucketName bucket, JsonElement patch, bool makesCopies = false)
    {
        bool changesAccess = patch.ValueKind == JsonValueKind.Object && patch.TryGetProperty("access", out _);
        Result<Bucket> allowed = Enter(caller, bucket, AccessBits.PatchBucket | (changesAccess ? AccessBits.SetBucketAcl : AccessBits.None), "PATCH");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        try
        {
            BucketProperties before = allowed.Value.Properties;
            Result<BucketProperties> asked = BucketProperties.Apply(before, patch);
            if (asked.Ok && ErasureProblem(before, asked.Value, patch) is { } problem)
            {
                return problem;
            }

            if (asked.Ok && asked.Value.Mirror != before.Mirror && Refused(asked.Value) is { } refused)
            {
                return refused;
            }

            bool becomesStrict = asked.Ok && asked.Value.Durability == Durability.Strict
                && before.Durability == Durability.Relaxed;
            if (becomesStrict && !await TryFlushAsync())
            {
                return StaysRelaxed(bucket);
            }

            Result<Bucket> changed = await _buckets.ChangeAsync(bucket, patch);
            if (changed.Ok && becomesStrict && !await TryFlushAsync()) // what was acknowledged meanwhile
            {
                using JsonDocument relaxed = JsonDocument.Parse("""{"durability":"relaxed"}""");
                await _buckets.ChangeAsync(bucket, relaxed.RootElement);
                return StaysRelaxed(bucket);
            }

            if (!changed.Ok)
            {
                return changed.Error!;
            }

            Result<Job?> job = await ConvertAsync(changed.Value, before.Mirror, makesCopies);
            return job.Ok ? new BucketChange(changed.Value.Record, job.Value) : job.Error!;
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

    /// <summary>
    /// Makes everything durable that is to be seen now, and answers whether it is: false when a flush or an fsync has failed since the start, behind which a later one
    /// can vouch for nothing. Throws <see cref="StorageException"/> when this one fails.
    /// </summary>
    public async ValueTask<bool> FlushAsync()
    {
        using DiskUse use = _disks.Enter();
        return await Mountpaths.FlushAsync() && !Mountpaths.HasLeftUnflushed;
    }

    /// <summary>Why the bucket cannot have the erasure coding that is asked for; null when it can, when it has it already, or when it is forced.</summary>
    private Failure? ErasureProblem(BucketProperties before, BucketProperties asked, JsonElement patch)
    {
        bool isForced = patch.ValueKind == JsonValueKind.Object && patch.TryGetProperty("force", out JsonElement force) && force.ValueKind == JsonValueKind.True;
        return asked.Ec == before.Ec ? null : ErasureRefusals.Problem(asked.Ec, isForced ? int.MaxValue : _disks.Current.Serving.Count);
    }

    /// <summary>What buckets have when they are made without properties.</summary>
    public BucketDefaults Defaults => _buckets.Defaults;

    /// <summary>Changes that, or makes it the built-in again where <paramref name="patch"/> is undefined; with <paramref name="isTransient"/> until the next start. Buckets that are there stay as they are.</summary>
    public async ValueTask<Result<BucketDefaults>> ChangeDefaultsAsync(JsonElement patch, bool isTransient)
    {
        try
        {
            return await _buckets.ChangeDefaultsAsync(patch, isTransient);
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    private static Failure StaysRelaxed(BucketName bucket) => new(
        ErrorCode.StorageFailed,
        $"bucket \"{bucket}\" stays relaxed: what it acknowledged could not be flushed; the next start of the server verifies it");

    /// <summary>True when everything that relaxed buckets have acknowledged so far is on stable storage.</summary>
    private async ValueTask<bool> TryFlushAsync()
    {
        try
        {
            return await FlushAsync();
        }
        catch (StorageException fault)
        {
            Refuse(fault); // counted and logged
            return false;
        }
    }
}
