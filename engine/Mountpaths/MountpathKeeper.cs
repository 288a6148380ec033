using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Mountpaths;

/// <summary>What the keeper needs of the engine that it is a part of.</summary>
internal sealed record KeeperParts
{
    /// <summary>The disks of the set in force.</summary>
    public required DiskTable Disks { get; init; }

    /// <summary>Caches that forget what lies on a disk that left.</summary>
    public required ObjectLookup Lookup { get; init; }

    /// <summary>Makes a disk of a mountpath, which it takes over.</summary>
    public required Func<Mountpath, AttachedDisk> Attach { get; init; }

    /// <summary>Settles what an unclean stop left on a disk that nobody uses yet.</summary>
    public required Func<AttachedDisk, Task> SettleAsync { get; init; }

    /// <summary>The mountpaths changed: the documents that lie on the first of them move.</summary>
    public required Func<ValueTask> DocumentsMoved { get; init; }

    /// <summary>The buckets that there are.</summary>
    public required Func<IReadOnlyCollection<Bucket>> Buckets { get; init; }

    /// <summary>Starts the job that brings everything to its place.</summary>
    public required Func<WhenRunning, ValueTask> Resilver { get; init; }

    /// <summary>No object is known to wait for a mountpath that is away any more: the tombstones may go.</summary>
    public required Func<ValueTask> BuryAsync { get; init; }

    /// <summary>A generation newer than all before.</summary>
    public required Func<ulong> NextGeneration { get; init; }
}

/// <summary>
/// The mountpaths while the engine runs: attach, detach, enable, disable, by hand or because a drive failed. One change at a time. A change is
/// written to the identity documents of the mountpaths that stay, under a new map version, before anything is acknowledged without the one
/// that goes; a crash at any step leaves a set that opens, as it was before or as it is to be.
/// </summary>
public sealed partial class MountpathKeeper
{
    private static readonly TimeSpan s_closingMax = TimeSpan.FromSeconds(30);

    // Set at construction.
    private readonly EngineOptions _options;
    private readonly EngineEnvironment _environment;
    private readonly KeeperParts _parts;
    private readonly ILogger _log;

    private readonly SemaphoreSlim _changing = new(1, 1);
    private readonly Dictionary<string, Task> _closing = []; // by uuid; under _changing
    private readonly HashSet<string> _detaching = []; // uuids that leave the set when they are empty; under _changing
    private bool _isClosed; // under _changing, which is never given back then
    private WhenRunning? _resilverAfterwards; // under _changing
    private MountpathIdentity _map; // replaced whole, under _changing
    private AttachedDisk[] _attached; // replaced whole, under _changing
    private long _faulted; // written under _changing
    private bool _hasLeftUnflushed;

    internal MountpathKeeper(EngineOptions options, EngineEnvironment environment, MountpathIdentity map, AttachedDisk[] attached, KeeperParts parts)
    {
        _options = options;
        _environment = environment;
        _map = map;
        _attached = attached;
        _parts = parts;
        _log = environment.Log;
    }

    /// <summary>Mountpaths that were taken out of service for failing since start: each time once, however many found that it fails.</summary>
    public long FaultedCount => Volatile.Read(ref _faulted);

    /// <summary>
    /// A mountpath has left with a flush that failed, before or as it left: what relaxed buckets acknowledged there is perhaps not on stable storage. Until the
    /// next start, as with <see cref="RelaxedFlusher.HasFailed"/>.
    /// </summary>
    public bool HasLeftUnflushed => Volatile.Read(ref _hasLeftUnflushed);

    /// <summary>The set as it is persisted.</summary>
    public MountpathIdentity Map => Volatile.Read(ref _map);

    /// <summary>All of the set, those that are out of service too.</summary>
    public IReadOnlyList<MountpathRow> Rows()
    {
        MountpathIdentity map = Map;
        AttachedDisk[] attached = Volatile.Read(ref _attached);
        return [.. map.Siblings.Select(sibling =>
        {
            AttachedDisk? open = Array.Find(attached, one => one.Mountpath.Uuid == sibling.Uuid);
            return new MountpathRow(sibling.Path, sibling.Uuid, open?.Disk.State ?? (sibling.Out == OutOfService.ByOperator ? ServingState.Disabled : ServingState.Faulted))
            {
                Reason = sibling.Out ?? (open is null ? "missing" : ""),
                IsStale = sibling.Stale,
                Disk = open?.Disk,
            };
        })];
    }

