using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>
/// Listing of objects, as JSON with long names or MessagePack with short ones (contract: buckets §8). The column <c>ec</c> has a field of that name in either,
/// which the contract does not know: clients pass over it.
/// </summary>
internal sealed class ListApi(ObjectEngine engine, NodeIdentity node)
{
    private const int FlagPresent = 1 << 6, FlagDirectory = 1 << 8, FlagChunked = 1 << 13;
    private const string MessagePack = "application/msgpack";

    // The contract's order of custom keys in a listing; the others follow.
    private static readonly string[] s_customFirst = ["source", "ETag", "LastModified", "Last-Modified", "crc32c", "md5", "version"];

    /// <summary>Answers one page.</summary>
    public async ValueTask<Failure?> ListAsync(RequestContext context, BucketName bucket, JsonElement value)
    {
        Result<ListMessage> message = ListMessage.Read(bucket, value);
        if (!message.Ok)
        {
            return message.Error;
        }

        Result<ListPage> page = await engine.ListObjectsAsync(Caller.Anonymous, message.Value.Request, context.Aborted);
        if (!page.Ok)
        {
            return page.Error;
        }

        if (WantsMessagePack(context))
        {
            var bytes = new ArrayBufferWriter<byte>(64 << 10);
            Write(new MessagePackWriter(bytes), message.Value, page.Value);
            await Answers.BytesAsync(context, MessagePack, bytes.WrittenMemory);
        }
        else
        {
            await Answers.JsonAsync(context, writer => Write(writer, message.Value, page.Value));
        }

        return null;
    }

