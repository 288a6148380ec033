using System.Text;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>
/// The values of <c>copy-bck</c>, whose destination is in the query, and of <c>copy-listrange</c>, which has it as <c>tobck</c>, and names its objects as a removal does: <c>{"prepend",
/// "prefix", "ext", "dry_run", "force", "latest-ver", "synchronize", "num-workers", "coer", "non-recurs"}</c> (contract: objects §7). <c>force</c> and <c>latest-ver</c> are taken and
/// change nothing: a bucket that is there is written to without it, and none has a backend.
/// </summary>
internal static class CopyMessage
{
    /// <summary>Reads the value of copy-bck; <paramref name="to"/> is the unified name of the destination, null when the query has none.</summary>
    public static Result<BucketCopyRequest> ReadBucket(BucketName bucket, byte[]? to, JsonElement value)
    {
        if (value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null or JsonValueKind.Undefined))
        {
            return MessageValues.Bad($"\"value\" of {Actions.CopyBucket} must be a JSON object: {{\"prefix\":…,\"prepend\":…}}");
        }

        Result<BucketName> target = Destination(to);
        Result<BucketCopyRequest> read = target.Ok ? ReadHow(bucket, target.Value, value) : target.Error!;
        if (!read.Ok)
        {
            return read;
        }

        if (!MessageValues.TryFlag(value, "non-recurs", out bool isFlat, out Failure? refusal))
        {
            return refusal!;
        }

        Result<NameSelection> objects = NameSelection.OfPrefix(Encoding.UTF8.GetString(read.Value.Filter.Span), isFlat);
        return objects.Ok ? read.Value with { Objects = objects.Value, Filter = default } : objects.Error!;
    }

    /// <summary>Reads the value of copy-listrange.</summary>
    public static Result<BucketCopyRequest> ReadList(BucketName bucket, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return MessageValues.Bad($"\"value\" of {Actions.CopyObjects} must be a JSON object: {{\"tobck\":…,\"template\":…}} or {{\"tobck\":…,\"objnames\":[…]}}");
        }

        JsonElement to = ActionMessage.Member(value, "tobck");
        if (to.ValueKind != JsonValueKind.Object)
        {
            return MessageValues.Bad("\"tobck\" must be the bucket to copy to, as a JSON object of \"name\", \"provider\" and \"namespace\"");
        }

        Result<BucketName> target = JobMessage.ReadBucket(to);
        Result<BucketCopyRequest> read = target.Ok ? ReadHow(bucket, target.Value, value) : target.Error!;
        if (!read.Ok)
        {
            return read;
        }

        Result<NameSelection> objects = MessageValues.Objects(value);
        return objects.Ok ? read.Value with { Objects = objects.Value, IsOfList = true } : objects.Error!;
    }

    /// <summary>The bucket of a unified name that names no object.</summary>
    public static Result<BucketName> Destination(byte[]? unifiedName) =>
        unifiedName is not { Length: > 0 } ? MessageValues.Bad("the query has no \"bck_to\", such as bck_to=ais/@#/NAME/")
        : !UnifiedName.TryParse(unifiedName, out BucketName? bucket, out ReadOnlyMemory<byte> rest, out string? problem) ? new Failure(ErrorCode.InvalidBucketName, $"bck_to: {problem}")
        : !rest.IsEmpty ? MessageValues.Bad("\"bck_to\" has something behind the bucket") : bucket;

    /// <summary>What both have; all of the bucket is copied, and <c>Filter</c> is the prefix.</summary>
    private static Result<BucketCopyRequest> ReadHow(BucketName bucket, BucketName to, JsonElement value)
    {
        if (!MessageValues.TryFlag(value, "dry_run", out bool isDryRun, out Failure? refusal)
            || !MessageValues.TryFlag(value, "force", out _, out refusal)
            || !MessageValues.TryFlag(value, "latest-ver", out _, out refusal)
            || !MessageValues.TryFlag(value, "synchronize", out bool synchronises, out refusal)
            || !MessageValues.TryFlag(value, "coer", out bool continues, out refusal)
            || !MessageValues.TryWorkers(value, out int workers, out refusal)
            || !MessageValues.TryText(value, "prepend", out string prepend, out refusal)
            || !MessageValues.TryText(value, "prefix", out string prefix, out refusal))
        {
            return refusal!;
        }

        JsonElement extensions = ActionMessage.Member(value, "ext");
        bool isMap = extensions.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined
            || (extensions.ValueKind == JsonValueKind.Object && extensions.EnumerateObject().All(static pair => pair.Value.ValueKind == JsonValueKind.String && Bare(pair.Name).Length > 0));
        if (!isMap)
        {
            return MessageValues.Bad("\"ext\" must be a JSON object of extensions and what takes their place, such as {\"jpeg\":\"jpg\"}");
        }

        var map = new Dictionary<string, string>();
        foreach (JsonProperty pair in extensions.ValueKind == JsonValueKind.Object ? extensions.EnumerateObject() : default)
        {
            map[Bare(pair.Name)] = Bare(pair.Value.GetString()!);
        }

        return new BucketCopyRequest
        {
            Bucket = bucket,
            To = to,
            Objects = NameSelection.OfPrefix("", isFlat: false).Value,
            Filter = Encoding.UTF8.GetBytes(prefix),
            Prepend = Encoding.UTF8.GetBytes(prepend),
            Extensions = map,
            IsDryRun = isDryRun,
            Synchronises = synchronises,
            ContinuesOnError = continues,
            Workers = workers,
        };
    }

    /// <summary>Some write the dot, some do not.</summary>
    private static string Bare(string extension) => extension.StartsWith('.') ? extension[1..] : extension;
}
