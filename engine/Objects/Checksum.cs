using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Sluice.Engine.Objects;

/// <summary>Digest algorithms. The values are persisted (docs/ON_DISK.md) and may only grow.</summary>
public enum ChecksumType : byte
{
    /// <summary>No digest.</summary>
    None = 0,

    /// <summary>64-bit xxHash, seed 0; the wire names <c>xxhash2</c> and <c>xxhash</c> both mean it.</summary>
    XxHash2 = 1,

    /// <summary>XXH3, 64 bits.</summary>
    Xxh3 = 2,

    /// <summary>CRC-32C (Castagnoli).</summary>
    Crc32C = 3,

    /// <summary>MD5.</summary>
    Md5 = 4,

    /// <summary>SHA-256.</summary>
    Sha256 = 5,

    /// <summary>SHA-512.</summary>
    Sha512 = 6,

    /// <summary>CRC-64/NVMe.</summary>
    Crc64Nvme = 7,
}

/// <summary>
/// A finished digest: algorithm and value, most significant byte first, as the hexadecimal text of the wire reads. Immutable. Values of up to eight
/// bytes, which are those of the algorithms that a data path can afford, lie in it and need no array.
/// </summary>
public readonly struct Checksum : IEquatable<Checksum>
{
    /// <summary>Bytes of the longest digest.</summary>
    public const int BytesMax = 64;

    private static readonly SearchValues<char> s_hexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    private readonly ulong _short; // the bytes as they lie in memory
    private readonly byte[]? _long;

    /// <summary>Copies <paramref name="value"/>, whose length must be that of <paramref name="type"/>.</summary>
    public Checksum(ChecksumType type, ReadOnlySpan<byte> value)
    {
        Invariant.That(value.Length == SizeBytes(type), "a digest has the length of its type");
        Type = type;
        if (value.Length > sizeof(ulong))
        {
            _long = value.ToArray();
        }
        else
        {
            value.CopyTo(MemoryMarshal.AsBytes(new Span<ulong>(ref _short)));
        }
    }

    /// <summary>No digest.</summary>
    public static Checksum None => default;

    /// <summary>Algorithm.</summary>
    public ChecksumType Type { get; }

    /// <summary>Value; empty for <see cref="ChecksumType.None"/>.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Value => _long ?? MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in _short))[..SizeBytes(Type)];

    /// <summary>Lower-case hexadecimal text; empty for <see cref="ChecksumType.None"/>.</summary>
    public string Hex => Convert.ToHexStringLower(Value);

    /// <summary>True for the algorithms of this version; what is read from a disk may be of a later one.</summary>
    public static bool IsKnown(ChecksumType type) => type <= ChecksumType.Crc64Nvme;

    /// <summary>Bytes that a digest of <paramref name="type"/> has.</summary>
    public static int SizeBytes(ChecksumType type) => type switch
    {
        ChecksumType.None => 0,
        ChecksumType.Crc32C => 4,
        ChecksumType.XxHash2 or ChecksumType.Xxh3 or ChecksumType.Crc64Nvme => 8,
        ChecksumType.Md5 => 16,
        ChecksumType.Sha256 => 32,
        ChecksumType.Sha512 => 64,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a digest algorithm"),
    };

    /// <summary>Name on the wire and in bucket properties.</summary>
    public static string Name(ChecksumType type) => type switch
    {
        ChecksumType.None => "none",
        ChecksumType.XxHash2 => "xxhash2",
        ChecksumType.Xxh3 => "xxh3",
        ChecksumType.Crc32C => "crc32c",
        ChecksumType.Md5 => "md5",
        ChecksumType.Sha256 => "sha256",
        ChecksumType.Sha512 => "sha512",
        ChecksumType.Crc64Nvme => "crc64nvme",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a digest algorithm"),
    };

    /// <summary>The algorithm of that name; <c>xxhash</c> is accepted for <c>xxhash2</c>.</summary>
    public static bool TryParseType(string name, out ChecksumType type)
    {
        ChecksumType? found = name switch
        {
            "none" => ChecksumType.None,
            "xxhash2" or "xxhash" => ChecksumType.XxHash2,
            "xxh3" => ChecksumType.Xxh3,
            "crc32c" => ChecksumType.Crc32C,
            "md5" => ChecksumType.Md5,
            "sha256" => ChecksumType.Sha256,
            "sha512" => ChecksumType.Sha512,
            "crc64nvme" => ChecksumType.Crc64Nvme,
            _ => null,
        };
        type = found ?? ChecksumType.None;
        return found is not null;
    }

    /// <summary>Reads the pair of wire texts; says in one sentence what is wrong with them.</summary>
    public static bool TryParse(string type, string hex, out Checksum checksum, [NotNullWhen(false)] out string? problem)
    {
        checksum = default;
        if (!TryParseType(type, out ChecksumType parsed))
        {
            problem = "unknown checksum type: expecting none, xxhash2, xxhash, xxh3, crc32c, crc64nvme, md5, sha256 or sha512";
            return false;
        }

        Span<byte> value = stackalloc byte[BytesMax];
        value = value[..SizeBytes(parsed)];
        if (hex.Length != 2 * value.Length || hex.AsSpan().ContainsAnyExcept(s_hexDigits))
        {
            problem = $"a {Name(parsed)} checksum has {2 * value.Length} hexadecimal digits";
            return false;
        }

        problem = null;
        Convert.FromHexString(hex, value, out _, out _);
        checksum = new Checksum(parsed, value);
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(Checksum other) => Type == other.Type && Value.SequenceEqual(other.Value);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Checksum other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Type);
        hash.AddBytes(Value);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name(Type)}:{Hex}";

    /// <summary>True when algorithm and value are the same.</summary>
    public static bool operator ==(Checksum left, Checksum right) => left.Equals(right);

    /// <summary>True when they differ.</summary>
    public static bool operator !=(Checksum left, Checksum right) => !left.Equals(right);
}
