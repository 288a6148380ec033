using System.Globalization;
using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Buckets;

/// <summary>What an acknowledged write has survived (docs/DURABILITY.md). Persisted by name.</summary>
public enum Durability
{
    /// <summary>Data, record and directory entry are on stable storage before the answer.</summary>
    Strict,

    /// <summary>In the page cache; flushed within a second. Survives a kill of the process, not the last second before a power cut.</summary>
    Relaxed,
}

/// <summary>Which bytes of an object are compared with their digests before they are sent. Persisted by name; may only grow.</summary>
public enum VerifyMode
{
    /// <summary>None: a damaged disk's bytes go out. For who verifies himself, or measures.</summary>
    Never,

    /// <summary>What comes from a disk, and what is in memory without having been compared since it got there.</summary>
    Cold,

    /// <summary>All, in the buffer that is sent.</summary>
    Always,
}

/// <summary>
/// Properties of a bucket. Immutable; a change makes a new record. The JSON tree is the contract's (buckets §3); what is not built yet
/// is refused by its name rather than ignored, so that nobody believes in a protection that is not there.
/// </summary>
public sealed record BucketProperties
{
    /// <summary>What a bucket has when it is made without properties.</summary>
    public static BucketProperties Default { get; } = new();

    /// <summary><c>checksum.type</c>: digest kept of each new object.</summary>
    public ChecksumType ChecksumType { get; init; } = ChecksumType.XxHash2;

    /// <summary><c>checksum.validate_warm_get</c>: verify the blocks of an object before they are served.</summary>
    public bool ValidateWarmGet { get; init; }

    /// <summary><c>checksum.enable_read_range</c>: the digest that goes with a range is that of the range.</summary>
    public bool EnableReadRange { get; init; }

    /// <summary><c>checksum.verify</c>: which bytes are compared with their digests before they are sent.</summary>
    public VerifyMode Verify { get; init; } = VerifyMode.Cold;

    /// <summary><c>versioning.enabled</c>: number the versions of each name from 1.</summary>
    public bool Versioning { get; init; } = true;

    /// <summary><c>durability</c>: <c>strict</c> or <c>relaxed</c>.</summary>
    public Durability Durability { get; init; } = Durability.Strict;

    /// <summary>True once the bucket has ever been relaxed; its objects are verified after an unclean start. Not on the wire.</summary>
    public bool WasRelaxed { get; init; }

    /// <summary>True once objects of the bucket may be erasure-coded: they have heads on several mountpaths, or on others than their first. Not on the wire.</summary>
    public bool WasSpread { get; init; }

    /// <summary>
    /// The most copies that an object may have: what the bucket has wanted since all of its objects were last brought to what it wants. A write has
    /// put at least one of them on one of so many first mountpaths. 1 in a bucket without a mirror. Not on the wire.
    /// </summary>
    public int Spread { get; init; } = 1;

    /// <summary>Copies that every object has, as far as it is in order: 1 while they are being brought to another number.</summary>
    public int CopiesKnown => Spread == Mirror.Wanted ? Spread : 1;

    /// <summary>True while objects may have heads on several mountpaths.</summary>
    public bool HasCopies => Spread > 1;

    /// <summary>True while objects may have heads on others than their first mountpath, for whatever reason.</summary>
    public bool IsSpread => HasCopies || WasSpread;

    /// <summary><c>mirror</c>: whole copies.</summary>
    public MirrorProperties Mirror { get; init; } = MirrorProperties.Default;

    /// <summary><c>ec</c>: erasure coding.</summary>
    public EcProperties Ec { get; init; } = EcProperties.Default;

    /// <summary><c>chunks</c>: the splitting of large objects.</summary>
    public ChunkProperties Chunks { get; init; } = ChunkProperties.Default;

    /// <summary><c>lru</c>: eviction.</summary>
    public LruProperties Lru { get; init; } = LruProperties.Default;

    /// <summary><c>rate_limit</c>.</summary>
    public RateLimitProperties RateLimit { get; init; } = RateLimitProperties.Default;

