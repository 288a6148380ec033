// The live table (contract: load generator §4). Columns 10, 6, 22, 22, 36, 22, 10 wide, a tab before the fourth and later ones.
using System.Globalization;
using Sluice.Loader.Work;

namespace Sluice.Loader.Statistics;

/// <summary>Writes rows as intervals end, and the final block.</summary>
public sealed class TableReport(TextWriter output) : IReport
{
    private const int TimeWidth = 10, OperationWidth = 6, CountWidth = 22, SizeWidth = 22, LatencyWidth = 36, LatencyPartWidth = 11, ThroughputWidth = 22;
    private const string None = "-";

    /// <summary>In the order of rows (contract: load generator §4).</summary>
    private static readonly OperationKind[] s_kinds = [OperationKind.Put, OperationKind.Multipart, OperationKind.Get, OperationKind.Stream];

    /// <summary>The headings.</summary>
    public static string Header { get; } =
        Row("Time", "OP", "Count", "Size (Total)", "Latency (min, avg, max)", "Throughput (Avg)", "Errors (Total)");

    /// <summary>Writes the headings.</summary>
    public void Begin()
    {
        output.WriteLine(Header);
        output.Flush();
    }

    /// <inheritdoc/>
    public void Interval(DateTimeOffset now, Counted interval, Counted total)
    {
        string queues = $" {Cells.Count(interval.Statistics.Pending)} {Cells.Count(interval.Statistics.Backlog)}";
        foreach (OperationKind kind in s_kinds)
        {
            string ofKind = kind is OperationKind.Put or OperationKind.Get ? queues : "";
            IntervalRow(now, kind.Label(), ofKind, (interval.Statistics.Of(kind), interval.Nanoseconds), (total.Statistics.Of(kind), total.Nanoseconds));
        }

        output.Flush();
    }

    /// <inheritdoc/>
    public void Final(DateTimeOffset now, Counted total)
    {
        output.WriteLine();
        output.WriteLine(Header);
        foreach (OperationKind kind in s_kinds)
        {
            FinalRow(now, kind.Label(), total.Statistics.Of(kind), total.Nanoseconds);
        }

        output.WriteLine();
        foreach (OperationKind kind in s_kinds)
        {
            Percentiles(kind.Label(), total.Statistics.Of(kind));
        }

        output.Flush();
    }

    private void IntervalRow(
        DateTimeOffset now, string name, string queues, (OperationStatistics Counts, long Time) interval, (OperationStatistics Counts, long Time) total)
    {
        OperationStatistics counts = interval.Counts;
        if (!counts.IsAny)
        {
            return;
        }

        output.WriteLine(Row(
            Time(now),
            name,
            $"{Cells.Count(counts.Count)} ({Cells.Count(total.Counts.Count)}{queues})",
            $"{Cells.Size(counts.Bytes)} ({Cells.Size(total.Counts.Bytes)})",
            Latencies(counts),
            $"{Cells.Throughput(counts.Bytes, interval.Time)} ({Cells.Throughput(total.Counts.Bytes, total.Time)})",
            total.Counts.Errors == 0 ? None : $"{Cells.Count(counts.Errors)} ({Cells.Count(total.Counts.Errors)})"));
    }

    private void FinalRow(DateTimeOffset now, string name, OperationStatistics counts, long time)
    {
        if (counts.IsAny)
        {
            output.WriteLine(Row(
                Time(now),
                name,
                Cells.Count(counts.Count),
                Cells.Size(counts.Bytes),
                Latencies(counts),
                Cells.Throughput(counts.Bytes, time),
                Cells.Count(counts.Errors)));
        }
    }

    private void Percentiles(string name, OperationStatistics counts)
    {
        if (counts.Count > 0)
        {
            output.WriteLine(
                $"{name} latency  p50 {Cells.Latency(counts.Percentile(0.5))}  p90 {Cells.Latency(counts.Percentile(0.9))}"
                + $"  p95 {Cells.Latency(counts.Percentile(0.95))}  p99 {Cells.Latency(counts.Percentile(0.99))}"
                + $"  p99.9 {Cells.Latency(counts.Percentile(0.999))}  max {Cells.Latency(counts.LatencyMax)}");
        }
    }

    private static string Time(DateTimeOffset now) => now.ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Latencies(OperationStatistics counts) => counts.Count == 0 ? None
        : Cells.Latency(counts.LatencyMin).PadRight(LatencyPartWidth)
        + Cells.Latency(counts.LatencyAverage).PadRight(LatencyPartWidth)
        + Cells.Latency(counts.LatencyMax);

    private static string Row(string time, string operation, string count, string size, string latency, string throughput, string errors) =>
        time.PadRight(TimeWidth) + operation.PadRight(OperationWidth) + (operation.Length < OperationWidth ? "" : " ") + count.PadRight(CountWidth)
        + "\t" + size.PadRight(SizeWidth) + "\t" + latency.PadRight(LatencyWidth) + "\t" + throughput.PadRight(ThroughputWidth) + "\t" + errors;
}
