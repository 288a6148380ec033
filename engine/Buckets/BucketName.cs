using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Sluice.Engine.Buckets;

/// <summary>
/// Identity of a bucket: provider, namespace (uuid of a remote cluster, name) and name (contract: buckets §1). Immutable and validated:
/// a value of this type is always safe to put into a path.
/// </summary>
public sealed record BucketName
{
    /// <summary>Longest bucket or namespace name in bytes.</summary>
    public const int NameBytesMax = 64;

    /// <summary>Longest namespace uuid in bytes.</summary>
    public const int UuidBytesMax = 32;

    private readonly int _hash; // asked for with every request

    private BucketName(string provider, string namespaceUuid, string namespaceName, string name)
    {
        Provider = provider;
        NamespaceUuid = namespaceUuid;
        NamespaceName = namespaceName;
        Name = name;
        UnamePrefix = Encoding.UTF8.GetBytes($"{provider}/@{namespaceUuid}#{namespaceName}/{name}/");
        _hash = HashCode.Combine(provider, namespaceUuid, namespaceName, name);
    }

    /// <summary>Canonical provider: ais, aws, gcp, azure or oci.</summary>
    public string Provider { get; }

    /// <summary>Uuid of the remote cluster; empty for this one.</summary>
    public string NamespaceUuid { get; }

    /// <summary>Name of the namespace; empty for the global one.</summary>
    public string NamespaceName { get; }

    /// <summary>Name within the namespace.</summary>
    public string Name { get; }

    /// <summary><c>provider/@uuid#ns/bucket/</c> as UTF-8: an object's unified name without the object, the text that placement hashes.</summary>
    public ReadOnlyMemory<byte> UnamePrefix { get; }

    /// <summary>True for the global namespace.</summary>
    public bool IsGlobal => NamespaceUuid.Length == 0 && NamespaceName.Length == 0;

    /// <summary>Directory of the bucket below a mountpath: <c>@provider/[@uuid][#ns]/bucket</c>, the middle part absent when global.</summary>
    public string DirectoryPath
    {
        get
        {
            string uuid = NamespaceUuid.Length == 0 ? "" : "@" + NamespaceUuid;
            string space = NamespaceName.Length == 0 ? "" : "#" + NamespaceName;
            return IsGlobal ? $"@{Provider}/{Name}" : $"@{Provider}/{uuid}{space}/{Name}";
        }
    }

    /// <summary>Makes a name from its parts, or says in one sentence what is wrong with them.</summary>
    public static bool TryCreate(
        string provider,
        string namespaceUuid,
        string namespaceName,
        string name,
        [NotNullWhen(true)] out BucketName? bucket,
        [NotNullWhen(false)] out string? problem)
    {
        bucket = null;
        string? canonical = CanonicalProvider(provider);
        problem = canonical is null ? $"invalid backend provider \"{Printable(provider)}\": expecting ais, aws, gcp, azure or oci"
            : NameProblem("bucket", name, mayBeEmpty: false)
            ?? NameProblem("namespace", namespaceName, mayBeEmpty: true)
            ?? UuidProblem(namespaceUuid);
        if (problem is not null)
        {
            return false;
        }

        bucket = new BucketName(canonical!, namespaceUuid, namespaceName, name);
        return true;
    }

    /// <summary>The provider that a name or alias stands for; null when it is none. Empty is ais.</summary>
    public static string? CanonicalProvider(string provider) => provider switch
    {
        "" or "ais" => "ais",
        "aws" or "s3" => "aws",
        "gcp" or "gs" => "gcp",
        "azure" or "az" => "azure",
        "oci" or "oc" => "oci",
        _ => null,
    };

    /// <summary>The provider as URI scheme: ais, s3, gs, az or oc.</summary>
    public static string Scheme(string provider) => provider switch
    {
        "aws" => "s3",
        "gcp" => "gs",
        "azure" => "az",
        "oci" => "oc",
        _ => provider,
    };

    /// <inheritdoc/>
    public bool Equals(BucketName? other) => other is not null && UnamePrefix.Span.SequenceEqual(other.UnamePrefix.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;

    /// <summary>As users write it: <c>ais://bucket</c> or <c>ais://@uuid#ns/bucket</c>.</summary>
    public override string ToString() =>
        IsGlobal ? $"{Scheme(Provider)}://{Name}" : $"{Scheme(Provider)}://@{NamespaceUuid}#{NamespaceName}/{Name}";

    private static string? NameProblem(string what, string name, bool mayBeEmpty)
    {
        if (name.Length == 0)
        {
            return mayBeEmpty ? null : $"{what} name is empty";
        }

        if (name.Length > NameBytesMax)
        {
            return $"{what} name \"{Printable(name)}\" is longer than {NameBytesMax} characters";
        }

        if (name[0] == '.' || name.Contains("..", StringComparison.Ordinal))
        {
            return $"{what} name \"{Printable(name)}\" starts with a dot or contains \"..\"";
        }

        return name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_')
            ? null
            : $"{what} name \"{Printable(name)}\" may contain only letters, digits, dashes, underscores and dots";
    }

    private static string? UuidProblem(string uuid)
    {
        if (uuid.Length == 0)
        {
            return null;
        }

        bool inner = uuid.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
        return uuid.Length <= UuidBytesMax && inner && char.IsAsciiLetterOrDigit(uuid[0]) && char.IsAsciiLetterOrDigit(uuid[^1])
            ? null
            : $"namespace uuid \"{Printable(uuid)}\" must be up to {UuidBytesMax} letters, digits, inner dashes or underscores";
    }

    /// <summary>A client's text made safe to quote in a sentence: short, no control characters.</summary>
    private static string Printable(string text)
    {
        string head = text.Length > NameBytesMax + 1 ? text[..NameBytesMax] + "…" : text;
        return string.Concat(head.Select(c => char.IsControl(c) || c == '"' ? '?' : c));
    }
}
