using System.Buffers;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine.ErasureCoding;

/// <summary>
/// Gives a sliced object back what it lacks: a slice that is missing or damaged is rebuilt where it was, or on another mountpath where that one does not
/// take it, and then new heads say so; heads that are missing, or not on the first mountpaths that take them, are written anew. A slice at its own place needs no new head:
/// its name says everything, and renaming over a damaged one replaces it. The replica is made, replaced and let go of likewise, as the bucket wants it by now.
/// </summary>
internal sealed partial class SliceRepair(ErasureContext context, ObjectLookup lookup, NameLock locks, ObjectCommit commit, LeftoverParts leftovers)
{
    /// <summary>
    /// Repairs the object, which the caller holds open and reads with <paramref name="reader"/>, and nobody else knows. Refuses with Busy when the name has another object by the time that
    /// the slices are ready, and with Damaged when too few are left. A job waits for what is read or written, and for no more.
    /// </summary>
    public async ValueTask<Result<ErasureReconciled>> RepairAsync(
        Bucket bucket, ObjectName name, ulong digest, OpenObject open, ObjectReader reader, JobContext? job, bool verify)
    {
        var attempts = new RepairAttempts(job);
        bool areSpokenOf = false;
        try
        {
            while (true)
            {
                try
                {
                    Result<ErasureReconciled> done = await RepairAsync(bucket, name, digest, open, reader, verify, attempts);
                    areSpokenOf = done.Ok && attempts.Refusing.Count == 0;
                    return done;
                }
                catch (StorageException fault) when (MayGoOnWithout(fault.Mountpath, bucket, digest, open.Stored.Metadata.Slices, attempts.Refusing))
                {
                    attempts.Refusing.Add(fault.Mountpath!);
                    context.Log.LogWarning("nothing is rebuilt there: {Fault}", fault.Message);
                }
            }
        }
        finally
        {
            if (!areSpokenOf)
            {
                leftovers.Add(bucket, name, digest, attempts.Published); // a writer was faster, or a drive failed: slices that found another mountpath are nobody's
            }
        }
    }

    private async ValueTask<Result<ErasureReconciled>> RepairAsync(
        Bucket bucket, ObjectName name, ulong digest, OpenObject open, ObjectReader reader, bool verify, RepairAttempts attempts)
    {
        await attempts.PaceAsync(verify && open.Striped is { } read ? read.Geometry.SliceCount * read.Geometry.SliceBytes : 0);
        SliceMap? map = open.Stored.Metadata.Slices;
        int made = 0;
        long bytes = 0;
        bool isDegraded = false;
        if (open.Striped is { } striped)
        {
            List<int> lost = await LostAsync(striped, verify);
            if (lost.Count > 0)
            {
                await attempts.PaceAsync((striped.Geometry.DataSlices + lost.Count) * striped.Geometry.SliceBytes);
                await using ReplicaSet set = ReplicaSet.Rent(bucket, name, digest);
                Result<SliceMap> rebuilt;
                try
                {
                    rebuilt = await RebuildAsync(set, open.Stored, striped, lost, attempts.Refusing);
                }
                finally
                {
                    attempts.Published.AddRange(set.PublishedParts(open.Stored.Metadata.Slices!.Generation));
                }

                if (!rebuilt.Ok)
                {
                    return rebuilt.Error!;
                }

                map = rebuilt.Value;
                made = set.Members.Count;
                bytes = made * striped.Geometry.SliceBytes;
                isDegraded = made < lost.Count;
            }

            Result<KeptReplica> kept = await KeepReplicaAsync(bucket, name, digest, open, reader, map!, verify, attempts);
            if (!kept.Ok)
            {
                return kept.Error!;
            }

            map = kept.Value.Map;
            made += kept.Value.IsMade ? 1 : 0;
            bytes += kept.Value.IsMade ? open.Stored.Metadata.SizeBytes : 0;
            isDegraded |= kept.Value.IsOwed;
        }

        Result<int> heads = await WriteHeadsAsync(bucket, name, digest, open.Stored, map, attempts);
        return heads.Ok ? new ErasureReconciled(made + heads.Value, bytes, isDegraded) : heads.Error!;
    }

