using System.Globalization;
using System.Text.Json;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary>Parts of uploads and chunks of objects, for people and for scripts.</summary>
internal static class PartText
{
    /// <summary>A line for each, below a heading.</summary>
    public static string Table(IReadOnlyList<PartView> parts, string heading)
    {
        string[][] rows = [[heading, "size", "offset", "digest"], .. parts.Select(Row)];
        bool hasOffset = parts.Any(part => part.Offset > 0);
        int[] columns = hasOffset ? [0, 1, 2] : [0, 1];
        int[] widths = [.. columns.Select(column => rows.Max(row => row[column].Length))];
        return string.Join('\n', rows.Select(row => string.Join("  ", [.. columns.Select((column, place) => row[column].PadLeft(widths[place])), row[3]]).TrimEnd()));
    }

    /// <summary>Who an upload is, as members of an object.</summary>
    public static void WriteUpload(Utf8JsonWriter writer, UploadView upload)
    {
        writer.WriteString("upload_id", upload.Id);
        writer.WriteString("name", upload.Name);
        writer.WriteString("created", upload.Created);
    }

    /// <summary>A whole manifest, as a member of an object.</summary>
    public static void WriteManifest(Utf8JsonWriter writer, ManifestView manifest)
    {
        writer.WriteStartObject("manifest");
        WriteUpload(writer, manifest.Upload);
        writer.WriteNumber("size", manifest.SizeBytes);
        writer.WriteString("checksum_type", manifest.ChecksumType);
        writer.WriteString("checksum", manifest.ChecksumValue);
        WriteParts(writer, "chunks", manifest.Chunks);
        writer.WriteEndObject();
    }

    /// <summary>Parts as an array, a member of an object.</summary>
    public static void WriteParts(Utf8JsonWriter writer, string member, IReadOnlyList<PartView> parts)
    {
        writer.WriteStartArray(member);
        foreach (PartView part in parts)
        {
            writer.WriteStartObject();
            writer.WriteNumber("number", part.Number);
            writer.WriteNumber("size", part.SizeBytes);
            if (part.Crc64.Length > 0)
            {
                writer.WriteNumber("offset", part.Offset);
                writer.WriteString("crc64", part.Crc64);
            }

            writer.WriteString("checksum_type", part.ChecksumType);
            writer.WriteString("checksum", part.ChecksumValue);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static string[] Row(PartView part) =>
    [
        part.Number.ToString(CultureInfo.InvariantCulture),
        part.SizeBytes.ToString(CultureInfo.InvariantCulture),
        part.Offset.ToString(CultureInfo.InvariantCulture),
        part.ChecksumValue.Length > 0 ? $"{part.ChecksumType}:{part.ChecksumValue}" : part.Crc64.Length > 0 ? $"crc64nvme:{part.Crc64}" : "",
    ];
}
