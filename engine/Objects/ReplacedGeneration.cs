using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;

namespace Sluice.Engine.Objects;

/// <summary>
/// What a commit replaces and removes when it is durable: the file that an exchange kept, heads on mountpaths that the new set has none on,
/// and the parts of the old generation. A crash before all of it is gone leaves something that names the object to recovery: a work file,
/// a part, or a note.
/// </summary>
internal sealed class ReplacedGeneration(ReplicaSet set, List<ObjectPlace> places, IPartMap partMap)
{
    // The set itself is not kept: its work files are closed by the time of a flush.
    private readonly Bucket _bucket = set.Bucket;
    private readonly ObjectName _name = set.Name; // borrowed: for the commit only, not for a flush after it
    private readonly ulong _digest = set.Digest;
    private readonly List<ObjectPlace> _places = [.. places]; // the list is the set's
    private readonly List<(ObjectDisk Disk, ReadOnlyMemory<byte> Kept)> _heads = [.. set.Heads.Select(head => (head.Work.Disk, (ReadOnlyMemory<byte>)head.Work.Path.ToArray()))];
    private readonly bool _isUncertain = set.IsUncertain; // an old head may stand where nobody could look
    private readonly HashSet<ObjectDisk> _kept = [];
    private ReadOnlyMemory<byte> _note;

    /// <summary>The old head may have changed places with the new one.</summary>
    public required bool HasKept { get; init; }

    private IEnumerable<ObjectPlace> HeadsElsewhere => _places.Where(place => !_heads.Exists(head => head.Disk == place.Disk));

    /// <summary>
    /// Before the first head is renamed: when heads will have to be removed elsewhere, which after a crash nothing would tell of, a note in
    /// the work directory (an empty file with the object's name) does until they are gone.
    /// </summary>
    public async ValueTask AnnounceAsync(ILogger log)
    {
        if (!_isUncertain && !HeadsElsewhere.Any())
        {
            return;
        }

        await using WorkFile note = await WorkFile.CreateAsync(_heads[0].Disk, _bucket, _digest);
        await WorkTarget.SetAsync(note, _name);
        await note.SyncAsync(log);
        await note.SyncNameAsync();
        note.GiveAway();
        _note = note.Path.ToArray();
    }

    /// <summary>What stands now: parts that it speaks of, too, stay.</summary>
    public ObjectPlace? Standing { get; set; }

    /// <summary>The old head on that mountpath may still stand, and needs its parts.</summary>
    public void Keep(ObjectDisk disk) => _kept.Add(disk);

    /// <summary>
    /// Removes it all, as far as it can: the new generation stands whatever fails here. What a drive does not let go of is noted in <paramref name="leftovers"/>. When a head
    /// stays its parts do, the note stays, and the set is degraded, or the fault is thrown where the set may not be.
    /// </summary>
    public async ValueTask RemoveAsync(ReplicaSet removedFor, LeftoverParts? leftovers, ILogger log)
    {
        try
        {
            await RemoveHeadsAsync();
        }
        catch (StorageException fault)
        {
            leftovers?.Add(_bucket, _name, _digest, PartsToGo());
            KeepNote(leftovers);
            if (!removedFor.CanLoseHeads)
            {
                throw;
            }

            log.LogError("an older copy of an object may be left: {Fault}", fault.Message);
            removedFor.IsDegraded = true;
            return;
        }

        await ObjectRemoval.UnlinkPartsAsync(_bucket, _name, _digest, PartsToGo(), leftovers, log);
        if (_isUncertain)
        {
            KeepNote(leftovers);
            return;
        }

        try
        {
            await RemoveNoteAsync();
        }
        catch (StorageException fault)
        {
            log.LogWarning("a note stays for the next start: {Fault}", fault.Message);
        }
    }

    /// <summary>Removes it all; the new generation is durable.</summary>
    public async ValueTask RemoveAsync()
    {
        await RemoveHeadsAsync();
        foreach (PartPlace part in PartsToGo())
        {
            await part.UnlinkAsync(_bucket);
        }

        await RemoveNoteAsync();
    }

    private void KeepNote(LeftoverParts? leftovers)
    {
        if (!_note.IsEmpty)
        {
            leftovers?.AddNote(_bucket, _name, _digest, _heads[0].Disk, _note);
        }
    }

    private async ValueTask RemoveHeadsAsync()
    {
        foreach ((ObjectDisk disk, ReadOnlyMemory<byte> kept) in _heads.Where(_ => HasKept))
        {
            await ObjectRemoval.UnlinkAsync(disk, kept, _bucket.Work);
        }

        foreach (ObjectPlace place in HeadsElsewhere)
        {
            _bucket.Moved.Tell(_name.Utf8.Span);

            // Durable before its parts go: without them it would be a damaged head of a generation that nobody knows.
            await ObjectRemoval.UnlinkHeadAsync(_bucket, _name, place);
        }
    }

    private List<PartPlace> PartsToGo()
    {
        IEnumerable<PartPlace> parts = _places.Where(place => !_kept.Contains(place.Disk)).SelectMany(place => partMap.PartsOf(_digest, place));
        return [.. Standing is { } standing ? parts.Except(partMap.PartsOf(_digest, standing)) : parts.Distinct()];
    }

    private ValueTask RemoveNoteAsync() =>
        _note.IsEmpty || _isUncertain ? default : ObjectRemoval.UnlinkAsync(_heads[0].Disk, _note, _bucket.Work);
}
