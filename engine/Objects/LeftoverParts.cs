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
    private readonly List<CommitNote> _notes = []; // guarded by _gate
    private int _count; // written under _gate

    /// <summary>Told of a name when parts of it are noted, or when it was changed while there were some; does not wait. Set once, before the first is noted.</summary>
    public Action<Bucket, ObjectName, ulong> Wanted { get; set; } = static (_, _, _) => { };

    /// <summary>Parts, and notes, that are known of.</summary>
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

            Recount();
        }

        if (isAny)
        {
            Wanted(bucket, name, digest);
        }
    }

    /// <summary>
    /// Keeps in mind the note of a commit that could not look everywhere, or not remove all that it replaced: it tells the next start to look. Likewise a head that could not be
    /// brought to its place, which the next start does. When the name has been brought to what it is to be, everywhere, nobody needs either.
    /// </summary>
    public void AddNote(Bucket bucket, ObjectName name, ulong digest, ObjectDisk disk, ReadOnlyMemory<byte> path)
    {
        lock (_gate)
        {
            if (_notes.Count == Capacity)
            {
                return; // the next start has it
            }

            _notes.Add(new CommitNote(new Owner(bucket, name.Copy()), digest, disk, path));
            Recount();
        }

        Wanted(bucket, name, digest);
    }

    /// <summary>The notes of a name, to be looked at before it is repaired: who commits meanwhile has a note of his own.</summary>
    public IReadOnlyList<CommitNote> NotesOf(ulong digest)
    {
        lock (_gate)
        {
            return [.. _notes.Where(note => note.Digest == digest)];
        }
    }

    /// <summary>All notes.</summary>
    public IReadOnlyList<CommitNote> Notes()
    {
        lock (_gate)
        {
            return [.. _notes];
        }
    }

    /// <summary>Their name is what it is to be on every mountpath. One that cannot be removed is left to the next start.</summary>
    public async ValueTask RemoveNotesAsync(IReadOnlyList<CommitNote> notes)
    {
        foreach (CommitNote note in notes)
        {
            lock (_gate)
            {
                _notes.Remove(note);
                Recount();
            }

            using DiskUse use = lookup.Disks.Enter();
            if (!use.Set.Open.Contains(note.Disk) || !note.Owner.Bucket.TryEnter())
            {
                continue; // gone with its mountpath or bucket
            }

            try
            {
                await ObjectRemoval.UnlinkAsync(note.Disk, note.Path, note.Owner.Bucket.Work, Durability.Strict); // a head may be in it, which would be brought to its place
            }
            catch (StorageException fault)
            {
                log.LogWarning("a note stays for the next start: {Fault}", fault.Message);
            }
            finally
            {
                note.Owner.Bucket.Leave();
            }
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

    /// <summary>Under the gate.</summary>
    private void Recount() => Volatile.Write(ref _count, _parts.Count + _notes.Count);

    private void Forget(PartPlace part)
    {
        lock (_gate)
        {
            _parts.Remove(part);
            Recount();
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

    /// <summary>
    /// True when no head can come back that speaks of it: none is away, or something newer is known. Where a directory's fsync has failed since the start, a power cut may take back
    /// what was removed or replaced there, so the next start decides.
    /// </summary>
    private static async ValueTask<bool> IsBuriedAsync(DiskSet set, PartPlace part, Owner owner, List<ObjectPlace> places) =>
        !set.Open.Any(static disk => disk.Directories.HasFailedSync)
        && (set.Away.Count == 0 || places.Exists(place => place.Stored?.Metadata.Generation > part.Name.Generation)
            || (await Tombstones.NewestAsync(set.Readable, owner.Bucket, owner.Name, part.Name.Digest)).Generation > part.Name.Generation);

    /// <summary>Whose a part was.</summary>
    internal readonly record struct Owner(Bucket Bucket, ObjectName Name);

    /// <summary>A file in a work directory that names an object.</summary>
    internal sealed record CommitNote(Owner Owner, ulong Digest, ObjectDisk Disk, ReadOnlyMemory<byte> Path);
}
