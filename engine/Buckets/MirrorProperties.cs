using System.Text.Json;

namespace Sluice.Engine.Buckets;

/// <summary>The section <c>mirror</c> of a bucket's properties: how many whole copies an object has, each on a mountpath of its own.</summary>
public sealed record MirrorProperties
{
    /// <summary>Fewest and most copies that may be asked for; 1 is no mirror.</summary>
    public const int CopiesMin = 2, CopiesMax = 32;

    private const int QueueMax = 1 << 16;

    /// <summary>What a bucket has when nothing is said.</summary>
    public static MirrorProperties Default { get; } = new();

    /// <summary><c>mirror.enabled</c>: objects have <see cref="Copies"/> copies.</summary>
    public bool Enabled { get; init; }

    /// <summary><c>mirror.copies</c>: 2 to 32.</summary>
    public int Copies { get; init; } = CopiesMin;

    /// <summary><c>mirror.burst_buffer</c>: objects that may wait for their further copies when those are made after the answer; from 1.</summary>
    public int BurstBuffer { get; init; } = 512;

    /// <summary><c>mirror.sync</c>: a PUT is answered when all copies are stored; otherwise after the first, and a job makes the others.</summary>
    public bool Sync { get; init; } = true;

    /// <summary>Copies that an object is to have: 1 without a mirror.</summary>
    public int Wanted => Enabled ? Copies : 1;

    /// <summary>Applies one property of the section.</summary>
    internal static Result<MirrorProperties> Apply(MirrorProperties to, JsonProperty property)
    {
        const string Section = "mirror";
        return property.Name switch
        {
            "enabled" => PropertyValues.Bool(Section, property, on => to with { Enabled = on }),
            "copies" => PropertyValues.Integer(Section, property, 1, CopiesMax, copies => to with { Copies = (int)copies }),
            "burst_buffer" => PropertyValues.Integer(Section, property, 1, QueueMax, objects => to with { BurstBuffer = (int)objects }),
            "sync" => PropertyValues.Bool(Section, property, on => to with { Sync = on }),
            _ => PropertyValues.Refused($"property \"{Section}.{PropertyValues.Printable(property.Name)}\" {PropertyValues.NotBuilt}"),
        };
    }

    /// <summary>The section as it is kept once all of it is applied: one copy is a mirror that is off (contract: buckets §3).</summary>
    internal MirrorProperties Settled() => Copies >= CopiesMin ? this : this with { Enabled = false, Copies = CopiesMin };

    /// <summary>Writes the section.</summary>
    internal void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("enabled", Enabled);
        writer.WriteNumber("copies", Copies);
        writer.WriteNumber("burst_buffer", BurstBuffer);
        writer.WriteBoolean("sync", Sync);
        writer.WriteEndObject();
    }
}
