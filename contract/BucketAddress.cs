using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Sluice.Contract;

/// <summary>
/// How a client names a bucket: <c>[provider://][@uuid#namespace/]bucket</c> (contract: buckets §1). Immutable; a value of this type has
/// a known provider and a name that is safe in a URL path, everything else is the server's to judge.
/// </summary>
public sealed record BucketAddress
{
    /// <summary>Longest bucket or namespace name in bytes.</summary>
    public const int NameBytesMax = 64;

    private static readonly SearchValues<char> s_nameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    private BucketAddress(string provider, string namespaceUuid, string namespaceName, string name)
    {
        Provider = provider;
        NamespaceUuid = namespaceUuid;
        NamespaceName = namespaceName;
        Name = name;
    }

    /// <summary>Canonical provider: ais, aws, gcp, azure or oci.</summary>
    public string Provider { get; }

    /// <summary>Uuid of a remote cluster; empty for the one that is spoken to.</summary>
    public string NamespaceUuid { get; }

    /// <summary>Name of the namespace; empty for the global one.</summary>
    public string NamespaceName { get; }

    /// <summary>Name within the namespace.</summary>
    public string Name { get; }

    /// <summary>True for the global namespace.</summary>
    public bool IsGlobal => NamespaceUuid.Length == 0 && NamespaceName.Length == 0;

    /// <summary>The identity as query parameters, without a leading '?': <c>provider=ais</c>, and the namespace unless it is global.</summary>
    public string Query => IsGlobal
        ? $"provider={Provider}"
        : $"provider={Provider}&namespace={PercentEncoding.Escape($"@{NamespaceUuid}#{NamespaceName}", keepSlash: false)}";

    /// <summary><c>provider/@uuid#ns/bucket/</c>: what a unified name begins with (contract: native API §1).</summary>
    public string UnifiedName => $"{Provider}/@{NamespaceUuid}#{NamespaceName}/{Name}/";

    /// <summary>Writes the identity as a JSON object (contract: buckets §1).</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", Name);
        writer.WriteString("provider", Provider);
        writer.WriteStartObject("namespace");
        writer.WriteString("uuid", NamespaceUuid);
        writer.WriteString("name", NamespaceName);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Makes an address from its parts, or says in one sentence what is wrong with them.</summary>
    public static bool TryCreate(
        string provider,
        string namespaceUuid,
        string namespaceName,
        string name,
        [NotNullWhen(true)] out BucketAddress? address,
        [NotNullWhen(false)] out string? problem)
    {
        string? canonical = provider switch
        {
            "" or "ais" => "ais",
            "aws" or "s3" => "aws",
            "gcp" or "gs" => "gcp",
            "azure" or "az" => "azure",
            "oci" or "oc" => "oci",
            _ => null,
        };
        problem = canonical is null ? $"unknown provider \"{provider}\": expecting ais, s3, gs, az or oc"
            : name.Length == 0 ? "the bucket name is missing"
            : NameProblem("bucket name", name) ?? NameProblem("namespace", namespaceName) ?? NameProblem("namespace uuid", namespaceUuid);
        address = problem is null ? new BucketAddress(canonical!, namespaceUuid, namespaceName, name) : null;
        return address is not null;
    }

    /// <summary>Reads an address; a trailing slash is allowed, an object name is not.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out BucketAddress? address, [NotNullWhen(false)] out string? problem)
    {
        address = null;
        if (!ObjectAddress.TryParse(text, out ObjectAddress? whole, out problem))
        {
            return false;
        }

        if (whole.Name.Length > 0)
        {
            problem = $"\"{text}\" names an object where a bucket is expected";
            return false;
        }

        address = whole.Bucket;
        return true;
    }

    /// <summary><c>ais://bucket</c>, <c>ais://@uuid#ns/bucket</c>, <c>s3://bucket</c>.</summary>
    public override string ToString()
    {
        string scheme = Provider switch
        {
            "aws" => "s3",
            "gcp" => "gs",
            "azure" => "az",
            "oci" => "oc",
            _ => Provider,
        };
        return IsGlobal ? $"{scheme}://{Name}" : $"{scheme}://@{NamespaceUuid}#{NamespaceName}/{Name}";
    }

    private static string? NameProblem(string what, string name) =>
        name.Length > NameBytesMax ? $"the {what} is {name.Length} characters long; the limit is {NameBytesMax}"
        : name.AsSpan().ContainsAnyExcept(s_nameCharacters) ? $"the {what} \"{name}\" may hold only letters, digits, '.', '_' and '-'"
        : name == "." || name.Contains("..", StringComparison.Ordinal) ? $"the {what} \"{name}\" may not be \".\" or contain \"..\""
        : null;
}
