using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Jobs;

namespace Sluice.Transport.Api;

/// <summary>
/// Members that the messages over many objects have in common (contract: objects §7): <c>{"template" | "objnames", "num-workers", "coer", "non-recurs"}</c>, and of ours
/// <c>"is-prefix"</c>, with which a template is a prefix whatever is in it. What is refused is refused with a sentence that names the member.
/// </summary>
internal static class MessageValues
{
    /// <summary>The objects that are meant; an object with neither template nor names stands for all of the bucket.</summary>
    public static Result<NameSelection> Objects(JsonElement value)
    {
        if (!TryFlag(value, "non-recurs", out bool isFlat, out Failure? refusal) || !TryFlag(value, "is-prefix", out bool isPrefix, out refusal))
        {
            return refusal!;
        }

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

    /// <summary>Names at once; 0 when it is not said.</summary>
    public static bool TryWorkers(JsonElement value, out int workers, out Failure? refusal)
    {
        JsonElement given = ActionMessage.Member(value, "num-workers");
        long number = 0;
        bool ok = given.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined
            || (given.ValueKind == JsonValueKind.Number && given.TryGetInt64(out number) && number is >= -1 and <= Limits.JobWorkersMax);
        workers = (int)number;
        refusal = ok ? null : Bad($"\"num-workers\" must be a number from -1 to {Limits.JobWorkersMax}: 0 for what suits the mountpaths, -1 for one after the other");
        return ok;
    }

    /// <summary>A flag; off when it is not said.</summary>
    public static bool TryFlag(JsonElement value, string name, out bool flag, out Failure? refusal)
    {
        JsonElement given = ActionMessage.Member(value, name);
        flag = given.ValueKind == JsonValueKind.True;
        bool ok = given.ValueKind is JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null or JsonValueKind.Undefined;
        refusal = ok ? null : Bad($"\"{name}\" must be true or false");
        return ok;
    }

    /// <summary>A text; empty when it is not said.</summary>
    public static bool TryText(JsonElement value, string name, out string text, out Failure? refusal)
    {
        JsonElement given = ActionMessage.Member(value, name);
        text = given.ValueKind == JsonValueKind.String ? given.GetString()! : "";
        refusal = given.ValueKind is JsonValueKind.String or JsonValueKind.Null or JsonValueKind.Undefined ? null : Bad($"\"{name}\" must be a JSON string");
        return refusal is null;
    }

    /// <summary>A refusal.</summary>
    public static Failure Bad(string sentence) => new(ErrorCode.BadRequest, sentence);
}
