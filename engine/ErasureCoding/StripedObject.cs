using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.ErasureCoding;

/// <summary>
/// The open slices of one generation of an object, shared by all who read it, and what is known to be lost of them: whole slices, or single units. Data
/// slices are opened with the object, parity slices when something is lost; with a replica all of them when that is lost. It is closed with the object's
/// head, whose handle it hangs on.
/// </summary>
internal sealed class StripedObject : IDisposable
{
    private readonly ErasureContext _context;
    private readonly Bucket _bucket;
    private readonly ObjectName _name;
    private readonly ulong _digest;
    private readonly StoredObject _stored;
    private readonly ReedSolomon _codec;
    private readonly SliceFile?[] _files; // written once each, under _opening
    private readonly bool[] _tried;
    private readonly SemaphoreSlim _opening = new(1, 1);
    private int _repairWanted;

    // Guarded by _gate.
    private readonly Lock _gate = new();
    private readonly HashSet<(int Slice, int Stripe)> _badUnits = [];
    private readonly Dictionary<(ulong Sources, int Missing), RecoveryPlan> _plans = [];
    private bool[] _lost;
    private volatile bool _anyLost;

    private StripedObject(ErasureContext context, Bucket bucket, ObjectName name, ulong digest, StoredObject stored)
    {
        (_context, _bucket, _name, _digest, _stored) = (context, bucket, name, digest, stored);
        Map = stored.Metadata.Slices!;
        _codec = ErasureCodecs.Of(Geometry.DataSlices, Geometry.ParitySlices);
        _files = new SliceFile?[Geometry.SliceCount];
        _tried = new bool[Geometry.SliceCount];
        _lost = new bool[Geometry.SliceCount];
    }

    /// <summary>The redundancy map.</summary>
    public SliceMap Map { get; }

    /// <summary>The layout.</summary>
    public StripeGeometry Geometry => Map.Geometry;

    /// <summary>What is shared.</summary>
    public ErasureContext Context => _context;

    /// <summary>The replica, open as a copy of the object, where there is to be one and it is whole as far as its record tells. Whoever opened this closes it.</summary>
    public OpenObject? Replica { get; private set; }

    /// <summary>What this hangs on; null before <see cref="HangOn"/>.</summary>
    public FileHandle? Head { get; private set; }

    /// <summary>Names a unit in the memory of rebuilt ones.</summary>
    public UnitKey KeyOf(int stripe, int slice) => new(Map.Generation, _digest, stripe, slice);

    /// <summary>
    /// Opens the replica, or else the data slices, and parity slices in the place of those that are lost. Refuses when too few are left and there is no replica.
    /// </summary>
    public static async ValueTask<Result<StripedObject>> OpenAsync(ErasureContext context, Bucket bucket, ObjectName name, ulong digest, StoredObject stored)
    {
        var striped = new StripedObject(context, bucket, name.Copy(), digest, stored);
        striped.Replica = await striped.OpenReplicaAsync();
        if (striped.Replica is not null)
        {
            return striped;
        }

        int open = 0;
        for (int slice = 0; slice < striped.Geometry.SliceCount && open < striped.Geometry.DataSlices; slice++)
        {
            open += await striped.GetAsync(slice) is null ? 0 : 1;
        }

        if (open == striped.Geometry.DataSlices)
        {
            return striped;
        }

        Failure refusal = striped.TooFew(open);
        striped.Dispose();
        return refusal;
    }

    /// <summary>The refusal when a stripe has fewer units than are needed; counted and logged.</summary>
    public Failure TooFew(int left)
    {
        _context.LostObjects.Add();
        return _stored.Damage($"{left} of its {Geometry.SliceCount} slices are left, {Geometry.DataSlices} are needed");
    }

    /// <summary>The file that has the unit, when its slice is open and nothing is known against it: for who must not wait.</summary>
    public SliceFile? Good(int slice, int stripe)
    {
        SliceFile? file = Volatile.Read(ref _files[slice]);
        return file is null || (_anyLost && IsLost(slice, stripe)) ? null : file;
    }

    /// <summary>True when a slice that is open is on that mountpath.</summary>
    public bool IsOn(ObjectDisk disk) => Array.Exists(_files, file => file?.Disk == disk);

    /// <summary>Opens those that are not yet.</summary>
    public async ValueTask OpenAllAsync()
    {
        for (int slice = 0; slice < Geometry.SliceCount; slice++)
        {
            await GetAsync(slice);
        }
    }

    /// <summary>True when the slice can be opened and its file says that it is the object's.</summary>
    public async ValueTask<bool> NamesItsOwnerAsync(int slice)
    {
        try
        {
            return await GetAsync(slice) is { } file && await file.NamesItsOwnerAsync(_bucket, _digest);
        }
        catch (StorageException)
        {
            return false; // counted with the disk's faults
        }
    }

    /// <summary>True when the slice is there and whole as far as its record tells, whatever is known against single units.</summary>
    public async ValueTask<bool> IsOpenAsync(int slice)
    {
        if (await GetAsync(slice) is null)
        {
            return false;
        }

        lock (_gate)
        {
            return !_lost[slice];
        }
    }

    /// <summary>The same, and the slice is opened when it was not yet.</summary>
    public async ValueTask<SliceFile?> GetGoodAsync(int slice, int stripe) =>
        await GetAsync(slice) is null ? null : Good(slice, stripe);

