using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;

namespace Sluice.Engine.Objects;

/// <summary>
/// Changes an object's custom metadata in place: its bytes stay, its record is replaced in one step (fsetxattr(2) is atomic on the
/// journalling file systems that we run on) under a new generation. When the new record needs a sidecar, that is durable first, in a
/// relaxed bucket too: the file keeps its inode, so no old one is there to roll back to when a power cut leaves the new record without
/// its sidecar. The old sidecar goes last.
/// </summary>
public sealed class ObjectPatch(
    ObjectLookup lookup, NameLock locks, ObjectClock clock, Func<ObjectDisk, RelaxedFlusher> flusherOf, ILogger log)
{
    /// <summary>
    /// Merges pairs by key, or replaces them all, and answers what the object is then. An empty value stays an empty value. With <paramref name="isDurable"/> that is on stable storage,
    /// whatever the bucket says.
    /// </summary>
    public async ValueTask<Result<StoredObject>> SetCustomAsync(
        Bucket bucket, ObjectName name, ulong digest, IReadOnlyList<KeyValuePair<string, string>> custom, bool replaceAll, bool isDurable = false)
    {
        if (!bucket.TryEnter())
        {
            return BucketTable.NotFound(bucket.Name);
        }

        try
        {
            using DiskUse use = lookup.Disks.Enter();
            await locks.AcquireWriterAsync(digest);
            try
            {
                bool wasAway = lookup.Disks.Current.Away.Count > 0;
                Result<OpenObject> found = await lookup.FindAsync(bucket, name, digest);
                if (!found.Ok)
                {
                    return found.Error!;
                }

                using OpenObject open = found.Value;
                if (open.Stored.Metadata.Slices is not null)
                {
                    return new Failure(ErrorCode.Busy, "the object was changed meanwhile"); // it was plain a moment ago
                }

                List<KeyValuePair<string, string>> merged = replaceAll ? [.. custom] : Merge(open.Stored.Metadata.Custom, custom);
                if (CustomMetadata.Problem(merged) is { } problem)
                {
                    return new Failure(ErrorCode.MetadataTooLarge, problem);
                }

                StoredObject stored = await ReplaceRecordAsync(bucket, name, digest, open, merged, isDurable);
                if (wasAway || lookup.Disks.Current.Away.Count > 0)
                {
                    await Tombstones.LeaveAsync(lookup.Disks.Current, bucket, name, digest, stored.Metadata.Generation, Burial.Replaced, log);
                }

                return stored;
            }
            finally
            {
                locks.ReleaseWriter(digest);
            }
        }
        finally
        {
            bucket.Leave();
        }
    }

    /// <summary>The pairs with changes by key.</summary>
    internal static List<KeyValuePair<string, string>> Merge(
        IReadOnlyList<KeyValuePair<string, string>> old, IReadOnlyList<KeyValuePair<string, string>> changes)
    {
        List<KeyValuePair<string, string>> merged = [.. old];
        foreach (KeyValuePair<string, string> change in changes)
        {
            int at = merged.FindIndex(pair => pair.Key == change.Key);
            if (at < 0)
            {
                merged.Add(change);
            }
            else
            {
                merged[at] = change;
            }
        }

        return merged;
    }

    private async ValueTask<StoredObject> ReplaceRecordAsync(
        Bucket bucket, ObjectName name, ulong digest, OpenObject found, List<KeyValuePair<string, string>> custom, bool isDurable)
    {
        // No flusher could vouch for several mountpaths together, and a tombstone must not outlive what replaced the buried.
        bool strict = isDurable || bucket.Properties.Durability == Durability.Strict || found.Next is not null || lookup.Disks.Current.Away.Count > 0;
        StoredObject old = found.Stored;
        RelaxedFlusher flusher = flusherOf(old.Disk);
        ulong begun = strict ? 0 : flusher.Begin(); // before the generation is drawn
        ObjectMetadata metadata = Changed(old.Metadata, custom, clock.Next(old.Metadata.Generation));
        bool done = false;
        try
        {
            if (MetadataRecord.LengthOf(metadata) > Limits.RecordInlineBytesMax)
            {
                metadata = await PutSidecarsAsync(bucket, name, digest, found, metadata);
            }

            StoredObject stored = await SetRecordsAsync(bucket, name, digest, found, metadata);
            if (strict)
            {
                await SyncAsync(found);
            }

            done = true;
            return stored;
        }
        finally
        {
            Func<ValueTask>? release = done && old.Metadata.HasSidecar ? () => RemoveSidecarsAsync(bucket, digest, old) : null;
            if (!strict)
            {
                flusher.End(begun, release);
            }
            else if (release is not null)
            {
                await release();
            }
        }
    }

    /// <summary>All copies have the new record, or, when a disk fails, perhaps only the first of them: the newest is the object then.</summary>
    private async ValueTask<StoredObject> SetRecordsAsync(Bucket bucket, ObjectName name, ulong digest, OpenObject found, ObjectMetadata metadata)
    {
        StoredObject old = found.Stored;
        var copies = new List<StoredObject>();
        await locks.BeginPublishAsync(digest);
        try
        {
            for (OpenObject? copy = found; copy is not null; copy = copy.Next)
            {
                await RecordFiles.SetAsync(copy.Stored.Disk, copy.File, metadata, copy.Stored.Path.Whole);
                if (copy != found)
                {
                    copies.Add(new StoredObject(metadata, copy.Stored.Disk, copy.Stored.Path, copy.Stored.AccessedNs));
                }
            }

            var stored = new StoredObject(metadata, old.Disk, old.Path, old.AccessedNs, copies.Count == 0 || bucket.Properties.Ec.Enabled ? null : [.. copies]);
            stored.AdoptVerified(old);
            lookup.Replace(digest, bucket.Bid, name, stored);
            return stored;
        }
        catch (StorageException)
        {
            lookup.Evict(digest);
            if (found.Next is not null)
            {
                lookup.Degraded(bucket, name, digest); // copies that differ
            }

            throw;
        }
        finally
        {
            locks.EndPublish(digest);
        }
    }

    private static async ValueTask SyncAsync(OpenObject found)
    {
        for (OpenObject? copy = found; copy is not null; copy = copy.Next)
        {
            ObjectDisk disk = copy.Stored.Disk;
            disk.Check(await disk.Io.SyncAsync(copy.File), "fsync (the custom metadata is the old or the new)", copy.Stored.Path.Whole.Span);
        }
    }

    private static async ValueTask RemoveSidecarsAsync(Bucket bucket, ulong digest, StoredObject old)
    {
        foreach (StoredObject copy in (StoredObject[])[old, .. old.Copies])
        {
            await ObjectRemoval.UnlinkAsync(copy.Disk, SidecarFiles.PathOf(bucket, digest, old.Metadata.Generation), bucket.Sidecars);
        }
    }

    /// <summary>A sidecar beside each copy; answers the record that goes with them.</summary>
    private async ValueTask<ObjectMetadata> PutSidecarsAsync(
        Bucket bucket, ObjectName name, ulong digest, OpenObject found, ObjectMetadata metadata)
    {
        (ObjectMetadata record, byte[] sidecar) = SidecarFiles.Split(metadata, name);
        for (OpenObject? copy = found; copy is not null; copy = copy.Next)
        {
            await SidecarFiles.PutAsync(copy.Stored.Disk, bucket, digest, metadata.Generation, sidecar, log);
        }

        return record;
    }

    private static ObjectMetadata Changed(ObjectMetadata old, List<KeyValuePair<string, string>> custom, ulong generation) => new()
    {
        Kind = old.Kind,
        SizeBytes = old.SizeBytes,
        Bid = old.Bid,
        Generation = generation,
        Version = old.Version,
        Checksum = old.Checksum,
        BlockDigests = old.BlockDigests,
        Custom = custom,
        Chunked = old.Chunked,
    };
}

/// <summary>The bound of custom metadata.</summary>
public static class CustomMetadata
{
    /// <summary>What is wrong with the pairs, in one sentence; null when they can be kept.</summary>
    public static string? Problem(IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        long bytes = 0;
        for (int i = 0; i < pairs.Count; i++)
        {
            (string key, string value) = pairs[i];
            if (key.Length == 0)
            {
                return "custom metadata has an empty key";
            }

            if (key.Any(char.IsControl) || value.Any(char.IsControl))
            {
                return "custom metadata contains a control character";
            }

            if (key.Contains('=', StringComparison.Ordinal) || key.Contains(',', StringComparison.Ordinal) || value.Contains(',', StringComparison.Ordinal))
            {
                return "custom metadata must not contain ',' nor its keys '=': the headers that carry it could not be split again";
            }

            bytes += System.Text.Encoding.UTF8.GetByteCount(key) + System.Text.Encoding.UTF8.GetByteCount(value);
        }

        return bytes <= Limits.CustomBytesMax ? null : $"custom metadata has {bytes} bytes; the limit is {Limits.CustomBytesMax}";
    }
}
