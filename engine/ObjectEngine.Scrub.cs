using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Redundancy;
using Sluice.Engine.Scrub;

namespace Sluice.Engine;

/// <summary>Scrubbing: as a job of a running engine, and of mountpaths that no engine serves.</summary>
public sealed partial class ObjectEngine
{
    private readonly ScrubCounters _scrubCounters = new();

    /// <summary>Nothing is changed: it was not opened for serving.</summary>
    private bool LooksOnly { get; init; }

    /// <summary>
    /// Takes the mountpaths, which no server may be using, scrubs them and lets go of them. Without repair nothing is recovered and nothing of an
    /// object is changed; with it the engine is opened as for serving. Answers the ended job; refuses as <see cref="OpenAsync"/> does.
    /// <paramref name="begun"/> is told of the job when it runs.
    /// </summary>
    public static async Task<Result<Job>> CheckAsync(
        EngineOptions options, EngineEnvironment environment, ScrubSettings settings, Action<Job> begun, CancellationToken cancellation)
    {
        foreach (string path in options.Mountpaths)
        {
            // A path without one would become a new mountpath.
            if (!await HasIdentityAsync(environment.Io, path))
            {
                return new Failure(ErrorCode.StorageFailed, $"{path} is no mountpath: there is no .sluice/{MountpathIdentity.Kind}");
            }
        }

        ObjectEngine engine;
        if (settings.Repair)
        {
            Result<ObjectEngine> opened = await OpenAsync(options, environment);
            if (!opened.Ok)
            {
                return opened.Error!;
            }

            engine = opened.Value;
        }
        else
        {
            Result<MountpathTable> attached = await MountpathTable.AttachAsync(options, environment);
            if (!attached.Ok)
            {
                return attached.Error!;
            }

            engine = new ObjectEngine(attached.Value, options, environment) { LooksOnly = true };
        }

        try
        {
            string? problem = settings.Repair ? null : await engine._buckets.LoadAsync(engine.Mountpaths.Map.Cluster, finish: false);
            if (problem is not null)
            {
                return new Failure(ErrorCode.StorageFailed, problem);
            }

            Result<Job> started = await engine.Jobs.StartAsync(
                JobKinds.Scrub, JobTarget.All, job => engine.ScrubAsync(job, settings, [.. engine._buckets.All], engine._disks.Current.Readable, documents: true), WhenRunning.Refuse);
            if (started.Ok)
            {
                begun(started.Value);
                await using CancellationTokenRegistration abort = cancellation.Register(() => engine.Jobs.Abort(started.Value.Id, "interrupted"));
                await started.Value.Ended;
            }

            return started;
        }
        catch (StorageException fault)
        {
            return new Failure(ErrorCode.StorageFailed, fault.Message); // the operator asks: paths may be named
        }
        finally
        {
            await (settings.Repair ? engine.DisposeAsync() : engine.AbandonAsync());
        }
    }

    private static async ValueTask<bool> HasIdentityAsync(IFileIo io, string path)
    {
        IoResult<FileHandle> opened = await io.OpenRootAsync(path);
        if (!opened.Ok)
        {
            return true; // attaching says why
        }

        using FileHandle root = opened.Value;
        return (await io.StatAtAsync(root, System.Text.Encoding.ASCII.GetBytes($".sluice/{MountpathIdentity.Kind}"))).Ok;
    }

    private Result<Func<JobContext, Task>> MakeScrub(JobRequest request)
    {
        Result<ScrubSettings> settings = ScrubSettings.Parse(request.Arguments);
        if (!settings.Ok)
        {
            return settings.Error!;
        }

        IReadOnlyList<Bucket> buckets = [.. _buckets.All];
        if (request.Target.Bucket is { } name)
        {
            if (_buckets.Find(name) is not { } bucket)
            {
                return BucketTable.NotFound(name);
            }

            buckets = [bucket];
        }

        IReadOnlyList<ObjectDisk> disks = _disks.Current.Readable;
        if (request.Target.Mountpath is { } path)
        {
            disks = [.. disks.Where(disk => disk.Path == path)];
            if (disks.Count == 0)
            {
                return new Failure(ErrorCode.BadRequest, "there is no such mountpath: give it as the server has it configured");
            }
        }

        return (Result<Func<JobContext, Task>>)(job => ScrubAsync(job, settings.Value, buckets, disks, documents: request.Target.Bucket is null));
    }

    private Task ScrubAsync(JobContext job, ScrubSettings settings, IReadOnlyList<Bucket> buckets, IReadOnlyList<ObjectDisk> disks, bool documents)
    {
        var world = new ScrubWorld
        {
            Disks = () => _disks.Current.Readable,
            Enter = EnterDisk,
            Ranked = digest => _disks.Current.Ranked(digest),
            Locks = _locks,
            Time = _environment.Time,
            Repair = new ScrubRepair(this),
            ChunksProblemAsync = ChunksProblemAsync,
            FlushAsync = FlushAsync,
            CheckDocumentsAsync = async (repair, cancellation) => documents ? await CheckDocumentsAsync(disks, repair, cancellation) : [],
        };
        return new Scrubber(world, _scrubCounters).RunAsync(job, settings, buckets, disks);
    }

    /// <summary>Identities of these mountpaths, and their copies of the bucket document.</summary>
    private async ValueTask<IReadOnlyList<DamagedDocument>> CheckDocumentsAsync(IReadOnlyList<ObjectDisk> disks, bool repair, CancellationToken cancellation)
    {
        List<DamagedDocument> damaged = [.. await Mountpaths.CheckIdentitiesAsync(repair, cancellation), .. await _buckets.CheckAsync(repair)];
        return [.. damaged.Where(document => disks.Any(disk => disk.Path == document.Mountpath))];
    }

    private static async ValueTask<bool> FlushAsync(ObjectDisk disk)
    {
        RelaxedFlusher flusher = disk.Attachment!.Flusher;
        await flusher.FlushAsync();
        return !flusher.HasFailed;
    }

    private IDisposable? EnterDisk(ObjectDisk disk)
    {
        DiskUse use = _disks.Enter(DiskUseKind.Upload); // a large object at a low rate takes as long as a slow client
        if (use.Set.Open.Contains(disk))
        {
            return use;
        }

        use.Dispose();
        return null;
    }

    private sealed class ScrubRepair(ObjectEngine engine) : IScrubRepair
    {
        public async ValueTask<RepairOutcome> RepairAsync(Bucket bucket, ObjectName name, ulong digest, JobContext job)
        {
            Result<Reconciled> done = await engine.MakeWholeAsync(bucket, name, digest, job);
            return done is { Ok: true, Value: { StillDegraded: false, Changed: true } } ? RepairOutcome.Repaired : RepairOutcome.Impossible;
        }

        public async ValueTask SettledAsync(ulong digest)
        {
            await engine._repairLocks.AcquireWriterAsync(digest);
            engine._repairLocks.ReleaseWriter(digest);
        }

        public async ValueTask<RepairOutcome> RepairTombstoneAsync(Bucket bucket, ObjectDisk disk, byte[] file)
        {
            if (!bucket.TryEnter())
            {
                return RepairOutcome.Impossible;
            }

            try
            {
                bool done = await Tombstones.RestoreAsync(disk, engine._disks.Current.Readable, bucket, file, engine._locks, engine._log);
                return done ? RepairOutcome.Repaired : RepairOutcome.Impossible;
            }
            finally
            {
                bucket.Leave();
            }
        }
    }
}
