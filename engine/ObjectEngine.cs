using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Health;
using Sluice.Engine.Integrity;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Listing;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Recovery;
using Sluice.Engine.Redundancy;
using Sluice.Engine.Sources;
using Sluice.Engine.Space;

namespace Sluice.Engine;

/// <summary>
/// The narrow waist: every verb of every API comes through here, and nothing else opens or closes the parts. Verbs take a
/// <see cref="Caller"/>, answer a <see cref="Result"/>, and may be called from any thread at the same time. What a client causes is a
/// refusal; what a disk does is caught here once, logged with its place, and told without it.
/// </summary>
public sealed partial class ObjectEngine : IAsyncDisposable
{
    // Set at open, read by all.
    private readonly MountpathTable _mountpaths; // as the engine was started with them
    private readonly Func<Mountpath, AttachedDisk> _attach;
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
    private readonly LeftoverParts _leftovers;
    private readonly ObjectPatch _patch;
    private readonly BucketTable _buckets;
    private readonly ErasureContext _erasure;
    private readonly ErasureWriter _erasureWriter;
    private readonly ErasureReconciler _erasureReconciler;
    private readonly DamagedCopies _damagedCopies;
    private readonly BlockRescue _rescue;
    private readonly ObjectWalk _walk;
    private readonly Resilver _resilver;
    private readonly DiskHealth? _health; // null until the engine is made
    private readonly SpaceWatch _space;
    private readonly CopyJobs _copyJobs;
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
        var readers = new ReaderReports(_log, ReadDamaged, RepairByPath);
        ulong instance = BitConverter.ToUInt64(environment.NewGuid().ToByteArray());
        _bodyReadBytes = options.BodyReadBytes;
        _sourceRoots = new SourceRoots(environment.Io, options.PromoteRoots);
        _verifyBuffers = BlockBuffers.Share(options.VerifyBuffersMax, mountpaths.All.Count);
        _attach = mountpath => Attach(mountpath, readers, instance);
        AttachedDisk[] attached = [.. mountpaths.All.Select(_attach)];
        foreach (AttachedDisk one in attached.Where(one => mountpaths.Map.Siblings.Exists(row => row.Uuid == one.Mountpath.Uuid && row.Stale)))
        {
            one.Disk.State = ServingState.Joining;
        }

