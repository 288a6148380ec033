using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Integrity;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.ErasureCoding;

/// <summary>The replica: written anew from the slices where the bucket wants one and there is no good one, forgotten where it wants none.</summary>
internal sealed partial class SliceRepair
{
    /// <summary>
    /// Answers the map that is true then. A replica that the bucket does not want is not in it: the commit of the new heads removes the file. With
    /// <paramref name="verify"/> all of it is read and compared, else it is taken at the word of its record.
    /// </summary>
    private async ValueTask<Result<KeptReplica>> KeepReplicaAsync(
        Bucket bucket, ObjectName name, ulong digest, OpenObject open, ObjectReader reader, SliceMap map, bool verify, RepairAttempts attempts)
    {
        if (!bucket.Properties.Ec.KeepReplica)
        {
            return new KeptReplica(map.HasReplica ? map.WithReplica(null) : map, IsMade: false, IsOwed: false);
        }

        OpenObject? replica = open.Striped!.Replica;
        if (replica is not null && (!verify || await IsGoodAsync(bucket, digest, replica, attempts)))
        {
            return new KeptReplica(map, IsMade: false, IsOwed: false);
        }

        await attempts.PaceAsync(reader.SizeBytes);
        replica?.Suspect(); // its slices are read from here on
        await using ReplicaSet set = ReplicaSet.Rent(bucket, name, digest);
        if (await CreateReplicaAsync(set, map, attempts.Refusing) is not { } work)
        {
            return new KeptReplica(map, IsMade: false, IsOwed: true);
        }

        Result done = await ErasureReconciler.CopyAsync(reader, work);
        if (done.Ok)
        {
            await SealAsync(set, open.Stored, new SliceTarget(map.Geometry.SliceCount, work, []));
            try
            {
                done = await PublishAsync(set, open.Stored);
            }
            finally
            {
                attempts.Published.AddRange(set.PublishedParts(map.Generation));
            }
        }

        return !done.Ok ? done.Error!
            : new KeptReplica(map.HasReplica && map.Mountpaths[^1] == work.Disk.Uuid ? map : map.WithReplica(work.Disk.Uuid), IsMade: true, IsOwed: false);
    }

    private static async ValueTask<bool> IsGoodAsync(Bucket bucket, ulong digest, OpenObject replica, RepairAttempts attempts)
    {
        (ObjectDisk disk, ObjectMetadata metadata) = (replica.Stored.Disk, replica.Stored.Metadata);
        await attempts.PaceAsync(metadata.SizeBytes);
        try
        {
            return await WorkTarget.ReadAsync(disk, replica.File, replica.Stored.Path.Whole, bucket, digest) is not null
                && await BlockVerifier.FirstBadBlockAsync(disk, replica.File, metadata, 0, metadata.BlockCount) is null
                && await BlockVerifier.FirstBadBlockAsync(disk, replica.File, metadata, 0, metadata.BlockCount, pastCache: true) is null;
        }
        catch (StorageException)
        {
            return false; // counted with the disk's faults
        }
    }

    /// <summary>A work file where the replica was or, where that cannot be, on the best mountpath that takes one; null when none does.</summary>
    private async ValueTask<WorkFile?> CreateReplicaAsync(ReplicaSet set, SliceMap map, HashSet<string> refusing)
    {
        List<ObjectDisk> candidates = map.HasReplica && context.DiskOf(map.Mountpaths[^1]) is { } own ? [own] : [];
        candidates.AddRange(lookup.Ranked(set.Digest).Except(candidates));
        foreach (ObjectDisk disk in candidates.Where(disk => !refusing.Contains(disk.Path)))
        {
            try
            {
                WorkFile work = await WorkFile.CreateAsync(disk, set.Bucket, set.Digest);
                set.Add(new ReplicaMember
                {
                    Role = MemberRole.Part,
                    PartKind = PartKind.Slice,
                    PartNumber = map.Geometry.SliceCount + 1,
                    Work = work,
                    SealAsync = static (_, _) => default, // sealed before it is published
                });
                return work;
            }
            catch (StorageException fault)
            {
                context.Log.LogWarning("a replica is not written there: {Fault}", fault.Message);
            }
        }

        return null;
    }

    /// <summary>
    /// The replica gets its name; what stood there was not good, and goes into quarantine before. No reader looks for it meanwhile: it would tell that there is none.
    /// </summary>
    private async ValueTask PublishReplicaAsync(ReplicaSet set, ReplicaMember replica, PartName name)
    {
        await locks.BeginPublishAsync(set.Digest);
        try
        {
            ObjectDisk disk = replica.Work.Disk;
            ReadOnlyMemory<byte> content = set.Bucket.Slices;
            using (DirectoryLease directory = disk.Check(await disk.Directories.AcquireAsync(content, DirectoryUse.CreateDurable), "mkdir", content.Span))
            {
                if ((await disk.Io.StatAtAsync(directory.Handle, name.Format())).Ok)
                {
                    var note = new QuarantineNote("it is a replica and not what its object is", set.Bucket.Name.ToString(), set.Name.ToString());
                    await Quarantine.MoveAsync(disk, directory.Handle, name.Format(), set.Digest, note, context.Log);
                    context.Quarantined.Add();
                }
            }

            await ObjectCommit.PublishPartAsync(set.Bucket, replica, name, DirectoryUse.CreateDurable);
            context.RepairedReplicas.Add();
        }
        finally
        {
            locks.EndPublish(set.Digest);
        }
    }

    /// <summary>What became of the replica.</summary>
    /// <param name="Map">The slices, with it or without.</param>
    /// <param name="IsMade">It was written.</param>
    /// <param name="IsOwed">The bucket wants one, and no mountpath takes it.</param>
    private readonly record struct KeptReplica(SliceMap Map, bool IsMade, bool IsOwed);
}