    /// <summary>
    /// True when the repair may begin anew without the mountpath that failed, whatever was to be written there: a full or dying drive is not found out by
    /// making an empty file. Once for each, and as long as the heads have mountpaths enough.
    /// </summary>
    private bool MayGoOnWithout(string? failed, Bucket bucket, ulong digest, SliceMap? map, HashSet<string> refusing) =>
        failed is not null && !refusing.Contains(failed)
        && lookup.Ranked(digest).Count(disk => disk.Path != failed && !refusing.Contains(disk.Path)) >= HeadsWanted(bucket, map);

    private static int HeadsWanted(Bucket bucket, SliceMap? map) =>
        map is not null ? map.Geometry.ParitySlices + 1 : bucket.Properties.Ec.Enabled ? bucket.Properties.Ec.ParitySlices + 1 : bucket.Properties.Mirror.Wanted;

    private static async ValueTask<List<int>> LostAsync(StripedObject striped, bool verify)
    {
        List<int> lost = [];
        for (int slice = 0; slice < striped.Geometry.SliceCount; slice++)
        {
            bool isGood = await striped.IsOpenAsync(slice) && (!verify || await striped.NamesItsOwnerAsync(slice));
            for (int stripe = 0; verify && isGood && stripe < striped.Geometry.StripeCount; stripe++)
            {
                isGood = await StripedReads.IsGoodAsync(striped, stripe, slice);
            }

            if (!isGood)
            {
                lost.Add(slice);
            }
        }

        return lost;
    }

    /// <summary>Writes the lost slices and gives them their names, durably. Answers the map that is true then; those that found no mountpath are still lost.</summary>
    private async ValueTask<Result<SliceMap>> RebuildAsync(ReplicaSet set, StoredObject stored, StripedObject striped, List<int> lost, HashSet<string> refusing)
    {
        SliceMap map = striped.Map;
        Guid[] mountpaths = [.. map.Mountpaths.Take(map.Geometry.SliceCount)];
        List<SliceTarget> targets = await CreateAsync(set, stored, mountpaths, lost, refusing);
        if (targets.Count == 0)
        {
            return map;
        }

        for (int stripe = 0; stripe < map.Geometry.StripeCount; stripe++)
        {
            Result filled = await FillAsync(striped, [.. targets], stripe);
            if (!filled.Ok)
            {
                return filled.Error!;
            }
        }

        foreach (SliceTarget target in targets)
        {
            await SealAsync(set, stored, target);
        }

        Result published = await PublishAsync(set, stored);
        if (!published.Ok)
        {
            return published.Error!;
        }

        return new SliceMap { Geometry = map.Geometry, Generation = map.Generation, Mountpaths = [.. mountpaths, .. map.Mountpaths.Skip(mountpaths.Length)] };
    }

    /// <summary>A work file for each lost slice: on its own mountpath, else on the best one that has no slice of the object.</summary>
    private async ValueTask<List<SliceTarget>> CreateAsync(ReplicaSet set, StoredObject stored, Guid[] mountpaths, List<int> lost, HashSet<string> refusing)
    {
        List<SliceTarget> targets = [];
        List<Guid> taken = [.. mountpaths.Where((uuid, slice) => !lost.Contains(slice))];
        foreach (int slice in lost)
        {
            List<ObjectDisk> candidates = context.DiskOf(mountpaths[slice]) is { } own ? [own] : [];
            candidates.AddRange(lookup.Ranked(set.Digest).Where(disk => !mountpaths.Contains(disk.Uuid)));
            foreach (ObjectDisk disk in candidates.Where(disk => !taken.Contains(disk.Uuid) && !refusing.Contains(disk.Path)))
            {
                try
                {
                    WorkFile work = await WorkFile.CreateAsync(disk, set.Bucket, set.Digest);
                    set.Add(new ReplicaMember
                    {
                        Role = MemberRole.Part,
                        PartKind = PartKind.Slice,
                        PartNumber = slice + 1,
                        Work = work,
                        SealAsync = static (_, _) => default, // sealed before it is published
                    });
                    targets.Add(new SliceTarget(slice, work, new List<ulong>(stored.Metadata.Slices!.Geometry.StripeCount)));
                    taken.Add(disk.Uuid);
                    mountpaths[slice] = disk.Uuid;
                    break;
                }
                catch (StorageException fault)
                {
                    context.Log.LogWarning("a slice is not rebuilt there: {Fault}", fault.Message);
                }
            }
        }

        return targets;
    }

