using System.Text.Json;

namespace Sluice.Engine.Buckets;

/// <summary>What buckets have when they are made without properties: the part of the cluster's configuration that is theirs (contract: buckets §3, native API ext §5). Immutable.</summary>
/// <param name="Properties">In force; without identity.</param>
/// <param name="Kept">What the next start has: without changes that were to last until then.</param>
/// <param name="Version">Changes so far.</param>
/// <param name="ChangedNs">When it was changed last, nanoseconds since 1970 UTC; 0 for never.</param>
public sealed record BucketDefaults(BucketProperties Properties, BucketProperties Kept, long Version, long ChangedNs)
{
    private static readonly string[] s_ofOneBucket = ["access", "extra", "backend_bck", "force"];

    /// <summary>Nothing was changed.</summary>
    public static BucketDefaults BuiltIn { get; } = new(BucketProperties.Default, BucketProperties.Default, 0, 0);

    /// <summary>Those of a document without a <see cref="Problem"/>.</summary>
    public static BucketDefaults Of(BucketDocument document)
    {
        BucketProperties kept = Read(document).Value;
        return new BucketDefaults(kept, kept, document.DefaultsVersion, document.DefaultsChangedNs);
    }

    /// <summary>What is wrong with those of a document; null when nothing is.</summary>
    public static string? Problem(BucketDocument document) => Read(document).Error is { } refused ? $"the defaults: {refused.Message}" : null;

    /// <summary>After a change by a partial tree of properties, or back to the built-in when it is undefined.</summary>
    internal Result<BucketDefaults> Apply(JsonElement patch, bool isTransient, long nowNs)
    {
        if (patch.ValueKind == JsonValueKind.Undefined)
        {
            return isTransient ? this with { Properties = BucketProperties.Default } : BuiltIn with { Version = Version + 1, ChangedNs = nowNs };
        }

        if (patch.ValueKind == JsonValueKind.Object && s_ofOneBucket.FirstOrDefault(name => patch.TryGetProperty(name, out _)) is { } name)
        {
            return PropertyValues.Refused($"\"{name}\" is a property of one bucket, not of the cluster's configuration");
        }

        Result<BucketProperties> properties = BucketProperties.Apply(Properties, patch);
        Result<BucketProperties> kept = isTransient ? Kept : BucketProperties.Apply(Kept, patch);
        return !properties.Ok ? properties.Error! : !kept.Ok ? kept.Error!
            : new BucketDefaults(properties.Value.Fresh(), kept.Value.Fresh(), Version + (isTransient ? 0 : 1), nowNs);
    }

    private static Result<BucketProperties> Read(BucketDocument document)
    {
        Result<BucketProperties> read = document.Defaults is { } tree ? BucketProperties.Apply(BucketProperties.Default, tree) : BucketProperties.Default;
        return read.Ok ? read.Value.Fresh() : read;
    }
}
