using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Extensions.ObjectPool;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Objects;

/// <summary>
/// A running digest of one of the contract's algorithms. Rented, used by one, returned by disposing; the native states behind it are
/// pooled.
/// </summary>
public abstract class Digest : IDisposable
{
    /// <summary>Algorithm.</summary>
    public abstract ChecksumType Type { get; }

    /// <summary>A digest of nothing yet.</summary>
    public static Digest Rent(ChecksumType type) => type switch
    {
        ChecksumType.None => NoDigest.Instance,
        ChecksumType.XxHash2 => XxHashDigest.Rent64(),
        ChecksumType.Xxh3 => XxHashDigest.Rent3(),
        ChecksumType.Crc32C => new Crc32CDigest(),
        ChecksumType.Crc64Nvme => new Crc64Digest(),
        ChecksumType.Md5 => new CryptographicDigest(type, HashAlgorithmName.MD5),
        ChecksumType.Sha256 => new CryptographicDigest(type, HashAlgorithmName.SHA256),
        ChecksumType.Sha512 => new CryptographicDigest(type, HashAlgorithmName.SHA512),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a digest algorithm"),
    };

    /// <summary>Digest of a span.</summary>
    public static Checksum Of(ChecksumType type, ReadOnlySpan<byte> data)
    {
        using Digest digest = Rent(type);
        digest.Append(data);
        return digest.Finish();
    }

    /// <summary>Takes more data.</summary>
    public abstract void Append(ReadOnlySpan<byte> data);

    /// <summary>The digest of all that was appended; nothing may follow.</summary>
    public abstract Checksum Finish();

    /// <inheritdoc/>
    public abstract void Dispose();

    private static Checksum Made(ChecksumType type, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return new Checksum(type, bytes);
    }

    private sealed class NoDigest : Digest
    {
        public static readonly NoDigest Instance = new();

        public override ChecksumType Type => ChecksumType.None;

        public override void Append(ReadOnlySpan<byte> data)
        {
        }

        public override Checksum Finish() => Checksum.None;

        public override void Dispose()
        {
        }
    }

    private sealed class XxHashDigest(ChecksumType type, XxHashStream stream) : Digest
    {
        private const int PooledMax = 256;
        private static readonly ObjectPool<XxHashDigest> s_64 =
            new DefaultObjectPool<XxHashDigest>(new Policy(() => new XxHashDigest(ChecksumType.XxHash2, XxHashStream.New64())), PooledMax);

        private static readonly ObjectPool<XxHashDigest> s_3 =
            new DefaultObjectPool<XxHashDigest>(new Policy(() => new XxHashDigest(ChecksumType.Xxh3, XxHashStream.New3())), PooledMax);

        private bool _isRented;

        public override ChecksumType Type => type;

        public static XxHashDigest Rent64() => Rent(s_64);

        public static XxHashDigest Rent3() => Rent(s_3);

        public override void Append(ReadOnlySpan<byte> data) => stream.Append(data);

        public override Checksum Finish() => Made(type, stream.Digest());

        public override void Dispose()
        {
            if (Interlocked.Exchange(ref _isRented, false))
            {
                (type == ChecksumType.XxHash2 ? s_64 : s_3).Return(this);
            }
        }

        private static XxHashDigest Rent(ObjectPool<XxHashDigest> pool)
        {
            XxHashDigest digest = pool.Get();
            digest._isRented = true;
            return digest;
        }

        private sealed class Policy(Func<XxHashDigest> make) : PooledObjectPolicy<XxHashDigest>
        {
            public override XxHashDigest Create() => make();

            public override bool Return(XxHashDigest obj)
            {
                obj.Reset();
                return true;
            }
        }

        private void Reset() => stream.Reset();
    }

    private sealed class Crc32CDigest : Digest
    {
        private uint _value;

        public override ChecksumType Type => ChecksumType.Crc32C;

        public override void Append(ReadOnlySpan<byte> data) => _value = Crc32C.Append(_value, data);

        public override Checksum Finish()
        {
            Span<byte> bytes = stackalloc byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, _value);
            return new Checksum(ChecksumType.Crc32C, bytes);
        }

        public override void Dispose()
        {
        }
    }

    private sealed class Crc64Digest : Digest
    {
        private ulong _value;

        public override ChecksumType Type => ChecksumType.Crc64Nvme;

        public override void Append(ReadOnlySpan<byte> data) => _value = Crc64Nvme.Append(_value, data);

        public override Checksum Finish() => Made(ChecksumType.Crc64Nvme, _value);

        public override void Dispose()
        {
        }
    }

    private sealed class CryptographicDigest(ChecksumType type, HashAlgorithmName name) : Digest
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(name);

        public override ChecksumType Type => type;

        public override void Append(ReadOnlySpan<byte> data) => _hash.AppendData(data);

        public override Checksum Finish()
        {
            Span<byte> bytes = stackalloc byte[Checksum.BytesMax];
            return new Checksum(type, bytes[.._hash.GetHashAndReset(bytes)]);
        }

        public override void Dispose() => _hash.Dispose();
    }
}