    /// <summary>One stripe of the targets from any D good units of it.</summary>
    private static async ValueTask<Result> FillAsync(StripedObject striped, SliceTarget[] targets, int stripe)
    {
        while (true)
        {
            List<SliceSource> sources = [];
            for (int slice = 0; slice < striped.Geometry.SliceCount && sources.Count < striped.Geometry.DataSlices; slice++)
            {
                if (!Array.Exists(targets, target => target.Slice == slice) && await striped.GetGoodAsync(slice, stripe) is { } file
                    && (await file.DigestsAsync()).Digests is { } digests)
                {
                    sources.Add(new SliceSource(slice, file.Disk, file.File, digests));
                }
            }

            if (sources.Count < striped.Geometry.DataSlices)
            {
                return await FillOneByOneAsync(striped, targets, stripe);
            }

            if (await SliceFiller.FillAsync(striped.Geometry, [.. sources], targets, stripe) is not { } bad)
            {
                return Result.Done;
            }

            striped.LoseUnit(bad, stripe, "it does not match its digest");
        }
    }

    /// <summary>Slices that have a bad unit somewhere have good ones elsewhere, without which there may be too few: those that the target has itself are copied.</summary>
    private static async ValueTask<Result> FillOneByOneAsync(StripedObject striped, SliceTarget[] targets, int stripe)
    {
        int unitBytes = striped.Geometry.UnitBytesOf(stripe);
        byte[] unit = ArrayPool<byte>.Shared.Rent(unitBytes);
        try
        {
            foreach (SliceTarget target in targets)
            {
                Memory<byte> bytes = unit.AsMemory(0, unitBytes);
                bool isGood = await StripedReads.IsGoodAsync(striped, stripe, target.Slice)
                    && await striped.GetGoodAsync(target.Slice, stripe) is { } file
                    && await file.ReadAsync(bytes, striped.Geometry.OffsetOf(stripe)) is null;
                Result rebuilt = isGood ? Result.Done : await StripedReads.RebuildAsync(striped, stripe, target.Slice, bytes);
                if (!rebuilt.Ok)
                {
                    return rebuilt;
                }

                target.Digests.Add(Native.Codecs.Crc64Nvme.Hash(bytes.Span));
                WorkFile work = target.Work;
                work.Disk.Check(
                    await work.Disk.Io.WriteFullyAsync(work.File, new ReadOnlySequence<byte>(bytes), striped.Geometry.OffsetOf(stripe)), "write", work.Path.Span);
            }

            return Result.Done;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(unit);
        }
    }

    /// <summary>Digests behind the units when there are many, the record, whose it is, and all of it durable.</summary>
    private async ValueTask SealAsync(ReplicaSet set, StoredObject stored, SliceTarget target)
    {
        WorkFile work = target.Work;
        ulong[] digests = [.. target.Digests];
        byte[] trailer = SliceFiles.TrailerOf(digests);
        if (trailer.Length > 0)
        {
            work.Disk.Check(
                await work.Disk.Io.WriteFullyAsync(work.File, new ReadOnlySequence<byte>(trailer), stored.Metadata.Slices!.Geometry.SliceBytes), "write", work.Path.Span);
        }

        await RecordFiles.SetAsync(work.Disk, work.File, SliceFiles.RecordOf(stored.Metadata, target.Slice, digests), work.Path);
        await WorkTarget.SetAsync(work, set.Name);
        await work.SyncAsync(context.Log);
    }

