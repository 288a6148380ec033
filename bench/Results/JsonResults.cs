using System.Buffers;
using System.Text.Json;
using Sluice.Bench.Measure;

namespace Sluice.Bench.Results;

/// <summary>Results for programs: the machine, and every sample of every turn.</summary>
internal static class JsonResults
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true };

    public static byte[] Bytes(RunReport report)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, s_options))
        {
            json.WriteStartObject();
            WriteFacts(json, report);
            json.WriteStartArray("rows");
            report.Rows.ForEach(row => WriteRow(json, row));
            json.WriteEndArray();
            json.WriteStartArray("failures");
            foreach ((string row, string reason) in report.Failures)
            {
                json.WriteStartObject();
                json.WriteString("row", row);
                json.WriteString("reason", reason);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return [.. bytes.WrittenSpan, (byte)'\n'];
    }

    private static void WriteFacts(Utf8JsonWriter json, RunReport report)
    {
        json.WriteStartObject("machine");
        json.WriteString("cpu", report.Facts.Cpu);
        json.WriteNumber("cores", report.Facts.Cores);
        json.WriteString("kernel", report.Facts.Kernel);
        json.WriteNumber("memory_gib", Math.Round(report.Facts.MemoryGiB, 1));
        json.WriteString("file_system", report.Facts.FileSystem);
        json.WriteNumber("load_average", report.Facts.LoadAverage);
        json.WriteString("commit", report.Facts.Commit);
        json.WriteBoolean("dirty", report.Facts.IsDirty);
        json.WriteString("taken", report.Facts.TakenUtc);
        json.WriteString("server_cores", report.Settings.ServerCores);
        json.WriteString("client_cores", report.Settings.ClientCores);
        json.WriteString("method", report.Method);
        json.WriteNumber("seconds_a_turn", report.Settings.Seconds);
        json.WriteNumber("rounds", report.Settings.Rounds);
        json.WriteEndObject();
    }

    private static void WriteRow(Utf8JsonWriter json, RowResult row)
    {
        json.WriteStartObject();
        json.WriteString("row", row.Row);
        json.WriteString("subject", row.Subject);
        json.WriteString("note", row.Note);
        json.WriteStartArray("rounds");
        foreach (IReadOnlyDictionary<string, IReadOnlyList<Sample>> round in row.Rounds)
        {
            json.WriteStartObject();
            foreach ((string contender, IReadOnlyList<Sample> samples) in round)
            {
                json.WriteStartArray(contender);
                foreach (Sample sample in samples)
                {
                    WriteSample(json, sample);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSample(Utf8JsonWriter json, Sample sample)
    {
        json.WriteStartObject();
        foreach (Figure figure in Figure.All.Where(sample.Values.ContainsKey))
        {
            json.WriteNumber($"{figure.Name} {figure.Unit}", sample.Values[figure]);
        }

        json.WriteEndObject();
    }
}
