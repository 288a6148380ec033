using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Loader.Flags;

namespace Sluice.Loader.Run;

/// <summary>The configuration that is printed at the start: keys in the contract's order, empty ones left out (contract: load generator §4).</summary>
public static class Configuration
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>As indented JSON. <paramref name="getter"/> is the label of the name-getter, empty when nothing is read.</summary>
    public static string Text(LoadOptions options, string getter)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, s_options))
        {
            json.WriteStartObject();
            json.WriteString("proxy", options.Endpoint);
            json.WriteString("bucket", options.Bucket.ToString());
            json.WriteString("duration", options.Duration is { } duration ? DurationText.Format(duration) : "-");
            json.WriteNumber("# workers", options.Workers);
            json.WriteString("stats interval", DurationText.Format(options.StatisticsInterval));
            Number(json, "% PUT", options.PercentPut);
            Number(json, "% Update Existing", options.PercentUpdate);
            Number(json, "% Multipart PUT", options.PercentMultipart);
            if (options.PercentPut > 0 || options.PercentUpdate > 0)
            {
                json.WriteNumber("minimum object size (bytes)", options.BytesMin);
                json.WriteNumber("maximum object size (bytes)", options.BytesMax);
            }

            Text(json, "PUT upper bound", options.PutBytesMax > 0 ? SizeText.Format(options.PutBytesMax) : "");
            Text(json, "name-getter", getter);
            json.WriteString("reader-type", options.ReaderType);
            json.WriteBoolean("cleanup", options.Cleanup);
            Ours(json, options);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>What the contract does not have follows what it has.</summary>
    private static void Ours(Utf8JsonWriter json, LoadOptions options)
    {
        Number(json, "parts of a multipart PUT", options.PercentMultipart > 0 ? options.MultipartChunks : 0);
        Number(json, "% GET by ranges", options.PercentStream);
        Number(json, "ranges at the same time", options.PercentStream > 0 ? options.StreamWorkers : 0);
        Number(json, "range size (bytes)", options.PercentStream > 0 ? options.StreamChunkBytes : 0);
        Number(json, "requests/s (open loop)", options.Rate);
        Text(json, "warm-up", options.WarmUp > TimeSpan.Zero ? DurationText.Format(options.WarmUp) : "");
        json.WriteNumber("seed", options.Seed);
    }

    private static void Number(Utf8JsonWriter json, string name, long value)
    {
        if (value != 0)
        {
            json.WriteNumber(name, value);
        }
    }

    private static void Text(Utf8JsonWriter json, string name, string value)
    {
        if (value.Length > 0)
        {
            json.WriteString(name, value);
        }
    }
}
