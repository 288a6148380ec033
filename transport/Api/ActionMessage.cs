using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>
/// A control message, <c>{"action":…,"name":…,"value":…}</c>. Keys match in any case and unknown ones are passed over (contract: native API).
/// Owns the parsed document; disposed by whoever parsed it.
/// </summary>
public sealed class ActionMessage : IDisposable
{
    private readonly JsonDocument? _document;

    private ActionMessage(JsonDocument? document)
    {
        _document = document;
    }

    /// <summary>What to do; empty when the message does not say.</summary>
    public string Action { get; private set; } = "";

    /// <summary>What to do it to, where the path does not tell.</summary>
    public string Name { get; private set; } = "";

    /// <summary>The whole message, for calls whose message has no action; undefined when it is empty.</summary>
    public JsonElement Root => _document?.RootElement ?? default;

    /// <summary>Arguments; undefined or null when there are none.</summary>
    public JsonElement Value { get; private set; }

    /// <summary>True when there is a value.</summary>
    public bool HasValue => Value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>
    /// Reads the control message of a request, lends it to <paramref name="handle"/> and disposes it behind it. Answers what the handler refuses,
    /// or why there is no message to handle.
    /// </summary>
    internal static async ValueTask<Failure?> HandleAsync(RequestContext context, Func<ActionMessage, ValueTask<Failure?>> handle)
    {
        Result<byte[]> body = await ControlBody.ReadAsync(context);
        if (!body.Ok)
        {
            return body.Error;
        }

        if (!TryParse(body.Value, out ActionMessage? message, out string? problem))
        {
            return new Failure(ErrorCode.BadRequest, problem);
        }

        using (message)
        {
            return await handle(message);
        }
    }

    /// <summary>Reads a message; an empty body is an empty message.</summary>
    public static bool TryParse(byte[] body, [NotNullWhen(true)] out ActionMessage? message, [NotNullWhen(false)] out string? problem)
    {
        message = null;
        problem = null;
        if (body.AsSpan().Trim(" \t\r\n"u8).IsEmpty)
        {
            message = new ActionMessage(null);
            return true;
        }

        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(body);
            ReadTexts(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            document?.Dispose();
            problem = $"the body is not JSON: {exception.Message}";
            return false;
        }

        var parsed = new ActionMessage(document);
        problem = parsed.Take(document.RootElement);
        if (problem is not null)
        {
            parsed.Dispose();
            return false;
        }

        message = parsed;
        return true;
    }

    /// <summary>The member of an object by its name in any case; undefined when there is none.</summary>
    public static JsonElement Member(JsonElement value, string name)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in value.EnumerateObject())
            {
                if (property.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                {
                    return property.Value;
                }
            }
        }

        return default;
    }

    /// <inheritdoc/>
    public void Dispose() => _document?.Dispose();

    private string? Take(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return "the body must be a JSON object with an action";
        }

        JsonElement action = Member(root, "action");
        JsonElement name = Member(root, "name");
        if (!IsText(action) || !IsText(name))
        {
            return "\"action\" and \"name\" must be JSON strings";
        }

        Action = action.ValueKind == JsonValueKind.String ? action.GetString()! : "";
        Name = name.ValueKind == JsonValueKind.String ? name.GetString()! : "";
        Value = Member(root, "value");
        return null;
    }

    /// <summary>
    /// Reads every text once: an escaped half of a surrogate pair parses but cannot be read, and throws InvalidOperationException. Better here
    /// than wherever the value is used. The parser bounds the depth.
    /// </summary>
    private static void ReadTexts(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                {
                    ReadTexts(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    _ = property.Name;
                    ReadTexts(property.Value);
                }

                break;
        }
    }

    private static bool IsText(JsonElement element) => element.ValueKind is JsonValueKind.String or JsonValueKind.Null or JsonValueKind.Undefined;
}
