using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Names;
using Sluice.Engine.Objects;
using Sluice.Engine.Recovery;
using Sluice.Engine.Redundancy;

namespace Sluice.Engine;

/// <summary>The mountpaths and what their coming and going needs of the rest.</summary>
public sealed partial class ObjectEngine
{
    private int _diskIndex;

    /// <summary>The mountpaths: which there are, and how they come and go.</summary>
    public MountpathKeeper Mountpaths { get; }

    /// <summary>True while at least one mountpath is in service.</summary>
    public bool CanServe => _disks.Current.Serving.Count > 0;

    /// <summary>One look at every mountpath, as the health checker's timer has it taken; what fails is out of service when this returns.</summary>
    public Task LookAtMountpathsAsync() => _health!.LookOnceAsync();

    /// <summary>
    /// Looks at one mountpath again because an operator asks: is it the one that was opened, does a small write work, and how full is it. What fails is out of
    /// service when this returns.
    /// </summary>
    public Task<Result> RescanMountpathAsync(string path) => OnOpenAsync(path, async attached =>
    {
        Result looked = await _health!.RescanAsync(attached);
        using DiskUse use = _disks.Enter();
        if (looked.Ok && attached.Disk.IsOpen)
        {
            await _space.RefreshAsync(attached.Disk);
        }

        return looked;
    });

    /// <summary>Runs the health checker's tests over one mountpath because an operator asks, whenever the last ones were; likewise.</summary>
    public Task<Result> TestMountpathAsync(string path) => OnOpenAsync(path, attached => _health!.TestAsync(attached));

    private async Task<Result> OnOpenAsync(string path, Func<AttachedDisk, Task<Result>> look) =>
        Mountpaths.Rows().FirstOrDefault(row => row.Path == path) is not { } row
            ? new Failure(ErrorCode.BadRequest, $"mountpath {path} does not belong to the set")
        : row.Disk is not { IsOpen: true, Attachment: { } attached }
            ? new Failure(ErrorCode.Busy, $"mountpath {path} is out of service ({row.Reason}): enable it, and it is looked at before it serves")
        : await look(attached);

    /// <summary>The disk of a mountpath, which it takes over.</summary>
    private AttachedDisk Attach(Mountpath owned, ReaderReports readers, ulong instance)
    {
        int index = Interlocked.Increment(ref _diskIndex) - 1;
        var disk = new ObjectDisk(index, owned.Path, owned.Root, _environment.Io, instance, _verifyBuffers[index % _verifyBuffers.Length])
        {
            IdDigest = owned.IdDigest,
            Uuid = Guid.TryParse(owned.Uuid, out Guid uuid) ? uuid : Guid.Empty,
            Readers = readers,
            FaultSeen = (seen, error, path) => _health?.Report(seen, error, path),
        };
        owned.KeepsNames = _environment.NameStores is not null;
        disk.Names = _environment.NameStores is { } stores ? new DiskNames(disk, stores, _environment, owned.KeptNames) : null;
        return new AttachedDisk(owned, disk, _clock, _log);
    }

    private MountpathKeeper NewKeeper(EngineOptions options, AttachedDisk[] attached)
    {
        var keeper = new MountpathKeeper(options, _environment, _mountpaths.Map, attached, new KeeperParts
        {
            Disks = _disks,
            Lookup = _lookup,
            Attach = _attach,
            SettleAsync = one => StartupRecovery.SettleAloneAsync(
                one.Disk, new DiskState(one.Mountpath.WasClean, one.Mountpath.FlushedGeneration), _buckets.All, _log),
            DocumentsMoved = _buckets.RewriteAsync,
            Buckets = () => _buckets.All,
            Resilver = async whenRunning => await Jobs.StartAsync(JobKinds.Resilver, JobTarget.All, _resilver.RunAsync, whenRunning),
            BuryAsync = async () =>
            {
                _reaper.LookThrough(); // an object that was replaced while its file was away did not say what upload it had
                await TombstoneSettlement.RemoveAsync(_disks.Current.Open, _buckets.All);
            },
            NextGeneration = () => _clock.Next(),
        });
        _resilver.Keeper = keeper;
        return keeper;
    }

