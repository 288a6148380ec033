using System.Text;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;

namespace Sluice.Transport.Api;

/// <summary>
/// The value of <c>rechunk</c>: <c>{"objsize-limit", "chunk-size", "prefix", "sync-remote"}</c> (contract: objects §9), sizes as numbers or texts. What is not said is the
/// bucket's own; a chunk size of 0 counts as not said. Without a value every object is brought to the bucket's properties.
/// </summary>
internal static class RechunkMessage
{
    /// <summary>Reads the value; what it refuses, it refuses with a sentence that names the member.</summary>
    public static Result<RechunkRequest> Read(BucketName bucket, JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return new RechunkRequest { Bucket = bucket };
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            return MessageValues.Bad($"\"value\" of {Actions.Rechunk} must be a JSON object: {{\"objsize-limit\":…,\"chunk-size\":…,\"prefix\":…}}");
        }

        JsonElement remote = ActionMessage.Member(value, "sync-remote");
        return !MessageValues.TryText(value, "prefix", out string prefix, out Failure? refusal) ? refusal!
            : remote.ValueKind == JsonValueKind.True ? MessageValues.Bad("\"sync-remote\" is for remote buckets, which are not built yet")
            : !TrySize(value, "objsize-limit", out long? limit, out refusal) || !TrySize(value, "chunk-size", out long? chunk, out refusal) ? refusal!
            : new RechunkRequest
            {
                Bucket = bucket,
                Prefix = Encoding.UTF8.GetBytes(prefix),
                SizeLimitBytes = limit,
                ChunkBytes = chunk == 0 ? null : chunk,
            };
    }

    private static bool TrySize(JsonElement value, string member, out long? size, out Failure? refusal)
    {
        (size, refusal) = (null, null);
        JsonElement given = ActionMessage.Member(value, member);
        if (given.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return true;
        }

        if (!PropertyValues.TryInteger(given, out long bytes))
        {
            refusal = MessageValues.Bad($"\"{member}\" must be a size, such as 67108864 or \"64MiB\"");
            return false;
        }

        size = bytes;
        return true;
    }
}
