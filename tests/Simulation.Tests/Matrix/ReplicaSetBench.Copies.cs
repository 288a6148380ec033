using System.Buffers;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Redundancy;

namespace Sluice.Simulation.Tests.Matrix;

/// <summary>What may have become of a copy.</summary>
public enum CopyState
{
    /// <summary>As it was written.</summary>
    Good,

    /// <summary>There is none.</summary>
    Gone,

    /// <summary>Of the generation before: its mountpath missed a write.</summary>
    Older,

    /// <summary>One bit of its bytes is another.</summary>
    Flipped,

    /// <summary>Its record cannot be read.</summary>
    NoRecord,
}

/// <summary>Copies of one object in any states, and what brings them to where they should be.</summary>
public sealed partial class ReplicaSetBench
{
    /// <summary>Bucket properties are of no weight here but for the number of copies.</summary>
    public async Task<Result<Reconciled>> ReconcileAsync(int copies, bool verify)
    {
        var wanted = new Bucket(new BucketRecord(Session.Bucket, _bucket.Properties with
        {
            Mirror = new MirrorProperties { Enabled = copies > 1, Copies = Math.Max(copies, 2) },
            Spread = 4,
        }));
        return await _reconciler!.ReconcileAsync(wanted, s_name, _digest, job: null, verify);
    }

    /// <summary>The name's first mountpath was away and has come back; it is not compared with the others yet. Answers what ends that.</summary>
    public Action FirstComesBack()
    {
        ObjectDisk disk = Order()[0];
        Set(ServingState.Joining);
        return () => Set(ServingState.Serving);

        void Set(ServingState state)
        {
            disk.State = state;
            _lookup!.Disks.Replace(_disks, searchAll: true);
        }
    }

    /// <summary>Makes the head on the mountpath of that rank what the state says.</summary>
    public async Task HarmAsync(int rank, CopyState state)
    {
        ObjectDisk disk = Order()[rank];
        ObjectPlace place = ObjectPlace.On(await _lookup!.PlacesAsync(_bucket, s_name, _digest, everywhere: true), disk)!.Value;
        if (state == CopyState.Gone)
        {
            await ObjectRemoval.UnlinkAsync(disk, place.Path.Whole, _bucket.Objects, Durability.Strict);
            return;
        }

        using FileHandle file = (await disk.Io.OpenAsync(disk.Root, place.Path.Whole, OpenIntent.ReadWrite)).Value;
        switch (state)
        {
            case CopyState.Flipped:
                var one = new byte[1];
                await disk.Io.ReadFullyAsync(file, one, 1234);
                one[0] ^= 4;
                await disk.Io.WriteFullyAsync(file, new ReadOnlySequence<byte>(one), 1234);
                break;
            case CopyState.NoRecord:
                await disk.Io.SetXattrAsync(file, XattrName.Record, new byte[] { 1, 2, 3 });
                break;
            case CopyState.Older:
                ObjectMetadata now = place.Stored!.Metadata;
                await RecordFiles.SetAsync(disk, file, WithGeneration(now, now.Generation - 1), place.Path.Whole);
                break;
        }

        await disk.Io.SyncAsync(file);
    }

    /// <summary>On the mountpath of rank 1 the object becomes the leaf of a directory, because "dir/set/other" is put there.</summary>
    public async Task MakeRoomBelowAsync()
    {
        ObjectDisk disk = Order()[1];
        ObjectPath other = ObjectPath.Plain(_bucket.Objects, [.. s_name.Utf8.Span, .. "/other"u8]);
        await _nested!.MakeRoomAsync(disk, _bucket, ObjectName.From("dir/set/other"));
        using DirectoryLease directory = disk.Check(await disk.Directories.AcquireAsync(other.Directory, DirectoryUse.CreateDurable), "mkdir", other.Directory.Span);
        disk.Check(await disk.Io.OpenAsync(directory.Handle, other.Leaf, OpenIntent.CreateNew), "create", other.Whole.Span).Dispose();
    }

    /// <summary>What is wrong: the last commit stands whole on its first <paramref name="copies"/> mountpaths, and nowhere else is anything but quarantine.</summary>
    public async Task<List<string>> SurveyCopiesAsync(int copies)
    {
        List<ObjectPlace> heads = await _lookup!.PlacesAsync(_bucket, s_name, _digest, everywhere: true);
        CommittedSet standing = Committed[^1] with { Shape = new SetShape(copies, 0, Committed[^1].Shape.HasSidecars) };
        var violations = new List<string>();
        violations.AddRange(heads.Where(head => head.Stored?.Metadata.Generation != standing.Generation)
            .Select(head => $"the head on {head.Disk.Path} is of another generation or has no record"));
        if (violations.Count == 0)
        {
            await CompareHeadsAsync(violations, heads, standing);
            ComparePartsAndLeftovers(violations, standing);
            violations.RemoveAll(violation => violation.Contains("/.sluice/quarantine/", StringComparison.Ordinal));
        }

        return violations;
    }

    /// <summary>True when a good copy of the last commit is on some mountpath.</summary>
    public async Task<bool> HasGoodCopyAsync()
    {
        foreach (ObjectPlace head in await _lookup!.PlacesAsync(_bucket, s_name, _digest, everywhere: true))
        {
            using FileHandle file = (await head.Disk.Io.OpenAsync(head.Disk.Root, head.Path.Whole, OpenIntent.Read)).Value;
            if (head.Stored?.Metadata.Generation == Committed[^1].Generation
                && (await head.Disk.Io.ReadFileAsync(file, 1 << 20)).Value.AsSpan().SequenceEqual(Committed[^1].Content))
            {
                return true;
            }
        }

        return false;
    }

    private static ObjectMetadata WithGeneration(ObjectMetadata metadata, ulong generation) => new()
    {
        Kind = metadata.Kind,
        SizeBytes = metadata.SizeBytes,
        Bid = metadata.Bid,
        Generation = generation,
        Version = metadata.Version,
        Checksum = metadata.Checksum,
        BlockDigests = metadata.BlockDigests,
        Custom = metadata.Custom,
    };
}