    /// <summary>Digests of the mountpaths that are away with objects on them.</summary>
    internal static IEnumerable<ulong> AwayOf(MountpathIdentity map, IEnumerable<AttachedDisk> attached) => map.Siblings
        .Where(sibling => sibling.Stale && !attached.Any(one => one.Mountpath.Uuid == sibling.Uuid))
        .Select(sibling => Placement.Hrw.IdDigest(System.Text.Encoding.ASCII.GetBytes(sibling.Uuid)));

    /// <summary>Puts a new, empty mountpath into the set. Refused with a sentence for the operator.</summary>
    public Task<Result> AttachAsync(string path) => ChangeAsync(async () =>
    {
        if (_map.Siblings.Exists(sibling => sibling.Path == path))
        {
            return Refused($"mountpath {path} belongs to the set; if it is out of service, enable it");
        }

        (OpenedMountpath? opened, string? problem) = await OpenedMountpath.ExamineAsync(_environment.Io, path);
        problem ??= ProblemOfNew(opened!) ?? await opened!.ClaimAsync(_environment.Io);
        if (problem is not null)
        {
            opened?.Dispose();
            return Refused(problem);
        }

        var row = new MountpathSibling { Uuid = _environment.NewGuid().ToString("D"), Path = path, AttachedLater = true };
        MountpathIdentity next = Changed(map => map.Siblings.Add(row), misplaced: true);
        problem = await WriteAsync(opened!.System!, path, next.For(row.Uuid, forming: true)); // as good as new until the others know it
        problem ??= await WriteMapAsync(next);
        problem ??= await WriteAsync(opened.System!, path, next.For(row.Uuid));
        if (problem is not null)
        {
            opened.Dispose();
            return Refused(problem);
        }

        var mountpath = new Mountpath(_environment.Io, opened, row.Uuid, opened.State);
        await mountpath.MarkRunningAsync(_parts.NextGeneration());
        await TakeInAsync(_parts.Attach(mountpath), ServingState.Serving);
        _log.LogInformation("mountpath {Mountpath} is attached", path);
        return Result.Done;
    });

    /// <summary>
    /// Brings a mountpath back that is out of service. Its identity is looked at again; it serves when it has been compared with the others,
    /// which goes on in the background.
    /// </summary>
    public Task<Result> EnableAsync(string path) => ChangeAsync(async () =>
    {
        if (_map.Siblings.Find(sibling => sibling.Path == path) is not { } row)
        {
            return Unknown(path);
        }

        if (Array.Find(_attached, one => one.Mountpath.Uuid == row.Uuid) is { } open)
        {
            return await StayAsync(open);
        }

        if (_closing.TryGetValue(row.Uuid, out Task? closing))
        {
            await Task.WhenAny(closing, Task.Delay(s_closingMax, _environment.Time));
            if (!closing.IsCompleted)
            {
                return new Failure(ErrorCode.Busy, $"mountpath {path}: requests that were in flight when it left have not ended yet; try again later");
            }
        }

        (OpenedMountpath? opened, string? problem) = await OpenedMountpath.ExamineAsync(_environment.Io, path);
        if (problem is null && opened!.Identity?.Uuid != row.Uuid)
        {
            problem = $"mountpath {path} has {(opened.Identity is { } other ? $"the identity {other.Uuid}" : "no identity")}, but {row.Uuid} belongs there: "
                + "is another drive mounted? If it is gone for good, detach it by force and attach the new one";
        }

        problem ??= await opened!.ClaimAsync(_environment.Io);
        // Stale, also when it was emptied before it left: buckets were destroyed meanwhile, and a start in the midst of it is to compare it as well.
        MountpathIdentity next = Changed(map => (SiblingOf(map, row.Uuid).Out, SiblingOf(map, row.Uuid).Stale) = (null, true), misplaced: true);
        problem ??= await WriteMapAsync(next);
        problem ??= await WriteAsync(opened!.System!, path, next.For(row.Uuid));
        if (problem is not null)
        {
            opened?.Dispose();
            return Refused(problem);
        }

        var mountpath = new Mountpath(_environment.Io, opened!, row.Uuid, opened!.State);
        AttachedDisk attached = _parts.Attach(mountpath);
        try
        {
            await _parts.SettleAsync(attached);
            await (attached.Disk.Names?.DropStaleMarksAsync() ?? default);
            await mountpath.MarkRunningAsync(_parts.NextGeneration());
        }
        catch (StorageException fault)
        {
            _log.LogError("{Fault}", fault.Message);
            await attached.CloseAsync();
            await WriteMapAsync(Changed(map => SiblingOf(map, row.Uuid).Out = OutOfService.ByHealth));
            return Refused($"mountpath {path} failed while it was looked through; the server's log says how");
        }

        await TakeInAsync(attached, ServingState.Joining);
        _log.LogInformation("mountpath {Mountpath} is back; it serves when it has been compared with the others", path);
        return Result.Done;
    });

