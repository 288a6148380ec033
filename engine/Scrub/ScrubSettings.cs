using System.Text.Json;
using Sluice.Contract;

namespace Sluice.Engine.Scrub;

/// <summary>How a scrub goes about its work.</summary>
/// <param name="Repair">Bring back what can be brought back; else only tell.</param>
/// <param name="BytesPerSecond">What it reads of each mountpath at most; 0 for as fast as it goes.</param>
public sealed record ScrubSettings(bool Repair, long BytesPerSecond)
{
    private const long RateMibMax = 1 << 20;

    /// <summary>Reads <c>{"repair":true,"rate_mib":100}</c>, keys in any case; empty text for the defaults. What is not known is refused.</summary>
    public static Result<ScrubSettings> Parse(string json)
    {
        var settings = new ScrubSettings(Repair: false, BytesPerSecond: 0);
        if (json.Length == 0)
        {
            return settings;
        }

        using JsonDocument document = JsonDocument.Parse(json);
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            switch (property.Name.ToUpperInvariant(), property.Value.ValueKind)
            {
                case ("REPAIR", JsonValueKind.True or JsonValueKind.False):
                    settings = settings with { Repair = property.Value.GetBoolean() };
                    break;
                case ("RATE_MIB", JsonValueKind.Number) when property.Value.TryGetInt64(out long rate) && rate is >= 0 and <= RateMibMax:
                    settings = settings with { BytesPerSecond = rate << 20 };
                    break;
                case ("FORCE" or "TIMEOUT" or "FLAGS", _):
                    break; // clients of the native API send them with every start
                default:
                    return new Failure(ErrorCode.BadRequest, "a scrub takes \"repair\" (true or false) and \"rate_mib\" (0 to 1048576), and nothing else");
            }
        }

        return settings;
    }
}
