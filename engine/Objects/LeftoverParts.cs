using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;

namespace Sluice.Engine.Objects;

/// <summary>
/// Parts that may be of no use to anybody: an overwrite or a delete could not remove them, since a drive failed, or a commit or a repair had written them when it could not go on.
/// They are looked at again, under the name's lock, by a repair of the name and at the end of every resilver. What does not fit is forgotten: the next start, to which every
/// part names its object, finds it, and so does a scrub. Any thread.
/// </summary>
internal sealed class LeftoverParts(ObjectLookup lookup, NameLock locks, IPartMap partMap, ILogger log)
{
    private const int Capacity = 4096; // 4,096 x 150 bytes and the names

    private readonly Lock _gate = new();
    private readonly Dictionary<PartPlace, Owner> _parts = []; // guarded by _gate
    private int _count;

    /// <summary>Told of a name when parts of it are noted, or when it was changed while there were some; does not wait. Set once, before the first is noted.</summary>
    public Action<Bucket, ObjectName, ulong> Wanted { get; set; } = static (_, _, _) => { };

    /// <summary>Parts that are noted.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Notes parts of a name, which is borrowed.</summary>
    public void Add(Bucket bucket, ObjectName name, ulong digest, IEnumerable<PartPlace> parts)
    {
        bool isAny = false;
        lock (_gate)
        {
            foreach (PartPlace part in parts.TakeWhile(_ => _parts.Count < Capacity))
            {
                isAny |= _parts.TryAdd(part, new Owner(bucket, name.Copy()));
            }

            _count = _parts.Count;
        }

        if (isAny)
        {
            Wanted(bucket, name, digest);
        }
    }

    /// <summary>The name was given another object, or none: what of it is noted may be removed by now. The caller is its writer.</summary>
    public void LookAgain(Bucket bucket, ObjectName name, ulong digest)
    {
        if (Count > 0)
        {
            LookAgainAtSome(bucket, name, digest); // by itself: what its lambda captures would be allocated by every commit
        }
    }

    /// <summary>The digests of names of which something is noted.</summary>
    public IReadOnlyCollection<ulong> Digests() => [.. Of(static _ => true).Select(static part => part.Key.Name.Digest).Distinct()];

    /// <summary>
    /// Removes what is noted of a name as far as it is of no use; answers how many parts a drive failed to let go of. No lock on the name may be held, and nobody else repairs it
    /// meanwhile, who may be about to speak of them.
    /// </summary>
    public async ValueTask<int> RemoveAsync(ulong digest)
    {
        int failed = 0;
        foreach ((PartPlace part, Owner owner) in Of(part => part.Name.Digest == digest))
        {
            if (!owner.Bucket.TryEnter())
            {
                Forget(part); // with its bucket
                continue;
            }

            try
            {
                await RemoveAsync(part, owner);
            }
            catch (StorageException fault)
            {
                log.LogWarning("a part that no object has is left: {Fault}", fault.Message);
                failed++;
            }
            finally
            {
                owner.Bucket.Leave();
            }
        }

        return failed;
    }

    private void LookAgainAtSome(Bucket bucket, ObjectName name, ulong digest)
    {
        if (Of(part => part.Name.Digest == digest).Count > 0)
        {
            Wanted(bucket, name, digest);
        }
    }

    private List<KeyValuePair<PartPlace, Owner>> Of(Func<PartPlace, bool> isOne)
    {
        lock (_gate)
        {
            return [.. _parts.Where(part => isOne(part.Key))];
        }
    }

    private void Forget(PartPlace part)
    {
        lock (_gate)
        {
            _parts.Remove(part);
            _count = _parts.Count;
        }
    }

    private async ValueTask RemoveAsync(PartPlace part, Owner owner)
    {
        using DiskUse use = lookup.Disks.Enter();
        await locks.AcquireWriterAsync(part.Name.Digest);
        try
        {
            List<ObjectPlace> places = await lookup.PlacesAsync(owner.Bucket, owner.Name, part.Name.Digest, everywhere: true);
            DiskSet set = lookup.Disks.Current;
            if (!set.Open.Contains(part.Disk) || places.Exists(place => partMap.PartsOf(part.Name.Digest, place).Contains(part)))
            {
                Forget(part); // when its mountpath comes back that is compared with the others
            }
            else if (!places.Exists(static place => place is { OfThisBucket: true, Stored: null }) && await IsBuriedAsync(set, part, owner, places))
            {
                await part.UnlinkAsync(owner.Bucket);
                Forget(part);
            }
        }
        finally
        {
            locks.ReleaseWriter(part.Name.Digest);
        }
    }

    /// <summary>True when no head can come back that speaks of it: none is away, or something newer is known.</summary>
    private static async ValueTask<bool> IsBuriedAsync(DiskSet set, PartPlace part, Owner owner, List<ObjectPlace> places) =>
        set.Away.Count == 0 || places.Exists(place => place.Stored?.Metadata.Generation > part.Name.Generation)
        || (await Tombstones.NewestAsync(set.Readable, owner.Bucket, owner.Name, part.Name.Digest)).Generation > part.Name.Generation;

    /// <summary>Whose a part was.</summary>
    private readonly record struct Owner(Bucket Bucket, ObjectName Name);
}
