using System.Globalization;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Scrub;

/// <summary>One run of a scrub: its job, its settings, and what it has found. Any thread.</summary>
internal sealed class ScrubRun(JobContext job, ScrubSettings settings, ScrubCounters counters)
{
    private long _repaired;

    public JobContext Job => job;

    /// <summary>What can be brought back is to be.</summary>
    public bool Repairs => settings.Repair;

    /// <summary>Something was found.</summary>
    public void Tell(ObjectDisk disk, Bucket bucket, string name, string kind, string detail, string action)
    {
        counters.Findings.Add();
        job.Report(new JobFinding
        {
            Mountpath = disk.Path,
            Bucket = bucket.Name.ToString(),
            Name = name,
            Kind = kind,
            Detail = detail,
            Action = action,
        });
    }

    /// <summary>A document of a mountpath was found damaged, and by now may have been written anew.</summary>
    public void Tell(DamagedDocument document)
    {
        counters.Findings.Add();
        if (document.Repaired)
        {
            CountRepaired();
        }

        job.Report(new JobFinding
        {
            Mountpath = document.Mountpath,
            Bucket = "",
            Name = $".sluice/{document.Kind}",
            Kind = "document",
            Detail = document.Problem,
            Action = document.Repaired ? "repaired" : settings.Repair ? "failed" : "reported",
        });
    }

    /// <summary>One finding is cured.</summary>
    public void CountRepaired()
    {
        Interlocked.Increment(ref _repaired);
        counters.Repaired.Add();
    }

    /// <summary>
    /// Has a name repaired, if that is wanted; answers what was done, a word. A repair that found nothing to do counts when <paramref name="isBadStill"/> says no: whoever read the damage,
    /// the scrub itself by opening the object, may have had it repaired before. No lock on the name may be held.
    /// </summary>
    public ValueTask<string> RepairAsync(IScrubRepair repair, Bucket bucket, ObjectName name, ulong digest, Func<ValueTask<bool>> isBadStill) => RepairAsync(async () =>
    {
        RepairOutcome outcome = await repair.RepairAsync(bucket, name, digest, job);
        return outcome == RepairOutcome.Impossible && !await isBadStill() ? RepairOutcome.Repaired : outcome;
    });

    /// <summary>The same of a tombstone.</summary>
    public ValueTask<string> RepairTombstoneAsync(IScrubRepair repair, Bucket bucket, ObjectDisk disk, byte[] file) =>
        RepairAsync(() => repair.RepairTombstoneAsync(bucket, disk, file));

    private async ValueTask<string> RepairAsync(Func<ValueTask<RepairOutcome>> repairAsync)
    {
        if (!settings.Repair)
        {
            return "reported";
        }

        RepairOutcome outcome;
        try
        {
            outcome = await repairAsync();
        }
        catch (StorageException)
        {
            outcome = RepairOutcome.Failed; // counted with the disk's faults
        }

        if (outcome == RepairOutcome.Repaired)
        {
            CountRepaired();
        }

        return outcome switch
        {
            RepairOutcome.Repaired => "repaired",
            RepairOutcome.Impossible => "reported",
            _ => "failed",
        };
    }

    /// <summary>The run in one line.</summary>
    public string Summary() => string.Create(
        CultureInfo.InvariantCulture,
        $"{job.Job.Objects} objects, {job.Job.Bytes >> 20} MiB read, {job.Job.FindingCount} findings, {Volatile.Read(ref _repaired)} of them cured");
}

/// <summary>What scrubs have done since the engine was opened.</summary>
public sealed class ScrubCounters
{
    /// <summary>Things found.</summary>
    public Counter Findings { get; } = new();

    /// <summary>Those of them that were cured.</summary>
    public Counter Repaired { get; } = new();
}
