using System.Text.Json;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary>One JSON line for one object that was sent, fetched or removed; what does not apply is left out.</summary>
internal static class TransferJson
{
    public static void Write(Utf8JsonWriter writer, ObjectAddress address, string? path, long? sizeBytes, bool? isVerified)
    {
        writer.WriteStartObject();
        writer.WriteString("bucket", address.Bucket.ToString());
        writer.WriteString("name", address.Name);
        if (path is not null)
        {
            writer.WriteString("path", path);
        }

        if (sizeBytes is { } size)
        {
            writer.WriteNumber("size", size);
        }

        if (isVerified is { } verified)
        {
            writer.WriteBoolean("verified", verified);
        }

        writer.WriteEndObject();
    }
}
