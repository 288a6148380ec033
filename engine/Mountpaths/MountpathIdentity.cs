using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Engine.Io;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// Who a mountpath is: persisted in <c>.sluice/identity</c> on each of them, so that an empty, swapped or foreign path is noticed before
/// anything is served or written.
/// </summary>
public sealed class MountpathIdentity
{
    /// <summary>Name and kind of the document.</summary>
    public const string Kind = "identity";

    /// <summary>Version of the on-disk format that the mountpath holds.</summary>
    public const int FormatVersion = 1;

    /// <summary>Format version.</summary>
    [JsonPropertyName("format")]
    public required int Format { get; set; }

    /// <summary>Identity of this mountpath.</summary>
    [JsonPropertyName("uuid")]
    public required string Uuid { get; set; }

    /// <summary>Identity of the cluster: at least 9 characters, the first a letter.</summary>
    [JsonPropertyName("cluster")]
    public required string Cluster { get; set; }

    /// <summary>Identity of the node: at least 8 characters.</summary>
    [JsonPropertyName("node")]
    public required string Node { get; set; }

    /// <summary>When the cluster was made.</summary>
    [JsonPropertyName("created")]
    public required DateTimeOffset Created { get; set; }

    /// <summary>Rises with each change of the set of mountpaths, from 1.</summary>
    [JsonPropertyName("map_version")]
    public required long MapVersion { get; set; }

    /// <summary>The set was changed since objects were placed: they may lie elsewhere than on their first mountpath.</summary>
    [JsonPropertyName("misplaced_possible")]
    public bool MisplacedPossible { get; set; }

    /// <summary>
    /// Written before the set is complete, cleared after: a mountpath that is still forming and that no other one knows is as good as new.
    /// </summary>
    [JsonPropertyName("forming")]
    public bool Forming { get; set; }

    /// <summary>All mountpaths of the set, this one too.</summary>
    [JsonPropertyName("siblings")]
    public required List<MountpathSibling> Siblings { get; set; }

    /// <summary>The same set as the mountpath <paramref name="uuid"/> has it.</summary>
    internal MountpathIdentity For(string uuid, bool forming = false) => new()
    {
        Format = Format,
        Uuid = uuid,
        Cluster = Cluster,
        Node = Node,
        Created = Created,
        MapVersion = MapVersion,
        MisplacedPossible = MisplacedPossible,
        Forming = forming,
        Siblings = Siblings,
    };

    /// <summary>The JSON bytes.</summary>
    public byte[] Format1() => JsonSerializer.SerializeToUtf8Bytes(this, MountpathJson.Default.MountpathIdentity);

    /// <summary>The identity in a system directory; null without a problem when there is none, with a sentence when it cannot be used.</summary>
    public static async ValueTask<(MountpathIdentity? Identity, string? Problem)> ReadAsync(IFileIo io, FileHandle system)
    {
        (ReadOnlyMemory<byte>? json, string? problem) = await DocumentFiles.ReadAsync(io, system, Kind);
        return json is { } bytes ? Parse(bytes.Span) : (null, problem);
    }

    /// <summary>Reads the JSON bytes; null with a sentence when they are not an identity.</summary>
    public static (MountpathIdentity? Identity, string? Problem) Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            MountpathIdentity? identity = JsonSerializer.Deserialize(json, MountpathJson.Default.MountpathIdentity);
            return identity is null ? (null, "it is empty")
                : identity.Format != FormatVersion ? (null, $"its on-disk format is {identity.Format}; this version knows {FormatVersion}")
                : identity.Siblings.Exists(sibling => sibling is null) ? (null, "a sibling is empty")
                : (identity, null);
        }
        catch (JsonException exception)
        {
            return (null, exception.Message);
        }
    }
}

/// <summary>A mountpath of the set: who it is and where it was last.</summary>
public sealed class MountpathSibling
{
    /// <summary>Identity.</summary>
    [JsonPropertyName("uuid")]
    public required string Uuid { get; set; }

    /// <summary>Path when it was last attached.</summary>
    [JsonPropertyName("path")]
    public required string Path { get; set; }

    /// <summary>Why it is out of service; absent when it is to serve.</summary>
    [JsonPropertyName("out")]
    public string? Out { get; set; }

    /// <summary>
    /// It left with objects on it, or was not there at a start: while it is away overwrites and deletes leave tombstones, and when it comes
    /// back it serves nothing until it has been compared with them.
    /// </summary>
    [JsonPropertyName("stale")]
    public bool Stale { get; set; }

    /// <summary>Attached while the server ran: it is opened at the next start though nobody gives its path.</summary>
    [JsonPropertyName("attached_later")]
    public bool AttachedLater { get; set; }

    /// <summary>A copy that can be changed.</summary>
    internal MountpathSibling Copy() => (MountpathSibling)MemberwiseClone();
}

/// <summary>Why a mountpath of the set is out of service: values of <see cref="MountpathSibling.Out"/>.</summary>
public static class OutOfService
{
    /// <summary>An operator said so.</summary>
    public const string ByOperator = "disabled";

    /// <summary>It failed the tests of its health (the contract's flag).</summary>
    public const string ByHealth = "disabled-by-FSHC";
}

/// <summary>How a mountpath was left: persisted in <c>.sluice/state</c>.</summary>
public sealed class MountpathState
{
    /// <summary>Name and kind of the document.</summary>
    public const string Kind = "state";

    /// <summary>True after an orderly stop; false while an engine runs, and so after a crash.</summary>
    [JsonPropertyName("clean")]
    public required bool Clean { get; set; }

    /// <summary>Every object of this generation or an older one is on stable storage.</summary>
    [JsonPropertyName("flushed_generation")]
    public required ulong FlushedGeneration { get; set; }

    /// <summary>Who runs, or ran last, keeps indexes of names: their marks can be trusted. Absent: marks may speak of what somebody else has changed since.</summary>
    [JsonPropertyName("keeps_names")]
    public bool? KeepsNames { get; set; }

    /// <summary>The JSON bytes.</summary>
    public byte[] Format() => JsonSerializer.SerializeToUtf8Bytes(this, MountpathJson.Default.MountpathState);

    /// <summary>Reads the JSON bytes; null when they are not a state.</summary>
    public static MountpathState? Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, MountpathJson.Default.MountpathState);
        }
        catch (JsonException)
        {
            return null; // the caller treats it as an unclean stop with nothing flushed, which verifies everything
        }
    }
}

/// <summary>Source-generated JSON of the mountpaths' documents.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    RespectNullableAnnotations = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MountpathIdentity))]
[JsonSerializable(typeof(MountpathState))]
internal sealed partial class MountpathJson : JsonSerializerContext;
