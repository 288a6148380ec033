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
    /// <summary>Merges pairs by key, or replaces them all, and answers what the object is then. An empty value stays an empty value.</summary>
    public async ValueTask<Result<StoredObject>> SetCustomAsync(
        Bucket bucket, ObjectName name, ulong digest, IReadOnlyList<KeyValuePair<string, string>> custom, bool replaceAll)
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
                Result<OpenObject> found = await lookup.FindAsync(bucket, name, digest);
                if (!found.Ok)
                {
                    return found.Error!;
                }

                using FileHandle file = found.Value.File;
                List<KeyValuePair<string, string>> merged = replaceAll ? [.. custom] : Merge(found.Value.Stored.Metadata.Custom, custom);
                return CustomMetadata.Problem(merged) is { } problem
                    ? new Failure(ErrorCode.MetadataTooLarge, problem)
                    : await ReplaceRecordAsync(bucket, name, digest, found.Value, merged);
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

    private static List<KeyValuePair<string, string>> Merge(
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
        Bucket bucket, ObjectName name, ulong digest, OpenObject found, List<KeyValuePair<string, string>> custom)
    {
        bool strict = bucket.Properties.Durability == Durability.Strict;
        StoredObject old = found.Stored;
        ObjectDisk disk = old.Disk;
        ObjectMetadata metadata = Changed(old.Metadata, custom, clock.Next(old.Metadata.Generation));
        RelaxedFlusher flusher = flusherOf(disk);
        if (!strict)
        {
            flusher.Begin(metadata.Generation);
        }

        bool done = false;
        try
        {
            if (MetadataRecord.LengthOf(metadata) > Limits.RecordInlineBytesMax)
            {
                metadata = await PutSidecarAsync(bucket, name, digest, disk, metadata);
            }

            var stored = new StoredObject(metadata, disk, old.Path, old.AccessedNs);
            stored.AdoptVerified(old);
            await locks.BeginPublishAsync(digest);
            try
            {
                await RecordFiles.SetAsync(disk, found.File, metadata, old.Path.Whole);
                lookup.Replace(digest, bucket.Bid, name, stored);
            }
            finally
            {
                locks.EndPublish(digest);
            }

            if (strict)
            {
                disk.Check(await disk.Io.SyncAsync(found.File), "fsync (the custom metadata is the old or the new)", old.Path.Whole.Span);
            }

            done = true;
            return stored;
        }
        finally
        {
            Func<ValueTask>? release = done && old.Metadata.HasSidecar
                ? () => ObjectRemoval.UnlinkAsync(disk, SidecarFiles.PathOf(bucket, digest, old.Metadata.Generation), bucket.Sidecars)
                : null;
            if (!strict)
            {
                flusher.End(metadata.Generation, release);
            }
            else if (release is not null)
            {
                await release();
            }
        }
    }

    private async ValueTask<ObjectMetadata> PutSidecarAsync(
        Bucket bucket, ObjectName name, ulong digest, ObjectDisk disk, ObjectMetadata metadata)
    {
        (ObjectMetadata record, byte[] sidecar) = SidecarFiles.Split(metadata, name);
        await using WorkFile work = await WorkFile.CreateAsync(disk, bucket, digest);
        await SidecarFiles.WriteAsync(work, sidecar);
        await work.SyncAsync(log);
        using DirectoryLease directory = disk.Check(
            await disk.Directories.AcquireAsync(bucket.Sidecars, DirectoryUse.CreateDurable), "mkdir", bucket.Sidecars.Span);
        byte[] target = SidecarFiles.NameOf(digest, metadata.Generation);
        disk.Check(
            await disk.Io.RenameAsync(work.Directory, work.Name, directory.Handle, target, RenameMode.Replace), "rename", work.Path.Span);
        work.GiveAway();
        disk.Check(await directory.SyncAsync(), "fsync of the directory", bucket.Sidecars.Span);
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
