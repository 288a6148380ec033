using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sluice.Contract;

/// <summary>The JSON that a client reads, for the source generator: native code has no reflection to fall back on.</summary>
[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true, NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(WireError))]
[JsonSerializable(typeof(WireBucket[]))]
[JsonSerializable(typeof(WireListPage))]
[JsonSerializable(typeof(Dictionary<string, WireJob[]>))]
[JsonSerializable(typeof(WireReport))]
[JsonSerializable(typeof(WireQuarantined[]))]
[JsonSerializable(typeof(WireDropped))]
[JsonSerializable(typeof(WireUpload))]
[JsonSerializable(typeof(WireUpload[]))]
[JsonSerializable(typeof(WireSummary[]))]
internal sealed partial class SluiceClientJson : JsonSerializerContext;

/// <summary>Error body (contract: native API §3).</summary>
internal sealed class WireError
{
    [JsonPropertyName("tcode")]
    public string? Code { get; set; }

    [JsonPropertyName("message")]
    public string? Message { get; set; }

    [JsonPropertyName("status")]
    public int Status { get; set; }
}

/// <summary>A bucket in a list of buckets.</summary>
internal sealed class WireBucket
{
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    [JsonPropertyName("provider")]
    public string? Provider { get; set; }

    [JsonPropertyName("namespace")]
    public WireNamespace? Namespace { get; set; }
}

/// <summary>Namespace of a bucket.</summary>
internal sealed class WireNamespace
{
    [JsonPropertyName("uuid")]
    public string? Uuid { get; set; }

    [JsonPropertyName("name")]
    public string? Name { get; set; }
}

/// <summary>One page of a listing.</summary>
internal sealed class WireListPage
{
    [JsonPropertyName("uuid")]
    public string? Uuid { get; set; }

    [JsonPropertyName("continuation_token")]
    public string? ContinuationToken { get; set; }

    [JsonPropertyName("entries")]
    public WireListEntry[]? Entries { get; set; }
}

/// <summary>One entry of a listing; a field that is zero or empty is left out on the wire.</summary>
internal sealed class WireListEntry
{
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    [JsonPropertyName("checksum")]
    public string? Checksum { get; set; }

    [JsonPropertyName("atime")]
    public string? AccessTime { get; set; }

    [JsonPropertyName("version")]
    public string? Version { get; set; }

    [JsonPropertyName("location")]
    public string? Location { get; set; }

    [JsonPropertyName("custom-md")]
    public string? Custom { get; set; }

    [JsonPropertyName("ec")]
    public string? Erasure { get; set; }

    [JsonPropertyName("size")]
    public long SizeBytes { get; set; }

    [JsonPropertyName("copies")]
    public int Copies { get; set; }

    [JsonPropertyName("flags")]
    public int Flags { get; set; }
}

/// <summary>Writes control messages, <c>{"action":…,"name":…,"value":…}</c>.</summary>
internal static class ControlBody
{
    /// <summary>The message as UTF-8; <paramref name="value"/> writes exactly one JSON value.</summary>
    public static byte[] Write(string action, Action<Utf8JsonWriter> value) => Write(action, name: "", value);

    /// <summary>The same with the name of what it is about, where the path does not tell.</summary>
    public static byte[] Write(string action, string name, Action<Utf8JsonWriter> value)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            writer.WriteString("action", action);
            writer.WriteString("name", name);
            writer.WritePropertyName("value");
            value(writer);
            writer.WriteEndObject();
        }

        return bytes.WrittenSpan.ToArray();
    }
}
