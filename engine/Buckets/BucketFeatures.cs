using System.Globalization;
using System.Text.Json;

namespace Sluice.Engine.Buckets;

/// <summary>The feature flags that a bucket can have (contract: buckets §5). Those that are not named here belong to a cluster, and are dropped.</summary>
[Flags]
public enum BucketFeatures : ulong
{
    /// <summary>None: the default.</summary>
    None = 0,

    /// <summary>Of no meaning here: records are always read.</summary>
    SkipLoadingMetadata = 1UL << 1,

    /// <summary>A PUT is on stable storage before its answer, in a relaxed bucket too.</summary>
    FsyncPut = 1UL << 4,

    /// <summary>Of remote backends, which there are none of yet.</summary>
    PresignedRequest = 1UL << 9,

    /// <summary>Likewise; not with <see cref="StreamingColdGet"/>.</summary>
    DisableColdGet = 1UL << 11,

    /// <summary>Likewise.</summary>
    StreamingColdGet = 1UL << 12,

    /// <summary>Likewise.</summary>
    PathStyle = 1UL << 14,

    /// <summary>Likewise.</summary>
    ListVersions = 1UL << 18,

    /// <summary>Of no meaning here: an upload in parts always lasts over restarts.</summary>
    ResumeUploads = 1UL << 21,

    /// <summary>Of no meaning here: what is not found is counted by itself.</summary>
    CountNotFound = 1UL << 24,

    /// <summary>All that a bucket can have.</summary>
    All = SkipLoadingMetadata | FsyncPut | PresignedRequest | DisableColdGet | StreamingColdGet | PathStyle | ListVersions | ResumeUploads | CountNotFound,
}

/// <summary>Reads and refuses feature flags.</summary>
internal static class BucketFeatureValues
{
    /// <summary>A mask as a number or a decimal text, or <c>none</c>; what a bucket cannot have is dropped.</summary>
    public static Result<BucketFeatures> Read(JsonElement value)
    {
        string? text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            _ => null,
        };
        if (text is "none" or "")
        {
            return BucketFeatures.None;
        }

        if (!ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong mask))
        {
            return PropertyValues.Refused("property \"features\" must be none or a decimal mask of feature flags");
        }

        BucketFeatures kept = (BucketFeatures)mask & BucketFeatures.All;
        return kept.HasFlag(BucketFeatures.DisableColdGet | BucketFeatures.StreamingColdGet)
            ? PropertyValues.Refused("property \"features\": Disable-Cold-GET and Streaming-Cold-GET (2048 and 4096) do not go together")
            : kept;
    }
}
