using System.Security.Cryptography;

namespace Sluice.Cli.Transfers;

/// <summary>A running digest of the kind that an object's <c>Ais-Checksum-Type</c> names, to hold against its <c>Ais-Checksum-Value</c>.</summary>
public abstract class ContentDigest : IDisposable
{
    /// <summary>The type that an upload carries when its bucket keeps none that this client knows.</summary>
    public const string UploadType = "xxhash2";

    /// <summary>A digest of that type; null for a type that this client cannot compute, and for none.</summary>
    public static ContentDigest? TryCreate(string type) => type switch
    {
        // One family, two names (contract: objects §1).
        "xxhash" or "xxhash2" => new XxHash64Digest(),
        "xxh3" => new XxHash3Digest(),
        "crc32c" => new Crc32CDigest(),
        "crc64nvme" => new Crc64NvmeDigest(),
        "md5" => new CryptographicDigest(HashAlgorithmName.MD5),
        "sha256" => new CryptographicDigest(HashAlgorithmName.SHA256),
        "sha512" => new CryptographicDigest(HashAlgorithmName.SHA512),
        _ => null,
    };

    /// <summary>True when both names mean the same digest.</summary>
    public static bool IsSameType(string one, string other) => Canonical(one) == Canonical(other);

    /// <summary>Takes the next bytes.</summary>
    public abstract void Append(ReadOnlySpan<byte> bytes);

    /// <summary>The digest of all bytes so far, lower-case hexadecimal.</summary>
    public abstract string Value();

    /// <inheritdoc/>
    public abstract void Dispose();

    private static string Canonical(string type) => type == "xxhash" ? UploadType : type;

    private abstract class ManagedDigest : ContentDigest
    {
        public sealed override void Dispose()
        {
        }
    }

    private sealed class XxHash64Digest : ManagedDigest
    {
        private readonly XxHash64 _hash = new();

        public override void Append(ReadOnlySpan<byte> bytes) => _hash.Append(bytes);

        public override string Value() => _hash.Current().ToString("x16");
    }

    private sealed class XxHash3Digest : ManagedDigest
    {
        private readonly XxHash3 _hash = new();

        public override void Append(ReadOnlySpan<byte> bytes) => _hash.Append(bytes);

        public override string Value() => _hash.Current().ToString("x16");
    }

    private sealed class Crc32CDigest : ManagedDigest
    {
        private uint _value;

        public override void Append(ReadOnlySpan<byte> bytes) => _value = CyclicCodes.AppendCrc32C(_value, bytes);

        public override string Value() => _value.ToString("x8");
    }

    private sealed class Crc64NvmeDigest : ManagedDigest
    {
        private ulong _value;

        public override void Append(ReadOnlySpan<byte> bytes) => _value = CyclicCodes.AppendCrc64Nvme(_value, bytes);

        public override string Value() => _value.ToString("x16");
    }

    private sealed class CryptographicDigest(HashAlgorithmName name) : ContentDigest
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(name);

        public override void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

        public override string Value() => Convert.ToHexStringLower(_hash.GetCurrentHash());

        public override void Dispose() => _hash.Dispose();
    }
}
