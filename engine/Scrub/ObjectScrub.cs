using System.Text;
using Sluice.Engine.Buckets;
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

        if (kind != EntryKind.File || !TryReadName(path, out ObjectName name))
        {
            run.Tell(disk, bucket, Text(path), "stray", "it is no object's file", "reported");
            return;
        }

        ulong digest = Hrw.Digest(bucket.Name.UnamePrefix.Span, name.Utf8.Span);
        try
        {
            if (await ProblemAsync(path, name, digest) is { } problem)
            {
                string action = problem.Kind == "foreign" ? "reported" : await run.RepairAsync(world.Repair, bucket, name, digest);
                run.Tell(disk, bucket, name.ToString(), problem.Kind, problem.Detail, action);
            }
        }
        catch (StorageException fault)
        {
            run.Tell(disk, bucket, name.ToString(), "unreadable", $"{fault.Error} on {fault.Verb}", await run.RepairAsync(world.Repair, bucket, name, digest));
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
            bool hasBytes = whole is { Kind: RecordKind.Object };
            problem ??= hasBytes ? await blocks.ProblemAsync(head.File, whole!) : null;
            if (problem is not null)
            {
                IoResult<FileStatus> now = await disk.Io.StatAtAsync(disk.Root, path);
                return now.Ok && now.Value.Inode == head.Status.Inode ? problem : null;
            }

            return hasBytes && await PlaceProblemAsync(name, digest, whole!.Generation) is not null
                ? await PlaceProblemAgainAsync(path, name, digest)
                : null;
        }
    }

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

        if (metadata.Kind == RecordKind.Object && metadata.SizeBytes != head.Status.SizeBytes)
        {
            return (null, ("size", $"the file has {head.Status.SizeBytes} bytes, its record says {metadata.SizeBytes}"));
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

    /// <summary>The same with nobody writing the name.</summary>
    private async ValueTask<(string Kind, string Detail)?> PlaceProblemAgainAsync(byte[] path, ObjectName name, ulong digest)
    {
        await world.Locks.AcquireWriterAsync(digest);
        try
        {
            IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read);
            if (opened.Error is Errno.ENOENT or Errno.ENOTDIR)
            {
                return null;
            }

            using ScrubbedHead head = await ScrubWorld.HeadAsync(disk, disk.Check(opened, "open", path), path);
            return head.Metadata is { } metadata ? await PlaceProblemAsync(name, digest, metadata.Generation) : null;
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
    private async ValueTask<(string Kind, string Detail)?> PlaceProblemAsync(ObjectName name, ulong digest, ulong generation)
    {
        ObjectDisk[] ranked = world.Ranked(digest);
        int wanted = Math.Min(bucket.Properties.Mirror.Wanted, ranked.Length);
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

        return missing > 0 && isFirst ? ("copies", $"{wanted - missing} of {wanted} copies are there") : null;
    }

    private bool TryReadName(byte[] path, out ObjectName name)
    {
        name = default;
        ReadOnlySpan<byte> encoded = path.AsSpan(bucket.Objects.Length + 1);
        ReadOnlySpan<byte> leaf = ObjectPath.ReservedLeaf.Span;
        if (encoded.Length > leaf.Length && encoded.EndsWith(leaf) && encoded[^(leaf.Length + 1)] == (byte)'/')
        {
            encoded = encoded[..^(leaf.Length + 1)];
        }

        var decoded = new byte[ObjectName.BytesMax];
        return NameCodec.TryDecode(encoded, decoded, out int bytes) && ObjectName.TryCreate(decoded.AsMemory(0, bytes), out name, out _);
    }

    private static string Text(byte[] path) => Encoding.UTF8.GetString(path);
}
