using System.Text;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native;

namespace Sluice.Engine.Scrub;

/// <summary>
/// Looks for files that no object speaks of: parts whose head is gone or is of another generation, and work files of an earlier run. What a part
/// belongs to is looked at again under the name's writer lock, because a commit makes parts durable before their head.
/// </summary>
internal sealed class PartScrub(ScrubWorld world, ScrubRun run, ObjectDisk disk, Bucket bucket, ObjectScrub objects, ColdBlocks blocks)
{
    private const int OrphansMax = 1024; // wait for one flush together

    private readonly UnownedSlices _unowned = new(world, bucket);
    private readonly List<Orphan> _orphans = [];

    /// <summary>Looks at everything in the directories of parts.</summary>
    public async ValueTask CheckPartsAsync()
    {
        foreach (PartKind kind in PartName.Kinds)
        {
            ReadOnlyMemory<byte> directory = PartName.DirectoryOf(bucket, kind);
            await foreach ((byte[] path, EntryKind entry) in TreeWalk.FilesAsync(world, disk, directory, run.Job.Aborted))
            {
                using IDisposable? use = world.Enter(disk);
                if (use is null)
                {
                    return;
                }

                try
                {
                    await CheckPartAsync(kind, directory, path, entry);
                }
                catch (StorageException fault)
                {
                    run.Tell(disk, bucket, Encoding.UTF8.GetString(path), "unreadable", $"{fault.Error} on {fault.Verb}", "reported");
                }
            }
        }

        await SettleOrphansAsync();
        foreach ((UnownedSlice slice, ObjectName? owner) in await _unowned.ResolveAsync(run.Job.Aborted))
        {
            await TellUnownedAsync(slice, owner);
        }
    }

    /// <summary>Looks at the work directory: what this run did not make there, nobody will finish.</summary>
    public async ValueTask CheckWorkFilesAsync()
    {
        await foreach ((byte[] path, EntryKind _) in TreeWalk.FilesAsync(world, disk, bucket.Work, run.Job.Aborted))
        {
            using IDisposable? use = world.Enter(disk);
            if (use is null)
            {
                return;
            }

            ReadOnlySpan<byte> name = path.AsSpan(bucket.Work.Length + 1);
            if (!disk.IsOfThisRun(name) && !name.Contains((byte)'/')) // below a directory: a place that is being prepared
            {
                string action = run.Repairs ? await RemoveAsync(path, bucket.Work) : "reported";
                run.Tell(disk, bucket, Encoding.UTF8.GetString(path), "work-file", "an earlier run left it", action);
            }
        }
    }

    private async ValueTask CheckPartAsync(PartKind kind, ReadOnlyMemory<byte> directory, byte[] path, EntryKind entry)
    {
        if (entry != EntryKind.File || !PartName.TryRead(kind, path.AsSpan(directory.Length + 1), out PartName part))
        {
            run.Tell(disk, bucket, Encoding.UTF8.GetString(path), "stray", "it is no part's file", "reported");
            return;
        }

        (ObjectName? owner, string? problem) = await OwnerAsync(path, part);
        if (owner is not { } name)
        {
            if (problem is not null && kind == PartKind.Slice && _unowned.TryAdd(new UnownedSlice(part, path, problem)))
            {
                return; // told when its head has been looked for
            }

            if (problem is not null && !objects.IsKnown(part.Digest, part.Generation))
            {
                run.Tell(disk, bucket, Encoding.UTF8.GetString(path), "part", problem, "reported");
            }

            return;
        }

        if (await IsSpokenOfAsync(part, name))
        {
            if (kind == PartKind.Slice && await SliceProblemAsync(part, name) is { } bad && await IsThereAsync(path))
            {
                run.Tell(disk, bucket, name.ToString(), "slice", $"slice {part.Number}: {bad}", await RepairSliceAsync(part, name, path));
            }

            return;
        }

        if (await IsOrphanAsync(part, name, path))
        {
            _orphans.Add(new Orphan(part, path, name.ToString()));
            if (_orphans.Count == OrphansMax)
            {
                await SettleOrphansAsync();
            }
        }
    }

