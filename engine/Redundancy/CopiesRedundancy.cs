using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Redundancy;

/// <summary>
/// Whole copies, of which a plain object has one: on the first mountpaths of the name that work and have room. Copies are made without the name's
/// lock, from any good copy, block by block compared with the digests; under the lock the name is looked at again, and only when its newest
/// generation is still the one that was copied are they put in place, and what is too much is removed. What one of <paramref name="others"/> handles is theirs: its files are no
/// copies of which one is enough.
/// </summary>
public sealed class CopiesRedundancy(
    ObjectLookup lookup, NameLock locks, HeadPublisher heads, IPartMap partMap, IReadOnlyList<IRedundancy> others, ILogger log) : IRedundancy
{
    private const int AttemptsMax = 4; // each needs a write to the name in between

    /// <inheritdoc/>
    public bool Handles(BucketProperties wanted, ObjectMetadata newest) => !others.Any(other => other.Handles(wanted, newest));

    /// <inheritdoc/>
    public async ValueTask<Result<Reconciled>> ReconcileAsync(Bucket bucket, ObjectName name, ulong digest, JobContext? job, bool verify)
    {
        using DiskUse use = lookup.Disks.Enter(DiskUseKind.Upload);
        for (int attempt = 0; attempt < AttemptsMax; attempt++)
        {
            CopySurvey survey = await SurveyAsync(bucket, name, digest);
            if (survey.Newest is { } newest && !Handles(bucket.Properties, newest.Metadata))
            {
                return new Failure(ErrorCode.Busy, $"{bucket.Name}/{name} was stored anew meanwhile, in another layout");
            }

            if (verify)
            {
                await survey.VerifyAsync(job, log);
            }

            if (survey.Good.Count == 0)
            {
                if (verify && !(await SurveyAsync(bucket, name, digest)).IsAs(survey))
                {
                    continue;
                }

                return survey.Nothing(bucket, name);
            }

            await using var plan = new CopyPlan(bucket, name, digest, survey, log);
            await plan.PrepareAsync(bucket.Properties.Mirror.Wanted, job);
            if (survey.Good.Count == 0)
            {
                if (!(await SurveyAsync(bucket, name, digest)).IsAs(survey))
                {
                    continue; // it was overwritten while it was read
                }

                return survey.Nothing(bucket, name); // the bytes of the last good one turned out to be bad
            }

            if (!plan.IsNeeded)
            {
                return new Reconciled { StillDegraded = plan.IsShort, IsElsewhere = plan.IsElsewhere };
            }

            if (!bucket.TryEnter())
            {
                return BucketTable.NotFound(bucket.Name);
            }

            await locks.AcquireWriterAsync(digest);
            try
            {
                CopySurvey now = await SurveyAsync(bucket, name, digest);
                if (now.IsAs(survey) && plan.Wanted == bucket.Properties.Mirror.Wanted)
                {
                    return await CarryOutAsync(plan);
                }
            }
            finally
            {
                locks.ReleaseWriter(digest);
                bucket.Leave();
            }
        }

        return Reconciled.None; // it is being written all the time, and each write makes its own copies
    }

    private async ValueTask<CopySurvey> SurveyAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        (List<ObjectPlace> places, List<ObjectDisk> failed) = await lookup.SurveyAsync(bucket, name, digest);
        return new CopySurvey(lookup.Disks.Current.Ranked(digest), places, failed);
    }

    private async ValueTask<Reconciled> CarryOutAsync(CopyPlan plan)
    {
        int made = 0;
        foreach (PreparedCopy copy in plan.Prepared)
        {
            try
            {
                await PublishAsync(plan, copy);
                made++;
            }
            catch (StorageException fault)
            {
                log.LogError("a copy of an object is still missing: {Fault}", fault.Message);
                plan.Lose(copy);
            }
        }

        int removed = await RemoveAsync(plan);
        lookup.Evict(plan.Digest);
        long bytes = plan.Survey.Newest!.Metadata.SizeBytes;
        return new Reconciled
        {
            CopiesMade = made,
            Removed = removed,
            Bytes = made * bytes,
            StillDegraded = plan.IsShort,
            IsElsewhere = plan.IsElsewhere,
        };
    }

    /// <summary>The sidecar, if there is one, is durable before the head that names it.</summary>
    private async ValueTask PublishAsync(CopyPlan plan, PreparedCopy copy)
    {
        ObjectDisk disk = copy.Disk;
        ObjectMetadata metadata = plan.Survey.Newest!.Metadata;
        if (metadata.HasSidecar)
        {
            byte[] sidecar = SidecarFiles.Split(metadata, plan.Name).Sidecar;
            await SidecarFiles.PutAsync(disk, plan.Bucket, plan.Digest, metadata.Generation, sidecar, log);
        }

        ObjectPlace? old = plan.Survey.PlaceOn(disk);
        if (old is { OfThisBucket: true } bad && plan.Survey.IsBad(disk))
        {
            await SetAsideAsync(plan, bad);
        }

        (StoredObject stored, DirectoryLease directory) =
            await heads.PublishAsync(copy.Set, copy.Work, metadata, old, DirectoryUse.CreateDurable);
        using (directory)
        {
            disk.Check(await directory.SyncAsync(), "fsync of the directory", stored.Path.Directory.Span);
        }

        if (old is { Stored.Metadata.Generation: { } generation } replaced && generation != metadata.Generation)
        {
            await RemovePartsAsync(plan, replaced);
        }
    }

    /// <summary>
    /// What the name has beside the copies that it is to have: damaged and older files always, for a good copy of the newest generation stands;
    /// further copies of it only when none is missing.
    /// </summary>
    private async ValueTask<int> RemoveAsync(CopyPlan plan)
    {
        int removed = 0;
        foreach (ObjectPlace place in plan.Excess())
        {
            try
            {
                if (plan.Survey.IsBad(place.Disk))
                {
                    await SetAsideAsync(plan, place);
                }
                else
                {
                    await UnlinkAsync(plan, place);
                    await RemovePartsAsync(plan, place);
                }

                removed++;
            }
            catch (StorageException fault)
            {
                log.LogError("{Fault}", fault.Message);
                plan.HasFailed = true;
            }
        }

        return removed;
    }

    private async ValueTask UnlinkAsync(CopyPlan plan, ObjectPlace place)
    {
        plan.Bucket.Moved.Tell(plan.Name.Utf8.Span);
        await locks.BeginPublishAsync(plan.Digest);
        try
        {
            await ObjectRemoval.UnlinkHeadAsync(plan.Bucket, plan.Name, place);
            lookup.Evict(plan.Digest);
        }
        finally
        {
            locks.EndPublish(plan.Digest);
        }
    }

    private async ValueTask RemovePartsAsync(CopyPlan plan, ObjectPlace place)
    {
        foreach (PartPlace part in partMap.PartsOf(plan.Digest, place))
        {
            await part.UnlinkAsync(plan.Bucket);
        }
    }

    /// <summary>A file that is not what its record says is kept for somebody to look at, out of everybody's way.</summary>
    private ValueTask SetAsideAsync(CopyPlan plan, ObjectPlace place) =>
        heads.SetAsideAsync(plan.Bucket, plan.Name, plan.Digest, place, "it is not what its record says, or has none", log);
}
