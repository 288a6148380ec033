using System.Text.Json;
using Sluice.Contract;

namespace Sluice.Engine.Buckets;

/// <summary>
/// The section <c>lru</c> of a bucket's properties: eviction of what has not been read for long (contract: buckets §3). Evicting is not built: it cannot be switched on.
/// </summary>
public sealed record LruProperties
{
    private const int BatchMin = 1 << 10, BatchMax = 1 << 19;
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(3650);

    /// <summary>What a bucket has when nothing is said.</summary>
    public static LruProperties Default { get; } = new();

    /// <summary><c>lru.dont_evict_time</c>: what was read since stays; an hour at least.</summary>
    public TimeSpan DontEvictTime { get; init; } = TimeSpan.FromHours(2);

    /// <summary><c>lru.capacity_upd_time</c>: how often the room is looked at; ten seconds at least.</summary>
    public TimeSpan CapacityUpdateTime { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary><c>lru.batch_size</c>: objects that are looked at together, 1024 to 524288.</summary>
    public int BatchSize { get; init; } = 32_768;

    /// <summary>Applies one property of the section.</summary>
    internal static Result<LruProperties> Apply(LruProperties to, JsonProperty property)
    {
        const string Section = "lru";
        return property.Name switch
        {
            "dont_evict_time" => PropertyValues.Duration(Section, property, TimeSpan.FromHours(1), s_longest, time => to with { DontEvictTime = time }),
            "capacity_upd_time" => PropertyValues.Duration(Section, property, TimeSpan.FromSeconds(10), s_longest, time => to with { CapacityUpdateTime = time }),
            "batch_size" => PropertyValues.Integer(Section, property, BatchMin, BatchMax, objects => to with { BatchSize = (int)objects }),
            _ => PropertyValues.OffOrNotBuilt(to, Section, property, "enabled"),
        };
    }

    /// <summary>Writes the section.</summary>
    internal void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("enabled", false);
        writer.WriteString("dont_evict_time", DurationText.Format(DontEvictTime));
        writer.WriteString("capacity_upd_time", DurationText.Format(CapacityUpdateTime));
        writer.WriteNumber("batch_size", BatchSize);
        writer.WriteEndObject();
    }
}
