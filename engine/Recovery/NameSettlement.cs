using System.Text;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native;

namespace Sluice.Engine.Recovery;

/// <summary>
/// Settles the names of one bucket that an interrupted commit, delete or change of metadata left between two states: those that an orphan
/// in a work directory or a part speaks of, each once. The newest generation that has a head wins. Heads of it that are still in a work
/// directory are renamed into place, older heads are removed; when all that is durable, parts that they do not speak of go. So a crash at any
/// moment of this leaves the name to be settled again, to the same end.
/// </summary>
internal sealed class NameSettlement(
    IReadOnlyList<ObjectDisk> disks, ObjectLookup lookup, NameLock locks, HeadPublisher heads, IPartMap partMap, Bucket bucket, RecoveryReport report, ILogger log)
{
    private readonly Dictionary<ObjectName, Unsettled> _names = [];
    private readonly HashSet<ObjectDisk> _changed = [];

    /// <summary>Settles all names of the bucket on all mountpaths.</summary>
    public async Task RunAsync()
    {
        foreach (ObjectDisk disk in disks)
        {
            await FindOrphansAsync(disk);
            foreach (PartKind kind in PartName.Kinds)
            {
                await FindPartsAsync(disk, kind);
            }
        }

        var losers = new List<PartPlace>();
        foreach (Unsettled unsettled in _names.Values)
        {
            losers.AddRange(await SettleHeadsAsync(unsettled));
        }

        // A head whose removal were lost in a power cut would need its parts to be known for what it is.
        foreach (ObjectDisk disk in _changed)
        {
            disk.Check(await disk.Io.SyncFileSystemAsync(disk.Root), "syncfs", default);
        }

        foreach (PartPlace part in losers)
        {
            await RemoveAsync(part);
        }
    }

    /// <summary>Names that the work directory speaks of, and the heads in it; every work file is looked at, no object is.</summary>
    private async Task FindOrphansAsync(ObjectDisk disk)
    {
        foreach (byte[] file in await DirectoryNames.FilesAsync(disk, bucket.Work))
        {
            byte[] path = [.. bucket.Work.Span, (byte)'/', .. file];
            if (!ObjectDisk.TryReadWorkName(file, out ulong digest))
            {
                continue;
            }

            using FileHandle open = disk.Check(await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read), "open", path);
            if (await WorkTarget.ReadAsync(disk, open, path, bucket, digest) is not { } target)
            {
                continue;
            }

            Unsettled unsettled = Of(target.Name, digest); // a note, or a head that an overwrite keeps, speaks of heads elsewhere
            (ObjectMetadata? metadata, _) = await RecordFiles.ReadAsync(disk, open, path);
            if (target.IsOrphan(file) && metadata is { Kind: RecordKind.Object or RecordKind.Stripe } && metadata.Bid == bucket.Bid)
            {
                unsettled.Orphans.Add((disk, file, metadata));
            }
        }
    }

    private async Task FindPartsAsync(ObjectDisk disk, PartKind kind)
    {
        ReadOnlyMemory<byte> directory = PartName.DirectoryOf(bucket, kind);
        foreach (byte[] file in await DirectoryNames.FilesAsync(disk, directory))
        {
            if (!PartName.TryRead(kind, file, out PartName part))
            {
                continue;
            }

            byte[] path = [.. directory.Span, (byte)'/', .. file];
            (ObjectName name, string? problem) = kind == PartKind.Sidecar
                ? await OwnerOfSidecarAsync(disk, path, part.Digest)
                : await OwnerAsync(disk, path, part.Digest);
            if (problem is null)
            {
                Of(name, part.Digest).Parts.Add(new PartPlace(disk, part));
                continue;
            }

            log.LogWarning("mountpath {Mountpath}: {Part} is unreadable: {Problem}", disk.Path, Encoding.ASCII.GetString(path), problem);
            if (kind == PartKind.Sidecar)
            {
                // A relaxed one that was torn, so not part of anything that stands. Parts of wide sets are never torn: for somebody to look at.
                await RemoveAsync(new PartPlace(disk, part));
            }
        }
    }

    private async Task<(ObjectName Name, string? Problem)> OwnerOfSidecarAsync(ObjectDisk disk, byte[] path, ulong digest)
    {
        (ObjectMetadata? sidecar, _, string? problem) = await SidecarFiles.ReadAsync(disk, path);
        return sidecar is null || !ObjectName.TryCreate(sidecar.SidecarOf, out ObjectName name, out problem) ? (default, problem)
            : bucket.DigestOf(name) == digest ? (name, null)
            : (default, "it has the name of another object's");
    }

    private async Task<(ObjectName Name, string? Problem)> OwnerAsync(ObjectDisk disk, byte[] path, ulong digest)
    {
        using FileHandle file = disk.Check(await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read), "open", path);
        return await WorkTarget.ReadAsync(disk, file, path, bucket, digest) is { } target ? (target.Name, null) : (default, "it does not say whose it is");
    }

    /// <summary>Leaves one generation of heads; answers the parts that none of them speaks of. A damaged head stops the clean-up of its name.</summary>
    private async Task<IEnumerable<PartPlace>> SettleHeadsAsync(Unsettled unsettled)
    {
        (ObjectName name, ulong digest) = (unsettled.Name, unsettled.Digest);
        List<ObjectPlace> places = await lookup.PlacesAsync(bucket, name, digest, everywhere: true);
        ulong winner = places.Max(head => head.Stored?.Metadata.Generation) ?? 0;
        int late = 0;
        foreach ((ObjectDisk disk, byte[] file, ObjectMetadata metadata) in unsettled.Orphans.Where(orphan => orphan.Metadata.Generation == winner))
        {
            late += await BringAsync(unsettled, disk, file, metadata, ObjectPlace.On(places, disk)) ? 1 : 0;
        }

        places = late == 0 ? places : await lookup.PlacesAsync(bucket, name, digest, everywhere: true);
        if (places.Exists(head => head.OfThisBucket && head.Stored is null))
        {
            return [];
        }

        foreach (ObjectPlace old in places.Where(head => head.Stored is { } stored && stored.Metadata.Generation < winner))
        {
            _changed.Add(old.Disk);
            await ObjectRemoval.UnlinkHeadAsync(bucket, name, old, Durability.Relaxed);
            Interlocked.Increment(ref report.Leftovers);
        }

        HashSet<PartPlace> standing = [.. places.Where(head => head.Stored?.Metadata.Generation == winner).SelectMany(head => partMap.PartsOf(digest, head))];
        return unsettled.Parts.Where(part => !standing.Contains(part));
    }

    /// <summary>
    /// Renames a further head of the winning generation over what stands in its place. False when the mountpath has no room for it: then
    /// the old head goes, and the object has a copy less.
    /// </summary>
    private async Task<bool> BringAsync(Unsettled unsettled, ObjectDisk disk, byte[] file, ObjectMetadata metadata, ObjectPlace? old)
    {
        await using ReplicaSet set = ReplicaSet.Rent(bucket, unsettled.Name, unsettled.Digest);
        set.Add(ReplicaMember.Head(await WorkFile.AdoptAsync(disk, bucket, file)));
        await locks.AcquireWriterAsync(unsettled.Digest); // nobody else is there yet; publishing asks for it
        try
        {
            (StoredObject stored, DirectoryLease directory) =
                await heads.PublishAsync(set, set.Members[0].Work, metadata, old, DirectoryUse.CreateDurable);
            directory.Dispose();
            _changed.Add(disk);
            Interlocked.Increment(ref report.Heads);
            log.LogWarning("mountpath {Mountpath}: {Path} is brought to the generation of its first head", disk.Path, Encoding.UTF8.GetString(stored.Path.Whole.Span));
            return true;
        }
        catch (StorageException fault) when (fault.Error is Errno.ENOSPC or Errno.EDQUOT)
        {
            log.LogError("a copy of an object is missing: {Fault}", fault.Message);
            return false;
        }
        finally
        {
            lookup.Evict(unsettled.Digest); // the record alone was cached, without what a sidecar adds to it
            locks.ReleaseWriter(unsettled.Digest);
        }
    }

    private async Task RemoveAsync(PartPlace part)
    {
        await part.UnlinkAsync(bucket);
        Interlocked.Increment(ref report.Leftovers);
    }

    private Unsettled Of(ObjectName name, ulong digest)
    {
        if (!_names.TryGetValue(name, out Unsettled? unsettled))
        {
            unsettled = new Unsettled(name.Copy(), digest);
            _names.Add(unsettled.Name, unsettled);
        }

        return unsettled;
    }

    /// <summary>One name and what speaks of it.</summary>
    private sealed record Unsettled(ObjectName Name, ulong Digest)
    {
        public List<(ObjectDisk Disk, byte[] File, ObjectMetadata Metadata)> Orphans { get; } = [];

        public List<PartPlace> Parts { get; } = [];
    }
}
