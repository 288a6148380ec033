using System.Text.Json.Serialization;

namespace Sluice.Contract;

/// <summary>An upload in progress.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Name of the object that it is to become.</param>
/// <param name="Created">When it was begun.</param>
public sealed record UploadView(string Id, string Name, DateTimeOffset Created);

/// <summary>A part that is stored, or a chunk of an object.</summary>
/// <param name="Number">Its number, from 1.</param>
/// <param name="SizeBytes">Its bytes.</param>
/// <param name="ChecksumType">Digest algorithm; <c>none</c> where the bucket keeps none.</param>
/// <param name="ChecksumValue">Digest, lower-case hexadecimal; empty for none.</param>
public sealed record PartView(int Number, long SizeBytes, string ChecksumType, string ChecksumValue)
{
    /// <summary>Of a chunk, where it begins in the object.</summary>
    public long Offset { get; init; }

    /// <summary>Of a chunk, its CRC-64/NVMe, lower-case hexadecimal.</summary>
    public string Crc64 { get; init; } = "";
}

/// <summary>What a chunked object is made of.</summary>
/// <param name="Upload">The upload that made it.</param>
/// <param name="SizeBytes">Size of the object.</param>
/// <param name="ChecksumType">Digest algorithm; <c>none</c> where the bucket keeps none.</param>
/// <param name="ChecksumValue">Digest of the object, lower-case hexadecimal; empty for none.</param>
/// <param name="Chunks">Its chunks, by number.</param>
public sealed record ManifestView(UploadView Upload, long SizeBytes, string ChecksumType, string ChecksumValue, IReadOnlyList<PartView> Chunks);

/// <summary>An upload on the wire; a manifest, too, which has more members.</summary>
internal sealed class WireUpload
{
    [JsonPropertyName("upload_id")]
    public string? Id { get; set; }

    [JsonPropertyName("name")]
    public string? Name { get; set; }

    [JsonPropertyName("created")]
    public DateTimeOffset Created { get; set; }

    [JsonPropertyName("size")]
    public long SizeBytes { get; set; }

    [JsonPropertyName("checksum_type")]
    public string? ChecksumType { get; set; }

    [JsonPropertyName("checksum")]
    public string? ChecksumValue { get; set; }

    [JsonPropertyName("parts")]
    public WirePart[]? Parts { get; set; }

    [JsonPropertyName("chunks")]
    public WirePart[]? Chunks { get; set; }

    public UploadView ToView() => new(Id ?? "", Name ?? "", Created);

    public ManifestView ToManifest() => new(ToView(), SizeBytes, ChecksumType ?? "", ChecksumValue ?? "", [.. (Chunks ?? []).Select(chunk => chunk.ToView())]);
}

/// <summary>A part or a chunk on the wire.</summary>
internal sealed class WirePart
{
    [JsonPropertyName("number")]
    public int Number { get; set; }

    [JsonPropertyName("size")]
    public long SizeBytes { get; set; }

    [JsonPropertyName("offset")]
    public long Offset { get; set; }

    [JsonPropertyName("crc64")]
    public string? Crc64 { get; set; }

    [JsonPropertyName("checksum_type")]
    public string? ChecksumType { get; set; }

    [JsonPropertyName("checksum")]
    public string? ChecksumValue { get; set; }

    public PartView ToView() => new(Number, SizeBytes, ChecksumType ?? "", ChecksumValue ?? "") { Offset = Offset, Crc64 = Crc64 ?? "" };
}
