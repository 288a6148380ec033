using System.Diagnostics.CodeAnalysis;

namespace Sluice.Contract;

/// <summary>
/// How a client names an object, or a directory of objects: <c>[provider://][@uuid#namespace/]bucket/name</c>. What follows the slash after
/// the bucket is the name as it is: nothing is decoded, trimmed or normalised, so every name can be written.
/// </summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Name">Object name; empty for the bucket as a whole, ending with '/' for a directory.</param>
public sealed record ObjectAddress(BucketAddress Bucket, string Name)
{
    private const string SchemeEnd = "://";

    /// <summary>True when the address stands for many objects: the bucket or a prefix that ends with a slash.</summary>
    public bool IsDirectory => Name.Length == 0 || Name[^1] == '/';

    /// <summary>True when a text is meant as an address rather than as a path: it has a scheme.</summary>
    public static bool HasScheme(string text) => text.Contains(SchemeEnd, StringComparison.Ordinal);

    /// <summary>Reads an address, or says in one sentence what is wrong with it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ObjectAddress? address, [NotNullWhen(false)] out string? problem)
    {
        address = null;
        int schemeEnd = text.IndexOf(SchemeEnd, StringComparison.Ordinal);
        int firstSlash = text.IndexOf('/', StringComparison.Ordinal);
        bool hasScheme = schemeEnd >= 0 && schemeEnd < firstSlash;
        string provider = hasScheme ? text[..schemeEnd] : "";
        string rest = hasScheme ? text[(schemeEnd + SchemeEnd.Length)..] : text;
        string uuid = "";
        string space = "";
        if (hasScheme && provider.Length == 0)
        {
            problem = $"\"{text}\" has no provider before \"://\"";
            return false;
        }

        if (rest.StartsWith('@') || rest.StartsWith('#'))
        {
            int end = rest.IndexOf('/', StringComparison.Ordinal);
            problem = !hasScheme ? $"\"{text}\" has a namespace without a provider"
                : end < 0 ? $"\"{text}\" has a namespace without a bucket"
                : null;
            if (problem is not null)
            {
                return false;
            }

            string both = rest[..end].TrimStart('@');
            int hash = both.IndexOf('#', StringComparison.Ordinal);
            (uuid, space) = hash < 0 ? (both, "") : (both[..hash], both[(hash + 1)..]);
            rest = rest[(end + 1)..];
        }

        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        string bucketName = slash < 0 ? rest : rest[..slash];
        if (!BucketAddress.TryCreate(provider, uuid, space, bucketName, out BucketAddress? bucket, out problem))
        {
            problem = $"\"{text}\": {problem}";
            return false;
        }

        address = new ObjectAddress(bucket, slash < 0 ? "" : rest[(slash + 1)..]);
        return true;
    }

    /// <summary>The address of an object below this directory.</summary>
    public ObjectAddress With(string name) => new(Bucket, name);

    /// <summary>The same address as a directory: its name, unless empty, ends with a slash.</summary>
    public ObjectAddress AsDirectory() => IsDirectory ? this : new ObjectAddress(Bucket, Name + "/");

    /// <summary><c>ais://bucket/name</c>.</summary>
    public override string ToString() => $"{Bucket}/{Name}";
}
