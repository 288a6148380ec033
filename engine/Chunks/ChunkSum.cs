using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Chunks;

/// <summary>Puts chunks one behind the other: their table, the size of all, and a digest of all where theirs can be put together.</summary>
/// <param name="type">Digest that each chunk keeps: none, CRC-32C or CRC-64/NVMe.</param>
internal sealed class ChunkSum(ChecksumType type)
{
    private const string Md5Key = "md5";

    private readonly ChunkTableBuilder _chunks = new(type);
    private readonly List<byte> _md5s = [];
    private int _count;
    private ulong _crc64;
    private uint _crc32;

    /// <summary>Bytes of all chunks.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>Digest of all, of the type that each keeps.</summary>
    public Checksum Checksum
    {
        get
        {
            Span<byte> whole = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(whole, type == ChecksumType.Crc32C ? (ulong)_crc32 << 32 : _crc64);
            return new Checksum(type, whole[..Checksum.SizeBytes(type)]);
        }
    }

    /// <summary>
    /// Entity tag as Amazon S3 gives it to what came in parts: the MD5 of the MD5s of all, a hyphen, and how many there are; empty when not all have one.
    /// </summary>
    public string ETag => _count > 0 && _md5s.Count == _count * ChunkTable.Md5Bytes
        ? string.Create(CultureInfo.InvariantCulture, $"{Digest.Of(ChecksumType.Md5, CollectionsMarshal.AsSpan(_md5s)).Hex}-{_count}")
        : "";

    /// <summary>The custom metadata that a chunk has when its MD5 is known: it was compared with its bytes.</summary>
    public static KeyValuePair<string, string>[] CustomOf(Checksum md5) => md5.Type == ChecksumType.Md5 ? [new(Md5Key, md5.Hex)] : [];

    /// <summary>The next chunk; it keeps a digest of the type.</summary>
    public void Add(int number, ObjectMetadata metadata)
    {
        ulong crc64 = ChunkedReader.Crc64Of(metadata);
        _crc64 = Crc64Nvme.Combine(_crc64, crc64, metadata.SizeBytes);
        if (type == ChecksumType.Crc32C)
        {
            _crc32 = Crc32C.Combine(_crc32, BinaryPrimitives.ReadUInt32BigEndian(metadata.Checksum.Value), metadata.SizeBytes);
        }

        byte[] md5 = Md5Of(metadata);
        SizeBytes += metadata.SizeBytes;
        _count++;
        _md5s.AddRange(md5);
        _chunks.Add(new ManifestChunk(number, metadata.SizeBytes, crc64), metadata.Checksum.Value, md5);
    }

    /// <summary>The table; once, behind the last.</summary>
    public ChunkTable Build() => _chunks.Build();

    private static byte[] Md5Of(ObjectMetadata metadata) =>
        metadata.Custom.FirstOrDefault(static pair => pair.Key == Md5Key).Value is { Length: 2 * ChunkTable.Md5Bytes } hex ? Convert.FromHexString(hex) : [];
}
