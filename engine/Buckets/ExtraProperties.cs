using System.Text.Json;
using Sluice.Contract;

namespace Sluice.Engine.Buckets;

/// <summary>
/// The section <c>extra</c> of a bucket's properties: how a remote backend is reached, and a text of the user's own (contract: buckets §3). There are no remote backends yet: the first is
/// kept and used by nobody.
/// </summary>
public sealed record ExtraProperties
{
    private const int TextMax = 128, RegionMax = 64, EndpointMax = 1024, PathMax = 4096, PageMax = 10_000;
    private const long PartMin = 5 << 20, PartMax = 5L << 30;

    /// <summary>What a bucket has when nothing is said.</summary>
    public static ExtraProperties Default { get; } = new();

    /// <summary><c>extra.aws.cloud_region</c>.</summary>
    public string AwsRegion { get; init; } = "";

    /// <summary><c>extra.aws.endpoint</c>: an http or https address.</summary>
    public string AwsEndpoint { get; init; } = "";

    /// <summary><c>extra.aws.profile</c>.</summary>
    public string AwsProfile { get; init; } = "";

    /// <summary><c>extra.aws.max_pagesize</c>: 0 to 10,000; 0 for the backend's own.</summary>
    public int AwsPageSizeMax { get; init; }

    /// <summary><c>extra.aws.multipart_size</c>: bytes of a part, 5 MiB to 5 GiB; 0 for the backend's own, -1 for never.</summary>
    public long AwsPartBytes { get; init; }

    /// <summary><c>extra.gcp.application_creds</c>: an absolute path.</summary>
    public string GcpCredentials { get; init; } = "";

    /// <summary><c>extra.oci.region</c>.</summary>
    public string OciRegion { get; init; } = "";

    /// <summary><c>extra.custom</c>: what the user likes, up to 128 characters.</summary>
    public string Custom { get; init; } = "";

    /// <summary>Applies one property of the section.</summary>
    internal static Result<ExtraProperties> Apply(ExtraProperties to, JsonProperty property) => property.Name switch
    {
        "aws" => PropertyValues.ApplySection(to, property, ApplyAws),
        "gcp" => PropertyValues.ApplySection(to, property, ApplyGcp),
        "oci" => PropertyValues.ApplySection(to, property, ApplyOci),
        "custom" => PropertyValues.Text("extra", property, TextMax, $"a text of up to {TextMax} characters, none of them a control character", static _ => true, text => to with { Custom = text }),
        _ => Unknown("extra", property),
    };

    /// <summary>Writes the section.</summary>
    internal void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("aws");
        writer.WriteString("cloud_region", AwsRegion);
        writer.WriteString("endpoint", AwsEndpoint);
        writer.WriteString("profile", AwsProfile);
        writer.WriteNumber("max_pagesize", AwsPageSizeMax);
        writer.WriteNumber("multipart_size", AwsPartBytes);
        writer.WriteEndObject();
        writer.WriteStartObject("gcp");
        writer.WriteString("application_creds", GcpCredentials);
        writer.WriteEndObject();
        writer.WriteStartObject("oci");
        writer.WriteString("region", OciRegion);
        writer.WriteEndObject();
        writer.WriteString("custom", Custom);
        writer.WriteEndObject();
    }

    private static Result<ExtraProperties> ApplyAws(ExtraProperties to, JsonProperty property)
    {
        const string Section = "extra.aws";
        return property.Name switch
        {
            "cloud_region" => Name(Section, property, text => to with { AwsRegion = text }),
            "endpoint" => PropertyValues.Text(Section, property, EndpointMax, "an address such as https://HOST:PORT", IsAddress, text => to with { AwsEndpoint = text }),
            "profile" => Name(Section, property, text => to with { AwsProfile = text }),
            "max_pagesize" => PropertyValues.Integer(Section, property, 0, PageMax, entries => to with { AwsPageSizeMax = (int)entries }),
            "multipart_size" => PropertyValues.TryInteger(property.Value, out long bytes) && bytes is -1 or 0 or (>= PartMin and <= PartMax)
                ? to with { AwsPartBytes = bytes }
                : PropertyValues.Refused("property \"extra.aws.multipart_size\" must be -1, 0, or a size from 5MiB to 5GiB"),
            _ => Unknown(Section, property),
        };
    }

    private static Result<ExtraProperties> ApplyGcp(ExtraProperties to, JsonProperty property) => property.Name == "application_creds"
        ? PropertyValues.Text("extra.gcp", property, PathMax, "the absolute path of a file", IsCleanPath, text => to with { GcpCredentials = text })
        : Unknown("extra.gcp", property);

    private static Result<ExtraProperties> ApplyOci(ExtraProperties to, JsonProperty property) =>
        property.Name == "region" ? Name("extra.oci", property, text => to with { OciRegion = text }) : Unknown("extra.oci", property);

    private static Result<ExtraProperties> Name(string section, JsonProperty property, Func<string, ExtraProperties> with) =>
        PropertyValues.Text(section, property, RegionMax, $"a text of up to {RegionMax} characters", static _ => true, with);

    private static Failure Unknown(string section, JsonProperty property) =>
        PropertyValues.Refused($"property \"{section}.{PropertyValues.Printable(property.Name)}\" {PropertyValues.NotBuilt}");

    private static bool IsAddress(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https" && address.Host.Length > 0;

    private static bool IsCleanPath(string text) => Path.IsPathRooted(text) && Path.GetFullPath(text) == text;
}
