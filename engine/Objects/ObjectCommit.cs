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
public sealed partial class ObjectCommit(
    ObjectLookup lookup, NameLock locks, HeadPublisher headPublisher, ObjectClock clock, Func<ObjectDisk, RelaxedFlusher> flusherOf, IPartMap partMap,
    ILogger log)
{
    /// <summary>Where parts are noted that nobody could remove; null where nobody looks for them.</summary>
    internal LeftoverParts? Leftovers { get; init; }

    /// <summary>
    /// Commits the set under its name and answers the new object. Refuses when the bucket is going; throws <see cref="StorageException"/>
    /// when a disk fails: before the first head's rename the old object is untouched, after it the outcome is the old or the new one.
    /// </summary>
    public ValueTask<Result<StoredObject>> CommitAsync(ReplicaSet set, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom) =>
        CommitAsync(set, body, custom, set.Converted);

    /// <summary>
    /// Commits other files of the object <paramref name="converted"/>: the set holds the same bytes, laid out anew, or new heads of its slices. Without
    /// <paramref name="custom"/> it stays what it is to its readers; with it that is its custom metadata from now on. Refuses with Busy when the name has
    /// another object by now.
    /// </summary>
    public ValueTask<Result<StoredObject>> ConvertAsync(ReplicaSet set, StoredObject converted, IReadOnlyList<KeyValuePair<string, string>>? custom = null)
    {
        ObjectMetadata old = converted.Metadata;
        set.Chunked = old.Chunked;
        var body = new ReceivedBody { SizeBytes = old.SizeBytes, Checksum = old.Checksum, BlockDigests = old.BlockDigests };
        return CommitAsync(set, body, custom ?? old.Custom, converted);
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<StoredObject>> CommitAsync(
        ReplicaSet set, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom, StoredObject? converted)
    {
        bool isWide = set.IsWide;
        bool strict = isWide || set.IsDurable || set.Bucket.Properties.Durability == Durability.Strict;
        bool isEarly = strict && body.SizeBytes > Limits.EarlyFlushBytesMin;
        if (isWide)
        {
            await PrepareAsync(set, isEarly);
        }
        else if (isEarly)
        {
            await SyncAllAsync(set.Members);
        }

        if (!set.Bucket.TryEnter(out int epoch))
        {
            return BucketTable.NotFound(set.Bucket.Name);
        }

        try
        {
            if (set.CanLoseHeads)
            {
                await set.ShrinkAsync(set.Bucket.Properties.Mirror.Wanted);
            }

            using DiskUse use = lookup.Disks.Enter();
            await locks.AcquireWriterAsync(set.Digest);
            try
            {
                bool may = set.OnlyIf is not { } holds || await holds();
                return may ? await CommitLockedAsync(set, body, custom, converted, strict) : Changed;
            }
            finally
            {
                locks.ReleaseWriter(set.Digest);
            }
        }
        finally
        {
            set.Bucket.Leave(epoch);
        }
    }

    /// <summary>The same by the name's writer.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<StoredObject>> CommitLockedAsync(
        ReplicaSet set, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom, StoredObject? converted, bool strict)
    {
        await CheckDisksAsync(set);
        DiskSet before = lookup.Disks.Current;
        strict |= before.Away.Count > 0; // a tombstone must not outlive what replaced the buried
        if (!strict && !before.IsUnsettled && converted is null && await TryCommitNewAsync(set, body, custom) is { } isNew)
        {
            return isNew;
        }

        List<ObjectPlace> places = await lookup.ReplacedAsync(set);
        await EndUploadsAsync(set, places);

        // Old heads on other mountpaths are removed under the name's lock, not after some flush: by then a newer one may stand there.
        bool isDurable = strict || converted is not null || HasOthers(places, set.Members[0].Work.Disk);
        Result<StoredObject> committed = isDurable
            ? await CommitStrictAsync(set, body, custom, places, converted)
            : await CommitRelaxedAsync(set, body, custom, places);
        if (!committed.Ok)
        {
            return committed;
        }

        StoredObject stored = committed.Value;
        if (isDurable)
        {
            FreeUploads(set, places);
        }

        if (before.IsUnsettled || lookup.Disks.Current.IsUnsettled)
        {
            await FollowUpAsync(before, set, stored);
        }

        Leftovers?.LookAgain(set.Bucket, set.Name, set.Digest);
        return stored;
    }

    /// <summary>A mountpath may have left since the body was received: nobody would find what is committed there.</summary>
    private static ValueTask CheckDisksAsync(ReplicaSet set)
    {
        for (int i = 0; i < set.Members.Count; i++)
        {
            WorkFile work = set.Members[i].Work;
            if (!work.Disk.IsOpen)
            {
                return LoseAsync(work);
            }
        }

        return default;

        async ValueTask LoseAsync(WorkFile work)
        {
            StorageException left = work.Disk.Fault("commit: the mountpath has left", Errno.ENODEV, work.Path.Span);
            await OrLoseAsync(set, work.Disk, () => Task.FromException(left));
            await CheckDisksAsync(set);
        }
    }

    /// <summary>The set of mountpaths is not whole, or has changed: an older generation may come back, or the object lie where it does not belong by now.</summary>
    private async ValueTask FollowUpAsync(DiskSet before, ReplicaSet set, StoredObject stored)
    {
        DiskSet now = lookup.Disks.Current;
        if (before.Away.Count > 0 || now.Away.Count > 0)
        {
            await Tombstones.LeaveAsync(now, set.Bucket, set.Name, set.Digest, stored.Metadata.Generation, Burial.Replaced, log);
        }

        if (set.Members[0].Work.Disk != now.HomeOf(set.Digest))
        {
            lookup.Disks.AddStraggler(new Straggler(set.Bucket, set.Name, set.Digest));
        }
    }

    /// <summary>
    /// A name that the metadata cache does not know is new, most often, and then a rename that does not replace is all that it takes: to look first would
    /// wait for a directory that nobody has read. Null when something stands there, or anything else is not as usual: nothing is visible then.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<StoredObject?> TryCommitNewAsync(ReplicaSet set, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom)
    {
        if (set.Members.Count > 1 || !lookup.IsUnknown(set))
        {
            return null;
        }

        RelaxedFlusher flusher = flusherOf(set.Members[0].Work.Disk);
        ulong begun = flusher.Begin();
        try
        {
            ObjectMetadata metadata = Describe(set, body, custom, set.Found, converted: null)!;
            if (MetadataRecord.LengthOf(metadata) > Limits.RecordInlineBytesMax)
            {
                return null;
            }

            await SealAsync(set, metadata);
            StoredObject? stored = await headPublisher.TryPublishNewAsync(set, set.Members[0].Work, metadata);
            stored?.MarkWritten();
            return stored;
        }
        finally
        {
            flusher.End(begun, afterFlush: null);
        }
    }

    /// <summary>The record of what is committed; null when it is not the present object that is converted.</summary>
    private ObjectMetadata? Describe(
        ReplicaSet set, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom, List<ObjectPlace> places, StoredObject? converted)
    {
        ulong newest = 0;
        ulong version = 0;
        foreach (ObjectPlace place in places)
        {
            newest = Math.Max(newest, place.Stored?.Metadata.Generation ?? 0);
            version = Math.Max(version, place.Stored?.Metadata.Version ?? 0);
        }

        if (converted is not null && converted.Metadata.Generation != newest)
        {
            return null;
        }

        // Other files of the same object: its time stays what it was, to the nanosecond after.
        ulong generation = converted is not null && ReferenceEquals(custom, converted.Metadata.Custom) ? newest + 1 : clock.Next(newest);
        return new ObjectMetadata
        {
            Kind = set.Map is null ? RecordKind.Object : RecordKind.Stripe,
            SizeBytes = body.SizeBytes,
            Bid = set.Bucket.Bid,
            Generation = generation,
            Version = converted is not null ? converted.Metadata.Version : set.Version ?? (set.Bucket.Properties.Versioning ? version + 1 : 0),
            Checksum = body.Checksum,
            BlockDigests = body.BlockDigests,
            Custom = custom,
            Chunked = set.Chunked,
            Slices = set.Map is { Generation: 0 } own ? own.OfGeneration(generation) : set.Map,
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
            await OrLoseAsync(set, head.Work.Disk, async () => set.Add(new ReplicaMember
            {
                Role = MemberRole.Part,
                Work = await WorkFile.CreateAsync(head.Work.Disk, set.Bucket, set.Digest),
                SealAsync = (work, _) => SidecarFiles.WriteAsync(work, sidecar),
            }));
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
        && (places.Count == 0 || (places is [{ Stored.Metadata.Chunked: null } old] && old.Disk == set.Members[0].Work.Disk && !partMap.PartsOf(set.Digest, old).Any()));

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<StoredObject>> CommitStrictAsync(
        ReplicaSet set, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom, List<ObjectPlace> places, StoredObject? converted)
    {
        ObjectMetadata? metadata = Describe(set, body, custom, places, converted);
        if (metadata is null)
        {
            return Changed;
        }

        metadata = await AddSidecarsAsync(set, metadata);
        await SealAndSyncAsync(set, metadata);
        return IsPlain(set, places)
            ? await PublishDurablyAsync(set, set.Members[0], metadata, places)
            : await PublishAllAsync(set, metadata, places);
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<StoredObject> PublishDurablyAsync(ReplicaSet set, ReplicaMember head, ObjectMetadata metadata, List<ObjectPlace> places)
    {
        (StoredObject stored, DirectoryLease directory) = await PublishAsync(set, head, metadata, places);
        await FlushAsync(stored, directory);
        return stored;
    }

    /// <summary>The head is visible; it is durable when its directory is.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<(StoredObject Stored, DirectoryLease Directory)> PublishAsync(
        ReplicaSet set, ReplicaMember head, ObjectMetadata metadata, List<ObjectPlace> places)
    {
        ObjectPlace? old = ObjectPlace.On(places, head.Work.Disk);
        (StoredObject stored, DirectoryLease directory) = await headPublisher.PublishAsync(set, head.Work, metadata, old, DirectoryUse.CreateDurable);
        stored.MarkWritten();
        return (stored, directory);
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private static async ValueTask FlushAsync(StoredObject stored, DirectoryLease directory)
    {
        using (directory)
        {
            IoResult synced = await directory.SyncAsync();
            if (!synced.Ok)
            {
                throw stored.Disk.Fault("fsync of the directory (the object is the old or the new one)", synced.Error, stored.Path.Directory.Span);
            }
        }
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private static async ValueTask SealAsync(ReplicaSet set, ObjectMetadata metadata)
    {
        for (int i = 0; i < set.Members.Count; i++)
        {
            ReplicaMember member = set.Members[i];
            await member.SealAsync(member.Work, metadata);
        }
    }

    /// <summary>A head's record and fsync are neighbours, which a disk may do in one trip.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask SealAndSyncAsync(ReplicaSet set, ObjectMetadata metadata)
    {
        if (set.Members is [{ IsSealedByRecord: true } only])
        {
            await only.Work.SealAndSyncAsync(metadata, log);
            return;
        }

        if (set.IsWide)
        {
            await SealAndSyncAllAsync(set, metadata);
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

    /// <summary>Parts lie on different drives: they are renamed at the same time, or one by one where the set may lose some.</summary>
    private static async ValueTask PublishSomePartsAsync(ReplicaSet set, ObjectMetadata metadata, DirectoryUse use)
    {
        if (!set.CanLoseHeads)
        {
            await Task.WhenAll(set.Parts.Select(PublishAsync));
            return;
        }

        foreach (ReplicaMember part in set.Parts.ToList())
        {
            await OrLoseAsync(set, part.Work.Disk, () => PublishAsync(part));
        }

        Task PublishAsync(ReplicaMember part) =>
            PublishPartAsync(set.Bucket, part, set.NameOf(part, metadata.Generation), use).AsTask();
    }

    /// <summary>Gives a part, which is durable, its name; with <see cref="DirectoryUse.CreateDurable"/> that is durable too when this returns.</summary>
    internal static async ValueTask PublishPartAsync(Bucket bucket, ReplicaMember part, PartName name, DirectoryUse use)
    {
        ObjectDisk disk = part.Work.Disk;
        ReadOnlyMemory<byte> content = PartName.DirectoryOf(bucket, part.PartKind);
        using DirectoryLease directory = disk.Check(await disk.Directories.AcquireAsync(content, use), "mkdir", content.Span);
        IoResult renamed = await disk.Io.RenameAsync(part.Work.Directory, part.Work.Name, directory.Handle, name.Format(), RenameMode.Replace);
        disk.Check(renamed, "rename", part.Work.Path.Span);
        part.Work.GiveAway();
        if (use == DirectoryUse.CreateDurable)
        {
            disk.Check(await directory.SyncAsync(), "fsync of the directory", content.Span);
        }
    }
}
