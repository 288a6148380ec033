using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Transport.Api;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>The small documents of a mountpath: their seal, and the JSON within it.</summary>
public static class DocumentTargets
{
    private const string Bucket =
        """{"provider":"ais","uuid":"","namespace":"","name":"b","bid":9223372036854775809,"created":1,"checksum":"xxhash2","validate_warm_get":false,"verify":"Cold","enable_read_range":false,"versioning":true,"durability":"Strict","was_relaxed":false,"access":18446744073709551615,"spread":2,"mirror":{"enabled":true,"copies":2,"burst_buffer":512,"sync":true},"ec":{"enabled":false,"data_slices":4,"unit":"64KiB"}}""";

    private const string Identity =
        """{"format":1,"uuid":"00112233-4455-6677-8899-aabbccddeeff","cluster":"clusterid","node":"nodeidid","created":"2024-02-29T12:00:00+00:00","map_version":3,"misplaced_possible":true,"siblings":[{"uuid":"00112233-4455-6677-8899-aabbccddeeff","path":"/mp1","stale":false},{"uuid":"x","path":"/mp2","out":"disabled","stale":true,"attached_later":true}]}""";

    private static readonly byte[][] s_words = Mutator.Texts(
        "null", "[]", "[null]", "{}", "\"\"", "\"Relaxed\"", "\"1\"", "7", "-1", "1e3", "true", ",\"x\":1", "\\ud800", "\"bid\":0", "\"bucket\":\"ais/@#/b\"", "\"bucket\":\"ais/b\"");

    private static readonly JsonSerializerOptions s_plain = new() { Converters = { new JsonStringEnumConverter() } };

    /// <summary>The seal. The twin compares lengths and no checksum.</summary>
    public static Fuzzed Seal
    {
        get
        {
            var target = new FuzzTarget<byte[]>
            {
                Name = "sealed document",
                Seeds = [SealedDocument.Format("bmd", "{}"u8), SealedDocument.Format("bmd", ""u8), SealedDocument.Format("bmd", Encoding.UTF8.GetBytes(Bucket))],
                Words = Mutator.Texts("sluice bmd 1 ", "sluice ", " ", "\n", "{}"),
                Seal = bytes => SealedDocument.Format("bmd", bytes.AsSpan(bytes.AsSpan().IndexOf((byte)'\n') + 1)),
                Parse = bytes => SealedDocument.TryParse("bmd", bytes, out ReadOnlyMemory<byte> json, out _) ? json.ToArray() : null,
                Format = json => SealedDocument.Format("bmd", json),
                Check = (bytes, json) => SealedDocument.Format("bmd", json).AsSpan().SequenceEqual(bytes) ? null : "takes what nobody wrote",
                InputsOfSuite = 12_000,
            };
            return new Fuzzed(target, target with
            {
                Parse = bytes => bytes.AsSpan().StartsWith("sluice bmd 1 "u8) && bytes.AsSpan().IndexOf((byte)'\n') is >= 0 and var end ? bytes[(end + 1)..] : null,
            },
            "nobody wrote");
        }
    }

    /// <summary>Bucket metadata; every row becomes a bucket. The twin throws what the JSON reader throws.</summary>
    public static Fuzzed Buckets
    {
        get
        {
            var target = new FuzzTarget<BucketDocument>
            {
                Name = "bucket document",
                Seeds = Mutator.Texts(
                    $$"""{"version":7,"cluster":"c","buckets":[{{Bucket}}],"destroyed":[]}""",
                    $$"""{"version":7,"cluster":"c","buckets":[],"destroyed":[{{Bucket}}]}""",
                    """{"version":1}"""),
                Words = s_words,
                Parse = json => BucketDocument.Parse(json).Document,
                Format = document => document.Format(),
                Check = (_, document) => document.Buckets.Concat(document.Destroyed).Select(RowProblem).FirstOrDefault(problem => problem is not null),
                AllocationMax = (64 << 10, 256),
                InputsOfSuite = 6000,
            };
            return new Fuzzed(target, target with { Parse = json => JsonSerializer.Deserialize<BucketDocument>(json, s_plain) }, "throws JsonException");
        }
    }

