using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Integrity;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Listing;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Recovery;

namespace Sluice.Engine;

/// <summary>
/// The narrow waist: every verb of every API comes through here, and nothing else opens or closes the parts. Verbs take a
/// <see cref="Caller"/>, answer a <see cref="Result"/>, and may be called from any thread at the same time. What a client causes is a
/// refusal; what a disk does is caught here once, logged with its place, and told without it.
/// </summary>
public sealed partial class ObjectEngine : IAsyncDisposable
{
    // Set at open, read by all.
    private readonly MountpathTable _mountpaths;
    private readonly EngineEnvironment _environment;
    private readonly ILogger _log;
    private readonly ObjectClock _clock;
    private readonly NameLock _locks = new();
    private readonly int _bodyReadBytes;
    private readonly BlockBuffers[] _verifyBuffers;
    private readonly DiskTable _disks;
    private readonly ObjectLookup _lookup;
    private readonly HeadPublisher _heads;
    private readonly ObjectCommit _commit;
    private readonly ObjectRemoval _removal;
    private readonly ObjectPatch _patch;
    private readonly BucketTable _buckets;
    private readonly DamagedCopies _damagedCopies;
    private readonly BlockRescue _rescue;
    private readonly ObjectWalk _walk;
    private readonly Counters _counters = new();
    private readonly DateTimeOffset _startedAt;

    // Background work, ended by DisposeAsync.
    private readonly CancellationTokenSource _closing = new();
    private Task _repairing = Task.CompletedTask;

    private ObjectEngine(MountpathTable mountpaths, EngineOptions options, EngineEnvironment environment)
    {
        _mountpaths = mountpaths;
        _environment = environment;
        _log = environment.Log;
        _clock = new ObjectClock(environment.Time);
        _startedAt = environment.Time.GetUtcNow();
        var readers = new ReaderReports(_log, _counters.Damaged.Add);
        ulong instance = BitConverter.ToUInt64(environment.NewGuid().ToByteArray());
        _bodyReadBytes = options.BodyReadBytes;
        _verifyBuffers = BlockBuffers.Share(options.VerifyBuffersMax, mountpaths.All.Count);
        _disks = new DiskTable(new DiskSet(mountpaths.All.Select((mountpath, index) => new AttachedDisk(
            mountpath,
            new ObjectDisk(index, mountpath.Path, mountpath.Root, environment.Io, instance, _verifyBuffers[index % _verifyBuffers.Length])
            {
                IdDigest = mountpath.IdDigest,
                Readers = readers,
            },
            _clock,
            _log).Disk), mountpaths.MisplacedPossible));
        _lookup = new ObjectLookup(_disks, _locks, options.CacheSizes, _log);
        Func<ObjectDisk, RelaxedFlusher> flusherOf = static disk => disk.Attachment!.Flusher;
        Repairs = new RepairQueue(RepairAsync, _log);
        _damagedCopies = new DamagedCopies(_disks, _lookup, _locks, _log);
        readers.Rescue = _rescue = new BlockRescue(_disks, _lookup, Repairs);
        _heads = new HeadPublisher(_lookup, _locks, new NestedNames(_locks, _lookup), _clock);
        var parts = new RecordedParts();
        _commit = new ObjectCommit(_lookup, _locks, _heads, _clock, flusherOf, parts, _log);
        _removal = new ObjectRemoval(_lookup, _locks, flusherOf, parts);
        _patch = new ObjectPatch(_lookup, _locks, _clock, flusherOf, _log);
        _buckets = new BucketTable(new MountpathBucketStore(environment.Io, _disks, mountpaths.ClusterUuid, _log), _clock, _log);
        _walk = new ObjectWalk(_disks);
        var budget = new JobBudget(environment.Time, () => _counters.ClientVerbs, options.JobBytesPerSecond * mountpaths.All.Count);
        Jobs = new JobTable(environment, budget, new JobMarkers(environment.Io, _disks.EnterMountpaths, _log));
        Jobs.Register(JobKinds.Scrub, MakeScrub);
    }

