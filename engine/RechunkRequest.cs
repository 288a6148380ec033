using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Sluice.Engine.Buckets;

namespace Sluice.Engine;

/// <summary>Which objects of a bucket the job <c>rechunk</c> brings to which chunks.</summary>
public sealed record RechunkRequest
{
    /// <summary>Bucket of the objects.</summary>
    public required BucketName Bucket { get; init; }

    /// <summary>Objects that begin with it; empty for all.</summary>
    public ReadOnlyMemory<byte> Prefix { get; init; }

    /// <summary>Larger objects are split, in bytes, 0 or more; 0 puts each together again. Null for the bucket's.</summary>
    public long? SizeLimitBytes { get; init; }

    /// <summary>Bytes of a chunk, <see cref="ChunkProperties.ChunkBytesMin"/> to <see cref="ChunkProperties.ChunkBytesMax"/>. Null for the bucket's.</summary>
    public long? ChunkBytes { get; init; }

    /// <summary>What it makes of the bucket's properties.</summary>
    internal ChunkProperties Wanted(ChunkProperties bucket) =>
        bucket with { SizeLimitBytes = SizeLimitBytes ?? bucket.SizeLimitBytes, ChunkBytes = ChunkBytes ?? bucket.ChunkBytes };

    /// <summary>The request as one line of JSON, by which a job that was cut short goes on.</summary>
    internal string Settings()
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            if (!Prefix.IsEmpty)
            {
                writer.WriteString("prefix", Encoding.UTF8.GetString(Prefix.Span));
            }

            if (SizeLimitBytes is { } limit)
            {
                writer.WriteNumber("objsize-limit", limit);
            }

            if (ChunkBytes is { } chunk)
            {
                writer.WriteNumber("chunk-size", chunk);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>Reads <see cref="Settings"/>.</summary>
    internal static bool TryParse(BucketName bucket, string settings, [NotNullWhen(true)] out RechunkRequest? request)
    {
        request = null;
        try
        {
            using var document = JsonDocument.Parse(settings);
            JsonElement root = document.RootElement;
            request = new RechunkRequest
            {
                Bucket = bucket,
                Prefix = root.TryGetProperty("prefix", out JsonElement prefix) ? Encoding.UTF8.GetBytes(prefix.GetString() ?? "") : default,
                SizeLimitBytes = root.TryGetProperty("objsize-limit", out JsonElement limit) ? limit.GetInt64() : null,
                ChunkBytes = root.TryGetProperty("chunk-size", out JsonElement chunk) ? chunk.GetInt64() : null,
            };
            return true;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or FormatException)
        {
            return false;
        }
    }
}
