using System.Text;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;

namespace Sluice.Transport.Api;

/// <summary>
/// The message of <c>promote</c>: its name is the source's path, its value <c>{"tid", "src", "obj", "rcr", "ovw", "dls", "notshr"}</c> (contract: objects §5), of which <c>src</c> goes before the name.
/// <c>notshr</c> is taken and changes nothing: there is no other node that could see the source. <c>tid</c> is this node, when it is given.
/// </summary>
internal static class PromoteMessage
{
    /// <summary>Reads the message; what it refuses, it refuses with a sentence that names the member.</summary>
    public static Result<PromotionRequest> Read(BucketName bucket, ActionMessage message, NodeIdentity node)
    {
        JsonElement value = message.Value;
        if (message.HasValue && value.ValueKind != JsonValueKind.Object)
        {
            return MessageValues.Bad($"\"value\" of {Actions.Promote} must be a JSON object: {{\"src\":\"/path\",\"obj\":\"prefix/\",\"rcr\":true}}");
        }

        if (!MessageValues.TryText(value, "tid", out string target, out Failure? refusal)
            || !MessageValues.TryText(value, "src", out string source, out refusal)
            || !MessageValues.TryText(value, "obj", out string prefix, out refusal)
            || !MessageValues.TryFlag(value, "rcr", out bool isRecursive, out refusal)
            || !MessageValues.TryFlag(value, "ovw", out bool overwrites, out refusal)
            || !MessageValues.TryFlag(value, "dls", out bool deletes, out refusal)
            || !MessageValues.TryFlag(value, "notshr", out _, out refusal))
        {
            return refusal!;
        }

        source = source.Length > 0 ? source : message.Name;
        return source.Length == 0 ? MessageValues.Bad("neither \"src\" nor \"name\" is the path of a file or directory of the server")
            : message.Name.Length > 0 && message.Name != source ? MessageValues.Bad("\"src\" and \"name\" are not the same path")
            : target.Length > 0 && target != node.TargetId ? MessageValues.Bad("\"tid\" is no target of this cluster")
            : new PromotionRequest
            {
                Bucket = bucket,
                Source = Encoding.UTF8.GetBytes(source),
                Prefix = Encoding.UTF8.GetBytes(prefix),
                IsRecursive = isRecursive,
                Overwrites = overwrites,
                DeletesSource = deletes,
            };
    }
}
