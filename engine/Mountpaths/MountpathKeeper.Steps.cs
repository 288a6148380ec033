using Microsoft.Extensions.Logging;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Mountpaths;

/// <summary>The steps that changes are made of; each under the one change that is being made.</summary>
public sealed partial class MountpathKeeper
{
    /// <summary>A disk that came back has been compared with the others: it serves. Called by the resilver.</summary>
    internal Task<Result> JoinedAsync(ObjectDisk disk) => ChangeAsync(async () =>
    {
        AttachedDisk? attached = Array.Find(_attached, one => one.Disk == disk && disk.State == ServingState.Joining);
        if (attached is null)
        {
            return Result.Done; // it has left again
        }

        // What was stored while it was away lies where it did not belong then: it is looked for everywhere until the resilver has been there.
        if (!_map.MisplacedPossible && await WriteMapAsync(Changed(_ => { }, misplaced: true)) is { } problem)
        {
            return Refused(problem);
        }

        disk.State = ServingState.Serving;
        Publish();
        await WriteMapAsync(Changed(map => SiblingOf(map, attached.Mountpath.Uuid).Stale = false)); // else it is compared once more
        await BuryIfNobodyIsAwayAsync();
        _log.LogInformation("mountpath {Mountpath} has been compared with the others and serves", disk.Path);
        return Result.Done;
    });

    /// <summary>
    /// Everything is in its place by <paramref name="set"/>: those that were emptied leave, and readers look on the first mountpath of a name alone.
    /// False when the set has changed meanwhile. Called by the resilver.
    /// </summary>
    internal async Task<bool> SettledAsync(DiskSet set)
    {
        bool isFlushed = await TryFlushAsync(); // before: a drive that hangs in it can be taken out meanwhile
        bool isCurrent = false;
        await ChangeAsync(async () =>
        {
            isCurrent = _parts.Disks.Current == set;
            if (!isCurrent)
            {
                return Result.Done;
            }

            List<AttachedDisk> emptied = [.. _attached.Where(one => one.Disk.State == ServingState.Draining)];
            MountpathIdentity next = Changed(map => emptied.ForEach(one => PutOut(map, one, _detaching.Contains(one.Mountpath.Uuid) ? null : OutOfService.ByOperator, isEmpty: true)));
            next.MisplacedPossible = !isFlushed;
            if (await WriteMapAsync(next) is null)
            {
                foreach (AttachedDisk one in emptied)
                {
                    bool detach = _detaching.Remove(one.Mountpath.Uuid);
                    _log.LogInformation("mountpath {Mountpath} is empty and {What}", one.Disk.Path, detach ? "detached" : "disabled");
                    await TakeOutAsync(one, detach ? ServingState.Detached : ServingState.Disabled);
                }

                Publish();
                await _parts.DocumentsMoved();
            }

            return Result.Done;
        });
        return isCurrent;
    }

    /// <summary>Flushes every mountpath of the set; true when all that is to be seen on them is durable. Throws <see cref="StorageException"/> when a disk fails.</summary>
    internal async ValueTask<bool> FlushAsync()
    {
        AttachedDisk[] attached = Array.FindAll(Volatile.Read(ref _attached), static one => one.Disk.IsOpen);
        foreach (AttachedDisk one in attached)
        {
            await one.Flusher.FlushAsync();
        }

        return !Array.Exists(attached, static one => one.Flusher.HasFailed); // an earlier one may have failed while a later one was flushed
    }

    /// <summary>
    /// What relaxed buckets removed where it did not belong is gone for good: a power cut that brought it back would show it to listings, and to nobody who reads it.
    /// False when that cannot be said; then it is looked for everywhere.
    /// </summary>
    private async ValueTask<bool> TryFlushAsync()
    {
        try
        {
            bool isFlushed = await FlushAsync();
            if (!isFlushed)
            {
                _log.LogWarning("everything is in its place, but a flush has failed since the start: all mountpaths are still searched, until the next start");
            }

            return isFlushed;
        }
        catch (StorageException fault)
        {
            _log.LogError("everything is in its place, and cannot be flushed: {Fault}", fault.Message);
            return false;
        }
    }