    /// <summary>
    /// A relaxed delete or overwrite, which has ended by then, lets go of the parts when it is durable: before, a power cut may bring back the head that needs them. So the mountpath is
    /// flushed, once for all that were found, and what is there then belongs to nobody. Where a flush fails all is kept.
    /// </summary>
    private async ValueTask SettleOrphansAsync()
    {
        using IDisposable? use = _orphans.Count == 0 ? null : world.Enter(disk);
        if (use is not null && await IsFlushedAsync())
        {
            foreach (Orphan orphan in _orphans)
            {
                await SettleAsync(orphan);
            }
        }

        _orphans.Clear();
    }

    private async ValueTask<bool> IsFlushedAsync()
    {
        try
        {
            return await world.FlushAsync(disk);
        }
        catch (StorageException)
        {
            return false; // counted with the disk's faults
        }
    }

    private async ValueTask SettleAsync(Orphan orphan)
    {
        await world.Locks.AcquireWriterAsync(orphan.Part.Digest);
        try
        {
            if (await IsThereAsync(orphan.Path))
            {
                string action = run.Repairs ? await RemoveAsync(orphan.Path, PartName.DirectoryOf(bucket, orphan.Part.Kind)) : "reported";
                run.Tell(disk, bucket, Encoding.UTF8.GetString(orphan.Path), "part", $"no head of {orphan.Name} speaks of it", action);
            }
        }
        finally
        {
            world.Locks.ReleaseWriter(orphan.Part.Digest);
        }
    }

    private ValueTask<string> RepairSliceAsync(PartName part, ObjectName name, byte[] path) => run.RepairAsync(
        world.Repair, bucket, name, part.Digest, async () => (await OwnerAsync(path, part)).Problem is not null || await SliceProblemAsync(part, name) is not null);

    /// <summary>A slice that does not say whose it is, although a head may speak of it.</summary>
    private async ValueTask TellUnownedAsync(UnownedSlice slice, ObjectName? owner)
    {
        using IDisposable? use = world.Enter(disk);
        if (use is null || !await IsThereAsync(slice.Path))
        {
            return;
        }

        if (owner is { } name && await IsSpokenOfAsync(slice.Part, name))
        {
            string problem = await SliceProblemAsync(slice.Part, name) ?? slice.Problem;
            run.Tell(disk, bucket, name.ToString(), "slice", $"slice {slice.Part.Number}: {problem}", await RepairSliceAsync(slice.Part, name, slice.Path));
            return;
        }

        run.Tell(disk, bucket, Encoding.UTF8.GetString(slice.Path), "part", slice.Problem, "reported");
    }

    /// <summary>True when no head speaks of it, nor will: a commit makes parts durable before their head, all under the name's lock.</summary>
    private async ValueTask<bool> IsOrphanAsync(PartName part, ObjectName name, byte[] path)
    {
        await world.Locks.AcquireWriterAsync(part.Digest);
        try
        {
            return await IsThereAsync(path) && !await IsSpokenOfAsync(part, name);
        }
        finally
        {
            world.Locks.ReleaseWriter(part.Digest);
        }
    }

    /// <summary>Whose it is, as the file itself says; null with a sentence when it does not, null without one when it is gone.</summary>
    private async ValueTask<(ObjectName? Owner, string? Problem)> OwnerAsync(byte[] path, PartName part)
    {
        if (part.Kind == PartKind.Sidecar)
        {
            (ObjectMetadata? sidecar, _, string? problem) = await SidecarFiles.ReadAsync(disk, path);
            if (sidecar is null)
            {
                return await IsThereAsync(path) ? (null, problem) : (null, null);
            }

            return ObjectName.TryCreate(sidecar.SidecarOf, out ObjectName name, out _)
                && bucket.DigestOf(name) == part.Digest
                    ? (name, null) : (null, "it is named after another object than it says");
        }

        IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read);
        if (opened.Error == Errno.ENOENT)
        {
            return (null, null);
        }

