using System.Buffers;
using System.Text;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;

namespace Sluice.Engine;

/// <summary>The removal of many objects of a bucket (contract: objects §7).</summary>
public sealed record DeletionRequest
{
    /// <summary>The bucket.</summary>
    public required BucketName Bucket { get; init; }

    /// <summary>Which objects.</summary>
    public required NameSelection Objects { get; init; }

    /// <summary>
    /// Names of a list that have no object are passed over, and an object that cannot be removed does not end the job. Names of a template and below a prefix
    /// that have no object are always passed over.
    /// </summary>
    public bool ContinuesOnError { get; init; }

    /// <summary>Names at once, up to <see cref="Limits.JobWorkersMax"/>; 0 for as many as suit the mountpaths, −1 for one after the other.</summary>
    public int Workers { get; init; }

    /// <summary>The request as one line of JSON, a list by its number of names: what a job shows of its settings.</summary>
    internal string Settings()
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            if (Objects.List is { } list)
            {
                writer.WriteNumber("names", list.Count);
            }
            else
            {
                writer.WriteString(Objects.IsPrefix ? "prefix" : "template", Objects.Template?.ToString() ?? Encoding.UTF8.GetString(Objects.Prefix.Span));
            }

            WriteIf(writer, "non-recurs", Objects.IsFlat);
            WriteIf(writer, "coer", ContinuesOnError);
            if (Workers != 0)
            {
                writer.WriteNumber("num-workers", Workers);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    private static void WriteIf(Utf8JsonWriter writer, string name, bool value)
    {
        if (value)
        {
            writer.WriteBoolean(name, value);
        }
    }
}
