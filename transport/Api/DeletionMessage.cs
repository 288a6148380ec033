using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;

namespace Sluice.Transport.Api;

/// <summary>
/// The value of <c>delete-listrange</c>: <c>{"template" | "objnames", "num-workers", "coer", "non-recurs"}</c> (contract: objects §7), and of ours
/// <c>"is-prefix"</c>, with which a template is a prefix whatever is in it. An object with neither template nor names stands for all of the bucket; that there
/// is no value, or an empty list, does not, since nobody removes everything by leaving something out.
/// </summary>
internal static class DeletionMessage
{
    /// <summary>Reads the value; what it refuses, it refuses with a sentence that names the member.</summary>
    public static Result<DeletionRequest> Read(BucketName bucket, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return MessageValues.Bad($"\"value\" of {Actions.DeleteObjects} must be a JSON object: {{\"template\":…}}, {{\"objnames\":[…]}}, or {{}} for all objects of the bucket");
        }

        if (!MessageValues.TryFlag(value, "coer", out bool continues, out Failure? refusal)
            || !MessageValues.TryWorkers(value, out int workers, out refusal))
        {
            return refusal!;
        }

        Result<NameSelection> objects = MessageValues.Objects(value);
        return !objects.Ok ? objects.Error!
            : new DeletionRequest { Bucket = bucket, Objects = objects.Value, ContinuesOnError = continues, Workers = workers };
    }
}