        using FileHandle file = disk.Check(opened, "open", path);
        WorkTarget? target = await WorkTarget.ReadAsync(disk, file, path, bucket, part.Digest);
        return target is { } known ? (known.Name, null) : (null, "it does not say whose it is");
    }

    /// <summary>A sidecar belongs to the head beside it, other parts to a head on any mountpath.</summary>
    private async ValueTask<bool> IsSpokenOfAsync(PartName part, ObjectName name)
    {
        IReadOnlyList<ObjectDisk> disks = part.Kind == PartKind.Sidecar ? [disk] : world.Disks();
        foreach (ObjectDisk one in disks)
        {
            using ScrubbedHead? head = await ScrubWorld.HeadAsync(one, bucket, name);
            if (head is { Metadata: null } || (head is not null && head.Metadata.Bid == bucket.Bid && await SpeaksOfAsync(one, head.Metadata, part, name)))
            {
                return true; // a damaged one may speak of it, and tells of itself
            }
        }

        return false;
    }

    /// <summary>The slices of an object keep their generation when its head gets a new one.</summary>
    private async ValueTask<bool> SpeaksOfAsync(ObjectDisk holder, ObjectMetadata head, PartName part, ObjectName name)
    {
        if (part.Kind != PartKind.Slice)
        {
            return head.Generation == part.Generation && (part.Kind != PartKind.Sidecar || head.HasSidecar);
        }

        (ObjectMetadata? whole, _) = await CompleteAsync(holder, head, name);
        return whole is null || (whole.Slices is { } map && map.Generation == part.Generation && part.Number <= map.Mountpaths.Count);
    }

    private async ValueTask<(ObjectMetadata? Metadata, string? Problem)> CompleteAsync(ObjectDisk holder, ObjectMetadata head, ObjectName name) =>
        head.HasSidecar ? await SidecarFiles.CompleteAsync(holder, bucket, name, head) : (head, null);

    /// <summary>What is wrong with a slice that a head speaks of: its record, its length, its bytes; null when nothing is.</summary>
    private async ValueTask<string?> SliceProblemAsync(PartName part, ObjectName name)
    {
        foreach (ObjectDisk one in world.Disks())
        {
            using ScrubbedHead? head = await ScrubWorld.HeadAsync(one, bucket, name);
            if (head?.Metadata is { } metadata && metadata.Bid == bucket.Bid
                && (await CompleteAsync(one, metadata, name)).Metadata is { Slices: { } map } whole && map.Generation == part.Generation)
            {
                (SliceFile? slice, string? problem) = await SliceFiles.OpenAsync(disk, bucket, part.Digest, whole, part.Number - 1);
                using (slice)
                {
                    if (part.Number <= map.Geometry.SliceCount)
                    {
                        return slice is null ? problem : await blocks.SliceProblemAsync(slice, map.Geometry);
                    }

                    problem = slice is null ? problem : (await blocks.ProblemAsync(slice.File, whole))?.Detail;
                    return problem is null ? null : "the replica: " + problem;
                }
            }
        }

        return null;
    }

    private async ValueTask<bool> IsThereAsync(byte[] path) => (await disk.Io.StatAtAsync(disk.Root, path)).Ok;

    private async ValueTask<string> RemoveAsync(byte[] path, ReadOnlyMemory<byte> directory)
    {
        try
        {
            await ObjectRemoval.UnlinkAsync(disk, path, directory, Durability.Strict);
            run.CountRepaired();
            return "removed";
        }
        catch (StorageException)
        {
            return "failed"; // counted with the disk's faults
        }
    }

    /// <summary>A part that no head speaks of, and the name of its object.</summary>
    private sealed record Orphan(PartName Part, byte[] Path, string Name);
}
