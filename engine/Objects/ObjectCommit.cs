using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;

namespace Sluice.Engine.Objects;

/// <summary>
/// Makes an object visible; the only code that does. After a strict commit returns, the object, its record, its parts and every directory
/// entry on the way to it survive a power cut; before, the old object does, whatever step is cut.
/// <para>
/// Order (docs/ON_DISK.md has it as a table): large bodies are flushed without any lock → the name's writer lock → version → records are
/// set → fsync of every file → rename of the parts → fsync of their directories → rename of the first head: <b>the commit</b> → fsync of its
/// directory → further heads likewise → unlock, answer → what the old generation left is removed. Readers are kept out for a head's
/// rename only. A relaxed commit leaves out the fsyncs, and exchanges instead of replacing, so that the old file stays in the work
/// directory until <see cref="RelaxedFlusher"/> has made the new one durable.
/// </para>
/// </summary>
public sealed class ObjectCommit(
    ObjectLookup lookup, NameLock locks, HeadPublisher heads, ObjectClock clock, Func<ObjectDisk, RelaxedFlusher> flusherOf, ILogger log)
{
    /// <summary>
    /// Commits the set under its name and answers the new object. Refuses when the bucket is going; throws <see cref="StorageException"/>
    /// when a disk fails: before the first head's rename the old object is untouched, after it the outcome is the old or the new one.
    /// </summary>
    public async ValueTask<Result<StoredObject>> CommitAsync(
        ReplicaSet set, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom)
    {
        // Recovery verifies each mountpath by itself and cannot vouch for members on another one, whose unsynced bytes a power cut may take while
        // the head stays: a set over several mountpaths is committed strictly in relaxed buckets too.
        bool spansDisks = set.Members.Select(member => member.Work.Disk).Distinct().Count() > 1;
        Durability durability = spansDisks ? Durability.Strict : set.Bucket.Properties.Durability;
        if (durability == Durability.Strict && body.SizeBytes > Limits.EarlyFlushBytesMin)
        {
            await SyncAllAsync(set.Members);
        }

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
                ObjectMetadata metadata = Describe(set.Bucket, body, custom, places);
                metadata = await AddSidecarsAsync(set, metadata);
                return durability == Durability.Strict
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

    private ObjectMetadata Describe(
        Bucket bucket, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom, List<ObjectPlace> places)
    {
        ulong newest = 0;
        ulong version = 0;
        foreach (StoredObject old in places.Select(place => place.Stored).OfType<StoredObject>())
        {
            newest = Math.Max(newest, old.Metadata.Generation);
            version = Math.Max(version, old.Metadata.Version);
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
    private static async ValueTask<ObjectMetadata> AddSidecarsAsync(ReplicaSet set, ObjectMetadata metadata)
    {
        if (MetadataRecord.Format(metadata).Length <= Limits.RecordInlineBytesMax)
        {
            return metadata;
        }

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

    private async ValueTask<StoredObject> CommitStrictAsync(ReplicaSet set, ObjectMetadata metadata, List<ObjectPlace> places)
    {
        await SealAsync(set, metadata);
        await SyncAllAsync(set.Members);
        await PublishPartsAsync(set, metadata, DirectoryUse.CreateDurable);
        StoredObject? stored = null;
        foreach (ReplicaMember head in set.Heads)
        {
            ObjectPlace? old = places.Find(place => place.Disk == head.Work.Disk);
            (ObjectPath path, DirectoryLease directory) = await heads.PublishAsync(set, head.Work, metadata, old, DirectoryUse.CreateDurable);
            using (directory)
            {
                IoResult synced = await directory.SyncAsync();
                if (!synced.Ok)
                {
                    throw head.Work.Disk.Fault("fsync of the directory (the object is the old or the new one)", synced.Error, path.Directory.Span);
                }
            }

            stored ??= new StoredObject(metadata, head.Work.Disk, path, clock.NowNs);
        }

        var leftovers = new Leftovers(set, places);
        foreach (ObjectDisk disk in set.Heads.Select(head => head.Work.Disk))
        {
            await leftovers.RemoveAsync(disk);
        }

        return stored!;
    }

    private async ValueTask<StoredObject> CommitRelaxedAsync(ReplicaSet set, ObjectMetadata metadata, List<ObjectPlace> places)
    {
        await SealAsync(set, metadata);
        List<ObjectDisk> disks = [.. set.Members.Select(member => member.Work.Disk).Distinct()];
        disks.ForEach(disk => flusherOf(disk).Begin(metadata.Generation));
        StoredObject? stored = null;
        try
        {
            await PublishPartsAsync(set, metadata, DirectoryUse.Create);
            foreach (ReplicaMember head in set.Heads)
            {
                ObjectPlace? old = places.Find(place => place.Disk == head.Work.Disk);
                (ObjectPath path, DirectoryLease directory) = await heads.PublishAsync(set, head.Work, metadata, old, DirectoryUse.Create);
                directory.Dispose();
                stored ??= new StoredObject(metadata, head.Work.Disk, path, clock.NowNs);
            }

            return stored!;
        }
        finally
        {
            // Each mountpath lets go of its own old generation when it has flushed the new one. A commit that failed half-way keeps the old one.
            var leftovers = new Leftovers(set, places);
            disks.ForEach(disk => flusherOf(disk).End(metadata.Generation, stored is null ? null : () => leftovers.RemoveAsync(disk)));
        }
    }

    private static async ValueTask SealAsync(ReplicaSet set, ObjectMetadata metadata)
    {
        foreach (ReplicaMember member in set.Members)
        {
            await member.SealAsync(member.Work, metadata);
        }
    }

    /// <summary>Members lie on different drives: they are flushed at the same time.</summary>
    private async ValueTask SyncAllAsync(IReadOnlyList<ReplicaMember> members)
    {
        if (members.Count == 1)
        {
            await members[0].Work.SyncAsync(log);
            return;
        }

        await Task.WhenAll(members.Select(member => member.Work.SyncAsync(log).AsTask()));
    }

    private static async ValueTask PublishPartsAsync(ReplicaSet set, ObjectMetadata metadata, DirectoryUse use)
    {
        byte[] name = SidecarFiles.NameOf(set.Digest, metadata.Generation);
        foreach (ReplicaMember part in set.Parts)
        {
            ObjectDisk disk = part.Work.Disk;
            using DirectoryLease directory = disk.Check(
                await disk.Directories.AcquireAsync(set.Bucket.Sidecars, use), "mkdir", set.Bucket.Sidecars.Span);
            IoResult renamed = await disk.Io.RenameAsync(part.Work.Directory, part.Work.Name, directory.Handle, name, RenameMode.Replace);
            disk.Check(renamed, "rename", part.Work.Path.Span);
            part.Work.GiveAway();
            if (use == DirectoryUse.CreateDurable)
            {
                disk.Check(await directory.SyncAsync(), "fsync", set.Bucket.Sidecars.Span);
            }
        }
    }

    /// <summary>What the old generation leaves beside the new one: kept files, sidecars, heads on mountpaths that are not its home any more.</summary>
    private sealed class Leftovers(ReplicaSet set, List<ObjectPlace> places)
    {
        private readonly Bucket _bucket = set.Bucket;
        private readonly ulong _digest = set.Digest;
        private readonly List<(ObjectDisk Disk, ReadOnlyMemory<byte> Kept)> _heads = [.. set.Heads.Select(head => (head.Work.Disk, head.Work.Path))];

        /// <summary>Removes what lies on one mountpath; with the first head's also what lies on mountpaths that have none.</summary>
        public async ValueTask RemoveAsync(ObjectDisk disk)
        {
            foreach ((ObjectDisk headDisk, ReadOnlyMemory<byte> kept) in _heads.Where(head => head.Disk == disk))
            {
                await ObjectRemoval.UnlinkAsync(headDisk, kept, _bucket.Work); // there after an exchange only
            }

            foreach (ObjectPlace place in places)
            {
                bool hasHead = _heads.Exists(head => head.Disk == place.Disk);
                if (place.Disk != disk && (hasHead || disk != _heads[0].Disk))
                {
                    continue;
                }

                if (!hasHead)
                {
                    await ObjectRemoval.UnlinkAsync(place.Disk, place.Path.Whole, _bucket.Objects);
                }

                if (place.Stored is { Metadata.HasSidecar: true } old)
                {
                    await ObjectRemoval.UnlinkAsync(
                        place.Disk, SidecarFiles.PathOf(_bucket, _digest, old.Metadata.Generation), _bucket.Sidecars);
                }
            }
        }
    }
}
