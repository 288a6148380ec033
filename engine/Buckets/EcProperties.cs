using System.Numerics;
using System.Text.Json;
using Sluice.Contract;

namespace Sluice.Engine.Buckets;

/// <summary>
/// The section <c>ec</c> of a bucket's properties: erasure coding over mountpaths (docs/decisions/0009-erasure-coding.md).
/// </summary>
public sealed record EcProperties
{
    /// <summary>Most data or parity slices.</summary>
    public const int SlicesMax = 32;

    /// <summary>Smallest and largest unit of a stripe in bytes.</summary>
    public const int UnitBytesMin = 64 << 10, UnitBytesMax = 4 << 20;

    private const int QueueMax = 1 << 16, MultiplierMax = 1 << 10;

    /// <summary>What a bucket has when nothing is said.</summary>
    public static EcProperties Default { get; } = new();

    /// <summary><c>ec.enabled</c>.</summary>
    public bool Enabled { get; init; }

    /// <summary><c>ec.objsize_limit</c>: smaller objects are copied instead of coded, in bytes; 0 codes all, -1 copies all.</summary>
    public long SizeLimitBytes { get; init; } = 256 << 10;

    /// <summary><c>ec.data_slices</c>: 1 to 32.</summary>
    public int DataSlices { get; init; } = 2;

    /// <summary><c>ec.parity_slices</c>: 1 to 32; as many drives may be lost.</summary>
    public int ParitySlices { get; init; } = 2;

    /// <summary><c>ec.unit</c>: bytes of a stripe's unit.</summary>
    public int UnitBytes { get; init; } = 1 << 20;

    /// <summary><c>ec.keep_replica</c>: a whole copy beside the slices.</summary>
    public bool KeepReplica { get; init; }

    /// <summary><c>ec.disk_only</c>: of the contract; kept, and of no meaning here.</summary>
    public bool DiskOnly { get; init; }

    /// <summary><c>ec.compression</c>: of the contract, <c>always</c> or <c>never</c>; kept likewise.</summary>
    public bool IsCompressed { get; init; }

    /// <summary><c>ec.bundle_multiplier</c>: of the contract; kept likewise.</summary>
    public int BundleMultiplier { get; init; } = 2;

    /// <summary><c>ec.burst_buffer</c>: of the contract; kept likewise.</summary>
    public int BurstBuffer { get; init; } = 512;

    /// <summary>Applies one property of the section.</summary>
    internal static Result<EcProperties> Apply(EcProperties to, JsonProperty property)
    {
        const string Section = "ec";
        return property.Name switch
        {
            "enabled" => PropertyValues.Bool(Section, property, on => to with { Enabled = on }),
            "objsize_limit" => PropertyValues.Integer(Section, property, -1, Limits.ObjectBytesMax, bytes => to with { SizeLimitBytes = bytes }),
            "data_slices" => PropertyValues.Integer(Section, property, 1, SlicesMax, slices => to with { DataSlices = (int)slices }),
            "parity_slices" => PropertyValues.Integer(Section, property, 1, SlicesMax, slices => to with { ParitySlices = (int)slices }),
            "unit" => ApplyUnit(to, property.Value),
            "keep_replica" => PropertyValues.Bool(Section, property, on => to with { KeepReplica = on }),
            "disk_only" => PropertyValues.Bool(Section, property, on => to with { DiskOnly = on }),
            "compression" => ApplyCompression(to, property.Value),
            "bundle_multiplier" => PropertyValues.Integer(Section, property, 1, MultiplierMax, times => to with { BundleMultiplier = (int)times }),
            "burst_buffer" => PropertyValues.Integer(Section, property, 1, QueueMax, objects => to with { BurstBuffer = (int)objects }),
            _ => PropertyValues.Refused($"property \"{Section}.{PropertyValues.Printable(property.Name)}\" {PropertyValues.NotBuilt}"),
        };
    }

    /// <summary>Writes the section.</summary>
    internal void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("enabled", Enabled);
        writer.WriteNumber("objsize_limit", SizeLimitBytes);
        writer.WriteNumber("data_slices", DataSlices);
        writer.WriteNumber("parity_slices", ParitySlices);
        writer.WriteString("unit", SizeText.Format(UnitBytes));
        writer.WriteBoolean("keep_replica", KeepReplica);
        writer.WriteBoolean("disk_only", DiskOnly);
        writer.WriteString("compression", IsCompressed ? "always" : "never");
        writer.WriteNumber("bundle_multiplier", BundleMultiplier);
        writer.WriteNumber("burst_buffer", BurstBuffer);
        writer.WriteEndObject();
    }

    /// <summary>Powers of two, so that the size that is shown is the size that is kept.</summary>
    private static Result<EcProperties> ApplyUnit(EcProperties to, JsonElement value) =>
        PropertyValues.TryInteger(value, out long bytes) && bytes is >= UnitBytesMin and <= UnitBytesMax && BitOperations.IsPow2(bytes)
            ? to with { UnitBytes = (int)bytes }
            : PropertyValues.Refused("property \"ec.unit\" must be a power of two from 64KiB to 4MiB");

    private static Result<EcProperties> ApplyCompression(EcProperties to, JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.GetString() is "always" or "never"
            ? to with { IsCompressed = value.GetString() == "always" }
            : PropertyValues.Refused("property \"ec.compression\" must be \"always\" or \"never\"");
}
