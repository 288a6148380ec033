namespace Sluice.Loader.Statistics;

/// <summary>What is counted of one kind of operation, in an interval or in all (contract: load generator §5). One user at a time.</summary>
public sealed class OperationStatistics
{
    /// <summary>Operations that succeeded.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes of their bodies.</summary>
    public long Bytes { get; private set; }

    /// <summary>Operations that failed; they count nowhere else.</summary>
    public long Errors { get; private set; }

    /// <summary>Shortest latency in nanoseconds; 0 without any.</summary>
    public long LatencyMin { get; private set; }

    /// <summary>Longest latency in nanoseconds.</summary>
    public long LatencyMax { get; private set; }

    /// <summary>Sum of latencies in nanoseconds.</summary>
    public long LatencySum { get; private set; }

    /// <summary>Average latency in nanoseconds; 0 without any.</summary>
    public long LatencyAverage => Count == 0 ? 0 : LatencySum / Count;

    /// <summary>Distribution of latencies.</summary>
    public Histogram Latencies { get; } = new();

    /// <summary>True when something happened.</summary>
    public bool IsAny => Count > 0 || Errors > 0;

    /// <summary>Counts a success.</summary>
    public void Succeeded(long nanoseconds, long bytes)
    {
        LatencyMin = Count == 0 ? nanoseconds : Math.Min(LatencyMin, nanoseconds);
        LatencyMax = Math.Max(LatencyMax, nanoseconds);
        LatencySum += nanoseconds;
        Count++;
        Bytes += bytes;
        Latencies.Record(nanoseconds);
    }

    /// <summary>Counts a failure.</summary>
    public void Failed() => Errors++;

    /// <summary>Adds what another has counted.</summary>
    public void Add(OperationStatistics other)
    {
        if (other.Count > 0)
        {
            LatencyMin = Count == 0 ? other.LatencyMin : Math.Min(LatencyMin, other.LatencyMin);
            LatencyMax = Math.Max(LatencyMax, other.LatencyMax);
            LatencySum += other.LatencySum;
            Count += other.Count;
            Bytes += other.Bytes;
            Latencies.Add(other.Latencies);
        }

        Errors += other.Errors;
    }

    /// <summary>The latency that <paramref name="share"/> (0 to 1) of all do not exceed, in nanoseconds, never outside what was met.</summary>
    public long Percentile(double share) => Count == 0 ? 0 : Math.Clamp(Latencies.Percentile(share), LatencyMin, LatencyMax);

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        (Count, Bytes, Errors, LatencyMin, LatencyMax, LatencySum) = (0, 0, 0, 0, 0, 0);
        Latencies.Clear();
    }
}
