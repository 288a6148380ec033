using System.Buffers;
using System.Text;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>
/// Which job or jobs a message speaks of: <c>{"ID","Kind","DaemonID","Bck","Buckets",…}</c>, keys in any case, "node" for the daemon and "uuid" for the id
/// (contract: native API §8). What is not given filters nothing.
/// </summary>
internal sealed record JobMessage
{
    private const int ArgumentsBytesMax = 4096;
    private static readonly string[] s_identity = ["id", "uuid", "kind", "daemonid", "node", "bck", "bucket", "buckets", "mountpath", "show_active", "onlyrunning"];

    /// <summary>Id; empty when not given.</summary>
    public required string Id { get; init; }

    /// <summary>Kind as the contract names it, display names resolved; empty when not given.</summary>
    public required string Kind { get; init; }

    /// <summary>Node; empty when not given.</summary>
    public required string Node { get; init; }

    /// <summary>Buckets; empty when not given.</summary>
    public required IReadOnlyList<BucketName> Buckets { get; init; }

    /// <summary>Mountpath; null when not given.</summary>
    public required string? Mountpath { get; init; }

    /// <summary>Only jobs that run.</summary>
    public required bool OnlyRunning { get; init; }

    /// <summary>What else was given, as one line of JSON; empty when nothing.</summary>
    public required string Arguments { get; init; }

    /// <summary>Reads a message; undefined and null are an empty one.</summary>
    public static Result<JobMessage> Read(JsonElement message)
    {
        if (message.ValueKind is not (JsonValueKind.Object or JsonValueKind.Undefined or JsonValueKind.Null))
        {
            return new Failure(ErrorCode.BadRequest, "a job is described by a JSON object with \"ID\", \"Kind\" and \"Bck\"");
        }

        string kind = Text(message, "kind");
        var buckets = new List<BucketName>();
        foreach (JsonElement bucket in BucketsOf(message))
        {
            Result<BucketName> name = ReadBucket(bucket);
            if (!name.Ok)
            {
                return name.Error!;
            }

            buckets.Add(name.Value);
        }

        string mountpath = Text(message, "mountpath");
        string arguments = ArgumentsOf(message);
        if (Encoding.UTF8.GetByteCount(arguments) > ArgumentsBytesMax)
        {
            return new Failure(ErrorCode.TooLarge, $"the settings of a job have at most {ArgumentsBytesMax} bytes");
        }

        return new JobMessage
        {
            Id = Text(message, "id") is { Length: > 0 } id ? id : Text(message, "uuid"),
            Kind = JobNames.KindOf(kind) ?? kind,
            Node = Text(message, "daemonid") is { Length: > 0 } node ? node : Text(message, "node"),
            Buckets = buckets,
            Mountpath = mountpath.Length == 0 ? null : mountpath,
            OnlyRunning = IsTrue(message, "show_active") || IsTrue(message, "onlyrunning"),
            Arguments = arguments,
        };
    }

    /// <summary>True when the job is one of those that the message speaks of.</summary>
    public bool Fits(Job job) =>
        (Id.Length == 0 || job.Id == Id)
        && (Kind.Length == 0 || job.Kind.Name == Kind)
        && (Buckets.Count == 0 || Buckets.Contains(job.Target.Bucket))
        && (Mountpath is null || job.Target.Mountpath == Mountpath)
        && (!OnlyRunning || job.IsRunning);

    /// <summary>What a job that is to be started works on.</summary>
    public Result<JobRequest> ToRequest() => Buckets.Count > 1
        ? new Failure(ErrorCode.BadRequest, $"a job of kind \"{Answers.Printable(Kind)}\" works on one bucket or on all")
        : new JobRequest(new JobTarget(Buckets.Count == 0 ? null : Buckets[0], Mountpath), Arguments);

    private static IEnumerable<JsonElement> BucketsOf(JsonElement message)
    {
        foreach (string one in (string[])["bck", "bucket"])
        {
            if (ActionMessage.Member(message, one) is { ValueKind: JsonValueKind.Object or JsonValueKind.String } bucket && !IsEmptyBucket(bucket))
            {
                yield return bucket;
            }
        }

        if (ActionMessage.Member(message, "buckets") is { ValueKind: JsonValueKind.Array } buckets)
        {
            foreach (JsonElement bucket in buckets.EnumerateArray())
            {
                yield return bucket;
            }
        }
    }

    /// <summary>Clients send a bucket of empty texts for none.</summary>
    private static bool IsEmptyBucket(JsonElement bucket) => bucket.ValueKind == JsonValueKind.Object ? Text(bucket, "name").Length == 0 : bucket.ValueEquals("");

    /// <summary>A bucket, as an object of its parts or as text.</summary>
    internal static Result<BucketName> ReadBucket(JsonElement bucket)
    {
        string? problem;
        BucketName? name;
        if (bucket.ValueKind == JsonValueKind.String)
        {
            return BucketAddress.TryParse(bucket.GetString()!, out BucketAddress? address, out problem)
                && BucketName.TryCreate(address.Provider, address.NamespaceUuid, address.NamespaceName, address.Name, out name, out problem)
                    ? name : new Failure(ErrorCode.InvalidBucketName, problem!);
        }

        JsonElement space = ActionMessage.Member(bucket, "namespace");
        return BucketName.TryCreate(Text(bucket, "provider"), Text(space, "uuid"), Text(space, "name"), Text(bucket, "name"), out name, out problem)
            ? name : new Failure(ErrorCode.InvalidBucketName, problem);
    }

    private static string ArgumentsOf(JsonElement message)
    {
        if (message.ValueKind != JsonValueKind.Object
            || message.EnumerateObject().All(member => s_identity.Contains(member.Name, StringComparer.OrdinalIgnoreCase)))
        {
            return "";
        }

        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes, Answers.WriterOptions))
        {
            writer.WriteStartObject();
            foreach (JsonProperty member in message.EnumerateObject())
            {
                if (!s_identity.Contains(member.Name, StringComparer.OrdinalIgnoreCase))
                {
                    member.WriteTo(writer);
                }
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    private static string Text(JsonElement value, string name) =>
        ActionMessage.Member(value, name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";

    private static bool IsTrue(JsonElement value, string name) => ActionMessage.Member(value, name).ValueKind == JsonValueKind.True;
}
