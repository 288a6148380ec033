using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>A machine and what is known of it from outside.</summary>
public sealed class HistoryWorld
{
    private bool _hasDropped;

    public HistoryWorld(History history, HistoryTwin twin)
    {
        Twin = twin;
        Machine = new HistoryMachine(history, twin);
        Buckets = [.. history.Buckets.Select(plan => new BucketModel(plan))];
    }

    public HistoryTwin Twin { get; }

    public HistoryMachine Machine { get; }

    public BucketModel[] Buckets { get; }

    /// <summary>The present step.</summary>
    public int Step { get; set; }

    /// <summary>The step in which a mountpath left last.</summary>
    public int LeftIn { get; set; }

    /// <summary>The verb that fails in it; null when none does.</summary>
    public DiskVerb? FailingVerb { get; set; }

    /// <summary>A flush has failed since the start: only a start after a power cut knows what is on the medium.</summary>
    public bool HasFlushFailed { get; set; }

    /// <summary>An fsync has failed since the start: when it was a directory's, no flush vouches for what is to be seen.</summary>
    public bool HasSyncFailed { get; private set; }

    /// <summary>The page cache may have what no disk has, and no disk will get it.</summary>
    public bool MayBeDropped => HasFlushFailed || _hasDropped;

    /// <summary>A fault took place in this step: verbs may be refused.</summary>
    public bool IsStruck => Machine.Host.Faults.FaultCount > 0;

    /// <summary>The name may not be to be had at the moment, because what it is stored on is away, or <paramref name="wasAway"/> when the reader began.</summary>
    public bool IsHidden(BucketModel bucket, NameModel name, bool wasAway = false) => (wasAway || Machine.IsAway)
        && (bucket.Plan.Protection == Protection.Plain ? name.WrittenIn <= LeftIn : name.IsDegraded);

    /// <summary>What a reader found under a name; refuses what he may not find.</summary>
    public void Judge(BucketModel bucket, string text, NameModel name, Seen seen, bool wasAway)
    {
        bool isHidden = IsHidden(bucket, name, wasAway);
        bool mayBe = seen.IsRefused ? IsStruck || isHidden || (name.IsDoubtful && Machine.IsAway) : name.MayBe(seen.State) || (seen.State is null && isHidden);
        if (!mayBe)
        {
            string allowed = string.Join(" | ", name.Possible.Select(state => state is null ? "absent" : $"#{state.Version}"));
            string kind = seen.IsRefused ? seen.Kind : seen.State is null ? "gone" : "old";
            throw new HistoryViolationException(kind, $"{bucket.Plan.Name}/{text}: {seen}; allowed: {allowed}");
        }

        if (!seen.IsRefused && (seen.State is not null || !isHidden))
        {
            name.Observe(seen.State, bucket.IsStrict || bucket.Plan.Protection != Protection.Plain);
        }
    }

    /// <summary>Ends the history unless that may be.</summary>
    public static void Refuse(bool mayBe, string kind, string what)
    {
        if (!mayBe)
        {
            throw new HistoryViolationException(kind, what);
        }
    }

    /// <summary>The writes of the step are over, answered or not.</summary>
    public void Settle(bool isStruck, bool hasEnded)
    {
        foreach (BucketModel bucket in Buckets)
        {
            foreach (NameModel name in bucket.All.Where(name => name.IsWritten))
            {
                // Wide sets are durable in relaxed buckets too, unless a fault made one narrow, or they are removed.
                bool isWide = bucket.Plan.Protection != Protection.Plain && !isStruck && !name.IsDeleted;
                name.IsDegraded |= isStruck || hasEnded;
                name.Settle(Step, bucket.IsStrict || isWide);
            }
        }
    }

    /// <summary>The fault took place.</summary>
    public void Note(PlannedFault fault)
    {
        HasSyncFailed |= fault.Verb is DiskVerb.Sync or DiskVerb.Stat; // how a file system that is shut down says it
        _hasDropped |= fault is { Verb: DiskVerb.Sync, Kind: FaultKind.DropsPages };
    }

    /// <summary>Everything that is to be read is on the media; what is away was not asked.</summary>
    public void Flush(bool all = false)
    {
        foreach (BucketModel bucket in Buckets)
        {
            foreach (NameModel name in bucket.All.Where(name => all || !IsHidden(bucket, name)))
            {
                name.Flush();
            }
        }
    }

    /// <summary>The engine has ended, in order or not.</summary>
    public void End(bool hasPower)
    {
        (HasFlushFailed, HasSyncFailed, _hasDropped) = (false, false, false);
        foreach (NameModel name in Buckets.SelectMany(bucket => bucket.All))
        {
            name.End(hasPower);
        }
    }
}

/// <summary>What a reader has found: an object that the history has stored, nothing, or a refusal; a word for it and a sentence.</summary>
public readonly record struct Seen(ObjectState? State, bool IsRefused, string Kind, string Sentence)
{
    public static Seen Absent => new(null, false, "", "");

    public static Seen Of(ObjectState state) => new(state, false, "", "");

    public static Seen Refused(string kind, string sentence) => new(null, true, kind, sentence);

    public override string ToString() => IsRefused ? Sentence : State is null ? "absent" : $"#{State.Version}";
}
