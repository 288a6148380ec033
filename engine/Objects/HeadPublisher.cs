using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Integrity;
using Sluice.Engine.Io;
using Sluice.Engine.Names;
using Sluice.Engine.Pooling;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>
/// Renames heads into place, for the commit and for recovery: at the object's name or, where a directory of that name stands, at its leaf.
/// Readers are kept out for the rename only; it is not durable until the directory, which is handed on, is synced.
/// </summary>
public sealed class HeadPublisher(ObjectLookup lookup, NameLock locks, NestedNames nested, ObjectClock clock)
{
    private const int AttemptsMax = 16; // each needs a new conflicting name in between; a defect must not spin

    /// <summary>
    /// Renames a head of the set, whose name the caller has locked as its writer; makes room where a file stands in the way of the
    /// directory. With <see cref="DirectoryUse.Create"/> an old head changes places with it and stays in the work directory. Answers what
    /// stands there now and its directory, leased, so that the caller can sync it.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<(StoredObject Stored, DirectoryLease Directory)> PublishAsync(
        ReplicaSet set, WorkFile head, ObjectMetadata metadata, ObjectPlace? old, DirectoryUse use)
    {
        ObjectDisk disk = head.Disk;
        ObjectPath path = old?.Path ?? set.Plain;
        bool exchange = use == DirectoryUse.Create && old is not null;
        for (int attempt = 0; attempt < AttemptsMax; attempt++)
        {
            IoResult<DirectoryLease> acquired = await disk.Directories.AcquireAsync(path.Directory, use);
            if (acquired.Error == Errno.ENOTDIR)
            {
                await nested.MakeRoomAsync(disk, set.Bucket, set.Name);
                continue;
            }

            DirectoryLease directory = disk.Check(acquired, "mkdir", path.Directory.Span);
            StoredObject? stored = null;
            Errno refused;
            try
            {
                (stored, refused) = await RenameAsync(set, head, metadata, path, directory, exchange ? RenameMode.Exchange : RenameMode.Replace);
            }
            finally
            {
                if (stored is null)
                {
                    directory.Dispose();
                }
            }

            if (stored is not null)
            {
                return (stored, directory);
            }

            switch (refused)
            {
                case Errno.EISDIR or Errno.ENOTEMPTY or Errno.EEXIST when !path.IsLeaf:
                    path = path.AsLeaf();
                    break;
                case Errno.ENOENT when exchange:
                    exchange = false; // what was to be kept is gone
                    break;
                case Errno.ENOENT or Errno.ENOTDIR:
                    break; // the directory was renamed away with its bucket, or pruned; made anew in the next attempt
                default:
                    throw disk.Fault("rename", refused, path.Whole.Span);
            }
        }

        throw disk.Fault("rename", Errno.EBUSY, path.Whole.Span);
    }

    /// <summary>
    /// Renames the head to the plain place of its name if nothing stands there, neither file nor directory. Null when that cannot be: <see cref="PublishAsync"/>
    /// tells why, or succeeds.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<StoredObject?> TryPublishNewAsync(ReplicaSet set, WorkFile head, ObjectMetadata metadata)
    {
        IoResult<DirectoryLease> acquired = await head.Disk.Directories.AcquireAsync(set.Plain.Directory, DirectoryUse.Create);
        if (!acquired.Ok)
        {
            return null;
        }

        using DirectoryLease directory = acquired.Value;
        (StoredObject? stored, _) = await RenameAsync(set, head, metadata, set.Plain, directory, RenameMode.NoReplace);
        return stored;
    }

    /// <summary>
    /// Puts a head that is not what it should be into quarantine, durably; the name's writer calls. Throws <see cref="StorageException"/>: it stands there still then, or is gone.
    /// </summary>
    public async ValueTask SetAsideAsync(Bucket bucket, ObjectName name, ulong digest, ObjectPlace place, string problem, ILogger log)
    {
        ObjectDisk disk = place.Disk;
        await disk.BeginNameAsync(bucket, name);
        using DirectoryLease directory = disk.Check(
            await disk.Directories.AcquireAsync(place.Path.Directory, DirectoryUse.Existing), "open", place.Path.Directory.Span);
        await locks.BeginPublishAsync(digest);
        try
        {
            await Quarantine.MoveAsync(disk, directory.Handle, place.Path.Leaf, digest, new QuarantineNote(problem, bucket.Name.ToString(), name.ToString()), log);
            disk.NameIsGone(bucket, name);
            lookup.Evict(digest);
        }
        catch (StorageException fault)
        {
            disk.DoubtNames(bucket, fault.Message);
            throw;
        }
        finally
        {
            locks.EndPublish(digest);
        }

        disk.Check(await directory.SyncAsync(), "fsync of the directory", place.Path.Directory.Span);
    }

    /// <summary>A rename that was refused for what stands there changed nothing; of any other error nobody knows.</summary>
    private static void DoubtAfter(ReplicaSet set, ObjectDisk disk, Errno error)
    {
        if (error is not (Errno.EISDIR or Errno.ENOTDIR or Errno.ENOTEMPTY or Errno.EEXIST or Errno.ENOENT or Errno.ENOSPC or Errno.EDQUOT))
        {
            disk.DoubtNames(set.Bucket, "a rename failed");
        }
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<(StoredObject? Stored, Errno Refused)> RenameAsync(
        ReplicaSet set, WorkFile head, ObjectMetadata metadata, ObjectPath path, DirectoryLease directory, RenameMode mode)
    {
        ObjectDisk disk = head.Disk;
        await disk.BeginNameAsync(set.Bucket, set.Name);
        await locks.BeginPublishAsync(set.Digest);
        try
        {
            IoResult renamed = await head.RenameAsync(directory.Handle, path.Leaf, mode);
            if (!renamed.Ok)
            {
                DoubtAfter(set, disk, renamed.Error);
                return (null, renamed.Error);
            }

            head.GiveAway();
            disk.NameStands(set.Bucket, set.Name, metadata);
            var stored = new StoredObject(metadata, disk, path, clock.NowNs);
            lookup.Replace(set.Digest, set.Bucket.Bid, set.Name, set.Show(stored));
            return (stored, Errno.None);
        }
        finally
        {
            locks.EndPublish(set.Digest);
        }
    }
}