    /// <summary>A whole slice cannot be read.</summary>
    public void Lose(int slice, string problem)
    {
        lock (_gate)
        {
            if (_lost[slice])
            {
                return;
            }

            _lost[slice] = true;
            _anyLost = true;
        }

        Tell(slice, problem);
    }

    /// <summary>One unit cannot be read, or is not what was written.</summary>
    public void LoseUnit(int slice, int stripe, string problem)
    {
        lock (_gate)
        {
            if (!_badUnits.Add((slice, stripe)))
            {
                return;
            }

            _anyLost = true;
        }

        Tell(slice, $"unit {stripe}: {problem}");
    }

    /// <summary>The replica cannot be read, or is not what was written: the slices are read instead.</summary>
    public void LoseReplica(string problem)
    {
        _context.LostSlices.Add();
        if (Interlocked.Exchange(ref _repairWanted, 1) == 0)
        {
            _context.Log.LogWarning("{Bucket}, object {Digest:x16}: the replica cannot be read: {Problem}; its slices are", _bucket.Name.ToString(), _digest, problem);
            _context.RepairWanted(_bucket, _name, _digest);
        }
    }

    /// <summary>How a missing unit comes from those of <paramref name="sources"/>, in that order.</summary>
    public RecoveryPlan PlanFor(ReadOnlySpan<int> sources, int missing)
    {
        ulong mask = 0;
        foreach (int source in sources)
        {
            mask |= 1UL << source;
        }

        lock (_gate)
        {
            if (!_plans.TryGetValue((mask, missing), out RecoveryPlan? plan))
            {
                plan = _codec.PlanRecovery(sources, [missing]);
                if (_plans.Count >= Geometry.SliceCount)
                {
                    _plans.Clear(); // damage here and there: the usual loss needs few of them
                }

                _plans.Add((mask, missing), plan);
            }

            return plan;
        }
    }

    /// <summary>It is closed with its head from here on: whoever holds the head can have any part of a slice rebuilt. Before anybody reads it.</summary>
    public void HangOn(FileHandle head)
    {
        head.Companion = this;
        Head = head;
    }

    /// <summary>What a slice should have from an offset, within one unit, from the other slices; false when too few are left.</summary>
    public async ValueTask<bool> RebuildAsync(int slice, Memory<byte> bytes, long offset)
    {
        int stripe = (int)(offset / Geometry.UnitBytes);
        int inUnit = (int)(offset - Geometry.OffsetOf(stripe));
        Invariant.That(inUnit + bytes.Length <= Geometry.UnitBytesOf(stripe), "a piece lies in one unit");
        return (await StripedReads.RebuiltAsync(this, new UnitPlace(stripe, slice, inUnit, bytes.Length), bytes)).Ok;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SliceFile? file in _files)
        {
            file?.Dispose();
        }

        _opening.Dispose();
    }

    private bool IsLost(int slice, int stripe)
    {
        lock (_gate)
        {
            return _lost[slice] || _badUnits.Contains((slice, stripe));
        }
    }

    /// <summary>The slice; null when it is lost.</summary>
    private async ValueTask<SliceFile?> GetAsync(int slice)
    {
        if (Volatile.Read(ref _tried[slice]))
        {
            return _files[slice];
        }

        await _opening.WaitAsync();
        try
        {
            if (!_tried[slice])
            {
                (SliceFile? file, string? problem) = await TryOpenAsync(slice);
                if (file is null)
                {
                    Lose(slice, problem!);
                }

                Volatile.Write(ref _files[slice], file);
                Volatile.Write(ref _tried[slice], true); // release: pairs with the read above
            }

            return _files[slice];
        }
        finally
        {
            _opening.Release();
        }
    }

    private async ValueTask<OpenObject?> OpenReplicaAsync()
    {
        if (!Map.HasReplica)
        {
            return null;
        }

        (SliceFile? file, string? problem) = await TryOpenAsync(Geometry.SliceCount);
        if (file is null)
        {
            LoseReplica(problem!);
            return null;
        }

        var path = ObjectPath.OfPart(SliceFiles.PathOf(_bucket, _digest, Map, Geometry.SliceCount));
        return new OpenObject(new StoredObject(_stored.Metadata, file.Disk, path, _stored.AccessedNs), file.File);
    }

    private async ValueTask<(SliceFile? File, string? Problem)> TryOpenAsync(int slice)
    {
        if (_context.DiskOf(Map.Mountpaths[slice]) is not { } disk)
        {
            return (null, "its mountpath is not there");
        }

        try
        {
            return await SliceFiles.OpenAsync(disk, _bucket, _digest, _stored.Metadata, slice, owner: this);
        }
        catch (StorageException fault)
        {
            return (null, fault.Message);
        }
        catch (ObjectDisposedException)
        {
            return (null, "its mountpath has left");
        }
    }

    private void Tell(int slice, string problem)
    {
        _context.LostSlices.Add();
        if (Interlocked.Exchange(ref _repairWanted, 1) == 0) // once for each opening: a dead drive has many
        {
            _context.Log.LogWarning(
                "{Bucket}, object {Digest:x16}: slice {Slice} of {Count} cannot be read: {Problem}; it is rebuilt from the others",
                _bucket.Name.ToString(), _digest, slice + 1, Geometry.SliceCount, problem);
            _context.RepairWanted(_bucket, _name, _digest);
        }
    }
}
