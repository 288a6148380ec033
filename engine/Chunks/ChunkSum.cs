using System.Buffers.Binary;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Chunks;

/// <summary>Puts chunks one behind the other: their table, the size of all, and a digest of all where theirs can be put together.</summary>
/// <param name="type">Digest that each chunk keeps: none, CRC-32C or CRC-64/NVMe.</param>
internal sealed class ChunkSum(ChecksumType type)
{
    private readonly ChunkTableBuilder _chunks = new(type);
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

    /// <summary>The next chunk; it keeps a digest of the type.</summary>
    public void Add(int number, ObjectMetadata metadata)
    {
        ulong crc64 = ChunkedReader.Crc64Of(metadata);
        _crc64 = Crc64Nvme.Combine(_crc64, crc64, metadata.SizeBytes);
        if (type == ChecksumType.Crc32C)
        {
            _crc32 = Crc32C.Combine(_crc32, BinaryPrimitives.ReadUInt32BigEndian(metadata.Checksum.Value), metadata.SizeBytes);
        }

        SizeBytes += metadata.SizeBytes;
        _chunks.Add(new ManifestChunk(number, metadata.SizeBytes, crc64), metadata.Checksum.Value, []);
    }

    /// <summary>The table; once, behind the last.</summary>
    public ChunkTable Build() => _chunks.Build();
}