    /// <summary>
    /// No note of an upload speaks for its object any more (<see cref="Chunks.NoteMark"/>): the set gets another version, and stays what it is. That no mountpath can be written, which takes
    /// all of them to be full or to fail, is told in the log alone.
    /// </summary>
    internal async ValueTask DoubtNotesAsync()
    {
        await _changing.WaitAsync();
        try
        {
            if (await WriteMapAsync(Changed(static _ => { })) is { } problem)
            {
                _log.LogError("{Problem}; notes of uploads may speak for objects that are removed now", problem);
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    private static MountpathSibling SiblingOf(MountpathIdentity map, string uuid) => map.Siblings.Find(sibling => sibling.Uuid == uuid)!;

    /// <summary>The row of one that leaves: out for that reason, or not in the set any more when there is none.</summary>
    private static void PutOut(MountpathIdentity map, AttachedDisk attached, string? reason, bool isEmpty = false)
    {
        MountpathSibling row = SiblingOf(map, attached.Mountpath.Uuid);
        if (reason is null)
        {
            map.Siblings.Remove(row);
            return;
        }

        (row.Out, row.Stale) = (reason, !isEmpty);
    }

    /// <summary>The next map; it counts when it has been written.</summary>
    private MountpathIdentity Changed(Action<MountpathIdentity> change, bool misplaced = false)
    {
        MountpathIdentity next = _map.For("");
        next.Siblings = [.. _map.Siblings.Select(sibling => sibling.Copy())];
        next.MapVersion++;
        next.MisplacedPossible |= misplaced;
        change(next);
        return next;
    }

    /// <summary>
    /// Looks at the identity documents of the mountpaths that are open, which are read at a start alone, and with <paramref name="repair"/> writes anew those that are damaged,
    /// missing or of another mountpath or map: what they should say is known here.
    /// </summary>
    public async ValueTask<IReadOnlyList<DamagedDocument>> CheckIdentitiesAsync(bool repair, CancellationToken cancellation)
    {
        await _changing.WaitAsync(cancellation);
        try
        {
            List<DamagedDocument> damaged = [];
            foreach (AttachedDisk one in _attached.Where(one => one.Disk.IsOpen))
            {
                if (await IdentityProblemAsync(one.Mountpath) is { } problem)
                {
                    bool repaired = repair && await WriteAsync(one.Mountpath.System, one.Disk.Path, _map.For(one.Mountpath.Uuid)) is null;
                    damaged.Add(new DamagedDocument(one.Disk.Path, MountpathIdentity.Kind, problem, repaired));
                }
            }

            return damaged;
        }
        finally
        {
            _changing.Release();
        }
    }

    private async ValueTask<string?> IdentityProblemAsync(Mountpath mountpath)
    {
        (MountpathIdentity? identity, string? problem) = await MountpathIdentity.ReadAsync(_environment.Io, mountpath.System);
        return identity is null ? problem ?? "it is missing"
            : identity.Uuid != mountpath.Uuid ? $"it is of mountpath {identity.Uuid}"
            : identity.MapVersion != _map.MapVersion ? $"it knows the set of version {identity.MapVersion}, and {_map.MapVersion} is in force"
            : null;
    }

    /// <summary>Writes the map to those that are open; a sentence when none could be written, and then nothing has changed.</summary>
    private async ValueTask<string?> WriteMapAsync(MountpathIdentity next, AttachedDisk? except = null)
    {
        string? problem = null;
        int written = 0;
        foreach (AttachedDisk one in _attached.Where(one => one != except && one.Disk.IsOpen))
        {
            string? trouble = await WriteAsync(one.Mountpath.System, one.Disk.Path, next.For(one.Mountpath.Uuid));
            written += trouble is null ? 1 : 0;
            problem = trouble ?? problem;
            if (trouble is not null)
            {
                _log.LogError("{Problem}", trouble);
            }
        }

        if (written == 0)
        {
            return problem ?? "no mountpath is left to write to";
        }

        Volatile.Write(ref _map, next);
        return null;
    }

    private async ValueTask<string?> WriteAsync(FileHandle system, string path, MountpathIdentity identity)
    {
        IoResult written = await DocumentFiles.WriteAsync(_environment.Io, system, MountpathIdentity.Kind, identity.Format1());
        return written.Ok ? null : $"mountpath {path} cannot be written: {written.Error} on .sluice/{MountpathIdentity.Kind}";
    }

    /// <summary>What is wrong with a path that is to be a new mountpath.</summary>
    private string? ProblemOfNew(OpenedMountpath opened)
    {
        if (opened.Identity is { } identity)
        {
            return identity.Cluster != _map.Cluster ? $"mountpath {opened.Path} belongs to cluster {identity.Cluster}"
                : _map.Siblings.Find(sibling => sibling.Uuid == identity.Uuid) is { } sibling
                    ? $"mountpath {opened.Path} holds the drive that was at {sibling.Path}: mount it there, or start the server with --allow-moved"
                : $"mountpath {opened.Path} (identity {identity.Uuid}) was taken out of this cluster; empty it before it is used again";
        }

        if (!opened.IsEmpty)
        {
            return $"mountpath {opened.Path} has no identity and is not empty: give an empty directory";
        }

        foreach (AttachedDisk one in _attached)
        {
            if (MountpathSet.LieInside(one.Disk.Path, opened.Path) is { } problem)
            {
                return problem;
            }

            if (one.Mountpath.Device == opened.Status.Device && !_options.AllowSharedDisk)
            {
                return $"mountpaths {one.Disk.Path} and {opened.Path} are on the same file system: they would fail together; "
                    + "use one for each drive, or --allow-shared-disk to try things out";
            }
        }

        return _attached.Length < Limits.MountpathsMax ? null : $"more than {Limits.MountpathsMax} mountpaths are given";
    }

    private async ValueTask TakeInAsync(AttachedDisk attached, ServingState state)
    {
        attached.Disk.State = state;
        Volatile.Write(ref _attached, [.. _attached, attached]);
        attached.StartFlushing(_options.FlushInterval, _environment.Time);
        attached.StartEmptyingTrash();
        attached.Disk.Names?.Start(_parts.Buckets());
        Publish();
        await FollowUpAsync();
    }

    /// <summary>Out of the set; closed when everybody has left it.</summary>
    private ValueTask TakeOutAsync(AttachedDisk attached, ServingState state)
    {
        attached.Disk.State = state;
        NoteUnflushed(attached);
        Volatile.Write(ref _attached, [.. _attached.Where(one => one != attached)]);
        DiskSet set = Publish();
        _parts.Lookup.EvictDisk(attached.Disk);
        _closing[attached.Mountpath.Uuid] = _environment.Background(() => CloseAsync(attached, set)); // not under the change that is being made
        return default;
    }

    private DiskSet Publish() => _parts.Disks.Replace(_attached.Select(one => one.Disk), _map.MisplacedPossible, [.. AwayOf(_map, _attached)]);

    private async ValueTask FollowUpAsync()
    {
        try
        {
            await _parts.DocumentsMoved();
        }
        catch (StorageException fault)
        {
            _log.LogError("{Fault}", fault.Message); // the next change of a bucket tries again
        }

        _resilverAfterwards = WhenRunning.Supersede;
    }

    private async ValueTask BuryIfNobodyIsAwayAsync()
    {
        if (!_map.Siblings.Exists(sibling => sibling.Stale))
        {
            await _parts.BuryAsync();
        }
    }

    private async Task CloseAsync(AttachedDisk attached, DiskSet set)
    {
        await _parts.Disks.OlderLeftAsync(set, DiskUseKind.Upload);
        _parts.Lookup.EvictDisk(attached.Disk); // what somebody put there who had come before
        await attached.StopAsync();
        if (attached.Disk.State != ServingState.Faulted)
        {
            try
            {
                await attached.Flusher.FlushAsync();
                await attached.SyncAsync();
                if (attached.Disk.FaultCount > 0)
                {
                    // As when the engine stops: a flush that failed once is no success later (fsync(2)), so it is looked through when it comes back.
                    _log.LogWarning("mountpath {Mountpath}: disk faults were seen, so it is not marked clean", attached.Disk.Path);
                }
                else
                {
                    await attached.MarkCleanAsync(_parts.NextGeneration());
                }
            }
            catch (StorageException fault)
            {
                _log.LogWarning("mountpath {Mountpath} could not be marked clean: {Fault}", attached.Disk.Path, fault.Message);
            }

            NoteUnflushed(attached);
        }

        await attached.CloseAsync();
    }

    private void NoteUnflushed(AttachedDisk leaving)
    {
        if (leaving.Flusher.HasFailed)
        {
            Volatile.Write(ref _hasLeftUnflushed, true);
        }
    }
}
