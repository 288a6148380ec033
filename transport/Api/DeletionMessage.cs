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
            return Bad($"\"value\" of {Actions.DeleteObjects} must be a JSON object: {{\"template\":…}}, {{\"objnames\":[…]}}, or {{}} for all objects of the bucket");
        }

        if (!TryFlag(value, "coer", out bool continues, out Failure? refusal)
            || !TryFlag(value, "non-recurs", out bool isFlat, out refusal)
            || !TryFlag(value, "is-prefix", out bool isPrefix, out refusal)
            || !TryWorkers(value, out int workers, out refusal))
        {
            return refusal!;
        }

        Result<NameSelection> objects = ReadObjects(value, isPrefix, isFlat);
        return !objects.Ok ? objects.Error!
            : new DeletionRequest { Bucket = bucket, Objects = objects.Value, ContinuesOnError = continues, Workers = workers };
    }

    private static Result<NameSelection> ReadObjects(JsonElement value, bool isPrefix, bool isFlat)
    {
        JsonElement template = ActionMessage.Member(value, "template");
        JsonElement names = ActionMessage.Member(value, "objnames");
        if (template.ValueKind is not (JsonValueKind.String or JsonValueKind.Null or JsonValueKind.Undefined))
        {
            return Bad("\"template\" must be a JSON string");
        }

        string text = template.ValueKind == JsonValueKind.String ? template.GetString()! : "";
        if (names.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
        {
            return isPrefix ? NameSelection.OfPrefix(text, isFlat) : NameSelection.OfTemplate(text, isFlat);
        }

        if (names.ValueKind != JsonValueKind.Array || names.EnumerateArray().Any(static name => name.ValueKind != JsonValueKind.String))
        {
            return Bad("\"objnames\" must be a JSON array of strings");
        }

        return text.Length > 0 ? Bad("\"template\" and \"objnames\" do not go together")
            : names.GetArrayLength() == 0 ? Bad("\"objnames\" is empty: give names, or leave it out for all objects of the bucket")
            : NameSelection.OfList([.. names.EnumerateArray().Select(static name => name.GetString()!)]);
    }

    private static bool TryWorkers(JsonElement value, out int workers, out Failure? refusal)
    {
        JsonElement given = ActionMessage.Member(value, "num-workers");
        long number = 0;
        bool ok = given.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined
            || (given.ValueKind == JsonValueKind.Number && given.TryGetInt64(out number) && number is >= -1 and <= Limits.JobWorkersMax);
        workers = (int)number;
        refusal = ok ? null : Bad($"\"num-workers\" must be a number from -1 to {Limits.JobWorkersMax}: 0 for what suits the mountpaths, -1 for one after the other");
        return ok;
    }

    private static bool TryFlag(JsonElement value, string name, out bool flag, out Failure? refusal)
    {
        JsonElement given = ActionMessage.Member(value, name);
        flag = given.ValueKind == JsonValueKind.True;
        bool ok = given.ValueKind is JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null or JsonValueKind.Undefined;
        refusal = ok ? null : Bad($"\"{name}\" must be true or false");
        return ok;
    }

    private static Failure Bad(string sentence) => new(ErrorCode.BadRequest, sentence);
}
