using System.Security.Cryptography;

namespace Sluice.Cli.Transfers;

/// <summary>A running digest of the kind that an object's <c>Ais-Checksum-Type</c> names, to hold against its <c>Ais-Checksum-Value</c>.</summary>
public sealed class ContentDigest : IDisposable
{
    /// <summary>The type that uploads carry.</summary>
    public const string UploadType = "xxhash2";

    private readonly XxHash64? _xxHash;
    private readonly IncrementalHash? _cryptographic;

    private ContentDigest(XxHash64? xxHash, IncrementalHash? cryptographic)
    {
        _xxHash = xxHash;
        _cryptographic = cryptographic;
    }

    /// <summary>A digest of that type; null for a type that this client cannot compute.</summary>
    public static ContentDigest? TryCreate(string type) => type switch
    {
        // One family, two names (contract: objects §1).
        "xxhash" or "xxhash2" => new ContentDigest(new XxHash64(), null),
        "md5" => new ContentDigest(null, IncrementalHash.CreateHash(HashAlgorithmName.MD5)),
        "sha256" => new ContentDigest(null, IncrementalHash.CreateHash(HashAlgorithmName.SHA256)),
        "sha512" => new ContentDigest(null, IncrementalHash.CreateHash(HashAlgorithmName.SHA512)),
        _ => null,
    };

    /// <summary>Takes the next bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        _xxHash?.Append(bytes);
        _cryptographic?.AppendData(bytes);
    }

    /// <summary>The digest of all bytes so far, lower-case hexadecimal.</summary>
    public string Value() =>
        _xxHash is not null ? _xxHash.Current().ToString("x16") : Convert.ToHexStringLower(_cryptographic!.GetCurrentHash());

    /// <inheritdoc/>
    public void Dispose() => _cryptographic?.Dispose();
}