    /// <summary>For the resilver; true when the name's files are where they belong, or will be when there are mountpaths enough.</summary>
    private async ValueTask<bool> ReconcileAsync(JobContext job, Bucket bucket, WalkedName walked)
    {
        await _repairLocks.AcquireWriterAsync(walked.Digest); // slices that two had rebuilt elsewhere, and of which one spoke, would be removed
        try
        {
            using DiskUse use = _disks.Enter();
            Result<Reconciled> done = await Reconciler.ReconcileAsync(bucket, walked.Name, walked.Digest, job);
            return IsInPlace(job, bucket, walked, done, use.Set);
        }
        finally
        {
            _repairLocks.ReleaseWriter(walked.Digest);
        }
    }

    /// <summary>For the resilver; true when no drive keeps a part that no object has.</summary>
    private async ValueTask<bool> RemoveLeftoversAsync(JobContext job)
    {
        int failed = 0;
        await SettleNotesAsync(job);
        foreach (ulong digest in _leftovers.Digests())
        {
            job.Aborted.ThrowIfCancellationRequested();
            await _repairLocks.AcquireWriterAsync(digest);
            try
            {
                failed += await _leftovers.RemoveAsync(digest);
            }
            finally
            {
                _repairLocks.ReleaseWriter(digest);
            }
        }

        return failed == 0;
    }

    /// <summary>
    /// Has every name that has a note made whole, which removes the note: here, and not by the queue of repairs, since a mountpath that is to be emptied leaves behind the job, and what is
    /// noted on it would leave with it.
    /// </summary>
    private async ValueTask SettleNotesAsync(JobContext job)
    {
        foreach (LeftoverParts.CommitNote note in _leftovers.Notes())
        {
            job.Aborted.ThrowIfCancellationRequested();
            try
            {
                await MakeWholeAsync(note.Owner.Bucket, note.Owner.Name, note.Digest);
            }
            catch (StorageException fault)
            {
                _log.LogWarning("a note stays for the next start: {Fault}", fault.Message);
            }
        }
    }

    private static bool IsInPlace(JobContext job, Bucket bucket, WalkedName walked, Result<Reconciled> done, DiskSet set)
    {
        if (!done.Ok)
        {
            bool isGone = done.Error!.Code is ErrorCode.ObjectNotFound or ErrorCode.BucketNotFound; // removed meanwhile
            if (!isGone)
            {
                job.Fail($"{bucket.Name}/{walked.Name}: {done.Error.Message}");
            }

            return isGone;
        }

        job.Count(1, done.Value.Bytes);
        BucketProperties wanted = bucket.Properties;
        int needed = Math.Max(wanted.Mirror.Wanted, wanted.Ec.Enabled ? wanted.Ec.DataSlices + wanted.Ec.ParitySlices : 1);
        return done.Value is { StillDegraded: false, IsElsewhere: false } || set.Serving.Count < needed;
    }

    private async ValueTask<List<MountpathStatus>> MountpathStatusAsync()
    {
        var mountpaths = new List<MountpathStatus>();
        using DiskUse use = _disks.Enter();
        foreach (MountpathRow row in Mountpaths.Rows())
        {
            ObjectDisk? disk = row.Disk is { IsOpen: true } open && use.Set.Open.Contains(open) ? open : null;
            IoResult<FileSystemStatus> space = disk is null ? default : await disk.Io.StatFileSystemAsync(disk.Root);
            mountpaths.Add(new MountpathStatus
            {
                Path = row.Path,
                Uuid = row.Uuid,
                FileSystem = disk?.Attachment!.Mountpath.FileSystem ?? "",
                SizeBytes = space.Ok ? space.Value.SizeBytes : 0,
                FreeBytes = space.Ok ? space.Value.FreeBytes : 0,
                Healthy = disk is not null && space.Ok && disk.FaultCount == 0,
                State = row.State,
                Reason = row.Reason,
            });
        }

        return mountpaths;
    }

    private IEnumerable<string> OutOfServiceWarnings() => Mountpaths.Rows().Where(row => row.Disk is null)
        .Select(row => $"mountpath {row.Path} ({row.Uuid}) is out of service: {row.Reason}");
}
