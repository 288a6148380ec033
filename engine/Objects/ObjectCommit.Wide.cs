using Microsoft.Extensions.Logging;
using Sluice.Engine.Io;

namespace Sluice.Engine.Objects;

/// <summary>
/// Commits of wide sets: members lie on different drives, so each step is done on all of them at the same time, up to the renames. Where the
/// set may lose heads, a mountpath that fails loses its members and the others go on.
/// </summary>
public sealed partial class ObjectCommit
{
    /// <summary>Without any lock: members name their object, and large ones are flushed.</summary>
    private async ValueTask PrepareAsync(ReplicaSet set, bool isEarly)
    {
        await OnAllAsync(set, PrepareOneAsync);

        async Task PrepareOneAsync(ReplicaMember member)
        {
            await WorkTarget.SetAsync(member.Work, set.Name);
            if (isEarly && (member.Role == MemberRole.Part || set.Map is null))
            {
                await member.Work.SyncAsync(log); // but for heads of slices, which are empty
            }
        }
    }

    /// <summary>
    /// Every member is completed and durable, and so is the name of each further head: when the first head's rename commits, only these files tell
    /// recovery of the heads that are still to come.
    /// </summary>
    private async ValueTask SealAndSyncAllAsync(ReplicaSet set, ObjectMetadata metadata)
    {
        WorkFile first = set.Heads.First().Work;
        await OnAllAsync(set, SealAndSyncOneAsync);

        async Task SealAndSyncOneAsync(ReplicaMember member)
        {
            Task named = member.Role == MemberRole.Head && member.Work != first ? member.Work.SyncNameAsync().AsTask() : Task.CompletedTask;
            try
            {
                if (member.IsSealedByRecord)
                {
                    await member.Work.SealAndSyncAsync(metadata, log);
                }
                else
                {
                    await member.SealAsync(member.Work, metadata);
                    await member.Work.SyncAsync(log);
                }
            }
            finally
            {
                await named; // it uses the member's directory
            }
        }
    }

    /// <summary>The renames of a set whose files are all durable.</summary>
    private async ValueTask<StoredObject> PublishAllAsync(ReplicaSet set, ObjectMetadata metadata, List<ObjectPlace> places)
    {
        OpenObject? beingRead = await lookup.HoldSlicesAsync(set.Bucket, set.Name, set.Digest);
        try
        {
            return await PublishAndRemoveAsync(set, metadata, places);
        }
        finally
        {
            beingRead?.Release();
        }
    }

    private async ValueTask<StoredObject> PublishAndRemoveAsync(ReplicaSet set, ObjectMetadata metadata, List<ObjectPlace> places)
    {
        var leftovers = new ReplacedGeneration(set, places, partMap) { HasKept = false };
        await leftovers.AnnounceAsync(log);
        await PublishPartsOfAllAsync(set, metadata);
        List<ReplicaMember> heads = [.. set.Heads];
        (int durable, StorageException? lost) = await PublishHeadsAsync(set, heads, metadata, places, leftovers);
        if (durable < heads.Count && heads.Exists(head => head.Work.IsGivenAway))
        {
            // What is not in place yet is left to the next start, which brings it to what the others are.
            foreach (ReplicaMember head in heads.Where(head => !head.Work.IsGivenAway))
            {
                head.Work.GiveAway();
                Leftovers?.AddNote(set.Bucket, set.Name, set.Digest, head.Work.Disk, head.Work.Path.ToArray());
            }

            set.IsDegraded = true;
        }

        if (durable < (set.CanLoseHeads ? set.HeadsMin : heads.Count))
        {
            Leave(set, metadata);
            throw lost!; // the old or the new object, on all heads
        }

        StoredObject stored = set.Shown!;
        leftovers.Standing = new ObjectPlace(stored.Disk, stored.Path, stored, OfThisBucket: true);
        await leftovers.RemoveAsync(set, Leftovers, log);
        return stored;
    }

    /// <summary>
    /// The first head is durable before the next is renamed: that is the commit. The directories of the others are flushed at the same time. Answers how many heads are
    /// durable, and the last fault; where none may be lost no head is renamed behind a fault.
    /// </summary>
    private async ValueTask<(int Durable, StorageException? Lost)> PublishHeadsAsync(
        ReplicaSet set, List<ReplicaMember> heads, ObjectMetadata metadata, List<ObjectPlace> places, ReplacedGeneration leftovers)
    {
        int durable = 0;
        StorageException? lost = null;
        List<(ReplicaMember Head, Task Flushed)> others = [];
        foreach (ReplicaMember head in heads.TakeWhile(_ => lost is null || set.CanLoseHeads))
        {
            try
            {
                if (durable == 0)
                {
                    await PublishDurablyAsync(set, head, metadata, places);
                    durable++;
                }
                else
                {
                    (StoredObject stored, DirectoryLease directory) = await PublishAsync(set, head, metadata, places);
                    others.Add((head, FlushAsync(stored, directory).AsTask()));
                }
            }
            catch (StorageException fault)
            {
                Lose(head, fault);
            }
        }

        foreach ((ReplicaMember head, Task flushed) in others)
        {
            try
            {
                await flushed;
                durable++;
            }
            catch (StorageException fault)
            {
                Lose(head, fault);
            }
        }

        return (durable, lost);

        void Lose(ReplicaMember head, StorageException fault)
        {
            lost = fault;
            leftovers.Keep(head.Work.Disk);
            if (set.CanLoseHeads)
            {
                log.LogError("a copy of an object is missing: {Fault}", fault.Message);
            }
        }
    }

    private async ValueTask PublishPartsOfAllAsync(ReplicaSet set, ObjectMetadata metadata)
    {
        try
        {
            await PublishPartsAsync(set, metadata, DirectoryUse.CreateDurable);
        }
        catch (StorageException)
        {
            Leave(set, metadata);
            throw;
        }
    }

    /// <summary>The commit cannot go on: no head may ever speak of the parts that have their names already.</summary>
    private void Leave(ReplicaSet set, ObjectMetadata metadata) =>
        Leftovers?.Add(set.Bucket, set.Name, set.Digest, set.PublishedParts(metadata.Generation));

    /// <summary>Does a step on every member at once. A mountpath that fails loses its members where the set allows it; else its fault is thrown.</summary>
    private async ValueTask OnAllAsync(ReplicaSet set, Func<ReplicaMember, Task> step)
    {
        List<ReplicaMember> members = [.. set.Members];
        List<Task> steps = [.. members.Select(step)];
        try
        {
            await Task.WhenAll(steps);
        }
        catch (StorageException) when (set.CanLoseHeads)
        {
            // A head and its sidecar leave together: the second one's work file is disposed before its step is looked at.
            ObjectDisk[] disks = [.. members.Select(static member => member.Work.Disk)];
            for (int i = 0; i < steps.Count; i++)
            {
                await OrLoseAsync(set, disks[i], () => steps[i]);
            }
        }
    }

    /// <summary>Does something on a mountpath for a set; where it fails, the set goes on without that mountpath if it may.</summary>
    private static async ValueTask OrLoseAsync(ReplicaSet set, ObjectDisk disk, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (StorageException)
        {
            if (!await set.TryLoseAsync(disk))
            {
                throw;
            }
        }
    }
}
