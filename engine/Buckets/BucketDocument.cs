using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Contract;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Buckets;

/// <summary>
/// The bucket metadata (BMD) as it is persisted: every bucket with its properties, the buckets whose removal is not finished, and a version
/// that rises with each change. The newest valid copy of all mountpaths is the truth.
/// </summary>
public sealed class BucketDocument
{
    /// <summary>Name of the document below <c>.sluice/</c> and its kind.</summary>
    public const string Kind = "bmd";

    /// <summary>Rises by one with each change; from 1.</summary>
    [JsonPropertyName("version")]
    public long Version { get; set; }

    /// <summary>Cluster that the buckets belong to.</summary>
    [JsonPropertyName("cluster")]
    public string Cluster { get; set; } = "";

    /// <summary>The buckets.</summary>
    [JsonPropertyName("buckets")]
    public List<BucketRow> Buckets { get; set; } = [];

    /// <summary>Destroyed buckets whose directories may still stand on some mountpath.</summary>
    [JsonPropertyName("destroyed")]
    public List<BucketRow> Destroyed { get; set; } = [];

    /// <summary>What a bucket has when it is made without properties, as a tree of them; absent while that is the built-in.</summary>
    [JsonPropertyName("defaults")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Defaults { get; set; }

    /// <summary>Changes of the defaults so far.</summary>
    [JsonPropertyName("defaults_version")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long DefaultsVersion { get; set; }

    /// <summary>When they were changed last, nanoseconds since 1970 UTC.</summary>
    [JsonPropertyName("defaults_changed")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long DefaultsChangedNs { get; set; }

    /// <summary>The JSON bytes.</summary>
    public byte[] Format() => JsonSerializer.SerializeToUtf8Bytes(this, BucketJson.Default.BucketDocument);

    /// <summary>Reads the JSON bytes; null with a sentence when they are not a bucket document of this version.</summary>
    public static (BucketDocument? Document, string? Problem) Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            BucketDocument? document = JsonSerializer.Deserialize(json, BucketJson.Default.BucketDocument);
            return document is null ? (null, "it is empty")
                : document.Version < 1 ? (null, "it has no version")
                : BucketDefaults.Problem(document) is { } refused ? (null, refused)
                : document.Buckets.Concat(document.Destroyed).Select(row => row is null ? "a row is empty" : row.Problem()).FirstOrDefault(problem => problem is not null) is { } problem
                    ? (null, problem)
                    : (document, null);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second is for half of a surrogate pair in a section of the properties, which nobody notices before its text is read.
            return (null, exception.Message);
        }
    }
}

/// <summary>One bucket in the document.</summary>
public sealed class BucketRow
{
    /// <summary>Provider.</summary>
    [JsonPropertyName("provider")]
    public required string Provider { get; set; }

    /// <summary>Namespace uuid.</summary>
    [JsonPropertyName("uuid")]
    public string Uuid { get; set; } = "";

    /// <summary>Namespace name.</summary>
    [JsonPropertyName("namespace")]
    public string Namespace { get; set; } = "";

    /// <summary>Name.</summary>
    [JsonPropertyName("name")]
    public required string Name { get; set; }