    /// <summary>A mountpath's identity. The twin forgets why a mountpath is out of service.</summary>
    public static Fuzzed MountpathIdentities
    {
        get
        {
            var target = new FuzzTarget<MountpathIdentity>
            {
                Name = "mountpath identity",
                Seeds = Mutator.Texts(Identity, Identity.Replace("\"created\"", "\"forming\":true,\"created\"", StringComparison.Ordinal)),
                Words = s_words,
                Parse = json => MountpathIdentity.Parse(json).Identity,
                Format = identity => identity.Format1(),
                Describe = identity => Encoding.UTF8.GetString(identity.Format1()),
                Check = (_, identity) => identity.Siblings.All(one => one.Uuid.Length >= 0 && one.Path.Length >= 0) ? null : "has a sibling that is none",
                AllocationMax = (64 << 10, 256),
            };
            return new Fuzzed(target, target with
            {
                Format = identity =>
                {
                    byte[] json = identity.Format1();
                    return Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(json).Replace("\"out\": \"disabled\",", "", StringComparison.Ordinal));
                },
            },
            "another");
        }
    }

    /// <summary>How a mountpath was left. The twin takes the default for what it cannot read.</summary>
    public static Fuzzed MountpathStates
    {
        get
        {
            var target = new FuzzTarget<MountpathState>
            {
                Name = "mountpath state",
                Seeds = Mutator.Texts("""{"clean":true,"flushed_generation":1700000000000000000}"""),
                Words = s_words,
                Parse = json => MountpathState.Parse(json),
                Format = state => state.Format(),
                Check = (json, state) => Encoding.UTF8.GetString(json).Contains("clean", StringComparison.Ordinal) || Encoding.UTF8.GetString(json).Contains('\\', StringComparison.Ordinal)
                    ? null : $"takes {(state.Clean ? "clean" : "unclean")} for a state that does not say",
            };
            return new Fuzzed(target, target with { Parse = json => MountpathState.Parse(json) ?? new MountpathState { Clean = true, FlushedGeneration = 0 } }, "does not say");
        }
    }

    /// <summary>Unfinished jobs; every row becomes a request. The twin does not look at rows.</summary>
    public static Fuzzed Jobs
    {
        get
        {
            var target = new FuzzTarget<JobDocument>
            {
                Name = "job document",
                Seeds = Mutator.Texts(
                    """{"version":2,"jobs":[{"id":"abcdefghi","bucket":"ais/@#/b","mountpath":null,"arguments":""},{"id":"x","bucket":"ais/@u#ns/b%0123456789abcdef","mountpath":"/mp1","arguments":"{}"}]}""",
                    """{"version":0,"jobs":[]}"""),
                Words = s_words,
                Parse = json => JobDocument.Parse(json).Document,
                Format = document => document.Format(),
                Check = (_, document) => document.Jobs.All(row => row is { Arguments: not null, Id: not null } && (row.Bucket is null || BucketHome.TryParse(row.Bucket, out BucketHome? home))) ? null : "has a job that is none",
                AllocationMax = (64 << 10, 256),
            };
            return new Fuzzed(target, target with
            {
                Parse = json =>
                {
                    try
                    {
                        return JsonSerializer.Deserialize<JobDocument>(json, s_plain);
                    }
                    catch (JsonException)
                    {
                        return null;
                    }
                },
            },
            "has a job that is none");
        }
    }

    /// <summary>Bucket properties as clients send them. The twin reads a mask of access bits that need not be one.</summary>
    public static Fuzzed Properties
    {
        get
        {
            var target = new FuzzTarget<BucketProperties>
            {
                Name = "bucket properties",
                Seeds = Mutator.Texts(
                    """{"checksum":{"type":"sha256","validate_warm_get":true,"enable_read_range":"true","verify":"always","validate_cold_get":false},"versioning":{"enabled":false}}""",
                    """{"mirror":{"enabled":true,"copies":3,"burst_buffer":"512","sync":false},"durability":"relaxed","access":"ro","force":true}""",
                    """{"ec":{"enabled":true,"data_slices":4,"parity_slices":2,"objsize_limit":"256KiB","unit":65536,"keep_replica":true,"compression":"always"},"access":"255"}"""),
                Words = [.. s_words, .. Mutator.Texts("\"4MiB\"", "\"never\"", "\"access\":\"-5\"", "\"access\":1.5", "\"64KiB\"", "\"99999999999PiB\"", "33", "65537")],
                Parse = ReadProperties,
                Format = WriteProperties,
                AllocationMax = (64 << 10, 256),
            };
            return new Fuzzed(target, target with
            {
                Parse = json =>
                {
                    BucketProperties? read = ReadProperties(json);
                    string text = Encoding.UTF8.GetString(json);
                    int access = text.IndexOf("\"access\":\"", StringComparison.Ordinal);
                    _ = access >= 0 && text.IndexOf('"', access + 10) is > 0 and var end && char.IsAsciiDigit(text[access + 10])
                        ? ulong.Parse(text.AsSpan(access + 10, end - access - 10)) : 0;
                    return read;
                },
            },
            "throws");
        }
    }

    private static string? RowProblem(BucketRow row)
    {
        BucketRecord record = row.ToRecord();
        string? again = BucketRow.From(record).Problem();
        return again is not null ? $"a row is refused when it is written: {again}"
            : Enum.IsDefined(record.Properties.Durability) && Enum.IsDefined(record.Properties.Verify) ? null
            : $"a bucket is {record.Properties.Durability} and compares {record.Properties.Verify}";
    }

    private static BucketProperties? ReadProperties(byte[] json)
    {
        if (!ActionMessage.TryParse(json, out ActionMessage? message, out _))
        {
            return null;
        }

        using (message)
        {
            Result<BucketProperties> applied = BucketProperties.Apply(BucketProperties.Default, message.Root);
            return applied.Ok ? applied.Value : null;
        }
    }

    /// <summary>What the server shows of them, less what it does not take back.</summary>
    private static byte[] WriteProperties(BucketProperties properties)
    {
        using var shown = new MemoryStream();
        using (var writer = new Utf8JsonWriter(shown))
        {
            properties.WriteJson(writer, "ais");
        }

        using var document = JsonDocument.Parse(shown.ToArray());
        using var written = new MemoryStream();
        using (var writer = new Utf8JsonWriter(written))
        {
            writer.WriteStartObject();
            foreach (JsonProperty property in document.RootElement.EnumerateObject().Where(one => one.Name is not ("provider" or "bid" or "created" or "Renamed")))
            {
                property.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return written.ToArray();
    }
}
