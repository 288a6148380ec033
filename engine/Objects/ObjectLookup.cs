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
/// Finds objects: name → mountpath → file → record, through the two caches. What it answers is always whole: a record that is missing,
/// damaged, of another size than the file or of another bucket generation is never served as something else.
/// <para>
/// Only a reader that holds the name's lock fills the caches, and a writer empties them while readers are kept out, so a cached entry
/// never outlives the object it describes. A hit takes no lock on the name and touches no disk.
/// </para>
/// </summary>
public sealed partial class ObjectLookup : IDisposable
{
    private static readonly Func<OpenObject, bool> s_hold = static open => open.TryHold();

    private readonly NameLock _locks;
    private readonly ILogger _log;
    private readonly BoundedCache<StoredObject> _metadata;
    private readonly BoundedCache<OpenObject> _open;
    private long _damaged;

    /// <summary>Looks on the disks of the set in force.</summary>
    public ObjectLookup(DiskTable disks, NameLock locks, CacheSizes sizes, ILogger log)
    {
        Disks = disks;
        _locks = locks;
        _log = log;
        _metadata = new BoundedCache<StoredObject>(sizes.MetadataEntries, weightOf: static stored => stored.CacheWeight);
        _open = new BoundedCache<OpenObject>(sizes.OpenFiles, static open => open.Dispose(), static open => open.CacheWeight);
    }

    /// <summary>The disks. Who uses one outside of this class's verbs has entered a set.</summary>
    public DiskTable Disks { get; }

    /// <summary>Objects may lie on another mountpath than their first: the set changed since they were written. Then all are searched.</summary>
    public bool SearchAll => Disks.Current.SearchAll;

    /// <summary>The refusal for a name under which nothing was found and an object is known to have stood; null of any other. Set once, before the first search.</summary>
    internal Func<Bucket, ObjectName, ulong, ValueTask<Failure?>> LostAsync { get; set; } = static (_, _, _) => default;

    /// <summary>Entries of the metadata cache.</summary>
    public int MetadataCount => _metadata.Count;

    /// <summary>Entries of the cache of open files.</summary>
    public int OpenFileCount => _open.Count;

    /// <summary>Objects found damaged since start.</summary>
    public long DamagedCount => Volatile.Read(ref _damaged);

    /// <summary>The mountpath that a new object of that digest goes to; <see cref="StorageException"/> when none is left to serve.</summary>
    public ObjectDisk HomeOf(ulong digest) =>
        Disks.Current.HomeOf(digest) ?? throw new StorageException("the set of mountpaths", "placement: none is in service", Errno.ENODEV);

    /// <summary>The mountpaths that new objects go to, best first.</summary>
    public IReadOnlyList<ObjectDisk> Ranked(ulong digest) => Disks.Current.Ranked(digest);

    /// <summary>The object, open. The caller owns the hold and ends it with <see cref="OpenObject.Release"/>.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Result<OpenObject>> OpenAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        OpenObject? open = _open.Find(digest, bucket.Bid, name.Utf8.Span, s_hold);
        if (open is not null)
        {
            return open;
        }

