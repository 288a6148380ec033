using System.Globalization;
using System.Text.Json;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;

namespace Sluice.Transport.Api;

/// <summary>Manifests and uploads in progress as JSON. Ours; the contract has no such answers (docs/ARCHITECTURE.md, "What the contract does not have").</summary>
internal static class ChunkJson
{
    /// <summary>The manifest of an object.</summary>
    public static void Write(Utf8JsonWriter writer, Manifest manifest)
    {
        writer.WriteStartObject();
        WriteUpload(writer, manifest);
        writer.WriteNumber("size", manifest.SizeBytes);
        writer.WriteString("checksum_type", Checksum.Name(manifest.Checksum.Type));
        writer.WriteString("checksum", manifest.Checksum.Hex);
        writer.WriteStartArray("chunks");
        for (int index = 0; index < manifest.Chunks.Count; index++)
        {
            ManifestChunk chunk = manifest.Chunks[index];
            writer.WriteStartObject();
            writer.WriteNumber("number", chunk.Number);
            writer.WriteNumber("size", chunk.SizeBytes);
            writer.WriteNumber("offset", manifest.OffsetOf(index));
            writer.WriteString("crc64", chunk.Crc64.ToString("x16", CultureInfo.InvariantCulture));
            writer.WriteString("checksum_type", Checksum.Name(manifest.Chunks.ChecksumType));
            writer.WriteString("checksum", Convert.ToHexStringLower(manifest.Chunks.DigestOf(index)));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>An upload and the parts that it has.</summary>
    public static void Write(Utf8JsonWriter writer, UploadProgress progress)
    {
        writer.WriteStartObject();
        WriteUpload(writer, progress.Note);
        writer.WriteStartArray("parts");
        foreach (UploadedPart part in progress.Parts)
        {
            writer.WriteStartObject();
            writer.WriteNumber("number", part.Number);
            writer.WriteNumber("size", part.SizeBytes);
            writer.WriteString("checksum_type", Checksum.Name(part.Checksum.Type));
            writer.WriteString("checksum", part.Checksum.Hex);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>The members that tell which upload of which object, and since when.</summary>
    public static void WriteUpload(Utf8JsonWriter writer, Manifest note)
    {
        writer.WriteString("upload_id", ChunkName.TextOf(note.UploadId));
        writer.WriteString("name", note.Name.Utf8.Span);
        writer.WriteString("created", DateTimeOffset.UnixEpoch.AddTicks(note.CreatedNs / 100).UtcDateTime);
    }
}