    /// <summary><c>extra</c>: of remote backends, and a text of the user's.</summary>
    public ExtraProperties Extra { get; init; } = ExtraProperties.Default;

    /// <summary><c>features</c>.</summary>
    public BucketFeatures Features { get; init; }

    /// <summary><c>write_policy.md</c>: <c>immediate</c>, <c>delayed</c> or <c>never</c>; kept, and of no meaning here, where metadata is always written with the object.</summary>
    public string MetadataPolicy { get; init; } = "immediate";

    /// <summary><c>access</c>.</summary>
    public AccessBits Access { get; init; } = AccessBits.All;

    /// <summary><c>bid</c>: generation of the bucket, bit 63 set; 0 before it is made.</summary>
    public ulong Bid { get; init; }

    /// <summary><c>created</c>: nanoseconds since 1970 UTC.</summary>
    public long CreatedNs { get; init; }

    /// <summary>
    /// Applies a partial tree to <paramref name="to"/>; only what is given changes. An undefined or null element changes nothing. Refuses
    /// with <see cref="ErrorCode.InvalidProperty"/> and the name of the property that is unknown, read-only, not built, or of a wrong value.
    /// </summary>
    public static Result<BucketProperties> Apply(BucketProperties to, JsonElement patch)
    {
        if (patch.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return to;
        }

        if (patch.ValueKind != JsonValueKind.Object)
        {
            return PropertyValues.Refused("bucket properties must be a JSON object");
        }

        BucketProperties before = to;
        foreach (JsonProperty property in patch.EnumerateObject())
        {
            Result<BucketProperties> applied = property.Name switch
            {
                "checksum" => PropertyValues.ApplySection(to, property, ApplyChecksum),
                "versioning" => PropertyValues.ApplySection(to, property, ApplyVersioning),
                "mirror" => ApplyMirror(to, property),
                "ec" => ApplyEc(to, property),
                "chunks" => ApplyChunks(to, property),
                "lru" => PropertyValues.ApplySection(to.Lru, property, LruProperties.Apply) is var lru && lru.Ok ? to with { Lru = lru.Value } : lru.Error!,
                "rate_limit" => PropertyValues.ApplySection(to.RateLimit, property, RateLimitProperties.Apply) is var limits && limits.Ok ? to with { RateLimit = limits.Value } : limits.Error!,
                "extra" => PropertyValues.ApplySection(to.Extra, property, ExtraProperties.Apply) is var extra && extra.Ok ? to with { Extra = extra.Value } : extra.Error!,
                "write_policy" => PropertyValues.ApplySection(to, property, ApplyWritePolicy),
                "features" => BucketFeatureValues.Read(property.Value) is var features && features.Ok ? to with { Features = features.Value } : features.Error!,
                "backend_bck" => IsNoBucket(property.Value) ? to : PropertyValues.Refused($"property \"backend_bck\" {PropertyValues.NotBuilt}: there are no remote buckets"),
                "durability" => ApplyDurability(to, property.Value),
                "access" => ApplyAccess(to, property.Value),
                "force" => to,
                "provider" or "bid" or "created" or "Renamed" or "name" or "namespace" => PropertyValues.Refused($"property \"{property.Name}\" is read-only"),
                _ => PropertyValues.Refused($"property \"{PropertyValues.Printable(property.Name)}\" {PropertyValues.NotBuilt}"),
            };
            if (!applied.Ok)
            {
                return applied;
            }

            to = applied.Value;
        }

        return before.Mirror != to.Mirror && before.Ec != to.Ec && before.Bid != 0
            ? new Failure(ErrorCode.Busy, "mirror and ec cannot be changed at once: each starts a job over all objects")
            : to;
    }

    /// <summary>The change that makes these the properties of a bucket, as far as they can be changed.</summary>
    public JsonElement ToPatch()
    {
        var bytes = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            WriteJson(writer, "");
        }

        var tree = System.Text.Json.Nodes.JsonNode.Parse(bytes.WrittenSpan)!.AsObject();
        foreach (string fixedName in (ReadOnlySpan<string>)["provider", "bid", "created", "Renamed"])
        {
            tree.Remove(fixedName);
        }

