using System.Globalization;

namespace Sluice.Cli.Transfers;

/// <summary>The digest of a whole, from those of its parts in their order. The two cyclic codes have that property, other digests have not.</summary>
internal sealed class CombinedDigest
{
    private readonly bool _isCrc64;
    private ulong _value;

    private CombinedDigest(bool isCrc64)
    {
        _isCrc64 = isCrc64;
    }

    /// <summary>The type of which the parts of an object in a bucket of that type are (docs/decisions/0015-chunked-objects.md).</summary>
    public static string PartTypeOf(string bucketType) => bucketType == "crc64nvme" ? bucketType : "crc32c";

    /// <summary>A combination of that type; null when there is none.</summary>
    public static CombinedDigest? TryCreate(string type) => type is "crc32c" or "crc64nvme" ? new CombinedDigest(type == "crc64nvme") : null;

    /// <summary>Takes the digest of the next part, in hexadecimal, and its length.</summary>
    public void Append(string value, long sizeBytes)
    {
        ulong next = ulong.Parse(value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        _value = _isCrc64 ? CyclicCodes.CombineCrc64Nvme(_value, next, sizeBytes) : CyclicCodes.CombineCrc32C((uint)_value, (uint)next, sizeBytes);
    }

    /// <summary>The digest of all so far, lower-case hexadecimal.</summary>
    public string Value() => _value.ToString(_isCrc64 ? "x16" : "x8", CultureInfo.InvariantCulture);
}