    /// <summary>The background work that has a name, a progress and an end.</summary>
    public JobTable Jobs { get; }

    /// <summary>What recovery did when this engine was opened.</summary>
    public RecoveryReport Recovered { get; private set; } = new();

    /// <summary>When this engine was opened; asks no disk.</summary>
    public DateTimeOffset StartedAt => _startedAt;

    /// <summary>Names that a request holds right now; 0 when idle.</summary>
    public int HeldNameCount => _locks.HeldCount;

    /// <summary>
    /// Attaches the mountpaths, reads the buckets, settles what a crash left, and starts the background work. The refusal's sentence names
    /// the mountpath and what to do.
    /// </summary>
    public static async Task<Result<ObjectEngine>> OpenAsync(EngineOptions options, EngineEnvironment environment)
    {
        Result<MountpathTable> attached = await MountpathTable.AttachAsync(options, environment);
        if (!attached.Ok)
        {
            return attached.Error!;
        }

        var engine = new ObjectEngine(attached.Value, options, environment);
        try
        {
            string? problem = await engine.StartAsync(options);
            if (problem is null)
            {
                return engine;
            }

            await engine.AbandonAsync();
            return new Failure(ErrorCode.StorageFailed, problem);
        }
        catch (StorageException fault)
        {
            await engine.AbandonAsync();
            return new Failure(ErrorCode.StorageFailed, fault.Message); // the operator starts the engine: paths may be named
        }
    }

    /// <summary>Identity, mountpaths and counters.</summary>
    public async ValueTask<EngineStatus> StatusAsync()
    {
        var mountpaths = new List<MountpathStatus>();
        using DiskUse use = _disks.Enter();
        foreach (AttachedDisk attached in Attached)
        {
            Mountpath mountpath = attached.Mountpath;
            IoResult<FileSystemStatus> space = await _environment.Io.StatFileSystemAsync(mountpath.Root);
            mountpaths.Add(new MountpathStatus
            {
                Path = mountpath.Path,
                Uuid = mountpath.Uuid,
                FileSystem = mountpath.FileSystem,
                SizeBytes = space.Ok ? space.Value.SizeBytes : 0,
                FreeBytes = space.Ok ? space.Value.FreeBytes : 0,
                Healthy = space.Ok && attached.Disk.FaultCount == 0,
            });
        }

        return new EngineStatus
        {
            ClusterUuid = _mountpaths.ClusterUuid,
            NodeId = _mountpaths.NodeId,
            CreatedAt = _mountpaths.CreatedAt,
            StartedAt = _startedAt,
            MapVersion = _mountpaths.MapVersion,
            Mountpaths = mountpaths,
            Warnings = _mountpaths.Warnings,
            Counters = new Dictionary<string, long>
            {
                ["get.count"] = _counters.Gets.Value,
                ["put.count"] = _counters.Puts.Value,
                ["delete.count"] = _counters.Deletes.Value,
                ["damaged.count"] = _counters.Damaged.Value + _lookup.DamagedCount,
                ["fault.count"] = _counters.Faults.Value,
                ["repair.queued"] = Repairs.Count,
                ["repair.count"] = Repairs.DoneCount,
                ["repair.failed"] = Repairs.FailedCount,
                ["repair.forgotten"] = Repairs.ForgottenCount,
                ["repair.rescued_blocks"] = _rescue.RescuedCount,
                ["repair.quarantined"] = _damagedCopies.QuarantinedCount,
                ["memory.verify.leases"] = _verifyBuffers.Sum(buffers => buffers.RentedCount),
                ["cache.metadata"] = _lookup.MetadataCount,
                ["cache.files"] = _lookup.OpenFileCount,
                ["recovered.workfiles"] = Recovered.WorkFiles,
                ["recovered.verified"] = Recovered.Verified,
                ["recovered.rolledback"] = Recovered.RolledBack,
                ["recovered.removed"] = Recovered.Removed,
                ["recovered.heads"] = Recovered.Heads,
                ["recovered.leftovers"] = Recovered.Leftovers,
                ["scrub.findings"] = _scrubCounters.Findings.Value,
                ["scrub.repaired"] = _scrubCounters.Repaired.Value,
            }.Concat(Jobs.Counters()).ToDictionary(),
        };
    }

