using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Scrub;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Transport.Api;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>Control messages in JSON, what listings and jobs read out of them, and the MessagePack of an answer.</summary>
public static class MessageTargets
{
    private static readonly byte[][] s_words = Mutator.Texts(
        "null", "[]", "{}", "\"\"", "\"x\"", "0", "-1", "18446744073709551615", "1e5", "true", "\\ud800", "\\u0000", "\"ACTION\":", "\"value\":", "\"bck\":", "\"flags\":\"2048\"",
        "\"pagesize\":4294967297", "\"props\":\"name,ec\"", "\"prefix\":\"a*\"", "\"Buckets\":[\"ais://b\",{\"name\":\"c\"}]", "{\"name\":\"b\",\"namespace\":{\"name\":\"n\",\"uuid\":\"u\"}}");

    /// <summary>The message. The twin does not read its texts before somebody uses them.</summary>
    public static Fuzzed Messages
    {
        get
        {
            var target = new FuzzTarget<Message>
            {
                Name = "control message",
                Seeds = Mutator.Texts("""{"action":"list","name":"n","value":{"prefix":"a"}}""", """{"Action":null,"VALUE":[1,{"a":"b"}]}""", "", " {} "),
                Words = s_words,
                Parse = json => ReadMessage(json, message => new Message(message.Action, message.Name, message.HasValue ? message.Value.GetRawText() : "null")),
                Format = message => Encoding.UTF8.GetBytes($$"""{"action":{{JsonText(message.Action)}},"name":{{JsonText(message.Name)}},"value":{{message.Value}}}"""),
                AllocationMax = (32 << 10, 256),
            };
            return new Fuzzed(target, target with
            {
                Seeds = [target.Seeds[0]],
                Parse = json =>
                {
                    try
                    {
                        using var document = JsonDocument.Parse(json);
                        JsonElement action = ActionMessage.Member(document.RootElement, "action");
                        return action.ValueKind == JsonValueKind.String ? new Message(action.GetString()!, "", "null") : null;
                    }
                    catch (JsonException)
                    {
                        return null;
                    }
                },
            },
            "throws InvalidOperation");
        }
    }

    /// <summary>The arguments of a listing. The twin cuts the size of a page to 32 bits.</summary>
    public static Fuzzed Lists
    {
        get
        {
            BucketName bucket = Bucket("b");
            var target = new FuzzTarget<ListMessage>
            {
                Name = "list message",
                Seeds = Mutator.Texts(
                    """{"prefix":"a/","props":"name,size,checksum,ec","uuid":"u","continuation_token":"a/b","start_after":"a","time_format":"2006","flags":"0","pagesize":1000}""",
                    """{"Flags":"2049","PageSize":"7","props":"atime, copies,location,custom,version"}""",
                    """{"flags":16,"pagesize":0}"""),
                Words = s_words,
                Parse = json => ReadMessage(json, message => ListMessage.Read(bucket, message.Root) is { Ok: true } read ? read.Value : null),
                Format = message => Encoding.UTF8.GetBytes(Written(message)),
                Describe = Written,
                Check = (_, message) => message.Request.PageSize is > 0 and <= Limits.ListPageEntriesMax ? null : $"asks for pages of {message.Request.PageSize}",
                AllocationMax = (64 << 10, 256),
            };
            return new Fuzzed(target, target with
            {
                Check = (json, message) => ReadMessage(json, root => ActionMessage.Member(root.Root, "pagesize") is { ValueKind: JsonValueKind.Number } size && size.TryGetUInt64(out ulong number)
                    ? $"{unchecked((int)number)}" : null) is { } cut && cut.StartsWith('-') ? $"asks for pages of {cut}" : null,
            },
            "asks for pages");
        }
    }

    /// <summary>Which jobs a message speaks of, and the settings of one. The twin takes everything for text.</summary>
    public static Fuzzed Jobs
    {
        get
        {
            var target = new FuzzTarget<JobMessage>
            {
                Name = "job message",
                Seeds = Mutator.Texts(
                    """{"ID":"abcdefghi","Kind":"scrub","DaemonID":"t1","Bck":{"name":"b","provider":"ais","namespace":{"uuid":"u","name":"n"}},"mountpath":"/mp","OnlyRunning":true,"repair":true,"rate_mib":7}""",
                    """{"uuid":"x","kind":"mirror","node":"n","bucket":"ais://@u#n/b","Buckets":[{"name":"c"},"s3://d"],"show_active":true,"Force":false}"""),
                Words = s_words,
                Parse = json => ReadMessage(json, message => JobMessage.Read(message.Root) is { Ok: true } read ? read.Value : null),
                Format = message => Encoding.UTF8.GetBytes(Written(message)),
                Describe = Written,
                Check = (_, message) => ScrubSettings.Parse(message.Arguments) is { Ok: true, Value.BytesPerSecond: < 0 } ? "has a negative rate" : null,
                AllocationMax = (64 << 10, 512),
            };
            return new Fuzzed(target, target with
            {
                Parse = json =>
                {
                    JobMessage? read = target.Parse(json);
                    _ = ReadMessage(json, message => message.Root.ValueKind == JsonValueKind.Object ? ActionMessage.Member(message.Root, "id") is { ValueKind: not JsonValueKind.Undefined } id ? id.GetString() : "" : "");
                    return read;
                },
            },
            "throws InvalidOperation");
        }
    }