    /// <summary>
    /// Takes a mountpath out of service; it belongs to the set. Emptied first, in the background, unless <paramref name="force"/> says that
    /// what is on it is to stay and be missing.
    /// </summary>
    public Task<Result> DisableAsync(string path, bool force) => LeaveAsync(path, force, detach: false);

    /// <summary>Takes a mountpath out of the set; emptied first likewise. By force what is on it is given up.</summary>
    public Task<Result> DetachAsync(string path, bool force) => LeaveAsync(path, force, detach: true);

    /// <summary>A drive failed: it is out of service when this returns. Nothing on it is waited for. Once for each disk.</summary>
    public Task<Result> FaultAsync(ObjectDisk disk, string why) => ChangeAsync(async () =>
    {
        AttachedDisk? attached = Array.Find(_attached, one => one.Disk == disk);
        if (attached is null)
        {
            return Result.Done;
        }

        _log.LogError("mountpath {Mountpath} is taken out of service ({Flag}): {Why}", disk.Path, OutOfService.ByHealth, why);
        MountpathIdentity next = Changed(map => PutOut(map, attached, OutOfService.ByHealth), misplaced: true);
        bool isLast = !_attached.Any(one => one != attached && one.Disk.IsOpen); // nothing can be acknowledged without it: nothing needs to be noted
        if (!isLast && await WriteMapAsync(next, except: attached) is { } problem)
        {
            _log.LogError("{Problem}; mountpath {Mountpath} stays in service until that can be noted", problem, disk.Path);
            return Refused(problem);
        }

        _map = isLast ? next : _map; // the others have it on disk
        await TakeOutAsync(attached, ServingState.Faulted);
        Volatile.Write(ref _faulted, _faulted + 1);
        if (isLast)
        {
            _log.LogCritical("no mountpath is left in service: nothing can be served");
            return Result.Done;
        }

        await FollowUpAsync();
        return Result.Done;
    });

    /// <summary>Waits for what is being closed. The engine is closing: nothing is changed any more.</summary>
    public async ValueTask CloseAsync()
    {
        if (_isClosed)
        {
            return;
        }

        await _changing.WaitAsync();
        _isClosed = true;
        await Task.WhenAny(Task.WhenAll(_closing.Values), Task.Delay(s_closingMax, _environment.Time)); // a drive may hang for good
    }

