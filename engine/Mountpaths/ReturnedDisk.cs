using System.Text;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// Compares a mountpath that has come back with the others, before anything on it is read: what was overwritten or deleted while it was away
/// is removed from it. Writers look at it already (<see cref="ServingState.Joining"/>), and each name is looked at under its writer's lock, so
/// one walk is enough. What is newest here stays.
/// </summary>
internal sealed class ReturnedDisk(ObjectDisk disk, DiskTable disks, ObjectLookup lookup, NameLock locks, BucketTable buckets, IPartMap partMap, ILogger log)
{
    private long _removed;

    /// <summary>Walks everything on it. Throws <see cref="StorageException"/> when a disk fails, <see cref="OperationCanceledException"/> when aborted.</summary>
    public async Task RunAsync(JobContext job)
    {
        // From here on every writer's set has this disk.
        await disks.OlderLeftAsync(disks.Current, DiskUseKind.Brief).WaitAsync(job.Aborted);
        await RemoveStrayBucketsAsync();
        foreach (Bucket bucket in buckets.All)
        {
            var walk = new ObjectWalk(() => [disk], disks);
            await foreach (WalkedName walked in walk.NamesAsync(bucket, job.Aborted))
            {
                await job.PaceAsync(0);
                await CompareAsync(bucket, walked.Name, walked.Digest);
                job.Count(1, 0);
            }

            foreach (PartKind kind in PartName.Kinds)
            {
                await ComparePartsAsync(bucket, kind, job.Aborted);
            }
        }

        log.LogInformation("mountpath {Mountpath}: {Removed} files that were overwritten or deleted while it was away are removed", disk.Path, _removed);
    }

    private async ValueTask CompareAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        if (!bucket.TryEnter())
        {
            return;
        }

        try
        {
            using DiskUse use = disks.Enter();
            await locks.AcquireWriterAsync(digest);
            try
            {
                List<ObjectPlace> places = await lookup.PlacesAsync(bucket, name, digest, everywhere: true);
                if (ObjectPlace.On(places, disk) is not { } mine)
                {
                    return;
                }

                ulong newest = NewestOf(places);
                (ulong buried, _) = await Tombstones.NewestAsync(use.Set.Readable, bucket, name, digest);
                ulong generation = mine.Stored?.Metadata.Generation ?? 0; // a damaged file is not worth more than anything that is known
                lookup.Evict(digest);
                if (!mine.OfThisBucket || generation < newest || generation < buried)
                {
                    await ObjectRemoval.UnlinkHeadAsync(bucket, name, mine);
                    _removed++;
                }
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

    private ulong NewestOf(List<ObjectPlace> places) => places.Where(place => place.Disk != disk).Max(place => place.Stored?.Metadata.Generation) ?? 0;

    /// <summary>Parts of a generation that has been replaced; one that does not say whose it is stays for the scrub.</summary>
    private async Task ComparePartsAsync(Bucket bucket, PartKind kind, CancellationToken cancellation)
    {
        ReadOnlyMemory<byte> directory = PartName.DirectoryOf(bucket, kind);
        foreach (byte[] file in await DirectoryNames.FilesAsync(disk, directory))
        {
            cancellation.ThrowIfCancellationRequested();
            byte[] path = [.. directory.Span, (byte)'/', .. file];
            if (PartName.TryRead(kind, file, out PartName part) && await OwnerAsync(bucket, kind, path, part.Digest) is { } name && bucket.TryEnter())
            {
                try
                {
                    await ComparePartAsync(bucket, name, part);
                }
                finally
                {
                    bucket.Leave();
                }
            }
        }
    }

    private async Task ComparePartAsync(Bucket bucket, ObjectName name, PartName part)
    {
        using DiskUse use = disks.Enter();
        await locks.AcquireWriterAsync(part.Digest);
        try
        {
            List<ObjectPlace> places = await lookup.PlacesAsync(bucket, name, part.Digest, everywhere: true);
            ulong newest = places.Max(place => place.Stored?.Metadata.Generation) ?? 0;
            (ulong buried, _) = await Tombstones.NewestAsync(use.Set.Readable, bucket, name, part.Digest);
            var mine = new PartPlace(disk, part);
            bool isSpokenOf = newest >= buried // newer heads may speak of the same slices
                && places.Exists(place => place.Stored?.Metadata.Generation == newest && partMap.PartsOf(part.Digest, place).Contains(mine));
            if (!isSpokenOf && (part.Generation < newest || part.Generation < buried))
            {
                await mine.UnlinkAsync(bucket);
                _removed++;
            }
        }
        finally
        {
            locks.ReleaseWriter(part.Digest);
        }
    }

    private async Task<ObjectName?> OwnerAsync(Bucket bucket, PartKind kind, byte[] path, ulong digest)
    {
        ReadOnlyMemory<byte> owner;
        if (kind == PartKind.Sidecar)
        {
            (ObjectMetadata? sidecar, _, _) = await SidecarFiles.ReadAsync(disk, path);
            owner = sidecar?.SidecarOf ?? default;
        }
        else
        {
            IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read);
            if (opened.Error == Errno.ENOENT)
            {
                return null; // somebody has removed it since the directory was read
            }

            using FileHandle file = disk.Check(opened, "open", path);
            owner = (await WorkTarget.ReadAsync(disk, file, path, bucket, digest))?.Name.Utf8 ?? default;
        }

        return ObjectName.TryCreate(owner, out ObjectName name, out _) && bucket.DigestOf(name) == digest ? name : null;
    }

    /// <summary>Buckets that were destroyed while it was away go to its trash.</summary>
    private async Task RemoveStrayBucketsAsync()
    {
        HashSet<string> living = [.. buckets.All.Select(bucket => Encoding.UTF8.GetString(bucket.Home.Span))];
        foreach (string provider in await DirectoriesAsync(""))
        {
            foreach (string below in provider.StartsWith('@') ? await DirectoriesAsync(provider) : [])
            {
                bool isNamespace = below[(provider.Length + 1)..].StartsWith('@') || below[(provider.Length + 1)..].StartsWith('#');
                foreach (string home in isNamespace ? await DirectoriesAsync(below) : [below])
                {
                    if (!living.Contains(home))
                    {
                        log.LogWarning("mountpath {Mountpath}: {Bucket} was destroyed while it was away; it goes to the trash", disk.Path, home);
                        await disk.Attachment!.Trash.ThrowAwayAsync(Encoding.UTF8.GetBytes(home), bid: 0);
                    }
                }
            }
        }

        disk.Attachment!.StartEmptyingTrash();
    }

    private async Task<IReadOnlyList<string>> DirectoriesAsync(string path)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(path);
        if (path.Length == 0)
        {
            return [.. (await DirectoryNames.ReadAsync(disk, disk.Root)).Where(entry => entry.Kind == EntryKind.Directory).Select(entry => Encoding.UTF8.GetString(entry.Name))];
        }

        using FileHandle directory = disk.Check(await disk.Io.OpenAsync(disk.Root, utf8, OpenIntent.Directory), "open", utf8);
        return [.. (await DirectoryNames.ReadAsync(disk, directory)).Where(entry => entry.Kind == EntryKind.Directory)
            .Select(entry => $"{path}/{Encoding.UTF8.GetString(entry.Name)}")];
    }
}
