using Sluice.Loader.Work;

namespace Sluice.Loader.Statistics;

/// <summary>Everything that is counted, of an interval or in all. One user at a time.</summary>
public sealed class LoadStatistics
{
    /// <summary>PUTs of one piece.</summary>
    public OperationStatistics Put { get; } = new();

    /// <summary>PUTs in parts.</summary>
    public OperationStatistics Multipart { get; } = new();

    /// <summary>GETs of one request.</summary>
    public OperationStatistics Get { get; } = new();

    /// <summary>GETs in ranges at the same time.</summary>
    public OperationStatistics Stream { get; } = new();

    /// <summary>Objects that were read, in whichever way.</summary>
    public long ReadCount => Get.Count + Stream.Count;

    /// <summary>Operations that succeeded, of every kind.</summary>
    public long Count => Put.Count + Multipart.Count + ReadCount;

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

    /// <summary>What is counted of one kind.</summary>
    public OperationStatistics Of(OperationKind kind) => kind switch
    {
        OperationKind.Put => Put,
        OperationKind.Multipart => Multipart,
        OperationKind.Stream => Stream,
        _ => Get,
    };

    /// <summary>Adds what another has counted; its current state is added to this one's.</summary>
    public void Add(LoadStatistics other)
    {
        Put.Add(other.Put);
        Multipart.Add(other.Multipart);
        Get.Add(other.Get);
        Stream.Add(other.Stream);
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
        Multipart.Clear();
        Get.Clear();
        Stream.Clear();
        (VerifiedContents, VerifiedChecksums, Connections, Late, Dropped, Pending, Backlog, BacklogMax) = (0, 0, 0, 0, 0, 0, 0, 0);
    }
}
