using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>Makes, changes and destroys buckets, has mountpaths come and go, scrubs and flushes, and tells the model.</summary>
public sealed class HistoryOperator(HistoryWorld world)
{
    private ObjectEngine Engine => world.Machine.Engine;

    public async Task CreateAsync(BucketModel bucket)
    {
        bool wasThere = bucket.Names is not null;
        bucket.MayTurn |= !wasThere;
        bucket.Forget();
        using JsonDocument properties = JsonDocument.Parse(PropertiesOf(bucket.Plan));
        Result<BucketRecord> made = await Engine.CreateBucketAsync(Caller.Anonymous, HistoryClient.NameOf(bucket), properties.RootElement);
        if (wasThere)
        {
            HistoryWorld.Refuse(!made.Ok && (made.Error!.Code == ErrorCode.BucketExists || world.IsStruck || world.Machine.IsReduced), "bucket", $"{bucket.Plan.Name} is made twice: {made.Error?.Message}");
        }
        else if (made.Ok)
        {
            bucket.Make();
        }
        else
        {
            HistoryWorld.Refuse(world.IsStruck || world.Machine.IsReduced, "refused", $"{bucket.Plan.Name} is not made: {made.Error!.Message}");
            LookAgain(bucket);
        }
    }

    public async Task DestroyAsync(BucketModel bucket)
    {
        bool wasThere = bucket.Names is not null;
        bucket.MayTurn |= wasThere;
        Result destroyed = await Engine.DestroyBucketAsync(Caller.Anonymous, HistoryClient.NameOf(bucket));
        if (!wasThere)
        {
            HistoryWorld.Refuse(destroyed.Error is { Code: ErrorCode.BucketNotFound }, "bucket", $"{bucket.Plan.Name} is destroyed and was not there");
        }
        else if (destroyed.Ok)
        {
            bucket.Destroy();
        }
        else
        {
            HistoryWorld.Refuse(world.IsStruck, "refused", $"{bucket.Plan.Name} is not destroyed: {destroyed.Error!.Message}");
            LookAgain(bucket);
        }
    }

    /// <summary>From strict to relaxed, or back.</summary>
    public async Task ChangeDurabilityAsync(BucketModel bucket)
    {
        bool becomesStrict = !bucket.IsStrict;
        bucket.IsStrict = false;
        using JsonDocument patch = JsonDocument.Parse(becomesStrict ? """{"durability":"strict"}""" : """{"durability":"relaxed"}""");
        Result<BucketRecord> changed = await Engine.SetBucketPropertiesAsync(Caller.Anonymous, HistoryClient.NameOf(bucket), patch.RootElement);
        bool mayBeRefused = world.IsStruck || world.HasFlushFailed || world.HasSyncFailed || bucket.Names is null;
        HistoryWorld.Refuse(changed.Ok ? bucket.Names is not null : mayBeRefused, "refused", $"{bucket.Plan.Name}: its durability: {changed.Error?.Message ?? "changed"}");
        if (changed.Ok && becomesStrict)
        {
            HistoryWorld.Refuse(!world.HasFlushFailed, "flush", $"{bucket.Plan.Name} is strict though a flush has failed");
            bucket.IsStrict = true;
            world.Flush(); // of all buckets alike
        }
    }

    public async Task RechunkAsync(BucketModel bucket, int how)
    {
        await Engine.StartRechunkAsync(Caller.Anonymous, new RechunkRequest
        {
            Bucket = HistoryClient.NameOf(bucket),
            SizeLimitBytes = how == 0 ? 0 : how == 1 ? null : 2_048,
            ChunkBytes = how == 2 ? 2_048 : null,
        });
    }

    public async Task FlushAsync()
    {
        try
        {
            if (await Engine.FlushAsync())
            {
                HistoryWorld.Refuse(!world.HasFlushFailed, "flush", "everything is flushed though a flush has failed");
                world.Flush();
            }
            else
            {
                HistoryWorld.Refuse(world.HasFlushFailed || world.HasSyncFailed || world.IsStruck, "flush", "a flush does not vouch for anything though none has failed");
            }
        }
        catch (StorageException fault)
        {
            HistoryWorld.Refuse(world.IsStruck, "flush", fault.Message);
            world.HasFlushFailed |= world.FailingVerb == Faults.DiskVerb.SyncFileSystem; // else all was flushed, and the mark could not be written
        }
    }