        using DiskUse use = Disks.Enter();
        await _locks.AcquireReaderAsync(digest);
        try
        {
            Result<OpenObject> found = await FindAsync(bucket, name, digest);
            if (found is { Ok: true, Value.Stored.Metadata.Slices: not null })
            {
                found = await OpenSlicesAsync(bucket, name, digest, found.Value);
            }

            if (found.Ok)
            {
                Invariant.That(found.Value.TryHold(), "a file that was just opened is open");
                StoredObject stored = found.Value.Stored;
                if (_metadata.Find(digest, bucket.Bid, name.Utf8.Span) is { } known && known.Disk == stored.Disk && known.Metadata.Generation == stored.Metadata.Generation)
                {
                    stored.AdoptVerified(known);
                }

                _metadata.Put(digest, bucket.Bid, name.Utf8.Span, found.Value.Stored);
                _open.Put(digest, bucket.Bid, name.Utf8.Span, found.Value);
            }

            return found;
        }
        finally
        {
            _locks.ReleaseReader(digest);
        }
    }

    /// <summary>What the object is, without keeping it open.</summary>
    public ValueTask<Result<StoredObject>> StatAsync(Bucket bucket, ObjectName name, ulong digest) => StatAsync(bucket, name, digest, isKept: true);

    /// <summary>The same for who looks at every object once: what it finds is not put into the cache, where it would take the place of what clients ask for.</summary>
    public ValueTask<Result<StoredObject>> LookAsync(Bucket bucket, ObjectName name, ulong digest) => StatAsync(bucket, name, digest, isKept: false);

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<StoredObject>> StatAsync(Bucket bucket, ObjectName name, ulong digest, bool isKept)
    {
        StoredObject? stored = _metadata.Find(digest, bucket.Bid, name.Utf8.Span);
        if (stored is not null)
        {
            return stored;
        }

        using DiskUse use = Disks.Enter();
        await _locks.AcquireReaderAsync(digest);
        try
        {
            Result<OpenObject> found = await FindAsync(bucket, name, digest);
            if (!found.Ok)
            {
                return found.Error!;
            }

            found.Value.Dispose();
            if (isKept)
            {
                _metadata.Put(digest, bucket.Bid, name.Utf8.Span, found.Value.Stored);
            }

            return found.Value.Stored;
        }
        finally
        {
            _locks.ReleaseReader(digest);
        }
    }

    /// <summary>
    /// The object as it is on disk, newest generation of all mountpaths that are searched; the caches are not asked. For who holds the
    /// name's lock, as writer or reader. The caller owns the files.
    /// </summary>
    public ValueTask<Result<OpenObject>> FindAsync(Bucket bucket, ObjectName name, ulong digest) =>
        bucket.Properties.HasCopies ? FindCopiesAsync(bucket, name, digest) : FindOneAsync(bucket, name, digest);

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<OpenObject>> FindOneAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        OpenObject? best = null;
        Failure? damage = null;
        StorageException? fault = null;
        ObjectPath plain = ObjectPath.Plain(bucket.Objects, name.Utf8.Span);
        bool isSpread = bucket.Properties.WasSpread;
        foreach (ObjectDisk disk in Disks.Current.ReadOrder(digest, isSpread))
        {
            try
            {
                (OpenObject? open, Failure? damaged) = await FindOnAsync(disk, bucket, name, plain);
                damage ??= damaged;
                if (open is not null && open.Stored.Metadata.Generation > (best?.Stored.Metadata.Generation ?? 0))
                {
                    (best, open) = (open, best);
                }

                open?.File.Dispose();
            }
            catch (StorageException failed) when (isSpread)
            {
                fault ??= failed; // another mountpath may have a head
                continue;
            }
            catch
            {
                best?.Dispose(); // nobody else has it
                throw;
            }

            if (best is not null && isSpread && !SearchAll)
            {
                break; // heads are written in this order: the first that there is is the newest
            }
        }

        if (damage is not null && best is not null)
        {
            Degraded(bucket, name, digest);
        }

        return best is not null ? best : damage is not null ? damage : fault is not null ? throw fault : await MissingAsync(bucket, name, digest);
    }

    /// <summary>The object as it is on one mountpath, open; null when it is not there or not whole. The caller owns the file.</summary>
    public async ValueTask<OpenObject?> OpenOnAsync(ObjectDisk disk, Bucket bucket, ObjectName name)
    {
        (FileHandle? file, ObjectPath path) = await OpenOnAsync(disk, ObjectPath.Plain(bucket.Objects, name.Utf8.Span));
        if (file is null)
        {
            return null;
        }

        StoredObject? stored = null;
        try
        {
            (stored, _, _, _) = await ReadRecordAsync(disk, bucket, name, path, file);
            return stored is null ? null : new OpenObject(stored, file);
        }
        finally
        {
            if (stored is null)
            {
                file.Dispose();
            }
        }
    }

    /// <summary>
    /// Every file that stands under the name, best mountpath first, readable or not: on the mountpaths that are searched and those of the
    /// set <paramref name="also"/>, or <paramref name="everywhere"/>. For the writer of the name, who is about to replace or remove them,
    /// and for recovery.
    /// </summary>
    public async ValueTask<List<ObjectPlace>> PlacesAsync(
        Bucket bucket, ObjectName name, ulong digest, ReplicaSet? also = null, bool everywhere = false)
    {
        List<ObjectPlace> places = [];
        DiskSet set = Disks.Current;
        ObjectDisk[] searched = everywhere ? [.. set.Open] : set.WriteOrder(digest, bucket.Properties.IsSpread);
        searched = also is { IsWide: true } ? [.. searched.Union(also.Heads.Select(head => head.Work.Disk))] : searched;
        await AddPlacesAsync(places, searched, bucket, name, ObjectPath.Plain(bucket.Objects, name.Utf8.Span), also);
        return places;
    }

    /// <summary>The file that stands under the name on one mountpath, if any, readable or not.</summary>
    public async ValueTask<List<ObjectPlace>> PlacesOnAsync(ObjectDisk disk, Bucket bucket, ObjectName name)
    {
        List<ObjectPlace> places = [];
        await AddPlacesAsync(places, [disk], bucket, name, ObjectPath.Plain(bucket.Objects, name.Utf8.Span));
        return places;
    }

    /// <summary>
    /// The same for the commit of a set, whose list it is. Of a narrow one, while objects lie on their first mountpath only, an object that the
    /// metadata cache knows is what stands there: a writer keeps everybody else from changing it.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<List<ObjectPlace>> ReplacedAsync(ReplicaSet set)
    {
        DiskSet disks = Disks.Current;
        if (disks.SearchAll || set.IsWide || set.Bucket.Properties.IsSpread)
        {
            set.Found.AddRange(await PlacesAsync(set.Bucket, set.Name, set.Digest, also: set));
        }
        else if (_metadata.Find(set.Digest, set.Bucket.Bid, set.Name.Utf8.Span) is { } known && known.Disk == disks.HomeOf(set.Digest))
        {
            set.Found.Add(new ObjectPlace(known.Disk, known.Path, known, OfThisBucket: true));
        }
        else
        {
            await AddPlacesAsync(set.Found, disks.WriteOrder(set.Digest), set.Bucket, set.Name, set.Plain);
        }

        return set.Found;
    }

    /// <summary>
    /// True when nothing is known of the name of a set, and whatever stands there can stand only where its one head will: on the name's first mountpath. For
    /// the writer of the name.
    /// </summary>
    public bool IsUnknown(ReplicaSet set) => !SearchAll && !set.IsWide && !set.Bucket.Properties.IsSpread
        && set.Members[0].Work.Disk == HomeOf(set.Digest)
        && _metadata.Find(set.Digest, set.Bucket.Bid, set.Name.Utf8.Span) is null;

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask AddPlacesAsync(
        List<ObjectPlace> places, ObjectDisk[] searched, Bucket bucket, ObjectName name, ObjectPath plain, ReplicaSet? tolerant = null)
    {
        foreach (ObjectDisk disk in searched)
        {
            try
            {
                (FileHandle? file, ObjectPath path) = await OpenOnAsync(disk, plain);
                if (file is not null)
                {
                    using FileHandle open = file;
                    (StoredObject? stored, bool ofThisBucket, _, ulong damagedSidecar) = await ReadRecordAsync(disk, bucket, name, path, open);
                    places.Add(new ObjectPlace(disk, path, stored, ofThisBucket) { DamagedSidecar = damagedSidecar });
                }
            }
            catch (StorageException fault) when (tolerant is { CanLoseHeads: true })
            {
                _log.LogError("{Fault}", fault.Message);
                tolerant.IsDegraded = tolerant.IsUncertain = true;
            }
        }
    }

    /// <summary>The name has a new object: readers find it from now on. Called by the writer while readers are kept out.</summary>
    public void Replace(ulong digest, ulong bid, ObjectName name, StoredObject stored)
    {
        _open.Remove(digest);
        _metadata.Put(digest, bid, name.Utf8.Span, stored);
    }

    /// <summary>The name was given a new object, or none: forget what was cached. Called by the writer while readers are kept out.</summary>
    public void Evict(ulong digest)
    {
        _metadata.Remove(digest);
        _open.Remove(digest);
    }

    /// <summary>Forgets everything of a bucket that is gone.</summary>
    public void EvictBucket(ulong bid)
    {
        _metadata.RemoveBucket(bid);
        _open.RemoveBucket(bid);
    }

    /// <summary>Forgets everything that lies on a mountpath that has left, or is about to.</summary>
    public void EvictDisk(ObjectDisk disk)
    {
        _metadata.RemoveWhere(stored => stored.Disk == disk || stored.Copies.Any(copy => copy.Disk == disk));
        _open.RemoveWhere(open => open.IsOn(disk));
    }

    /// <summary>Closes the cached files; those that are being sent stay open until they are released.</summary>
    public void Dispose()
    {
        _metadata.Dispose();
        _open.Dispose();
    }

    /// <summary>The refusal for a name that has no object.</summary>
    public static Failure NotFound(Bucket bucket, ObjectName name) =>
        new(ErrorCode.ObjectNotFound, $"{bucket.Name}/{name} does not exist");

    /// <summary>
    /// The refusal for a name that was not found: where it would lie on mountpaths that are away, or lies on one that is being compared with the others, it is not to be had, which
    /// is not the same as that it does not exist, unless a tombstone says so.
    /// </summary>
    private async ValueTask<Failure> MissingAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        DiskSet set = Disks.Current;
        if (await LostAsync(bucket, name, digest) is { } lost)
        {
            return lost;
        }

        if (set.Away.Count == 0 && set.Joining.Count == 0)
        {
            return NotFound(bucket, name);
        }

        (ulong buried, Burial burial) = await Tombstones.NewestAsync(set.Readable, bucket, name, digest);
        BucketProperties kept = bucket.Properties;
        bool isAway = set.Away.Count > 0
            && (buried > 0 ? burial == Burial.Replaced : set.MayBeAway(digest, kept.Ec.Enabled ? kept.Ec.ParitySlices + 1 : kept.CopiesKnown));
        return isAway ? new Failure(ErrorCode.Unavailable, $"{bucket.Name}/{name} may lie on a mountpath that is out of service; the operator can bring it back")
            : await StandsOnAsync(set.Joining, bucket, name, buried)
                ? new Failure(ErrorCode.Unavailable, $"{bucket.Name}/{name} lies on a mountpath that is being compared with the others; try again later")
            : NotFound(bucket, name);
    }

    /// <summary>True when one of them has something of the name that is not known to have been deleted, or cannot be asked.</summary>
    private async ValueTask<bool> StandsOnAsync(IReadOnlyList<ObjectDisk> disks, Bucket bucket, ObjectName name, ulong buried)
    {
        foreach (ObjectDisk disk in disks)
        {
            try
            {
                List<ObjectPlace> places = await PlacesOnAsync(disk, bucket, name);
                if (places.Exists(place => place.OfThisBucket && (place.Stored is not { } stored || stored.Metadata.Generation > buried)))
                {
                    return true;
                }
            }
            catch (StorageException fault)
            {
                _log.LogError("{Fault}", fault.Message);
                return true;
            }
        }

        return false;
    }
}

/// <summary>How large the caches may become, cut from the memory budget and the limit of open files.</summary>
public readonly record struct CacheSizes(int MetadataEntries, int OpenFiles);