        using JsonDocument document = JsonDocument.Parse(tree.ToJsonString());
        return document.RootElement.Clone();
    }

    /// <summary>These for a bucket that is to be made: what has become of the objects of another one is no part of them.</summary>
    public BucketProperties Fresh() => this with { WasRelaxed = Durability == Durability.Relaxed, WasSpread = Ec.Enabled, Spread = Mirror.Wanted };

    /// <summary>Writes the tree as one JSON object.</summary>
    public void WriteJson(Utf8JsonWriter writer, string provider)
    {
        writer.WriteStartObject();
        writer.WriteString("provider", provider);
        writer.WriteStartObject("backend_bck");
        writer.WriteString("name", "");
        writer.WriteString("provider", "");
        writer.WriteEndObject();
        writer.WriteString("Renamed", "");
        writer.WriteString("bid", Bid.ToString(CultureInfo.InvariantCulture));
        writer.WriteString("created", CreatedNs.ToString(CultureInfo.InvariantCulture));
        writer.WriteStartObject("checksum");
        writer.WriteString("type", Checksum.Name(ChecksumType));
        writer.WriteBoolean("validate_cold_get", false);
        writer.WriteBoolean("validate_warm_get", ValidateWarmGet);
        writer.WriteBoolean("validate_obj_move", false);
        writer.WriteBoolean("enable_read_range", EnableReadRange);
        writer.WriteString("verify", Verify switch { VerifyMode.Never => "never", VerifyMode.Cold => "cold", _ => "always" });
        writer.WriteEndObject();
        writer.WriteStartObject("versioning");
        writer.WriteBoolean("enabled", Versioning);
        writer.WriteBoolean("validate_warm_get", false);
        writer.WriteBoolean("synchronize", false);
        writer.WriteEndObject();
        writer.WritePropertyName("mirror");
        Mirror.WriteJson(writer);
        writer.WritePropertyName("ec");
        Ec.WriteJson(writer);
        writer.WritePropertyName("chunks");
        Chunks.WriteJson(writer);
        writer.WritePropertyName("lru");
        Lru.WriteJson(writer);
        writer.WritePropertyName("rate_limit");
        RateLimit.WriteJson(writer);
        writer.WritePropertyName("extra");
        Extra.WriteJson(writer);
        writer.WriteStartObject("write_policy");
        writer.WriteString("data", "immediate");
        writer.WriteString("md", MetadataPolicy);
        writer.WriteEndObject();
        writer.WriteString("features", ((ulong)Features).ToString(CultureInfo.InvariantCulture));
        writer.WriteString("durability", Durability == Durability.Strict ? "strict" : "relaxed");
        writer.WriteString("access", ((ulong)Access).ToString(CultureInfo.InvariantCulture));
        writer.WriteEndObject();
    }

    private static Result<BucketProperties> ApplyMirror(BucketProperties to, JsonProperty section)
    {
        Result<MirrorProperties> applied = PropertyValues.ApplySection(to.Mirror, section, MirrorProperties.Apply);
        return applied.Ok ? to.With(applied.Value.Settled()) : applied.Error!;
    }

    private BucketProperties With(MirrorProperties mirror) => this with { Mirror = mirror, Spread = Math.Max(Spread, mirror.Wanted) };

    private static Result<BucketProperties> ApplyEc(BucketProperties to, JsonProperty section)
    {
        Result<EcProperties> applied = PropertyValues.ApplySection(to.Ec, section, EcProperties.Apply);
        return applied.Ok ? to with { Ec = applied.Value, WasSpread = to.WasSpread || applied.Value.Enabled } : applied.Error!;
    }

    private static Result<BucketProperties> ApplyChunks(BucketProperties to, JsonProperty section)
    {
        Result<ChunkProperties> applied = PropertyValues.ApplySection(to.Chunks, section, ChunkProperties.Apply);
        applied = applied.Ok ? applied.Value.Checked() : applied;
        return applied.Ok ? to with { Chunks = applied.Value } : applied.Error!;
    }

    private static Result<BucketProperties> ApplyChecksum(BucketProperties to, JsonProperty property)
    {
        switch (property.Name)
        {
            case "type":
                return property.Value.ValueKind == JsonValueKind.String
                    && Checksum.TryParseType(property.Value.GetString()!, out ChecksumType type)
                    ? to with { ChecksumType = type }
                    : PropertyValues.Refused("property \"checksum.type\" must be one of none, xxhash2, xxhash, xxh3, crc32c, crc64nvme, md5, sha256, sha512");
            case "validate_warm_get":
                return PropertyValues.TryBool(property.Value, out bool on)
                    ? to with { ValidateWarmGet = on }
                    : PropertyValues.Refused("property \"checksum.validate_warm_get\" must be true or false");
            case "enable_read_range":
                return PropertyValues.Bool("checksum", property, ofRange => to with { EnableReadRange = ofRange });
            case "verify":
                return (property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString() : null) switch
                {
                    "never" => to with { Verify = VerifyMode.Never },
                    "cold" => to with { Verify = VerifyMode.Cold },
                    "always" => to with { Verify = VerifyMode.Always },
                    _ => PropertyValues.Refused("property \"checksum.verify\" must be never, cold or always"),
                };
            default:
                return PropertyValues.OffOrNotBuilt(to, "checksum", property, "validate_cold_get", "validate_obj_move");
        }
    }

    private static Result<BucketProperties> ApplyVersioning(BucketProperties to, JsonProperty property)
    {
        if (property.Name != "enabled")
        {
            return PropertyValues.OffOrNotBuilt(to, "versioning", property, "validate_warm_get", "synchronize");
        }

        return PropertyValues.TryBool(property.Value, out bool on)
            ? to with { Versioning = on }
            : PropertyValues.Refused("property \"versioning.enabled\" must be true or false");
    }

    private static Result<BucketProperties> ApplyWritePolicy(BucketProperties to, JsonProperty property)
    {
        const string Section = "write_policy";
        return property.Name switch
        {
            "data" => PropertyValues.OneOf(Section, property, _ => to, "immediate", ""),
            "md" => PropertyValues.OneOf(Section, property, policy => to with { MetadataPolicy = policy.Length == 0 ? "immediate" : policy }, "immediate", "delayed", "never", ""),
            _ => PropertyValues.Refused($"property \"{Section}.{PropertyValues.Printable(property.Name)}\" {PropertyValues.NotBuilt}"),
        };
    }

    /// <summary>What clears the link to a remote bucket: nothing, a bucket without a name, or <c>none</c>.</summary>
    private static bool IsNoBucket(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => true,
        JsonValueKind.String => value.GetString() is "" or "none",
        JsonValueKind.Object => !value.TryGetProperty("name", out JsonElement name) || (name.ValueKind == JsonValueKind.String && name.GetString() is ""),
        _ => false,
    };

    private static Result<BucketProperties> ApplyDurability(BucketProperties to, JsonElement value) =>
        value.ValueKind != JsonValueKind.String ? PropertyValues.Refused("property \"durability\" must be \"strict\" or \"relaxed\"") : value.GetString() switch
        {
            "strict" => to with { Durability = Durability.Strict },
            "relaxed" => to with { Durability = Durability.Relaxed, WasRelaxed = true },
            _ => PropertyValues.Refused("property \"durability\" must be \"strict\" or \"relaxed\""),
        };

    private static Result<BucketProperties> ApplyAccess(BucketProperties to, JsonElement value)
    {
        string? text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            _ => null,
        };
        return text switch
        {
            "ro" => to with { Access = AccessBits.ReadOnly },
            "rw" => to with { Access = AccessBits.ReadWrite },
            "su" => to with { Access = AccessBits.All },
            _ when ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong bits) => to with { Access = (AccessBits)bits },
            _ => PropertyValues.Refused("property \"access\" must be ro, rw, su or a decimal mask of access bits"),
        };
    }
}