    /// <summary>Under the name's lock, and only while it has that object: the slices get their names.</summary>
    private async ValueTask<Result> PublishAsync(ReplicaSet set, StoredObject stored)
    {
        if (!set.Bucket.TryEnter())
        {
            return BucketTable.NotFound(set.Bucket.Name);
        }

        try
        {
            await locks.AcquireWriterAsync(set.Digest);
            try
            {
                List<ObjectPlace> places = await lookup.PlacesAsync(set.Bucket, set.Name, set.Digest);
                if (places.Max(place => place.Stored?.Metadata.Generation) != stored.Metadata.Generation)
                {
                    return new Failure(ErrorCode.Busy, "the object was changed meanwhile");
                }

                foreach (ReplicaMember slice in set.Members)
                {
                    PartName name = set.NameOf(slice, stored.Metadata.Slices!.Generation);
                    if (slice.PartNumber > stored.Metadata.Slices.Geometry.SliceCount)
                    {
                        await PublishReplicaAsync(set, slice, name);
                        continue;
                    }

                    await ObjectCommit.PublishPartAsync(set.Bucket, slice, name, DirectoryUse.CreateDurable);
                    context.RepairedSlices.Add();
                }

                await locks.BeginPublishAsync(set.Digest);
                lookup.Evict(set.Digest); // the next reader opens the new slices
                locks.EndPublish(set.Digest);
                return Result.Done;
            }
            finally
            {
                locks.ReleaseWriter(set.Digest);
            }
        }
        finally
        {
            set.Bucket.Leave();
        }
    }

    /// <summary>New heads where the map has changed, or one is missing, old, or where it does not belong; answers how many were written.</summary>
    private async ValueTask<Result<int>> WriteHeadsAsync(Bucket bucket, ObjectName name, ulong digest, StoredObject stored, SliceMap? map, RepairAttempts attempts)
    {
        ObjectDisk[] first = [.. lookup.Ranked(digest).Where(disk => !attempts.Refusing.Contains(disk.Path)).Take(HeadsWanted(bucket, map))];
        List<ObjectPlace> places = await lookup.PlacesAsync(bucket, name, digest);
        bool isRight = places.Count == first.Length
            && places.TrueForAll(place => first.Contains(place.Disk) && place.Stored?.Metadata.Generation == stored.Metadata.Generation);
        if (isRight && ReferenceEquals(map, stored.Metadata.Slices))
        {
            return 0;
        }

        await using ReplicaSet set = ReplicaSet.Rent(bucket, name, digest);
        set.Map = map;
        foreach (ObjectDisk disk in first)
        {
            set.Add(ReplicaMember.Head(await WorkFile.CreateAsync(disk, bucket, digest)));
        }

        if (map is null)
        {
            await attempts.PaceAsync(stored.Metadata.SizeBytes);
            Result copied = await CopyAsync(bucket, name, digest, stored, set);
            if (!copied.Ok)
            {
                return copied.Error!;
            }
        }

        Result<StoredObject> written = await commit.ConvertAsync(set, stored);
        return written.Ok ? first.Length : written.Error!;
    }

    /// <summary>The bytes of a small object, for whole copies.</summary>
    private async ValueTask<Result> CopyAsync(Bucket bucket, ObjectName name, ulong digest, StoredObject stored, ReplicaSet set)
    {
        Result<OpenObject> opened = await lookup.OpenFreshAsync(bucket, name, digest);
        if (!opened.Ok)
        {
            return opened.Error!;
        }

        using OpenObject open = opened.Value;
        Invariant.That(open.TryHold(), "a file that was just opened is open");
        using var reader = new ObjectReader(open, bucket);
        return reader.Stored.Metadata.Generation == stored.Metadata.Generation
            ? await ErasureReconciler.CopyAsync(reader, new ReplicaSink([.. set.Members.Select(static member => member.Work)]))
            : new Failure(ErrorCode.Busy, "the object was changed meanwhile");
    }
}