    /// <summary>Takes a mountpath out of service while all are in it.</summary>
    public async Task LeaveAsync(int position, bool force)
    {
        if (world.Machine.IsReduced || world.Machine.IsAway)
        {
            return;
        }

        world.LeftIn = world.Step;
        string path = world.Machine.Host.Disk.Mountpaths[position];
        Result left = await Engine.Mountpaths.DisableAsync(path, force);
        HistoryWorld.Refuse(left.Ok || world.IsStruck, "refused", $"{path} does not leave: {left.Error?.Message}");
    }

    /// <summary>Brings back what is out of service.</summary>
    public async Task ReturnAsync()
    {
        if (world.HasFlushFailed || world.MayBeDropped)
        {
            return; // it would be looked through in the page cache, which still has what was dropped
        }

        foreach (MountpathRow row in Engine.Mountpaths.Rows().Where(row => row.State != ServingState.Serving))
        {
            Result back = await Engine.Mountpaths.EnableAsync(row.Path);
            HistoryWorld.Refuse(back.Ok || world.IsStruck, "refused", $"{row.Path} does not come back: {back.Error?.Message}");
        }
    }

    /// <summary>Everything to its place, and what has come back is compared: a resilver that met a fault is not begun again by itself.</summary>
    public async Task ResilverAsync()
    {
        Result<Job> started = await Engine.Jobs.StartAsync(JobKinds.Resilver, new JobRequest(JobTarget.All, ""), WhenRunning.Join);
        HistoryWorld.Refuse(started.Ok, "refused", $"no resilver: {started.Error?.Message}");
        await started.Value.Ended;
    }

    /// <summary>Scrubs everything; answers what was found.</summary>
    public async Task<IReadOnlyList<JobFinding>> ScrubAsync(bool repair)
    {
        var request = new JobRequest(JobTarget.All, repair ? """{"repair":true}""" : "");
        Result<Job> started = await Engine.Jobs.StartAsync(JobKinds.Scrub, request, WhenRunning.Refuse);
        HistoryWorld.Refuse(started.Ok, "refused", $"no scrub: {started.Error?.Message}");
        await started.Value.Ended;
        return started.Value.Findings;
    }

    /// <summary>Refused, and perhaps done all the same: what is there now is there until the next start.</summary>
    private void LookAgain(BucketModel bucket)
    {
        bool isThere = Engine.HeadBucket(Caller.Anonymous, HistoryClient.NameOf(bucket)).Ok;
        if (isThere != bucket.Names is not null)
        {
            Turn(bucket, isThere);
            bucket.MayTurn = true;
        }
    }

    /// <summary>After a start: which buckets there are.</summary>
    public void CompareBuckets()
    {
        foreach (BucketModel bucket in world.Buckets)
        {
            Result<BucketRecord> head = Engine.HeadBucket(Caller.Anonymous, HistoryClient.NameOf(bucket));
            if (head.Ok != bucket.Names is not null)
            {
                HistoryWorld.Refuse(bucket.MayTurn, "bucket", $"{bucket.Plan.Name} {(head.Ok ? "is back" : "is gone")}");
                Turn(bucket, head.Ok);
            }

            bucket.MayTurn = false;
            bucket.IsStrict = head.Ok && head.Value.Properties.Durability == Durability.Strict;
        }
    }

    private static void Turn(BucketModel bucket, bool isThere)
    {
        if (isThere)
        {
            bucket.Revive();
        }
        else
        {
            bucket.Destroy();
        }
    }

    private static string PropertiesOf(BucketPlan plan)
    {
        string protection = plan.Protection switch
        {
            Protection.TwoCopies => """
                ,"mirror":{"enabled":true,"copies":2}
                """,
            Protection.FourAndTwo => $$"""
                ,"ec":{"enabled":true,"data_slices":4,"parity_slices":2,"unit":"64KiB","objsize_limit":{{HistoryMaker.SlicedFrom}}}
                """,
            _ => "",
        };
        string chunks = plan.Protection == Protection.FourAndTwo ? "" : $$"""
            ,"chunks":{"objsize_limit":{{HistoryMaker.SplitAbove}},"chunk_size":{{HistoryMaker.SplitInto}}}
            """;
        return $"{{\"durability\":\"{(plan.IsStrict ? "strict" : "relaxed")}\"{protection}{chunks}}}";
    }
}
