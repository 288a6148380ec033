using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Names;
using Sluice.Engine.Pooling;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>
/// Removes an object. Older copies on other mountpaths go first and the newest last, of one generation the first head last, each durable
/// before the next, so that a crash in between never brings an older generation back. Its parts go when no head speaks of them any more.
/// Files that are being sent stay readable until they are released.
/// </summary>
public sealed class ObjectRemoval(
    ObjectLookup lookup, NameLock locks, ObjectClock clock, Func<ObjectDisk, RelaxedFlusher> flusherOf, IPartMap partMap, ILogger log)
{
    /// <summary>Where parts are noted that a drive did not let go of; null where nobody looks for them.</summary>
    internal LeftoverParts? Leftovers { get; init; }

    /// <summary>Is told of uploads that no object has any more.</summary>
    internal Action<Bucket, ulong>? UploadFreed { get; init; }

    /// <summary>Is told of uploads whose object is about to be removed.</summary>
    internal UploadEnds? UploadEnds { get; init; }

    /// <summary>
    /// Removes the object under that name. NotFound when there is none; a damaged one is removed like any other. Throws
    /// <see cref="StorageException"/> when a disk fails: the object is then still there or gone. With <paramref name="isDurable"/> it is gone from stable storage too,
    /// whatever the bucket says. With <paramref name="only"/> it is refused with Busy when the name has another object by now, or that one other custom metadata.
    /// </summary>
    public async ValueTask<Result> DeleteAsync(Bucket bucket, ObjectName name, ulong digest, bool isDurable = false, StoredObject? only = null)
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
                List<ObjectPlace> places = await lookup.PlacesAsync(bucket, name, digest);
                DiskSet disks = lookup.Disks.Current;
                bool isHere = places.Exists(place => place.OfThisBucket);
                if (isHere && only is not null && !IsStill(only, places))
                {
                    return new Failure(ErrorCode.Busy, "the object was changed meanwhile");
                }

                await (UploadEnds is null || name.IsHidden ? default : UploadEnds.TellAsync(bucket, digest, places));
                bool isBuried = wasAway || disks.Away.Count > 0;
                ulong newest = isBuried ? places.Max(static place => place.Stored?.Metadata.Generation) ?? 0 : 0;
                if (isBuried)
                {
                    // Before the heads go: a start that finds both finishes the removal.
                    await Tombstones.LeaveAsync(disks, bucket, name, digest, clock.Next(newest), Burial.Deleted, log);
                }

                Leftovers?.LookAgain(bucket, name, digest);
                if (!isHere)
                {
                    bool isGone = disks.MayBeAway(digest, copies: 1) || (UploadEnds is not null && await UploadEnds.TellOfLostAsync(bucket, digest));
                    return isGone ? Result.Done : ObjectLookup.NotFound(bucket, name);
                }

                // No flusher could vouch for several mountpaths together.
                bool strict = isDurable || bucket.Properties.Durability == Durability.Strict || places.Count > 1
                    || places.Exists(static place => place.Stored?.Metadata.Slices is not null);
                places.Reverse();
                OpenObject? beingRead = await lookup.HoldSlicesAsync(bucket, name, digest);
                try
                {
                    await RemoveHeadsAsync(bucket, name, digest, places, strict);
                    await RemovePartsAsync(bucket, name, digest, places, strict);
                }
                catch (StorageException) when (isBuried)
                {
                    await TakeBackAsync(disks, bucket, name, digest, newest);
                    throw;
                }
                finally
                {
                    beingRead?.Release();
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

    private static bool IsStill(StoredObject only, List<ObjectPlace> places)
    {
        ObjectMetadata? newest = places.Select(static place => place.Stored?.Metadata).MaxBy(static metadata => metadata?.Generation ?? 0);
        return newest?.Generation == only.Metadata.Generation && newest.Custom.SequenceEqual(only.Metadata.Custom);
    }

    /// <summary>
    /// Removes a file that nobody looks for any more, and the directories that became empty by it up to <paramref name="content"/>.
    /// One that is gone already is no error; nothing is synced.
    /// </summary>
    public static ValueTask UnlinkAsync(ObjectDisk disk, ReadOnlyMemory<byte> path, ReadOnlyMemory<byte> content) =>
        UnlinkAsync(disk, path, content, Durability.Relaxed);

    /// <summary>The same; with <see cref="Durability.Strict"/> the name is gone from stable storage too when this returns.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    public static async ValueTask UnlinkAsync(ObjectDisk disk, ReadOnlyMemory<byte> path, ReadOnlyMemory<byte> content, Durability durability)
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

            if (durability == Durability.Strict)
            {
                disk.Check(await directory.SyncAsync(), "fsync of the directory", directoryPath.Span);
            }
        }

        await disk.Directories.PruneAsync(directoryPath, content);
    }

    /// <summary>Removes a head durably, as <see cref="UnlinkAsync(ObjectDisk, ReadOnlyMemory{byte}, ReadOnlyMemory{byte}, Durability)"/> does, for who holds its name.</summary>
    public static async ValueTask UnlinkHeadAsync(Bucket bucket, ObjectName name, ObjectPlace place, Durability durability = Durability.Strict)
    {
        await place.Disk.BeginNameAsync(bucket, name);
        try
        {
            await UnlinkAsync(place.Disk, place.Path.Whole, bucket.Objects, durability);
            place.Disk.NameIsGone(bucket, name);
        }
        catch (StorageException fault)
        {
            place.Disk.DoubtNames(bucket, fault.Message);
            throw;
        }
    }

    /// <summary>Removes parts of which no head speaks any more. One that a drive does not let go of is noted, and keeps nobody from the others.</summary>
    internal static async ValueTask UnlinkPartsAsync(
        Bucket bucket, ObjectName name, ulong digest, IReadOnlyList<PartPlace> parts, LeftoverParts? leftovers, ILogger log)
    {
        List<PartPlace> left = [];
        foreach (PartPlace part in parts)
        {
            try
            {
                await part.UnlinkAsync(bucket);
            }
            catch (StorageException fault)
            {
                log.LogError("a part that no object has is left: {Fault}", fault.Message);
                left.Add(part);
            }
        }

        leftovers?.Add(bucket, name, digest, left);
    }

    /// <summary>
    /// Oldest first. Where a drive does not let go of one the parts stay, noted: once that drive has left, and the name has another object or none, no head tells of them.
    /// </summary>
    private async ValueTask RemoveHeadsAsync(Bucket bucket, ObjectName name, ulong digest, List<ObjectPlace> places, bool strict)
    {
        try
        {
            foreach (ObjectPlace place in places.OrderBy(place => place.Stored?.Metadata.Generation ?? 0))
            {
                await RemoveAsync(bucket, name, digest, place, strict);
            }
        }
        catch (StorageException)
        {
            Leftovers?.Add(bucket, name, digest, PartsOf(digest, places));
            throw;
        }
    }

    /// <summary>
    /// A delete is refused, and the object stands: what buries it would make the next start finish what was refused, long after somebody has read it. What is older
    /// than the object stays buried.
    /// </summary>
    private async ValueTask TakeBackAsync(DiskSet disks, Bucket bucket, ObjectName name, ulong digest, ulong newest)
    {
        try
        {
            List<ObjectPlace> left = await lookup.PlacesAsync(bucket, name, digest);
            if (newest > 0 && left.Exists(place => place.Stored?.Metadata.Generation == newest))
            {
                await Tombstones.LeaveAsync(disks, bucket, name, digest, newest, Burial.Replaced, log);
            }
        }
        catch (StorageException fault)
        {
            log.LogError("the next start may finish a delete that was refused: {Fault}", fault.Message);
        }
    }

    private IEnumerable<PartPlace> PartsOf(ulong digest, List<ObjectPlace> places) => places.SelectMany(place => partMap.PartsOf(digest, place)).Distinct();

    private async ValueTask RemoveAsync(Bucket bucket, ObjectName name, ulong digest, ObjectPlace place, bool strict)
    {
        ObjectDisk disk = place.Disk;
        ReadOnlyMemory<byte> directoryPath = place.Path.Directory;
        await disk.BeginNameAsync(bucket, name);
        using (DirectoryLease directory = disk.Check(
            await disk.Directories.AcquireAsync(directoryPath, DirectoryUse.Existing), "open", directoryPath.Span))
        {
            await locks.BeginPublishAsync(digest);
            try
            {
                disk.Check(await disk.Io.UnlinkAsync(directory.Handle, place.Path.Leaf, EntryKind.File), "unlink", place.Path.Whole.Span);
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

            if (strict)
            {
                disk.Check(await directory.SyncAsync(), "fsync of the directory", directoryPath.Span);
            }
        }

        await disk.Directories.PruneAsync(directoryPath, bucket.Objects);
    }

    private async ValueTask RemovePartsAsync(Bucket bucket, ObjectName name, ulong digest, List<ObjectPlace> places, bool strict)
    {
        List<PartPlace> parts = [.. PartsOf(digest, places)];
        ulong[] uploads = [.. places.Select(static place => place.Stored?.Metadata.Chunked?.UploadId ?? 0).Where(static upload => upload != 0).Distinct()];
        if (strict)
        {
            await UnlinkPartsAsync(bucket, name, digest, parts, Leftovers, log);
            Array.ForEach(uploads, upload => UploadFreed?.Invoke(bucket, upload));
            return;
        }

        RelaxedFlusher flusher = flusherOf(places[0].Disk);
        if (parts.Count == 0 && uploads.Length == 0)
        {
            flusher.MarkDirty();
            return;
        }

        // Until the removal is flushed a power cut may bring the object back, and then it needs its parts.
        flusher.End(flusher.Begin(), async () =>
        {
            foreach (PartPlace part in parts)
            {
                await part.UnlinkAsync(bucket);
            }

            Array.ForEach(uploads, upload => UploadFreed?.Invoke(bucket, upload));
        });
    }
}
