using Sluice.Engine.Objects;
using Sluice.Engine.Placement;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// The open mountpaths at one moment, and what each is for. Immutable: a change is a new set that replaces this one (<see cref="DiskTable"/>).
/// Positions in <see cref="Serving"/> are good for this set only.
/// </summary>
public sealed class DiskSet
{
    private readonly ObjectDisk[] _serving;
    private readonly ObjectDisk[] _readable;
    private readonly ObjectDisk[] _open;
    private readonly ObjectDisk[][] _alone; // each disk as the only one that is searched
    private readonly ulong[] _digests;

    /// <summary>The set of these disks, in the order of their positions, by their states of this moment.</summary>
    public DiskSet(IEnumerable<ObjectDisk> open, bool searchAll, long version = 1, IReadOnlyList<ulong>? away = null)
    {
        Away = away ?? [];
        _open = [.. open];
        Joining = [.. _open.Where(disk => disk.State == ServingState.Joining)];
        _serving = [.. _open.Where(disk => disk.State == ServingState.Serving)];
        _readable = [.. _serving, .. _open.Where(disk => disk.State == ServingState.Draining)];
        _alone = [.. _serving.Select(disk => (ObjectDisk[])[disk])];
        _digests = [.. _serving.Select(disk => disk.IdDigest)];
        SearchAll = searchAll || _readable.Length != _serving.Length || _open.Length != _serving.Length;
        Version = version;
    }

    /// <summary>Rises with every change while the engine lives, from 1.</summary>
    public long Version { get; }

    /// <summary>Objects may lie on another mountpath than their first: the set changed since they were written. Then all are searched.</summary>
    public bool SearchAll { get; }

    /// <summary>
    /// Digests of mountpaths that left with objects on them and may come back. While there is one, what is overwritten or deleted leaves a
    /// tombstone, and a name that is not found may be there.
    /// </summary>
    public IReadOnlyList<ulong> Away { get; }

    /// <summary>Objects may lie elsewhere than on their first mountpath, or on one that is away.</summary>
    public bool IsUnsettled => SearchAll || Away.Count > 0;

    /// <summary>Those that new objects go to.</summary>
    public IReadOnlyList<ObjectDisk> Serving => _serving;

    /// <summary>Those that objects are read from: the serving ones, and those that are being emptied.</summary>
    public IReadOnlyList<ObjectDisk> Readable => _readable;

    /// <summary>Those that have just come back: nobody reads from them until they have been compared with the others.</summary>
    public IReadOnlyList<ObjectDisk> Joining { get; }

    /// <summary>All that are open, those that have just come back too.</summary>
    public IReadOnlyList<ObjectDisk> Open => _open;

    /// <summary>Who works with disks of this set, and for how long.</summary>
    internal DiskUsers Users { get; } = new();

    /// <summary>Fills <paramref name="order"/>, as long as <see cref="Serving"/>, with positions in it: the mountpaths of a digest, best first.</summary>
    public void Rank(ulong digest, Span<int> order) => Hrw.Rank(digest, _digests, order);

    /// <summary>The serving mountpaths of a digest, best first, in an array of the caller's.</summary>
    public ObjectDisk[] Ranked(ulong digest)
    {
        Span<int> order = stackalloc int[_serving.Length];
        Rank(digest, order);
        var disks = new ObjectDisk[order.Length];
        for (int i = 0; i < disks.Length; i++)
        {
            disks[i] = _serving[order[i]];
        }

        return disks;
    }

    /// <summary>The mountpath that a new object of that digest goes to; null when none serves.</summary>
    public ObjectDisk? HomeOf(ulong digest)
    {
        int best = HomeIndexOf(digest);
        return best < 0 ? null : _serving[best];
    }

    /// <summary>Where a reader looks for a digest, best first; of objects that may have copies, on <paramref name="all"/>.</summary>
    public ObjectDisk[] ReadOrder(ulong digest, bool all = false) => all || SearchAll ? [.. Ranked(digest), .. _readable[_serving.Length..]] : Alone(digest);

    /// <summary>Where a writer looks for what he replaces or removes: also on those that have just come back.</summary>
    public ObjectDisk[] WriteOrder(ulong digest, bool all = false) => all || SearchAll ? [.. Ranked(digest), .. _open.Except(_serving)] : Alone(digest);

    /// <summary>
    /// True when the first <paramref name="copies"/> mountpaths of a digest, those that are away counted, are all away: what was stored under it before
    /// they left is not to be had now.
    /// </summary>
    public bool MayBeAway(ulong digest, int copies)
    {
        if (Away.Count < copies)
        {
            return false;
        }

        ulong best = 0;
        foreach (ulong here in _digests)
        {
            best = Math.Max(best, Hrw.Weight(digest, here));
        }

        int before = 0;
        foreach (ulong away in Away)
        {
            before += Hrw.Weight(digest, away) >= best ? 1 : 0;
        }

        return before >= copies;
    }

    private ObjectDisk[] Alone(ulong digest)
    {
        int best = HomeIndexOf(digest);
        return best < 0 ? [] : _alone[best];
    }

    /// <summary>The first in <see cref="Rank"/>, without ranking the others.</summary>
    private int HomeIndexOf(ulong digest)
    {
        int best = -1;
        ulong largest = 0;
        for (int i = 0; i < _digests.Length; i++)
        {
            ulong weight = Hrw.Weight(digest, _digests[i]);
            if (best < 0 || weight >= largest) // the later of equals
            {
                (best, largest) = (i, weight);
            }
        }

        return best;
    }
}
