using System.Text;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native;

namespace Sluice.Engine.Scrub;

/// <summary>
/// Looks at one file under <c>%ob</c>: its record, size, sidecar and bytes, whether it stands where it belongs, and whether the copies that the bucket
/// wants stand beside it. A file that clients replace or remove meanwhile is no finding: bytes of an object never change in place, so a bad one is looked
/// for by its inode again before it is told, and what concerns several mountpaths is looked at again under the name's writer lock.
/// </summary>
internal sealed class ObjectScrub(ScrubWorld world, ScrubRun run, ObjectDisk disk, Bucket bucket, ColdBlocks blocks)
{
    private readonly HashSet<(ulong Digest, ulong Generation)> _damagedSidecars = []; // guarded by itself; as many as findings

    /// <summary>True for a sidecar that was told of with its object.</summary>
    public bool IsKnown(ulong digest, ulong generation)
    {
        lock (_damagedSidecars)
        {
            return _damagedSidecars.Contains((digest, generation));
        }
    }

    /// <summary>Looks at a file; what is found is told to the run.</summary>
    public async ValueTask CheckAsync(byte[] path, EntryKind kind)
    {
        using IDisposable? use = world.Enter(disk);
        if (use is null)
        {
            return;
        }

        if (kind != EntryKind.File || !ObjectPath.TryReadName(bucket.Objects, path, out ObjectName name))
        {
            run.Tell(disk, bucket, Text(path), "stray", "it is no object's file", "reported");
            return;
        }

        ulong digest = bucket.DigestOf(name);
        try
        {
            if (await ProblemAsync(path, name, digest) is { } problem)
            {
                string action = problem.Kind == "foreign" ? "reported" : await run.RepairAsync(world.Repair, bucket, name, digest, async () => await ProblemAsync(path, name, digest) is not null);
                run.Tell(disk, bucket, name.ToString(), problem.Kind, problem.Detail, action);
            }
        }
        catch (StorageException fault)
        {
            run.Tell(disk, bucket, name.ToString(), "unreadable", $"{fault.Error} on {fault.Verb}", await run.RepairAsync(world.Repair, bucket, name, digest, static () => new(true)));
        }

        run.Job.Count(1, 0);
    }

    private async ValueTask<(string Kind, string Detail)?> ProblemAsync(byte[] path, ObjectName name, ulong digest)
    {
        ScrubbedHead head;
        ObjectMetadata? whole;
        (string Kind, string Detail)? problem;
        await world.Locks.AcquireReaderAsync(digest); // no writer changes record and sidecar meanwhile
        try
        {
            IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read);
            if (opened.Error is Errno.ENOENT or Errno.ENOTDIR)
            {
                return null;
            }

            head = await ScrubWorld.HeadAsync(disk, disk.Check(opened, "open", path), path);
            (whole, problem) = await RecordProblemAsync(head, name, digest);
        }
        finally
        {
            world.Locks.ReleaseReader(digest);
        }

