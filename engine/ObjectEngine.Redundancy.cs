using System.Globalization;
using System.Text.Json;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;

namespace Sluice.Engine;

/// <summary>Copies: how many may be asked for, and who looks after those that are missing.</summary>
public sealed partial class ObjectEngine
{
    /// <summary>
    /// Sets the number of copies of a bucket, 1 for no mirror, and brings all objects to it in a job, also when the number is what it was. The answer
    /// does not wait for the job.
    /// </summary>
    public ValueTask<Result<BucketChange>> MakeCopiesAsync(Caller caller, BucketName bucket, int copies)
    {
        using JsonDocument patch = JsonDocument.Parse(string.Create(
            CultureInfo.InvariantCulture, $$$"""{"mirror":{"enabled":{{{(copies == 1 ? "false" : "true")}}},"copies":{{{copies}}}}}"""));
        return ChangeBucketAsync(caller, bucket, patch.RootElement.Clone(), makesCopies: true);
    }

    /// <summary>The job that brings the bucket's objects to the copies it wants now; null when they are that already.</summary>
    private async ValueTask<Result<Job?>> ConvertAsync(Bucket bucket, MirrorProperties before, bool always)
    {
        MirrorProperties now = bucket.Properties.Mirror;
        if (!always && now.Wanted == before.Wanted)
        {
            return default(Job);
        }

        Result<Job> started = await _copyJobs.MakeCopiesAsync(bucket);
        return started.Ok ? started.Value : started.Error!;
    }

    /// <summary>An object has fewer copies than it should, for which the bucket's answers wait or do not.</summary>
    private ValueTask CompleteCopiesAsync(ReplicaSet set)
    {
        if (set.Bucket.Properties.Mirror is { Enabled: true, Sync: false })
        {
            return _copyJobs.PutLaterAsync(set.Bucket, set.Name, set.Digest);
        }

        Repairs.Enqueue(set.Bucket, set.Name, set.Digest);
        return default;
    }

    /// <summary>Why a bucket cannot have these properties here; null when it can.</summary>
    private Failure? Refused(BucketProperties asked) => asked.Mirror.Enabled && asked.Mirror.Copies > _disks.Current.Serving.Count
        ? PropertyValues.Refused($"not enough mountpaths: {asked.Mirror.Copies} copies need {asked.Mirror.Copies}, there are {_disks.Current.Serving.Count}")
        : null;

    private void ReadDamaged(StoredObject stored)
    {
        _counters.Damaged.Add();
        RepairByPath(stored);
    }

    /// <summary>Reading a file failed: the path tells whose it is. Of a bucket without copies nothing could be repaired.</summary>
    private void RepairByPath(StoredObject stored)
    {
        foreach (Bucket bucket in _buckets.All)
        {
            if (bucket.Properties.HasCopies && ObjectPath.TryReadName(bucket.Objects, stored.Path.Whole.Span, out ObjectName name))
            {
                Repairs.Enqueue(bucket, name, bucket.DigestOf(name));
            }
        }
    }
}

/// <summary>A bucket as it was changed, and the job that brings its objects to what it wants now; null when none is needed.</summary>
public sealed record BucketChange(BucketRecord Record, Job? Job);