        _disks = new DiskTable(new DiskSet(
            attached.Select(one => one.Disk), mountpaths.Map.MisplacedPossible, away: [.. MountpathKeeper.AwayOf(mountpaths.Map, attached)]));
        _erasure = new ErasureContext(new ErasureMemory(options.ErasureBytes), _log)
        {
            DiskOf = id => _disks.Current.Readable.FirstOrDefault(disk => disk.Uuid == id && id != Guid.Empty),
        };
        _lookup = new ObjectLookup(_disks, _locks, options.CacheSizes, _log) { Erasure = _erasure };
        Func<ObjectDisk, RelaxedFlusher> flusherOf = static disk => disk.Attachment!.Flusher;
        Repairs = new RepairQueue(RepairAsync, _log);
        readers.Rescue = _rescue = new BlockRescue(_disks, _lookup, Repairs);
        _heads = new HeadPublisher(_lookup, _locks, new NestedNames(_locks, _lookup), _clock);
        _damagedCopies = new DamagedCopies(_disks, _lookup, _locks, _heads, _log);
        RecordedParts parts = NewParts();
        _leftovers = new LeftoverParts(_lookup, _locks, parts, _log) { Wanted = (bucket, name, digest) => Repairs.Enqueue(bucket, name, digest) };
        _uploadFiles = new UploadFiles(_disks);
        _reaper = new ChunkReaper((bucket, uploadId) => RemoveUploadAsync(bucket, uploadId, _closing.Token), () => SurveyUploadsAsync(_closing.Token), _log);
        var uploadEnds = new UploadEnds(EndUploadAsync, EndUnknownUploadAsync)
        {
            StandingUploadOf = (bucket, digest) => _standing.Find(bucket.Bid, digest), EndLostAsync = EndLostUploadAsync,
        };
        _lookup.LostAsync = LostAsync;
        _commit = new ObjectCommit(_lookup, _locks, _heads, _clock, flusherOf, parts, _log) { Leftovers = _leftovers, UploadFreed = _reaper.Free, UploadEnds = uploadEnds };
        _erasureWriter = new ErasureWriter(_erasure, _lookup, _commit);
        _erasureReconciler = new ErasureReconciler(_erasure, _lookup, _commit, new SliceRepair(_erasure, _lookup, _locks, _commit, _leftovers));
        _erasure.RepairWanted = (bucket, name, digest) => Repairs.Enqueue(bucket, name, digest);
        _removal = new ObjectRemoval(_lookup, _locks, _clock, flusherOf, parts, _log) { Leftovers = _leftovers, UploadFreed = _reaper.Free, UploadEnds = uploadEnds };
        _patch = new ObjectPatch(_lookup, _locks, _clock, flusherOf, _log);
        _buckets = new BucketTable(new MountpathBucketStore(environment.Io, _disks, mountpaths.Map.Cluster, _log), _clock, _log);
        _walk = new ObjectWalk(_disks);
        var budget = new JobBudget(environment.Time, () => _counters.ClientVerbs, options.JobBytesPerSecond * mountpaths.All.Count);
        Jobs = new JobTable(environment, budget, new JobMarkers(environment.Io, _disks.EnterMountpaths, _log)
        {
            HomeOf = name => (_buckets.Find(name)?.Record.Home ?? BucketHome.Of(name)).Uname,
            NameOfHome = home => _buckets.All.FirstOrDefault(bucket => bucket.Record.Home.Uname == home)?.Name,
        });
        Jobs.Register(JobKinds.Scrub, MakeScrub);
        Jobs.Register(JobKinds.EcEncode, MakeEncoding);
        Jobs.Register(JobKinds.Rechunk, MakeRechunk);
        IRedundancy[] coded = [new ErasureRedundancy(_erasureReconciler)];
        Reconciler = new ObjectReconciler(_lookup, new CopiesRedundancy(_lookup, _locks, _heads, parts, coded, _log), coded);
        _lookup.Degraded = (bucket, name, digest) => Repairs.Enqueue(bucket, name, digest);
        _copyJobs = new CopyJobs(Jobs, _walk, Reconciler, _buckets);
        _resilver = new Resilver(_disks, _buckets, disk => new ReturnedDisk(disk, _disks, _lookup, _locks, _buckets, parts, _log), ReconcileAsync, RemoveLeftoversAsync,
            environment.Time, _log);
        Jobs.Register(JobKinds.Resilver, _ => new Func<JobContext, Task>(_resilver.RunAsync));
        Mountpaths = NewKeeper(options, attached);
        _space = new SpaceWatch(options.Space, environment.Time);
        _health = new DiskHealth(options.Health, environment, _disks, Mountpaths.FaultAsync, _log);
    }

    /// <summary>The background work that has a name, a progress and an end.</summary>
    public JobTable Jobs { get; }

    /// <summary>Makes the files of a name what its bucket wants.</summary>
    public ObjectReconciler Reconciler { get; }

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
        HashSet<string> avoided = [];
        while (true)
        {
            (Result<ObjectEngine> opened, string? failedAt) = await OpenAsync(options, environment, avoided);
            bool triesWithout = options.AllowDegraded && failedAt is not null && avoided.Add(failedAt);
            if (!triesWithout)
            {
                return opened;
            }

            environment.Log.LogError("{Problem}; starting without {Mountpath}", opened.Error?.Message, failedAt);
        }
    }

    /// <summary>Opens it without the mountpaths to avoid; where one failed while it was being settled, that one is told.</summary>
    private static async Task<(Result<ObjectEngine> Opened, string? FailedAt)> OpenAsync(
        EngineOptions options, EngineEnvironment environment, HashSet<string> avoided)
    {
        Result<MountpathTable> attached = await MountpathTable.AttachAsync(options, environment, avoided);
        if (!attached.Ok)
        {
            return (attached.Error!, null);
        }

        var engine = new ObjectEngine(attached.Value, options, environment);
        try
        {
            string? problem = await engine.StartAsync(options);
            if (problem is null)
            {
                return (engine, null);
            }

            await engine.AbandonAsync();
            return (new Failure(ErrorCode.StorageFailed, problem), null);
        }
        catch (StorageException fault)
        {
            string? failedAt = engine._disks.Current.Open.FirstOrDefault(disk => disk.FaultCount > 0)?.Path;
            await engine.AbandonAsync();
            return (new Failure(ErrorCode.StorageFailed, fault.Message), failedAt); // the operator starts the engine: paths may be named
        }
    }

    /// <summary>Identity, mountpaths and counters.</summary>
    public async ValueTask<EngineStatus> StatusAsync()
    {
        List<MountpathStatus> mountpaths = await MountpathStatusAsync();
        MountpathIdentity map = Mountpaths.Map;
        return new EngineStatus
        {
            ClusterUuid = map.Cluster,
            NodeId = map.Node,
            CreatedAt = map.Created,
            StartedAt = _startedAt,
            MapVersion = map.MapVersion,
            Mountpaths = mountpaths,
            Warnings = [.. _mountpaths.Warnings, .. OutOfServiceWarnings()],
            Counters = new Dictionary<string, long>(_erasure.Counters())
            {
                ["get.count"] = _counters.Gets.Value,
                ["put.count"] = _counters.Puts.Value,
                ["delete.count"] = _counters.Deletes.Value,
                ["append.count"] = _counters.Appends.Value,
                ["append.open"] = _appends.Count,
                ["damaged.count"] = _counters.Damaged.Value + _lookup.DamagedCount,
                ["fault.count"] = _counters.Faults.Value,
                ["disk.away"] = _disks.Current.Away.Count,
                ["disk.tests"] = _health!.RunCount,
                ["disk.faulted"] = Mountpaths.FaultedCount,
                ["repair.queued"] = Repairs.Count,
                ["repair.count"] = Repairs.DoneCount,
                ["repair.failed"] = Repairs.FailedCount,
                ["repair.forgotten"] = Repairs.ForgottenCount,
                ["repair.rescued_blocks"] = _rescue.RescuedCount,
                ["repair.quarantined"] = _damagedCopies.QuarantinedCount + _erasure.Quarantined.Value,
                ["memory.verify.leases"] = _verifyBuffers.Sum(buffers => buffers.RentedCount),
                ["cache.metadata"] = _lookup.MetadataCount,
                ["cache.files"] = _lookup.OpenFileCount,
                ["recovered.workfiles"] = Recovered.WorkFiles,
                ["recovered.verified"] = Recovered.Verified,
                ["recovered.rolledback"] = Recovered.RolledBack,
                ["recovered.removed"] = Recovered.Removed,
                ["recovered.heads"] = Recovered.Heads,
                ["recovered.leftovers"] = Recovered.Leftovers,
                ["index.made"] = Attached.Sum(static attached => attached.Disk.Names?.MadeCount ?? 0),
                ["index.waiting"] = Attached.Sum(static attached => attached.Disk.Names?.WaitingCount ?? 0),
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
            await RemoveAppendsAsync();
            await _copyJobs.FinishAsync();
            await FlushAsync();
            foreach (AttachedDisk attached in Attached)
            {
                await attached.SyncAsync();
            }

            if (Attached.Any(static attached => attached.Disk.FaultCount > 0 || attached.Flusher.HasFailed)) // then what was to follow a flush was not done either
            {
                _log.LogWarning("disk faults were seen since start: the mountpaths are not marked clean, the next start recovers");
            }
            else if (_reaper.IsOwed)
            {
                _log.LogInformation("chunks of removed objects are left: the mountpaths are not marked clean, the next start removes them");
            }
            else
            {
                foreach (AttachedDisk attached in Attached)
                {
                    await attached.MarkCleanAsync(_clock.Next());
                }
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
        string? problem = await _buckets.LoadAsync(_mountpaths.Map.Cluster);
        if (problem is not null)
        {
            return problem;
        }

        await _buckets.SpreadAsync();
        IReadOnlyList<DiskState> states = [.. Attached.Select(disk => new DiskState(disk.Mountpath.WasClean, disk.Mountpath.FlushedGeneration))];
        Recovered = await new StartupRecovery(_disks.Current.Open, states, _lookup, _locks, _heads, NewParts(), _log).RunAsync(_buckets.All);
        if (Recovered.Any)
        {
            _log.LogInformation(
                "recovered: {WorkFiles} work files removed, {Verified} objects verified, {RolledBack} rolled back, {Removed} removed, "
                + "{Heads} copies brought up to their first, {Leftovers} leftovers",
                Recovered.WorkFiles, Recovered.Verified, Recovered.RolledBack, Recovered.Removed, Recovered.Heads, Recovered.Leftovers);
        }

        await new TombstoneSettlement(_disks, _lookup, _clock, _log).RunAsync(_buckets.All, keep: Mountpaths.Map.Siblings.Exists(row => row.Stale));

        // What recovery renamed and removed is durable before the mark says that all up to now is.
        foreach (AttachedDisk attached in Attached)
        {
            await attached.SyncAsync();
        }

        foreach (AttachedDisk attached in Attached)
        {
            await (attached.Disk.Names?.DropStaleMarksAsync() ?? default);
            await attached.Mountpath.MarkRunningAsync(_clock.Next());
        }

        foreach (AttachedDisk attached in Attached)
        {
            attached.Disk.Names?.Start(_buckets.All);
        }

        StartEmptyingTrash();
        _repairing = Repairs.RunAsync(_closing.Token);
        _reaper.LookThrough(); // for what a stop owes, and for objects whose files were lost meanwhile
        _reaping = _reaper.RunAsync(_closing.Token);
        _aging = options.UploadAge > TimeSpan.Zero ? AgeUploadsAsync(options.UploadAge) : Task.CompletedTask;
        await Jobs.ResumeAsync();
        if (!states.All(state => state.Clean))
        {
            await _copyJobs.AfterCrashAsync();
        }

        if (_disks.Current.SearchAll)
        {
            await Jobs.StartAsync(JobKinds.Resilver, JobTarget.All, _resilver.RunAsync, WhenRunning.Join);
        }

        foreach (AttachedDisk attached in Attached)
        {
            attached.StartFlushing(options.FlushInterval, _environment.Time);
        }

        _health!.Start();
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
        await _health!.CloseAsync();
        await Jobs.CloseAsync();
        _closing.CancelHere();
        await _repairing;
        await _reaping; // before the keeper: it may have to give the set another version
        await _aging;
        await Mountpaths.CloseAsync();
        await Task.WhenAll(Attached.Select(static attached => attached.StopAsync()));
    }

    /// <summary>Closes files without flushing or marking anything.</summary>
    private async ValueTask AbandonAsync()
    {
        await StopBackgroundAsync();
        _lookup.Dispose();
        foreach (AttachedDisk attached in Attached)
        {
            await attached.CloseAsync();
        }

        Array.ForEach(_verifyBuffers, buffers => buffers.Dispose());
        _erasure.Memory.Dispose();
        _closing.Dispose();
    }
}
