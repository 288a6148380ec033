namespace Sluice.Loader.Statistics;

/// <summary>Everything that is counted, of an interval or in all. One user at a time.</summary>
public sealed class LoadStatistics
{
    /// <summary>PUTs.</summary>
    public OperationStatistics Put { get; } = new();

    /// <summary>GETs.</summary>
    public OperationStatistics Get { get; } = new();

    /// <summary>Bodies, or parts of bodies, whose content was compared with what it must be.</summary>
    public long VerifiedContents { get; set; }

    /// <summary>Whole bodies whose checksum was compared with the one in the answer.</summary>
    public long VerifiedChecksums { get; set; }

    /// <summary>Connections made.</summary>
    public long Connections { get; set; }

    /// <summary>Requests of the open loop that began more than a millisecond after they were due.</summary>
    public long Late { get; set; }

    /// <summary>Requests of the open loop that were never begun because the backlog was full.</summary>
    public long Dropped { get; set; }

    /// <summary>Requests in flight at the time of the count. Not a sum.</summary>
    public long Pending { get; set; }

    /// <summary>Requests that waited for a worker at the time of the count. Not a sum.</summary>
    public long Backlog { get; set; }

    /// <summary>Most requests that waited for a worker at any time.</summary>
    public long BacklogMax { get; set; }

    /// <summary>PUTs or GETs.</summary>
    public OperationStatistics Of(bool isPut) => isPut ? Put : Get;

    /// <summary>Adds what another has counted; its current state is added to this one's.</summary>
    public void Add(LoadStatistics other)
    {
        Put.Add(other.Put);
        Get.Add(other.Get);
        VerifiedContents += other.VerifiedContents;
        VerifiedChecksums += other.VerifiedChecksums;
        Connections += other.Connections;
        Late += other.Late;
        Dropped += other.Dropped;
        Pending += other.Pending;
        Backlog += other.Backlog;
        BacklogMax = Math.Max(BacklogMax, other.BacklogMax);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Put.Clear();
        Get.Clear();
        (VerifiedContents, VerifiedChecksums, Connections, Late, Dropped, Pending, Backlog, BacklogMax) = (0, 0, 0, 0, 0, 0, 0, 0);
    }
}
