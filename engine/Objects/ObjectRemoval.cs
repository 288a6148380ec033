using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>
/// Removes an object. Older copies on other mountpaths go first and the newest last, each durable before the next in a strict bucket, so
/// that a crash in between never brings an older generation back. Files that are being sent stay readable until they are released.
/// </summary>
public sealed class ObjectRemoval(ObjectLookup lookup, NameLock locks, Func<ObjectDisk, RelaxedFlusher> flusherOf)
{
    /// <summary>
    /// Removes the object under that name. NotFound when there is none; a damaged one is removed like any other. Throws
    /// <see cref="StorageException"/> when a disk fails: the object is then still there or gone.
    /// </summary>
    public async ValueTask<Result> DeleteAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        if (!bucket.TryEnter())
        {
            return BucketTable.NotFound(bucket.Name);
        }

        try
        {
            await locks.AcquireWriterAsync(digest);
            try
            {
                List<ObjectPlace> places = await lookup.PlacesAsync(bucket, name, digest);
                if (!places.Exists(place => place.OfThisBucket))
                {
                    return ObjectLookup.NotFound(bucket, name);
                }

                foreach (ObjectPlace place in places.OrderBy(place => place.Stored?.Metadata.Generation ?? 0))
                {
                    await RemoveAsync(bucket, digest, place);
                }

                return Result.Done;
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

    /// <summary>
    /// Removes a file that nobody looks for any more, and the directories that became empty by it up to <paramref name="content"/>.
    /// One that is gone already is no error; nothing is synced.
    /// </summary>
    public static async ValueTask UnlinkAsync(ObjectDisk disk, ReadOnlyMemory<byte> path, ReadOnlyMemory<byte> content)
    {
        ReadOnlyMemory<byte> directoryPath = DirectoryTable.ParentOf(path);
        IoResult<DirectoryLease> acquired = await disk.Directories.AcquireAsync(directoryPath, DirectoryUse.Existing);
        if (acquired.Error is Errno.ENOENT or Errno.ENOTDIR)
        {
            return;
        }

        using (DirectoryLease directory = disk.Check(acquired, "open", directoryPath.Span))
        {
            IoResult removed = await disk.Io.UnlinkAsync(directory.Handle, DirectoryTable.LeafOf(path), EntryKind.File);
            if (!removed.Ok && removed.Error != Errno.ENOENT)
            {
                throw disk.Fault("unlink", removed.Error, path.Span);
            }
        }

        await disk.Directories.PruneAsync(directoryPath, content);
    }

    private async ValueTask RemoveAsync(Bucket bucket, ulong digest, ObjectPlace place)
    {
        bool strict = bucket.Properties.Durability == Durability.Strict;
        ObjectDisk disk = place.Disk;
        ReadOnlyMemory<byte> directoryPath = place.Path.Directory;
        using (DirectoryLease directory = disk.Check(
            await disk.Directories.AcquireAsync(directoryPath, DirectoryUse.Existing), "open", directoryPath.Span))
        {
            await locks.BeginPublishAsync(digest);
            try
            {
                disk.Check(await disk.Io.UnlinkAsync(directory.Handle, place.Path.Leaf, EntryKind.File), "unlink", place.Path.Whole.Span);
                lookup.Evict(digest);
            }
            finally
            {
                locks.EndPublish(digest);
            }

            if (strict)
            {
                disk.Check(await directory.SyncAsync(), "fsync of the directory", directoryPath.Span);
            }
        }

        await disk.Directories.PruneAsync(directoryPath, bucket.Objects);
        await RemoveSidecarAsync(bucket, digest, place, strict);
    }

    private async ValueTask RemoveSidecarAsync(Bucket bucket, ulong digest, ObjectPlace place, bool strict)
    {
        if (place.Stored is not { Metadata.HasSidecar: true } old)
        {
            if (!strict)
            {
                flusherOf(place.Disk).MarkDirty();
            }

            return;
        }

        ObjectDisk disk = place.Disk;
        byte[] sidecar = SidecarFiles.PathOf(bucket, digest, old.Metadata.Generation);
        if (strict)
        {
            await UnlinkAsync(disk, sidecar, bucket.Sidecars);
            return;
        }

        // Until the removal is flushed a power cut may bring the object back, and then it needs its sidecar.
        RelaxedFlusher flusher = flusherOf(disk);
        flusher.Begin(old.Metadata.Generation);
        flusher.End(old.Metadata.Generation, () => UnlinkAsync(disk, sidecar, bucket.Sidecars));
    }
}