    /// <summary>
    /// MessagePack: what is written is read back by a reader of the tests', which takes each value in its shortest form only. The twin's longest short text is
    /// one byte too long.
    /// </summary>
    public static Fuzzed Packed
    {
        get
        {
            var target = new FuzzTarget<List<object?>>
            {
                Name = "MessagePack",
                Seeds =
                [
                    [0x84, 0xa4, .. "UUID"u8, 0xa9, .. "u12345678"u8, 0xa7, .. "Entries"u8, 0x91, 0x82, 0xa1, (byte)'n', 0xa5, .. "large"u8, 0xa1, (byte)'f', 0x40, 0xa5, .. "Flags"u8, 0x00, 0xa0, 0xc0],
                    [0xd9, 40, .. new byte[40], 0xcc, 200, 0xcd, 1, 0, 0xce, 0, 1, 0, 0, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0, 0xff, 0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0],
                    [0xda, 1, 44, .. new byte[300], 0xdc, 0, 16, 0xde, 0, 16, 0xbf, .. new byte[31]],
                ],
                Words = [[0xc0], [0x9f], [0xdc, 0xff, 0xff], [0xdf, 0, 1, 0, 0], [0xdb, 0, 1, 0, 0], [0xd9, 32], [0xbf], [0xe0], [0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
                Parse = MessagePackReader.TryRead,
                Format = values => Pack(values, shortTextMax: 31),
                Describe = values => string.Join(' ', values.Select(value => value is byte[] text ? Convert.ToHexString(text) : $"{value}")),
                Check = (input, values) => Pack(values, shortTextMax: 31).AsSpan().SequenceEqual(input) ? null : "has a shorter form",
                AllocationMax = (16 << 10, 128),
                InputsOfSuite = 8000,
            };
            return new Fuzzed(target, target with { Check = null, Format = values => Pack(values, shortTextMax: 32) }, "");
        }
    }

    private static T? ReadMessage<T>(byte[] json, Func<ActionMessage, T?> read)
        where T : class
    {
        if (!ActionMessage.TryParse(json, out ActionMessage? message, out _))
        {
            return null;
        }

        using (message)
        {
            return read(message);
        }
    }

    private static string Written(ListMessage message)
    {
        string[] names = ["size", "version", "checksum", "atime", "copies", "custom", "location", "ec"];
        string props = message.Columns == ListColumns.Name ? "name" : string.Join(", ", names.Where((_, i) => (message.Columns & (ListColumns)(1 << i)) != 0));
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"prefix":{{JsonText(Encoding.UTF8.GetString(message.Request.Prefix.Span) + "*")}},"start_after":{{JsonText(Encoding.UTF8.GetString(message.Request.After.Span))}},"props":{{JsonText(props)}},"uuid":{{JsonText(message.Uuid)}},"time_format":{{JsonText(message.TimeFormat)}},"flags":{{(message.Request.NonRecursive ? 1 << 11 : 0)}},"pagesize":{{message.Request.PageSize}}}""");
    }

    private static string Written(JobMessage message)
    {
        string rest = message.Arguments.Length == 0 ? "" : message.Arguments[1..^1];
        string[] buckets = [.. message.Buckets.Select(one => JsonText(one.IsGlobal ? $"{one.Provider}://{one.Name}" : $"{one.Provider}://@{one.NamespaceUuid}#{one.NamespaceName}/{one.Name}"))];
        return $$"""{"ID":{{JsonText(message.Id)}},"Kind":{{JsonText(message.Kind)}},"DaemonID":{{JsonText(message.Node)}},"Buckets":[{{string.Join(',', buckets)}}],"mountpath":{{JsonText(message.Mountpath ?? "")}},"show_active":{{(message.OnlyRunning ? "true" : "false")}}{{(rest.Length == 0 ? "" : "," + rest)}}}""";
    }

    private static string JsonText(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private static BucketName Bucket(string name) => BucketName.TryCreate("ais", "", "", name, out BucketName? bucket, out string? problem) ? bucket : throw new ArgumentException(problem, nameof(name));

    private static byte[] Pack(List<object?> values, int shortTextMax)
    {
        var bytes = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(bytes);
        foreach (object? value in values)
        {
            switch (value)
            {
                case null:
                    writer.WriteNil();
                    break;
                case long number:
                    writer.WriteInteger(number);
                    break;
                case byte[] text when text.Length > 31 && text.Length <= shortTextMax:
                    bytes.Write((byte[])[(byte)(0xa0 | text.Length), .. text]);
                    break;
                case byte[] text:
                    writer.WriteText(text);
                    break;
                case MessagePackReader.Head { IsMap: true } head:
                    writer.WriteMapHead(head.Count);
                    break;
                case MessagePackReader.Head head:
                    writer.WriteArrayHead(head.Count);
                    break;
                default:
                    throw new ArgumentException($"{value} is none of the values", nameof(values));
            }
        }

        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>What a control message says.</summary>
    public sealed record Message(string Action, string Name, string Value);
}
