using System.Security.Cryptography;
using Sluice.Native.Codecs;

namespace Sluice.Loader.Content;

/// <summary>
/// A running checksum of the contract's algorithms (contract: objects §1), reused from body to body without allocating where the algorithm
/// allows. One user at a time.
/// </summary>
public abstract class BodyDigest : IDisposable
{
    /// <summary>Hexadecimal digits of the longest checksum, SHA-512.</summary>
    public const int HexMax = 128;

    /// <summary>The algorithms, for sentences.</summary>
    public const string KnownTypes = "xxhash, xxhash2, xxh3, crc32c, md5, sha256, sha512, none";

    /// <summary>True for an algorithm that can be asked for, "none" included.</summary>
    public static bool IsKnown(string type) => type is "none" or "xxhash" or "xxhash2" or "xxh3" or "crc32c" or "md5" or "sha256" or "sha512";

    /// <summary>A digest of nothing yet; null for "none" and for what we cannot compute.</summary>
    public static BodyDigest? TryCreate(string type) => type switch
    {
        "xxhash" or "xxhash2" => new Xx(XxHashStream.New64()),
        "xxh3" => new Xx(XxHashStream.New3()),
        "crc32c" => new Crc(),
        "md5" => new Cryptographic(HashAlgorithmName.MD5),
        "sha256" => new Cryptographic(HashAlgorithmName.SHA256),
        "sha512" => new Cryptographic(HashAlgorithmName.SHA512),
        _ => null,
    };

    /// <summary>Takes more data.</summary>
    public abstract void Append(ReadOnlySpan<byte> data);

    /// <summary>Writes the digest of all that was appended as lower-case hexadecimal, gives its length, and begins anew.</summary>
    /// <param name="into">At least <see cref="HexMax"/> bytes.</param>
    public abstract int Finish(Span<byte> into);

    /// <summary>Forgets what was appended.</summary>
    public abstract void Reset();

    /// <summary>Frees the native state, if there is one.</summary>
    public abstract void Dispose();

    private sealed class Xx(XxHashStream stream) : BodyDigest
    {
        public override void Append(ReadOnlySpan<byte> data) => stream.Append(data);

        public override int Finish(Span<byte> into)
        {
            _ = stream.Digest().TryFormat(into, out int written, "x16");
            stream.Reset();
            return written;
        }

        public override void Reset() => stream.Reset();

        public override void Dispose() => stream.Dispose();
    }

    private sealed class Crc : BodyDigest
    {
        private uint _value;

        public override void Append(ReadOnlySpan<byte> data) => _value = Crc32C.Append(_value, data);

        public override int Finish(Span<byte> into)
        {
            _ = _value.TryFormat(into, out int written, "x8");
            _value = 0;
            return written;
        }

        public override void Reset() => _value = 0;

        public override void Dispose()
        {
            // Nothing but a number.
        }
    }

    private sealed class Cryptographic(HashAlgorithmName name) : BodyDigest
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(name);

        public override void Append(ReadOnlySpan<byte> data) => _hash.AppendData(data);

        public override int Finish(Span<byte> into)
        {
            Span<byte> digest = stackalloc byte[HexMax / 2];
            int count = _hash.GetHashAndReset(digest);
            for (int i = 0; i < count; i++)
            {
                _ = digest[i].TryFormat(into[(2 * i)..], out _, "x2");
            }

            return 2 * count;
        }

        public override void Reset()
        {
            Span<byte> dropped = stackalloc byte[HexMax / 2];
            _ = _hash.GetHashAndReset(dropped);
        }

        public override void Dispose() => _hash.Dispose();
    }
}
