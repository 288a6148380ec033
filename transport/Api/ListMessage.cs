using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Listing;

namespace Sluice.Transport.Api;

/// <summary>What a listing shows of each object.</summary>
[Flags]
internal enum ListColumns
{
    Name = 0,
    Size = 1 << 0,
    Version = 1 << 1,
    Checksum = 1 << 2,
    AccessTime = 1 << 3,
    Copies = 1 << 4,
    Custom = 1 << 5,
    Location = 1 << 6,
    Erasure = 1 << 7,

    /// <summary>No column of its own: a flag of each entry, which needs the entry's attributes.</summary>
    Chunked = 1 << 8,
}

/// <summary>The arguments of a listing, as the contract's message has them (buckets §8).</summary>
internal sealed class ListMessage
{
    private const ulong FlagCached = 1 << 0, FlagMissing = 1 << 1, FlagArchives = 1 << 3, FlagNameOnly = 1 << 4, FlagNameSize = 1 << 5,
        FlagNotCached = 1 << 9, FlagNonRecursive = 1 << 11, FlagDiff = 1 << 12, FlagInventory = 1 << 15;

    private const int TextBytesMax = 8 << 10; // tokens and layouts are names and a line of text

    public required ListRequest Request { get; init; }

    public required ListColumns Columns { get; init; }

    public required string Uuid { get; init; }

    public required string TimeFormat { get; init; }

    /// <summary>Reads the message; null or undefined means all defaults.</summary>
    public static Result<ListMessage> Read(BucketName bucket, JsonElement value)
    {
        if (value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null or JsonValueKind.Undefined))
        {
            return Bad("\"value\" of a listing must be a JSON object");
        }

        var texts = new Dictionary<string, string>();
        foreach (string name in (ReadOnlySpan<string>)["prefix", "props", "uuid", "continuation_token", "start_after", "time_format"])
        {
            JsonElement text = ActionMessage.Member(value, name);
            if (text.ValueKind is not (JsonValueKind.String or JsonValueKind.Null or JsonValueKind.Undefined))
            {
                return Bad($"\"{name}\" of a listing must be a JSON string");
            }

            texts[name] = text.ValueKind == JsonValueKind.String ? text.GetString()! : "";
            if (texts[name].Length > TextBytesMax)
            {
                return Bad($"\"{name}\" of a listing is longer than {TextBytesMax} characters");
            }
        }

        if (!TryNumber(ActionMessage.Member(value, "flags"), out ulong flags))
        {
            return Bad("\"flags\" of a listing must be a decimal mask");
        }

        if (!TryNumber(ActionMessage.Member(value, "pagesize"), out ulong pageSize))
        {
            return Bad("\"pagesize\" of a listing must be a number from 0");
        }

        return (flags & FlagNotCached) != 0 ? Bad($"bucket \"{bucket}\" has no objects outside the cluster: the flag \"not-cached\" does not go with it")
            : (flags & (FlagArchives | FlagInventory | FlagMissing | FlagDiff)) != 0
                ? new Failure(ErrorCode.NotImplemented, "listing archives, inventories, missing or changed objects is not built yet")
            : Make(bucket, texts, flags, pageSize);
    }

    private static ListMessage Make(BucketName bucket, Dictionary<string, string> texts, ulong flags, ulong pageSize)
    {
        ListColumns columns = ColumnsOf(texts["props"], flags);
        string prefix = texts["prefix"].EndsWith('*') ? texts["prefix"][..^1] : texts["prefix"];
        string after = texts["continuation_token"].Length > 0 ? texts["continuation_token"] : texts["start_after"];
        return new ListMessage
        {
            Columns = columns,
            Uuid = texts["uuid"].Length > 0 ? texts["uuid"] : NewUuid(),
            TimeFormat = texts["time_format"],
            Request = new ListRequest
            {
                Bucket = bucket,
                Prefix = Encoding.UTF8.GetBytes(prefix),
                After = Encoding.UTF8.GetBytes(after),
                PageSize = pageSize == 0 ? Limits.ListPageEntriesMax : (int)Math.Min(pageSize, Limits.ListPageEntriesMax),
                NonRecursive = (flags & FlagNonRecursive) != 0,
                WithAttributes = columns is not (ListColumns.Name or ListColumns.Size),
                WithSizes = columns == ListColumns.Size,
            },
        };
    }

    /// <summary>Properties are found as parts of the text, as the contract has it; the defaults depend on the flags.</summary>
    private static ListColumns ColumnsOf(string props, ulong flags)
    {
        if ((flags & FlagNameOnly) != 0 || props == "name")
        {
            return ListColumns.Name;
        }

        if ((flags & FlagNameSize) != 0 || props is "name,size")
        {
            return ListColumns.Size;
        }

        if (props.Length == 0)
        {
            return (flags & FlagCached) != 0 ? ListColumns.Size | ListColumns.Checksum | ListColumns.AccessTime : ListColumns.Size;
        }

        ListColumns columns = ListColumns.Name;
        foreach ((string name, ListColumns column) in (ReadOnlySpan<(string, ListColumns)>)[
            ("size", ListColumns.Size), ("version", ListColumns.Version), ("checksum", ListColumns.Checksum), ("atime", ListColumns.AccessTime),
            ("copies", ListColumns.Copies), ("custom", ListColumns.Custom), ("location", ListColumns.Location), ("target_url", ListColumns.Location), ("chunked", ListColumns.Chunked)])
        {
            columns |= props.Contains(name, StringComparison.Ordinal) ? column : ListColumns.Name;
        }

        // Two letters that "checksum" has, too: this one is an item of the list.
        return props.Split(',', StringSplitOptions.TrimEntries).Contains("ec") ? columns | ListColumns.Erasure : columns;
    }

    private static bool TryNumber(JsonElement element, out ulong number)
    {
        number = 0;
        return element.ValueKind switch
        {
            JsonValueKind.Undefined or JsonValueKind.Null => true,
            JsonValueKind.Number => element.TryGetUInt64(out number),
            JsonValueKind.String => element.GetString() is "" or null
                || ulong.TryParse(element.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out number),
            _ => false,
        };
    }

    /// <summary>An id that ties pages together: a letter and ten characters.</summary>
    private static string NewUuid() => "L" + Convert.ToHexStringLower(Guid.NewGuid().ToByteArray().AsSpan(0, 5));

    private static Failure Bad(string message) => new(ErrorCode.BadRequest, message);
}
