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

/// <summary>Access bits of a bucket (contract: buckets §4).</summary>
[Flags]
public enum AccessBits : ulong
{
    /// <summary>Nothing is allowed.</summary>
    None = 0,

    /// <summary>GET of an object.</summary>
    GetObject = 1 << 0,

    /// <summary>HEAD of an object.</summary>
    HeadObject = 1 << 1,

    /// <summary>PUT of an object.</summary>
    PutObject = 1 << 2,

    /// <summary>Append to an object.</summary>
    Append = 1 << 3,

    /// <summary>DELETE of an object.</summary>
    DeleteObject = 1 << 4,

    /// <summary>Rename of an object.</summary>
    MoveObject = 1 << 5,

    /// <summary>Promote files to objects.</summary>
    Promote = 1 << 6,

    /// <summary>Change of custom metadata.</summary>
    UpdateObject = 1 << 7,

    /// <summary>HEAD of the bucket.</summary>
    HeadBucket = 1 << 8,

    /// <summary>Listing of its objects.</summary>
    ListObjects = 1 << 9,

    /// <summary>Change of its properties.</summary>
    PatchBucket = 1 << 10,

    /// <summary>Change of its access.</summary>
    SetBucketAcl = 1 << 11,

    /// <summary>Listing of buckets.</summary>
    ListBuckets = 1 << 12,

    /// <summary>A look at the cluster.</summary>
    ShowCluster = 1 << 13,

    /// <summary>Making a bucket.</summary>
    CreateBucket = 1 << 14,

    /// <summary>Destroying it.</summary>
    DestroyBucket = 1 << 15,

    /// <summary>Renaming it.</summary>
    MoveBucket = 1 << 16,

    /// <summary>Administration.</summary>
    Admin = 1 << 17,

    /// <summary>Read-only: <c>ro</c>.</summary>
    ReadOnly = GetObject | HeadObject | HeadBucket | ListObjects,

    /// <summary>Read and write: <c>rw</c>.</summary>
    ReadWrite = ReadOnly | PutObject | Append | DeleteObject | MoveObject,

    /// <summary>Everything, present and future: <c>su</c>, the default.</summary>
    All = ulong.MaxValue,
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
                "durability" => ApplyDurability(to, property.Value),
                "access" => ApplyAccess(to, property.Value),
                "force" => to,
                "provider" or "bid" or "created" or "name" or "namespace" => PropertyValues.Refused($"property \"{property.Name}\" is read-only"),
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

    /// <summary>The change that makes everything the default again that can be changed.</summary>
    public static JsonElement ResetPatch()
    {
        var bytes = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            Default.WriteJson(writer, "");
        }

        var tree = System.Text.Json.Nodes.JsonNode.Parse(bytes.WrittenSpan)!.AsObject();
        foreach (string fixedName in (ReadOnlySpan<string>)["provider", "bid", "created"])
        {
            tree.Remove(fixedName);
        }

        using JsonDocument document = JsonDocument.Parse(tree.ToJsonString());
        return document.RootElement.Clone();
    }

    /// <summary>Writes the tree as one JSON object.</summary>
    public void WriteJson(Utf8JsonWriter writer, string provider)
    {
        writer.WriteStartObject();
        writer.WriteString("provider", provider);
        writer.WriteString("bid", Bid.ToString(CultureInfo.InvariantCulture));
        writer.WriteString("created", CreatedNs.ToString(CultureInfo.InvariantCulture));
        writer.WriteStartObject("checksum");
        writer.WriteString("type", Checksum.Name(ChecksumType));
        writer.WriteBoolean("validate_warm_get", ValidateWarmGet);
        writer.WriteBoolean("enable_read_range", EnableReadRange);
        writer.WriteString("verify", Verify switch { VerifyMode.Never => "never", VerifyMode.Cold => "cold", _ => "always" });
        writer.WriteEndObject();
        writer.WriteStartObject("versioning");
        writer.WriteBoolean("enabled", Versioning);
        writer.WriteEndObject();
        writer.WritePropertyName("mirror");
        Mirror.WriteJson(writer);
        writer.WritePropertyName("ec");
        Ec.WriteJson(writer);
        writer.WritePropertyName("chunks");
        Chunks.WriteJson(writer);
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
