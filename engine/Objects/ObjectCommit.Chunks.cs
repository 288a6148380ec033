namespace Sluice.Engine.Objects;

/// <summary>Commits over chunked objects: their chunks go when the new object is durable.</summary>
public sealed partial class ObjectCommit
{
    private static Failure Changed => new(Contract.ErrorCode.Busy, "the object was changed meanwhile");

    /// <summary>Is told of uploads that no object has any more.</summary>
    internal Action<Buckets.Bucket, ulong>? UploadFreed { get; init; }

    /// <summary>Is told of uploads whose object is about to be replaced.</summary>
    internal UploadEnds? UploadEnds { get; init; }

    /// <summary>What stands there is about to be replaced. Files of uploads are no objects that have any.</summary>
    private ValueTask EndUploadsAsync(ReplicaSet set, List<ObjectPlace> places) => UploadEnds is null || set.Name.IsHidden ? default
        : places.Count > 0 ? UploadEnds.TellAsync(set.Bucket, set.Digest, places, set.IsUncertain, except: set.Chunked?.UploadId ?? 0)
        : UploadEnds.StandingUploadOf(set.Bucket, set.Digest) is { } lost && lost != set.Chunked?.UploadId ? EndLostAsync(set.Bucket, set.Digest)
        : default;

    private async ValueTask EndLostAsync(Buckets.Bucket bucket, ulong digest) => await UploadEnds!.TellOfLostAsync(bucket, digest);

    /// <summary>The new object is durable: the chunks of those that it replaced are nobody's.</summary>
    private void FreeUploads(ReplicaSet set, List<ObjectPlace> places)
    {
        ulong last = set.Shown?.Metadata.Chunked?.UploadId ?? 0; // copies name the same upload, one behind the other
        for (int i = 0; i < places.Count; i++)
        {
            if (places[i].Stored?.Metadata.Chunked is { } chunked && chunked.UploadId != last)
            {
                last = chunked.UploadId;
                UploadFreed?.Invoke(set.Bucket, last);
            }
        }
    }

    private static IEnumerable<ulong> UploadsOf(List<ObjectPlace> places)
    {
        foreach (ObjectPlace place in places)
        {
            if (place.Stored?.Metadata.Chunked is { } chunked)
            {
                yield return chunked.UploadId;
            }
        }
    }

    /// <summary>What is left to do when the new object is durable; the set is somebody else's by then.</summary>
    private Func<ValueTask> AfterFlush(ReplicaSet set, List<ObjectPlace> replaced)
    {
        var generation = new ReplacedGeneration(set, replaced, partMap) { HasKept = true };
        ulong? now = set.Shown?.Metadata.Chunked?.UploadId;
        ulong[] freed = [.. UploadsOf(replaced).Distinct().Where(upload => upload != now)];
        Buckets.Bucket bucket = set.Bucket;
        return freed.Length == 0 ? generation.RemoveAsync : RemoveAndFreeAsync;

        async ValueTask RemoveAndFreeAsync()
        {
            await generation.RemoveAsync();
            Array.ForEach(freed, upload => UploadFreed?.Invoke(bucket, upload));
        }
    }
}
