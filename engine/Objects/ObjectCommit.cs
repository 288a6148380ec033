using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Pooling;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>
/// Makes an object visible; the only code that does. After a strict commit returns, the object, its record, its parts and every directory
/// entry on the way to it survive a power cut; before, the old object does, whatever step is cut.
/// <para>
/// Order (docs/ON_DISK.md has it as a table): large bodies are flushed without any lock → the name's writer lock → version → records are
/// set → fsync of every file → rename of the parts → fsync of their directories → rename of the first head: <b>the commit</b> → fsync of its
/// directory → further heads likewise → what the old generation left is removed → unlock, answer. Readers are kept out for a head's
/// rename only. A relaxed commit leaves out the fsyncs, and exchanges instead of replacing, so that the old file stays in the work
/// directory until <see cref="RelaxedFlusher"/> has made the new one durable.
/// </para>
/// </summary>
public sealed class ObjectCommit(
    ObjectLookup lookup, NameLock locks, HeadPublisher headPublisher, ObjectClock clock, Func<ObjectDisk, RelaxedFlusher> flusherOf, IPartMap partMap,
    ILogger log)
{
    /// <summary>
    /// Commits the set under its name and answers the new object. Refuses when the bucket is going; throws <see cref="StorageException"/>
    /// when a disk fails: before the first head's rename the old object is untouched, after it the outcome is the old or the new one.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result<StoredObject>> CommitAsync(
        ReplicaSet set, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom)
    {
        bool strict = set.IsWide || set.Bucket.Properties.Durability == Durability.Strict;
        if (strict && body.SizeBytes > Limits.EarlyFlushBytesMin)
        {
            await SyncAllAsync(set.Members);
        }

        if (!set.Bucket.TryEnter())
        {
            return BucketTable.NotFound(set.Bucket.Name);
        }

        try
        {
            using DiskUse use = lookup.Disks.Enter();
            await locks.AcquireWriterAsync(set.Digest);
            try
            {
                CheckDisks(set);
                List<ObjectPlace> places = await lookup.ReplacedAsync(set);
                ObjectMetadata metadata = Describe(set.Bucket, body, custom, places);
                metadata = await AddSidecarsAsync(set, metadata);

                // Old heads on other mountpaths are removed under the name's lock, not after some flush: by then a newer one may stand there.
                return strict || HasOthers(places, set.Members[0].Work.Disk)
                    ? await CommitStrictAsync(set, metadata, places)
                    : await CommitRelaxedAsync(set, metadata, places);
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

    /// <summary>A mountpath may have left since the body was received: nobody would find what is committed there.</summary>
    private static void CheckDisks(ReplicaSet set)
    {
        for (int i = 0; i < set.Members.Count; i++)
        {
            WorkFile work = set.Members[i].Work;
            if (!work.Disk.IsOpen)
            {
                throw work.Disk.Fault("commit: the mountpath has left", Errno.ENODEV, work.Path.Span);
            }
        }
    }

    private ObjectMetadata Describe(
        Bucket bucket, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom, List<ObjectPlace> places)
    {
        ulong newest = 0;
        ulong version = 0;
        foreach (ObjectPlace place in places)
        {
            newest = Math.Max(newest, place.Stored?.Metadata.Generation ?? 0);
            version = Math.Max(version, place.Stored?.Metadata.Version ?? 0);
        }

        return new ObjectMetadata
        {
            Kind = RecordKind.Object,
            SizeBytes = body.SizeBytes,
            Bid = bucket.Bid,
            Generation = clock.Next(newest),
            Version = bucket.Properties.Versioning ? version + 1 : 0,
            Checksum = body.Checksum,
            BlockDigests = body.BlockDigests,
            Custom = custom,
        };
    }

    /// <summary>A record that is too long for its attribute gets a sidecar beside every head.</summary>
    private static ValueTask<ObjectMetadata> AddSidecarsAsync(ReplicaSet set, ObjectMetadata metadata) =>
        MetadataRecord.LengthOf(metadata) <= Limits.RecordInlineBytesMax ? new(metadata) : SplitAsync(set, metadata);

    private static async ValueTask<ObjectMetadata> SplitAsync(ReplicaSet set, ObjectMetadata metadata)
    {
        (ObjectMetadata record, byte[] sidecar) = SidecarFiles.Split(metadata, set.Name);
        foreach (ReplicaMember head in set.Heads.ToList())
        {
            set.Add(new ReplicaMember
            {
                Role = MemberRole.Part,
                Work = await WorkFile.CreateAsync(head.Work.Disk, set.Bucket, set.Digest),
                SealAsync = (work, _) => SidecarFiles.WriteAsync(work, sidecar),
            });
        }

        return record;
    }

    private static bool HasOthers(List<ObjectPlace> places, ObjectDisk disk)
    {
        foreach (ObjectPlace place in places)
        {
            if (place.Disk != disk)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True when the set is one file, and what it replaces is at most another in its place: nothing else has to be removed.</summary>
    private bool IsPlain(ReplicaSet set, List<ObjectPlace> places) => set.Members.Count == 1
        && (places.Count == 0 || (places is [{ } old] && old.Disk == set.Members[0].Work.Disk && !partMap.PartsOf(set.Digest, old).Any()));

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<StoredObject> CommitStrictAsync(ReplicaSet set, ObjectMetadata metadata, List<ObjectPlace> places)
    {
        await SealAndSyncAsync(set, metadata);
        return IsPlain(set, places)
            ? await PublishDurablyAsync(set, set.Members[0], metadata, places)
            : await PublishAllAsync(set, metadata, places);
    }

    /// <summary>The renames of a set whose files are all durable.</summary>
    private async ValueTask<StoredObject> PublishAllAsync(ReplicaSet set, ObjectMetadata metadata, List<ObjectPlace> places)
    {
        List<ReplicaMember> heads = [.. set.Heads];
        for (int i = 1; i < heads.Count; i++)
        {
            // The first head's rename commits; from then on only these files tell recovery of the heads that are still to come.
            await heads[i].Work.SyncNameAsync();
        }

        var leftovers = new ReplacedGeneration(set, places, partMap) { HasKept = false };
        await leftovers.AnnounceAsync(log);
        await PublishPartsAsync(set, metadata, DirectoryUse.CreateDurable);
        StoredObject? stored = null;
        try
        {
            foreach (ReplicaMember head in heads)
            {
                StoredObject published = await PublishDurablyAsync(set, head, metadata, places);
                stored ??= published;
            }
        }
        catch (StorageException) when (heads[0].Work.IsGivenAway)
        {
            // The outcome is the old or the new object, on all heads: the next start brings the further ones to what the first is.
            heads.ForEach(head => head.Work.GiveAway());
            throw;
        }

        await leftovers.RemoveAsync();
        return stored!;
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<StoredObject> PublishDurablyAsync(ReplicaSet set, ReplicaMember head, ObjectMetadata metadata, List<ObjectPlace> places)
    {
        ObjectPlace? old = ObjectPlace.On(places, head.Work.Disk);
        (StoredObject stored, DirectoryLease directory) = await headPublisher.PublishAsync(set, head.Work, metadata, old, DirectoryUse.CreateDurable);
        stored.MarkWritten();
        using (directory)
        {
            IoResult synced = await directory.SyncAsync();
            return synced.Ok ? stored : throw head.Work.Disk.Fault(
                "fsync of the directory (the object is the old or the new one)", synced.Error, stored.Path.Directory.Span);
        }
    }

    /// <summary>Of a set that is not wide and replaces nothing elsewhere: one head, and perhaps its sidecar, on one mountpath.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<StoredObject> CommitRelaxedAsync(ReplicaSet set, ObjectMetadata metadata, List<ObjectPlace> places)
    {
        await SealAsync(set, metadata);
        WorkFile head = set.Members[0].Work; // a narrow set begins with its head
        RelaxedFlusher flusher = flusherOf(head.Disk);
        flusher.Begin(metadata.Generation);
        StoredObject? stored = null;
        try
        {
            await PublishPartsAsync(set, metadata, DirectoryUse.Create);
            (stored, DirectoryLease directory) =
                await headPublisher.PublishAsync(set, head, metadata, ObjectPlace.On(places, head.Disk), DirectoryUse.Create);
            directory.Dispose();
            stored.MarkWritten();
            return stored;
        }
        finally
        {
            // The old generation is let go when the new one is flushed. A commit that failed half-way keeps it.
            EndRelaxed(flusher, set, metadata, stored is null ? [] : places);
        }
    }

    private void EndRelaxed(RelaxedFlusher flusher, ReplicaSet set, ObjectMetadata metadata, List<ObjectPlace> replaced)
    {
        WorkFile head = set.Members[0].Work;
        if (replaced.Count == 0)
        {
            flusher.End(metadata.Generation, afterFlush: null);
        }
        else if (IsPlain(set, replaced) && head.Number > 0)
        {
            flusher.End(metadata.Generation, new KeptFile(set.Bucket, set.Digest, head.Number));
        }
        else
        {
            flusher.End(metadata.Generation, new ReplacedGeneration(set, replaced, partMap) { HasKept = true }.RemoveAsync);
        }
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private static async ValueTask SealAsync(ReplicaSet set, ObjectMetadata metadata)
    {
        bool isWide = set.IsWide;
        for (int i = 0; i < set.Members.Count; i++)
        {
            ReplicaMember member = set.Members[i];
            await member.SealAsync(member.Work, metadata);
            if (isWide && (member.Role == MemberRole.Head || member.PartKind != PartKind.Sidecar)) // a sidecar's bytes name its object
            {
                await WorkTarget.SetAsync(member.Work, set.Name);
            }
        }
    }

    /// <summary>A plain object's record and fsync are neighbours, which a disk may do in one trip; with more members all are sealed before the first is flushed.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask SealAndSyncAsync(ReplicaSet set, ObjectMetadata metadata)
    {
        if (set.Members is [{ IsSealedByRecord: true } only])
        {
            await only.Work.SealAndSyncAsync(metadata, log);
            return;
        }

        await SealAsync(set, metadata);
        await SyncAllAsync(set.Members);
    }

    /// <summary>Members lie on different drives: they are flushed at the same time.</summary>
    private ValueTask SyncAllAsync(IReadOnlyList<ReplicaMember> members) => members.Count == 1
        ? members[0].Work.SyncAsync(log)
        : new ValueTask(Task.WhenAll(members.Select(member => member.Work.SyncAsync(log).AsTask())));

    private static ValueTask PublishPartsAsync(ReplicaSet set, ObjectMetadata metadata, DirectoryUse use) =>
        set.Members.Count == 1 ? default : PublishSomePartsAsync(set, metadata, use);

    private static async ValueTask PublishSomePartsAsync(ReplicaSet set, ObjectMetadata metadata, DirectoryUse use)
    {
        foreach (ReplicaMember part in set.Parts)
        {
            ObjectDisk disk = part.Work.Disk;
            ReadOnlyMemory<byte> content = PartName.DirectoryOf(set.Bucket, part.PartKind);
            byte[] name = new PartName(part.PartKind, set.Digest, metadata.Generation, part.PartNumber).Format();
            using DirectoryLease directory = disk.Check(await disk.Directories.AcquireAsync(content, use), "mkdir", content.Span);
            IoResult renamed = await disk.Io.RenameAsync(part.Work.Directory, part.Work.Name, directory.Handle, name, RenameMode.Replace);
            disk.Check(renamed, "rename", part.Work.Path.Span);
            part.Work.GiveAway();
            if (use == DirectoryUse.CreateDurable)
            {
                disk.Check(await directory.SyncAsync(), "fsync of the directory", content.Span);
            }
        }
    }
}
