using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Scrub;

/// <summary>What became of a name that was to be repaired.</summary>
public enum RepairOutcome
{
    /// <summary>It has all that its bucket wants again.</summary>
    Repaired,

    /// <summary>Nothing is left to bring it back from, or there is no room for it: it stays as it is, damaged and not forgotten.</summary>
    Impossible,

    /// <summary>A disk failed meanwhile.</summary>
    Failed,
}

/// <summary>Brings an object back whose files are not what they should be; a scrub knows no more of redundancy than this.</summary>
public interface IScrubRepair
{
    /// <summary>
    /// Sets damaged files of the name aside, as long as a good one is left, and makes what is missing. Takes the name's locks itself.
    /// </summary>
    ValueTask<RepairOutcome> RepairAsync(Bucket bucket, ObjectName name, ulong digest, JobContext job);

    /// <summary>Ends when nobody repairs the name any more, who may have set copies aside and not made new ones yet. No lock on it may be held.</summary>
    ValueTask SettledAsync(ulong digest);

    /// <summary>Writes a damaged tombstone anew, the file of that name on a mountpath, as another mountpath has it. Takes the name's lock itself.</summary>
    ValueTask<RepairOutcome> RepairTombstoneAsync(Bucket bucket, ObjectDisk disk, byte[] file);
}
