using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Mountpaths;

/// <summary>Brings the files of one name to where they belong; true when all of them are there now, or will be when there are mountpaths enough.</summary>
internal delegate ValueTask<bool> ReconcileName(JobContext job, Bucket bucket, WalkedName walked);

/// <summary>
/// The job that follows every change of the set: mountpaths that came back are compared with the others and serve from then on, then every name
/// of every bucket is brought to where it belongs. Objects are read and written throughout, since all mountpaths are searched until a run has
/// come to its end without a name that it could not do. A newer change begins it anew; a restart too, by its marker.
/// </summary>
internal sealed class Resilver(
    DiskTable disks, BucketTable buckets, Func<ObjectDisk, ReturnedDisk> returned, ReconcileName reconcile, Func<JobContext, ValueTask<bool>> removeLeftovers,
    TimeProvider time, ILogger log)
{
    /// <summary>Longer than what a drive that works takes for a request, and shorter than anybody wants to be without his redundancy.</summary>
    private static readonly TimeSpan s_hangsAfter = TimeSpan.FromSeconds(10);

    /// <summary>The keeper, which the job reports to. Set before the first run.</summary>
    public MountpathKeeper? Keeper { get; set; }

    /// <summary>The body of the job.</summary>
    public async Task RunAsync(JobContext job)
    {
        foreach (ObjectDisk disk in disks.Current.Open.Where(disk => disk.State == ServingState.Joining))
        {
            job.Detail = $"comparing {disk.Path} with the others";
            await returned(disk).RunAsync(job);
            await Keeper!.JoinedAsync(disk);
        }

        DiskSet set = disks.Current;
        bool haveLeft = await HaveLeftAsync(set, job); // what they stored is met by the walk
        int left = await WalkAsync(job);

        // An upload that began before the change may have put its object where it would have belonged then, behind the walk.
        job.Detail = "waiting for uploads that began before the change";
        await disks.OlderLeftAsync(set, DiskUseKind.Upload).WaitAsync(job.Aborted);
        left += haveLeft ? 0 : await WalkAsync(job);
        while (disks.TryTakeStraggler(out Straggler straggler))
        {
            left += await ReconcileAsync(job, straggler.Bucket, new WalkedName(straggler.Name, straggler.Digest)) ? 0 : 1;
        }

        if (!await removeLeftovers(job) || !await AreEmptyAsync(set) || left > 0)
        {
            job.Fail("not everything is in its place: all mountpaths are still searched, and those that were to be emptied stay");
            log.LogWarning("resilver: not everything could be brought to its place; the next run tries again");
            return;
        }

        await Keeper!.SettledAsync(set);
        job.Detail = "";
    }

    /// <summary>False when somebody does not come back from an older set: a drive hangs, and what lies on the others does not wait for it.</summary>
    private async Task<bool> HaveLeftAsync(DiskSet set, JobContext job)
    {
        try
        {
            await disks.OlderLeftAsync(set, DiskUseKind.Brief).WaitAsync(s_hangsAfter, time, job.Aborted);
            return true;
        }
        catch (TimeoutException)
        {
            log.LogWarning("resilver: a request that began before the change has not ended yet; what it may store is looked for afterwards");
            return false;
        }
    }

    /// <summary>Brings all names to their mountpaths; answers how many could not be done.</summary>
    private async Task<int> WalkAsync(JobContext job)
    {
        job.Detail = "bringing objects to their mountpaths";
        int left = 0;
        foreach (Bucket bucket in buckets.All)
        {
            await NameWorkers.RunAsync(
                new ObjectWalk(() => disks.Current.Open, disks).NamesAsync(bucket, job.Aborted),
                async walked =>
                {
                    if (!await ReconcileAsync(job, bucket, walked))
                    {
                        Interlocked.Increment(ref left);
                    }
                },
                job.Aborted);
        }

        return left;
    }

    private async ValueTask<bool> ReconcileAsync(JobContext job, Bucket bucket, WalkedName walked)
    {
        try
        {
            await job.PaceAsync(0);
            return await reconcile(job, bucket, walked);
        }
        catch (StorageException fault)
        {
            log.LogError("{Fault}", fault.Message);
            job.Fail($"{bucket.Name}/{walked.Name}: {ObjectDisk.Refusal(fault).Message}");
            return false;
        }
    }

    /// <summary>True when no head and no part is left on those that are to be emptied.</summary>
    private async Task<bool> AreEmptyAsync(DiskSet set)
    {
        foreach (ObjectDisk disk in set.Open.Where(disk => disk.State == ServingState.Draining))
        {
            foreach (Bucket bucket in buckets.All)
            {
                await foreach (WalkedName left in new ObjectWalk(() => [disk], disks).NamesAsync(bucket, CancellationToken.None))
                {
                    log.LogWarning("mountpath {Mountpath} is not empty: {Bucket}/{Name} is left on it", disk.Path, bucket.Name, left.Name);
                    return false;
                }

                foreach (PartKind kind in PartName.Kinds)
                {
                    using DiskUse use = disks.Enter();
                    if ((await DirectoryNames.FilesAsync(disk, PartName.DirectoryOf(bucket, kind))).Count > 0)
                    {
                        log.LogWarning("mountpath {Mountpath} is not empty: parts of objects of {Bucket} are left on it", disk.Path, bucket.Name);
                        return false;
                    }
                }
            }
        }

        return true;
    }
}

/// <summary>A name that was stored where it belonged before the set changed.</summary>
internal readonly record struct Straggler(Bucket Bucket, ObjectName Name, ulong Digest);
