using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Integrity;

/// <summary>
/// Puts the damaged copies of one object into quarantine, as long as a whole one of the newest generation is left: what is damaged and alone stays, so that its reader is told that
/// it is damaged and not that it never was. What is missing afterwards is made by who restores redundancy.
/// </summary>
internal sealed class DamagedCopies(DiskTable disks, ObjectLookup lookup, NameLock locks, HeadPublisher heads, ILogger log)
{
    private long _quarantined;

    /// <summary>Files that were put into quarantine.</summary>
    public long QuarantinedCount => Volatile.Read(ref _quarantined);

    /// <summary>
    /// Reads all copies whole, from the page cache and past it, under the name's writer lock, and sets the bad ones aside. Answers how many, and whether none of those there is whole. Throws
    /// <see cref="StorageException"/> when one cannot be set aside; a disk that cannot be read is passed over.
    /// </summary>
    public async ValueTask<(int Moved, bool IsNoneWhole)> SetAsideAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        if (!bucket.TryEnter())
        {
            return default;
        }

        try
        {
            await locks.AcquireWriterAsync(digest);
            try
            {
                return await SetAsideLockedAsync(bucket, name, digest);
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

    private async ValueTask<(int Moved, bool IsNoneWhole)> SetAsideLockedAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        using DiskUse use = disks.Enter();
        List<(ObjectPlace Place, string? Problem)> copies = [];
        foreach (ObjectDisk disk in use.Set.Readable)
        {
            if (await LookAsync(disk, bucket, name) is { } copy)
            {
                copies.Add(copy);
            }
        }

        ulong newest = copies.Where(copy => copy.Problem is null).Select(copy => copy.Place.Stored!.Metadata.Generation).DefaultIfEmpty().Max();
        int moved = 0;
        foreach ((ObjectPlace place, string? problem) in copies)
        {
            // A damaged one that is newer than every whole one is the last that is known of what was acknowledged.
            if (problem is not null && newest > 0 && (place.Stored?.Metadata.Generation ?? 0) <= newest)
            {
                await heads.SetAsideAsync(bucket, name, digest, place, problem, log);
                if (place.DamagedSidecar > 0)
                {
                    await SetSidecarAsideAsync(bucket, name, digest, place, problem);
                }

                Interlocked.Increment(ref _quarantined);
                moved++;
            }
        }

        return (moved, copies.Count > 0 && newest == 0);
    }

    /// <summary>No head speaks of it any more.</summary>
    private async ValueTask SetSidecarAsideAsync(Bucket bucket, ObjectName name, ulong digest, ObjectPlace place, string problem)
    {
        ReadOnlyMemory<byte> path = SidecarFiles.PathOf(bucket, digest, place.DamagedSidecar);
        if ((await place.Disk.Io.StatAtAsync(place.Disk.Root, path)).Error == Errno.ENOENT)
        {
            return; // that was what is wrong
        }

        using DirectoryLease directory = place.Disk.Check(
            await place.Disk.Directories.AcquireAsync(bucket.Sidecars, DirectoryUse.Existing), "open", bucket.Sidecars.Span);
        await Quarantine.MoveAsync(
            place.Disk, directory.Handle, DirectoryTable.LeafOf(path), digest, new QuarantineNote(problem, bucket.Name.ToString(), name.ToString()), log);
        place.Disk.Check(await directory.SyncAsync(), "fsync of the directory", bucket.Sidecars.Span);
    }

    /// <summary>The file on one mountpath and what is wrong with it; null when there is none, or nothing can be said of it.</summary>
    private async ValueTask<(ObjectPlace Place, string? Problem)?> LookAsync(ObjectDisk disk, Bucket bucket, ObjectName name)
    {
        try
        {
            List<ObjectPlace> places = await lookup.PlacesOnAsync(disk, bucket, name);
            if (places is not [{ OfThisBucket: true } place])
            {
                return null;
            }

            if (place.Stored is not { } stored)
            {
                return (place, "its record cannot be read or does not fit the file");
            }

            if (stored.Metadata.Kind != RecordKind.Object)
            {
                return (place, null); // a head without bytes: its record is all of it
            }

            using FileHandle file = disk.Check(await disk.Io.OpenAsync(disk.Root, place.Path.Whole, OpenIntent.Read), "open", place.Path.Whole.Span);
            int? bad = await BlockVerifier.FirstBadBlockAsync(disk, file, stored.Metadata, 0, stored.Metadata.BlockCount)
                ?? await BlockVerifier.FirstBadBlockAsync(disk, file, stored.Metadata, 0, stored.Metadata.BlockCount, pastCache: true);
            return (place, bad is null ? null : $"block {bad} does not match its digest");
        }
        catch (StorageException)
        {
            return null; // counted with the disk's faults
        }
    }
}
