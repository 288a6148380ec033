// Statistics for programs: one array, an element an interval, the last one the totals (contract: load generator §4). Fields beyond the
// contract's are additions: uploads in parts and reads in ranges, percentiles, what was verified, what was late.
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sluice.Loader.Statistics;

/// <summary>Writes the array, element by element as intervals end.</summary>
public sealed class JsonReport(TextWriter output) : IReport
{
    private const long Second = 1_000_000_000;

    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly OperationStatistics s_none = new();

    private bool _hasBegun;

    /// <inheritdoc/>
    public void Interval(DateTimeOffset now, Counted interval, Counted total) => Element(interval);

    /// <inheritdoc/>
    public void Final(DateTimeOffset now, Counted total)
    {
        Element(total);
        output.WriteLine("]");
        output.Flush();
    }

    private void Element(Counted counted)
    {
        output.Write(_hasBegun ? "," : "[\n"); // before the element: its line is whole as soon as its interval is over
        _hasBegun = true;
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, s_options))
        {
            LoadStatistics statistics = counted.Statistics;
            json.WriteStartObject();
            Operation(json, "get", statistics.Get, counted);
            Operation(json, "put", statistics.Put, counted);
            Operation(json, "get_batch", s_none, counted);
            Operation(json, "put_multipart", statistics.Multipart, counted);
            Operation(json, "get_mpdstream", statistics.Stream, counted);
            json.WriteNumber("verified_contents", statistics.VerifiedContents);
            json.WriteNumber("verified_checksums", statistics.VerifiedChecksums);
            json.WriteNumber("connections", statistics.Connections);
            json.WriteNumber("late", statistics.Late);
            json.WriteNumber("dropped", statistics.Dropped);
            json.WriteNumber("backlog_max", statistics.BacklogMax);
            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(bytes.WrittenSpan));
        output.Flush();
    }

    private static void Operation(Utf8JsonWriter json, string name, OperationStatistics counts, Counted counted)
    {
        long throughput = counted.Nanoseconds <= 0 ? 0 : (long)((double)counts.Bytes * Second / counted.Nanoseconds);
        json.WriteStartObject(name);
        json.WriteString("start_time", counted.Start.ToString("yyyy-MM-ddTHH:mm:ss.fffffffzzz", CultureInfo.InvariantCulture));
        json.WriteString("count", counts.Count.ToString(CultureInfo.InvariantCulture));
        json.WriteString("bytes", counts.Bytes.ToString(CultureInfo.InvariantCulture));
        json.WriteNumber("errors", counts.Errors);
        json.WriteNumber("latency", counts.LatencyAverage);
        json.WriteNumber("duration", counted.Nanoseconds);
        json.WriteNumber("min_latency", counts.LatencyMin);
        json.WriteNumber("max_latency", counts.LatencyMax);
        json.WriteString("throughput", throughput.ToString(CultureInfo.InvariantCulture));
        json.WriteNumber("p50", counts.Percentile(0.5));
        json.WriteNumber("p90", counts.Percentile(0.9));
        json.WriteNumber("p95", counts.Percentile(0.95));
        json.WriteNumber("p99", counts.Percentile(0.99));
        json.WriteNumber("p999", counts.Percentile(0.999));
        json.WriteEndObject();
    }
}