    /// <summary>
    /// Stops the background work, flushes, marks the mountpaths clean and closes everything. No request may be in flight. After a disk
    /// fault the mountpaths are not marked: a commit that failed half-way left parts, and a flush that failed left objects that only the
    /// kept files can bring back; the next start settles both.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await StopBackgroundAsync();
        try
        {
            await FlushAsync();
            foreach (AttachedDisk attached in Attached)
            {
                await attached.SyncAsync();
            }

            if (_disks.Current.Open.Any(disk => disk.FaultCount > 0))
            {
                _log.LogWarning("disk faults were seen since start: the mountpaths are not marked clean, the next start recovers");
            }
            else
            {
                await _mountpaths.MarkCleanAsync(_clock.Next());
            }
        }
        catch (StorageException fault)
        {
            _log.LogError("the mountpaths could not be marked clean; the next start recovers: {Fault}", fault.Message);
        }

        await AbandonAsync();
    }

    private async Task<string?> StartAsync(EngineOptions options)
    {
        string? problem = await _buckets.LoadAsync(_mountpaths.ClusterUuid);
        if (problem is not null)
        {
            return problem;
        }

        IReadOnlyList<DiskState> states = [.. Attached.Select(disk => new DiskState(disk.Mountpath.WasClean, disk.Mountpath.FlushedGeneration))];
        Recovered = await new StartupRecovery(_disks.Current.Open, states, _lookup, _locks, _heads, _log).RunAsync(_buckets.All);
        if (Recovered.Any)
        {
            _log.LogInformation(
                "recovered: {WorkFiles} work files removed, {Verified} objects verified, {RolledBack} rolled back, {Removed} removed, "
                + "{Heads} copies brought up to their first, {Leftovers} leftovers",
                Recovered.WorkFiles, Recovered.Verified, Recovered.RolledBack, Recovered.Removed, Recovered.Heads, Recovered.Leftovers);
        }

        // What recovery renamed and removed is durable before the mark says that all up to now is.
        foreach (AttachedDisk attached in Attached)
        {
            await attached.SyncAsync();
        }

        await _mountpaths.MarkRunningAsync(_clock.Next());
        StartEmptyingTrash();
        _repairing = Repairs.RunAsync(_closing.Token);
        await Jobs.ResumeAsync();
        foreach (AttachedDisk attached in Attached)
        {
            attached.StartFlushing(options.FlushInterval, _environment.Time);
        }

        return null;
    }

    /// <summary>The mountpaths of the set in force. For who has entered it, or starts or closes the engine.</summary>
    private IEnumerable<AttachedDisk> Attached => _disks.Current.Open.Select(static disk => disk.Attachment!);

    private void StartEmptyingTrash()
    {
        using DiskUse use = _disks.Enter();
        foreach (AttachedDisk attached in Attached)
        {
            attached.StartEmptyingTrash();
        }
    }

    private async ValueTask StopBackgroundAsync()
    {
        await Jobs.CloseAsync();
        await _closing.CancelAsync();
        await _repairing;
        await Task.WhenAll(Attached.Select(static attached => attached.StopAsync()));
    }

    /// <summary>Closes files without flushing or marking anything.</summary>
    private async ValueTask AbandonAsync()
    {
        await StopBackgroundAsync();
        _lookup.Dispose();
        foreach (AttachedDisk attached in Attached)
        {
            attached.Dispose();
        }

        Array.ForEach(_verifyBuffers, buffers => buffers.Dispose());
        _closing.Dispose();
    }
}