        using (head)
        {
            problem ??= whole is { Kind: RecordKind.Object } ? await blocks.ProblemAsync(head.File, whole) : null;
            if (problem is not null)
            {
                IoResult<FileStatus> now = await disk.Io.StatAtAsync(disk.Root, path);
                return now.Ok && now.Value.Inode == head.Status.Inode ? problem : null;
            }

            if (whole is null)
            {
                return null;
            }

            return await PlaceProblemAsync(name, digest, whole) is not null ? await PlaceProblemAgainAsync(path, name, digest) : await ChunksProblemAsync(name, digest, whole);
        }
    }

    /// <summary>What concerns the files of uploads, told by the first mountpath of the name.</summary>
    private async ValueTask<(string Kind, string Detail)?> ChunksProblemAsync(ObjectName name, ulong digest, ObjectMetadata metadata) =>
        (metadata.Chunked is not null || name.IsHidden) && world.Ranked(digest) is [{ } first, ..] && first == disk && await world.ChunksProblemAsync(bucket, name) is { } problem
            ? ("chunks", problem)
            : null;

    private async ValueTask<(ObjectMetadata? Whole, (string Kind, string Detail)? Problem)> RecordProblemAsync(ScrubbedHead head, ObjectName name, ulong digest)
    {
        if (head.Metadata is not { } metadata)
        {
            return (null, ("record", head.Problem!));
        }

        if (metadata.Bid != bucket.Bid)
        {
            return (null, ("foreign", "it belongs to an earlier bucket of this name"));
        }

        if (metadata.Kind is RecordKind.Object or RecordKind.Stripe && metadata.FileBytes != head.Status.SizeBytes)
        {
            return (null, ("size", $"the file has {head.Status.SizeBytes} bytes, its record says {metadata.FileBytes}"));
        }

        if (!metadata.HasSidecar)
        {
            return (metadata, null);
        }

        (ObjectMetadata? whole, string? problem) = await SidecarFiles.CompleteAsync(disk, bucket, name, metadata);
        if (whole is not null)
        {
            return (whole, null);
        }

        lock (_damagedSidecars)
        {
            _damagedSidecars.Add((digest, metadata.Generation));
        }

        return (null, ("sidecar", problem!));
    }

    /// <summary>The same with nobody writing or repairing the name.</summary>
    private async ValueTask<(string Kind, string Detail)?> PlaceProblemAgainAsync(byte[] path, ObjectName name, ulong digest)
    {
        await world.Repair.SettledAsync(digest);
        await world.Locks.AcquireWriterAsync(digest);
        try
        {
            IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read);
            if (opened.Error is Errno.ENOENT or Errno.ENOTDIR)
            {
                return null;
            }

            using ScrubbedHead head = await ScrubWorld.HeadAsync(disk, disk.Check(opened, "open", path), path);
            (ObjectMetadata? whole, _) = await RecordProblemAsync(head, name, digest);
            return whole is not null ? await PlaceProblemAsync(name, digest, whole) : null;
        }
        finally
        {
            world.Locks.ReleaseWriter(digest);
        }
    }

    /// <summary>
    /// Where the object's copies are, seen from this one. Each mountpath tells of itself that it is older or in the wrong place; that copies are missing
    /// is told by the first that has one.
    /// </summary>
    private async ValueTask<(string Kind, string Detail)?> PlaceProblemAsync(ObjectName name, ulong digest, ObjectMetadata metadata)
    {
        ObjectDisk[] ranked = world.Ranked(digest);
        ulong generation = metadata.Generation;
        int wanted = Math.Min(WantedHeads(metadata), ranked.Length);
        int rank = Array.IndexOf(ranked, disk);
        if (rank < 0 || rank >= wanted)
        {
            return ("misplaced", $"it belongs on {ranked[0].Path}{(wanted > 1 ? $" and the next {wanted - 1}" : "")}");
        }

        int missing = 0;
        bool isFirst = true;
        for (int i = 0; i < wanted; i++)
        {
            if (i == rank)
            {
                continue;
            }

            using ScrubbedHead? other = await ScrubWorld.HeadAsync(ranked[i], bucket, name);
            ulong found = other?.Metadata?.Bid == bucket.Bid ? other.Metadata.Generation : 0;
            if (found > generation)
            {
                return ("generation", $"it is older than the copy on {ranked[i].Path}");
            }

            isFirst &= i > rank || found != generation;
            missing += other is null ? 1 : 0; // a damaged or older one tells of itself
        }

        return missing > 0 && isFirst ? ("copies", $"{wanted - missing} of {wanted} copies are there")
            : isFirst && metadata.Slices is { } map ? await SliceProblemAsync(digest, map)
            : null;
    }

    private int WantedHeads(ObjectMetadata metadata) =>
        metadata.Slices is { } map ? map.Geometry.ParitySlices + 1
        : bucket.Properties.Ec.Enabled ? bucket.Properties.Ec.ParitySlices + 1
        : bucket.Properties.Mirror.Wanted;

    /// <summary>Slices that are there are looked at where they lie; those that are not, here.</summary>
    private async ValueTask<(string Kind, string Detail)?> SliceProblemAsync(ulong digest, SliceMap map)
    {
        int there = 0;
        for (int slice = 0; slice < map.Mountpaths.Count; slice++)
        {
            Guid uuid = map.Mountpaths[slice];
            ObjectDisk? holder = uuid == Guid.Empty ? null : world.Disks().FirstOrDefault(one => one.Uuid == uuid);
            there += holder is not null && (await holder.Io.StatAtAsync(holder.Root, SliceFiles.PathOf(bucket, digest, map, slice))).Ok ? 1 : 0;
        }

        return there == map.Mountpaths.Count ? null
            : ("slices", $"{there} of {map.Mountpaths.Count} slices{(map.HasReplica ? ", the replica counted as one," : "")} are there");
    }

    private static string Text(byte[] path) => Encoding.UTF8.GetString(path);
}