    /// <summary>Where its files lie (<see cref="BucketHome.Uname"/>); absent where its name says it.</summary>
    [JsonPropertyName("home")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Home { get; set; }

    /// <summary>Generation of the bucket.</summary>
    [JsonPropertyName("bid")]
    public required ulong Bid { get; set; }

    /// <summary>When it was made, nanoseconds since 1970 UTC.</summary>
    [JsonPropertyName("created")]
    public required long CreatedNs { get; set; }

    /// <summary>Digest algorithm.</summary>
    [JsonPropertyName("checksum")]
    public required string ChecksumName { get; set; }

    /// <summary>Verify before serving.</summary>
    [JsonPropertyName("validate_warm_get")]
    public required bool ValidateWarmGet { get; set; }

    /// <summary>Which bytes are compared before they are sent.</summary>
    [JsonPropertyName("verify")]
    public VerifyMode Verify { get; set; } = VerifyMode.Cold;

    /// <summary>The digest of a range is that of the range.</summary>
    [JsonPropertyName("enable_read_range")]
    public bool EnableReadRange { get; set; }

    /// <summary>Number the versions.</summary>
    [JsonPropertyName("versioning")]
    public required bool Versioning { get; set; }

    /// <summary>strict or relaxed.</summary>
    [JsonPropertyName("durability")]
    public required Durability Durability { get; set; }

    /// <summary>
    /// True once the bucket has ever been relaxed: its objects are verified after an unclean start even when it is strict by now.
    /// </summary>
    [JsonPropertyName("was_relaxed")]
    public bool WasRelaxed { get; set; }

    /// <summary>True once the bucket has ever had objects with heads on several mountpaths: all are searched.</summary>
    [JsonPropertyName("was_spread")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool WasSpread { get; set; }

    /// <summary>Access mask.</summary>
    [JsonPropertyName("access")]
    public required ulong Access { get; set; }

    /// <summary>The most copies that an object may have; absent for one.</summary>
    [JsonPropertyName("spread")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Spread { get; set; }

    /// <summary>The section of the properties of that name; absent while it is the default.</summary>
    [JsonPropertyName("mirror")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Mirror { get; set; }

    /// <summary>Likewise.</summary>
    [JsonPropertyName("ec")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Ec { get; set; }

    /// <summary>Likewise.</summary>
    [JsonPropertyName("chunks")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Chunks { get; set; }

    /// <summary>Likewise.</summary>
    [JsonPropertyName("lru")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Lru { get; set; }

    /// <summary>Likewise.</summary>
    [JsonPropertyName("rate_limit")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? RateLimit { get; set; }

    /// <summary>Likewise.</summary>
    [JsonPropertyName("extra")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Extra { get; set; }

    /// <summary>Feature flags; absent for none.</summary>
    [JsonPropertyName("features")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ulong Features { get; set; }

    /// <summary>The policy for metadata; absent for <c>immediate</c>.</summary>
    [JsonPropertyName("md_policy")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MetadataPolicy { get; set; }

    /// <summary>The row of a bucket.</summary>
    public static BucketRow From(BucketRecord record) => new()
    {
        Provider = record.Name.Provider,
        Uuid = record.Name.NamespaceUuid,
        Namespace = record.Name.NamespaceName,
        Name = record.Name.Name,
        Home = record.Home == BucketHome.Of(record.Name) ? null : record.Home.Uname,
        Bid = record.Properties.Bid,
        CreatedNs = record.Properties.CreatedNs,
        ChecksumName = Checksum.Name(record.Properties.ChecksumType),
        ValidateWarmGet = record.Properties.ValidateWarmGet,
        Verify = record.Properties.Verify,
        EnableReadRange = record.Properties.EnableReadRange,
        Versioning = record.Properties.Versioning,
        Durability = record.Properties.Durability,
        WasRelaxed = record.Properties.WasRelaxed,
        WasSpread = record.Properties.WasSpread,
        Access = (ulong)record.Properties.Access,
        Spread = record.Properties.Spread == 1 ? null : record.Properties.Spread,
        Mirror = record.Properties.Mirror == MirrorProperties.Default ? null : Section(record.Properties.Mirror.WriteJson),
        Ec = record.Properties.Ec == EcProperties.Default ? null : Section(record.Properties.Ec.WriteJson),
        Lru = record.Properties.Lru == LruProperties.Default ? null : Section(record.Properties.Lru.WriteJson),
        RateLimit = record.Properties.RateLimit == RateLimitProperties.Default ? null : Section(record.Properties.RateLimit.WriteJson),
        Extra = record.Properties.Extra == ExtraProperties.Default ? null : Section(record.Properties.Extra.WriteJson),
        Features = (ulong)record.Properties.Features,
        MetadataPolicy = record.Properties.MetadataPolicy == "immediate" ? null : record.Properties.MetadataPolicy,
        Chunks = record.Properties.Chunks == ChunkProperties.Default ? null : Section(record.Properties.Chunks.WriteJson),
    };

    /// <summary>The bucket of a row that has no <see cref="Problem"/>.</summary>
    public BucketRecord ToRecord()
    {
        bool named = BucketName.TryCreate(Provider, Uuid, Namespace, Name, out BucketName? name, out string? problem);
        Invariant.That(named, problem);
        bool typed = Checksum.TryParseType(ChecksumName, out ChecksumType type);
        Invariant.That(typed, "the row was checked");
        BucketHome? home = null;
        Invariant.That(Home is null || BucketHome.TryParse(Home, out home), "the row was checked");
        var properties = new BucketProperties
        {
            Bid = Bid,
            CreatedNs = CreatedNs,
            ChecksumType = type,
            ValidateWarmGet = ValidateWarmGet,
            Verify = Verify,
            EnableReadRange = EnableReadRange,
            Versioning = Versioning,
            Durability = Durability,
            WasRelaxed = WasRelaxed,
            WasSpread = WasSpread,
            Access = (AccessBits)Access,
            Spread = Spread ?? 1,
            Mirror = MirrorSection().Value,
            Ec = EcSection().Value,
            Chunks = ChunksSection().Value,
            Lru = LruSection().Value,
            RateLimit = RateLimitSection().Value,
            Extra = ExtraSection().Value,
            Features = (BucketFeatures)Features,
            MetadataPolicy = MetadataPolicy ?? "immediate",
        };
        return new BucketRecord(name!, properties) { Home = home ?? BucketHome.Of(name!) };
    }

    /// <summary>What is wrong with the row; null when nothing is.</summary>
    public string? Problem() =>
        Bid == 0 ? $"bucket {Name} has no generation"
        : Home is not null && !BucketHome.TryParse(Home, out _) ? $"bucket {Name} has a home that is none"
        : !Checksum.TryParseType(ChecksumName, out _) ? $"bucket {Name} has an unknown checksum type"
        : !Enum.IsDefined(Durability) || !Enum.IsDefined(Verify) ? $"bucket {Name} has a durability or a verification that is not known"
        : (Features & ~(ulong)BucketFeatures.All) != 0 || MetadataPolicy is not (null or "delayed" or "never") ? $"bucket {Name} has features or a policy that is not known"
        : Spread is < 1 or > MirrorProperties.CopiesMax ? $"bucket {Name} has a spread out of range"
        : (MirrorSection().Error ?? EcSection().Error ?? ChunksSection().Error ?? LruSection().Error ?? RateLimitSection().Error ?? ExtraSection().Error) is { } refused ? $"bucket {Name}: {refused.Message}"
        : BucketName.TryCreate(Provider, Uuid, Namespace, Name, out _, out string? problem) ? null : problem;

    private static JsonElement Section(Action<Utf8JsonWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            write(writer);
        }

        using var document = JsonDocument.Parse(bytes.WrittenMemory);
        return document.RootElement.Clone();
    }

    private Result<MirrorProperties> MirrorSection() => Read(Mirror, MirrorProperties.Default, MirrorProperties.Apply);

    private Result<EcProperties> EcSection() => Read(Ec, EcProperties.Default, EcProperties.Apply);

    private Result<LruProperties> LruSection() => Read(Lru, LruProperties.Default, LruProperties.Apply);

    private Result<RateLimitProperties> RateLimitSection() => Read(RateLimit, RateLimitProperties.Default, RateLimitProperties.Apply);

    private Result<ExtraProperties> ExtraSection() => Read(Extra, ExtraProperties.Default, ExtraProperties.Apply);

    private Result<ChunkProperties> ChunksSection()
    {
        Result<ChunkProperties> read = Read(Chunks, ChunkProperties.Default, ChunkProperties.Apply);
        return read.Ok ? read.Value.Checked() : read;
    }

    private static Result<T> Read<T>(JsonElement? section, T initial, Func<T, JsonProperty, Result<T>> apply) => section switch
    {
        null => initial,
        { ValueKind: JsonValueKind.Object } tree => PropertyValues.ApplyAll(initial, tree, apply),
        _ => PropertyValues.Refused("a section of its properties is no JSON object"),
    };
}

/// <summary>Source-generated JSON of the bucket document. Unknown members are refused: they would be lost with the next change.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(BucketDocument))]
internal sealed partial class BucketJson : JsonSerializerContext;
