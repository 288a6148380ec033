using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Scrub;

namespace Sluice.Engine;

/// <summary>Scrubbing: as a job of a running engine, and of mountpaths that no engine serves.</summary>
public sealed partial class ObjectEngine
{
    private readonly ScrubCounters _scrubCounters = new();

    /// <summary>
    /// Takes the mountpaths, which no server may be using, scrubs them and lets go of them. Without repair nothing is recovered and nothing of an
    /// object is changed; with it the engine is opened as for serving. Answers the ended job; refuses as <see cref="OpenAsync"/> does.
    /// <paramref name="begun"/> is told of the job when it runs.
    /// </summary>
    public static async Task<Result<Job>> CheckAsync(
        EngineOptions options, EngineEnvironment environment, ScrubSettings settings, Action<Job> begun, CancellationToken cancellation)
    {
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

            engine = new ObjectEngine(attached.Value, options, environment);
        }

        try
        {
            string? problem = settings.Repair ? null : await engine._buckets.LoadAsync(engine._mountpaths.ClusterUuid);
            if (problem is not null)
            {
                return new Failure(ErrorCode.StorageFailed, problem);
            }

            Result<Job> started = await engine.Jobs.StartAsync(
                JobKinds.Scrub, JobTarget.All, job => engine.ScrubAsync(job, settings, [.. engine._buckets.All], engine._disks), WhenRunning.Refuse);
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

        IReadOnlyList<ObjectDisk> disks = _disks;
        if (request.Target.Mountpath is { } path)
        {
            disks = [.. _disks.Where(disk => disk.Path == path)];
            if (disks.Count == 0)
            {
                return new Failure(ErrorCode.BadRequest, "there is no such mountpath: give it as the server has it configured");
            }
        }

        return (Result<Func<JobContext, Task>>)(job => ScrubAsync(job, settings.Value, buckets, disks));
    }

    private Task ScrubAsync(JobContext job, ScrubSettings settings, IReadOnlyList<Bucket> buckets, IReadOnlyList<ObjectDisk> disks)
    {
        var world = new ScrubWorld
        {
            Disks = () => _disks,
            Ranked = RankedDisks,
            Locks = _locks,
            Time = _environment.Time,
            Repair = new NoRepair(),
        };
        return new Scrubber(world, _scrubCounters).RunAsync(job, settings, buckets, disks);
    }

    private ObjectDisk[] RankedDisks(ulong digest)
    {
        Span<int> order = stackalloc int[_disks.Length];
        _lookup.Rank(digest, order);
        var ranked = new ObjectDisk[order.Length];
        for (int i = 0; i < ranked.Length; i++)
        {
            ranked[i] = _disks[order[i]];
        }

        return ranked;
    }
}