    private static bool WantsMessagePack(RequestContext context)
    {
        foreach (string? line in context.RequestHeaders.Accept)
        {
            foreach (string item in (line ?? "").Split(','))
            {
                int parameters = item.IndexOf(';', StringComparison.Ordinal);
                if ((parameters < 0 ? item : item[..parameters]).Trim().Equals(MessagePack, StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void Write(Utf8JsonWriter writer, ListMessage message, ListPage page)
    {
        writer.WriteStartObject();
        writer.WriteString("uuid", message.Uuid);
        writer.WriteString("continuation_token", page.ContinuationToken.Span);
        writer.WriteStartArray("entries");
        foreach (ListEntry entry in page.Entries)
        {
            var shown = new ShownEntry(entry, message, node);
            writer.WriteStartObject();
            writer.WriteString("name", entry.Name.Span);
            WriteText(writer, "checksum", shown.Checksum);
            WriteText(writer, "atime", shown.AccessTime);
            WriteText(writer, "version", shown.Version);
            WriteText(writer, "location", shown.Location);
            WriteText(writer, "custom-md", shown.Custom);
            WriteText(writer, "size", shown.Size == 0 ? "" : shown.Size.ToString(CultureInfo.InvariantCulture));
            if (shown.Copies > 0)
            {
                writer.WriteNumber("copies", shown.Copies);
            }

            WriteText(writer, "ec", shown.Erasure);
            writer.WriteNumber("flags", shown.Flags);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteNumber("flags", 0);
        writer.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string text)
    {
        if (text.Length > 0)
        {
            writer.WriteString(name, text);
        }
    }

    private void Write(MessagePackWriter writer, ListMessage message, ListPage page)
    {
        writer.WriteMapHead(4);
        writer.WriteText("UUID"u8);
        writer.WriteText(message.Uuid);
        writer.WriteText("ContinuationToken"u8);
        writer.WriteText(page.ContinuationToken.Span);
        writer.WriteText("Entries"u8);
        if (page.Entries.Count == 0)
        {
            writer.WriteNil();
        }
        else
        {
            writer.WriteArrayHead(page.Entries.Count);
            foreach (ListEntry entry in page.Entries)
            {
                Write(writer, entry.Name.Span, new ShownEntry(entry, message, node));
            }
        }

        writer.WriteText("Flags"u8);
        writer.WriteInteger(0);
    }

    private static void Write(MessagePackWriter writer, ReadOnlySpan<byte> name, ShownEntry shown)
    {
        int fields = 2 + One(shown.Checksum) + One(shown.AccessTime) + One(shown.Version) + One(shown.Location) + One(shown.Custom)
            + One(shown.Erasure) + (shown.Size == 0 ? 0 : 1) + (shown.Copies == 0 ? 0 : 1);
        writer.WriteMapHead(fields);
        writer.WriteText("n"u8);
        writer.WriteText(name);
        WriteText(writer, "cs"u8, shown.Checksum);
        WriteText(writer, "a"u8, shown.AccessTime);
        WriteText(writer, "v"u8, shown.Version);
        WriteText(writer, "t"u8, shown.Location);
        WriteText(writer, "m"u8, shown.Custom);
        WriteNumber(writer, "s"u8, shown.Size);
        WriteNumber(writer, "c"u8, shown.Copies);
        WriteText(writer, "ec"u8, shown.Erasure);
        writer.WriteText("f"u8);
        writer.WriteInteger(shown.Flags);
    }

    private static int One(string text) => text.Length == 0 ? 0 : 1;

    private static void WriteText(MessagePackWriter writer, ReadOnlySpan<byte> name, string text)
    {
        if (text.Length > 0)
        {
            writer.WriteText(name);
            writer.WriteText(text);
        }
    }

    private static void WriteNumber(MessagePackWriter writer, ReadOnlySpan<byte> name, long number)
    {
        if (number != 0)
        {
            writer.WriteText(name);
            writer.WriteInteger(number);
        }
    }

    /// <summary>The columns of one entry, empty where they were not asked for.</summary>
    private readonly struct ShownEntry
    {
        public ShownEntry(ListEntry entry, ListMessage message, NodeIdentity node)
        {
            ObjectAttributes known = entry.Attributes ?? default;
            ListColumns columns = entry.Attributes is null ? ListColumns.Name : message.Columns;
            Checksum = Has(columns, ListColumns.Checksum) ? known.Checksum.Hex : "";
            AccessTime = Has(columns, ListColumns.AccessTime) ? GoTimeFormat.Format(known.AccessedNs, message.TimeFormat) : "";
            Version = Has(columns, ListColumns.Version) ? known.Version : "";
            Location = Has(columns, ListColumns.Location) ? ObjectHeaders.Location(known, node) : "";
            Custom = Has(columns, ListColumns.Custom) && known.Custom.Count > 0 ? CustomText(known.Custom) : "";
            Size = entry.Size?.Bytes ?? (Has(columns, ListColumns.Size) ? known.SizeBytes : 0);
            Copies = Has(columns, ListColumns.Copies) ? ObjectHeaders.Copies(known) : 0;
            Erasure = Has(columns, ListColumns.Erasure) ? ObjectHeaders.ErasureText(known.Erasure) : "";
            Flags = entry.IsDirectory ? FlagDirectory : FlagPresent | (known.ChunkCount > 0 || entry.Size is { IsChunked: true } ? FlagChunked : 0);
        }

        public string Checksum { get; }

        public string AccessTime { get; }

        public string Version { get; }

        public string Location { get; }

        public string Custom { get; }

        public long Size { get; }

        public int Copies { get; }

        public string Erasure { get; }

        public int Flags { get; }

        private static bool Has(ListColumns columns, ListColumns column) => (columns & column) != 0;

        private static string CustomText(IReadOnlyList<KeyValuePair<string, string>> custom)
        {
            IEnumerable<KeyValuePair<string, string>> ordered = custom.OrderBy(pair =>
            {
                int place = Array.IndexOf(s_customFirst, pair.Key);
                return place < 0 ? s_customFirst.Length : place;
            });
            return new StringBuilder("[").AppendJoin(' ', ordered.Select(pair => $"{pair.Key}:{pair.Value}")).Append(']').ToString();
        }
    }
}