    private Task<Result> LeaveAsync(string path, bool force, bool detach) => ChangeAsync(async () =>
    {
        if (_map.Siblings.Find(sibling => sibling.Path == path) is not { } row)
        {
            return Unknown(path);
        }

        AttachedDisk? attached = Array.Find(_attached, one => one.Mountpath.Uuid == row.Uuid);
        if (attached is null)
        {
            return await LeaveForGoodAsync(row, force, detach);
        }

        if (attached.Disk.Serves && _attached.Count(one => one.Disk.Serves) == 1)
        {
            return new Failure(ErrorCode.Busy, $"mountpath {path} is the last one in service");
        }

        if (!force && attached.Disk.State == ServingState.Joining)
        {
            return new Failure(ErrorCode.Busy, $"mountpath {path} is being compared with the others; try again later, or by force");
        }

        if (!force)
        {
            _ = detach ? _detaching.Add(row.Uuid) : _detaching.Remove(row.Uuid);
            MountpathIdentity draining = Changed(static _ => { }, misplaced: true);
            if (await WriteMapAsync(draining) is { } trouble)
            {
                return Refused(trouble);
            }

            attached.Disk.State = ServingState.Draining;
            Publish();
            await FollowUpAsync();
            _log.LogInformation("mountpath {Mountpath} is being emptied and then {What}", path, detach ? "detached" : "disabled");
            return Result.Done;
        }

        MountpathIdentity next = Changed(map => PutOut(map, attached, detach ? null : OutOfService.ByOperator), misplaced: true);
        if (await WriteMapAsync(next, except: attached) is { } problem)
        {
            return Refused(problem);
        }

        await TakeOutAsync(attached, detach ? ServingState.Detached : ServingState.Disabled);
        await FollowUpAsync();
        _log.LogWarning("mountpath {Mountpath} is {What} by force, with what is on it", path, detach ? "detached" : "disabled");
        return Result.Done;
    });

    /// <summary>Of a mountpath that is not open: nothing can be emptied.</summary>
    private async ValueTask<Result> LeaveForGoodAsync(MountpathSibling row, bool force, bool detach)
    {
        if (!detach)
        {
            MountpathIdentity disabled = Changed(map => SiblingOf(map, row.Uuid).Out ??= OutOfService.ByOperator);
            return await WriteMapAsync(disabled) is { } trouble ? Refused(trouble) : Result.Done;
        }

        if (row.Stale && !force)
        {
            return new Failure(ErrorCode.Busy, $"mountpath {row.Path} is away with objects on it: enable it first, or give them up by force");
        }

        if (await WriteMapAsync(Changed(map => map.Siblings.RemoveAll(sibling => sibling.Uuid == row.Uuid))) is { } problem)
        {
            return Refused(problem);
        }

        Publish();
        await FollowUpAsync();
        await BuryIfNobodyIsAwayAsync();
        _log.LogWarning("mountpath {Mountpath} ({Uuid}) is detached; what it held is gone", row.Path, row.Uuid);
        return Result.Done;
    }

    private async ValueTask<Result> StayAsync(AttachedDisk open)
    {
        if (open.Disk.State == ServingState.Draining)
        {
            _detaching.Remove(open.Mountpath.Uuid);
            open.Disk.State = ServingState.Serving;
            Publish();
            await FollowUpAsync();
        }
        else if (open.Disk.State == ServingState.Joining)
        {
            _resilverAfterwards ??= WhenRunning.Join; // one that met a fault is not begun again by itself
        }

        return Result.Done;
    }

    private async Task<Result> ChangeAsync(Func<ValueTask<Result>> change)
    {
        await _changing.WaitAsync();
        try
        {
            return await change();
        }
        catch (StorageException fault)
        {
            _log.LogError("{Fault}", fault.Message);
            return new Failure(ErrorCode.StorageFailed, fault.Message); // an operator asked: paths may be named
        }
        finally
        {
            WhenRunning? resilver = _resilverAfterwards;
            _resilverAfterwards = null;
            _changing.Release();
            if (resilver is { } whenRunning)
            {
                await _parts.Resilver(whenRunning); // not under the change: a run that is to end may want to make one
            }
        }
    }

    private static Failure Refused(string problem) => new(ErrorCode.BadRequest, problem);

    private static Failure Unknown(string path) => new(ErrorCode.BadRequest, $"mountpath {path} does not belong to the set");
}

/// <summary>One mountpath of the set.</summary>
/// <param name="Path">Where it is or was.</param>
/// <param name="Uuid">Its identity.</param>
/// <param name="State">What it is there for.</param>
public sealed record MountpathRow(string Path, string Uuid, ServingState State)
{
    /// <summary>Why it is out of service; empty when it is in it.</summary>
    public required string Reason { get; init; }

    /// <summary>It holds objects that are not compared with the others.</summary>
    public required bool IsStale { get; init; }

    /// <summary>Its disk when it is open.</summary>
    public ObjectDisk? Disk { get; init; }
}
