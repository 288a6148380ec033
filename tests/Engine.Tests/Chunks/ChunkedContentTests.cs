using System.Buffers.Binary;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>Field 12 of a record is persisted: its bytes are frozen, and what no upload can have made is refused.</summary>
public sealed class ChunkedContentTests
{
    private const int FixedBytes = 32;
    private const int FieldHeadBytes = 4;

    private static readonly ChunkedContent s_chunked = new()
    {
        UploadId = 0x1122334455667788,
        SizeBytes = 15 << 20,
        LargestChunkBytes = 5 << 20,
        ChunkCount = 3,
        Checksum = new Checksum(ChecksumType.Crc32C, [0xde, 0xad, 0xbe, 0xef]),
    };

    private static readonly ObjectMetadata s_plain = new()
    {
        Kind = RecordKind.Object,
        SizeBytes = 5,
        Bid = 1,
        Generation = 2,
        BlockDigests = (ulong[])[0xa1a2a3a4a5a6a7a8],
        Chunked = s_chunked,
    };

    // In the order of docs/ON_DISK.md; the seal is computed here.
    [Theory]
    [InlineData(ChecksumType.None, "0c1d0000 8877665544332211 0000f00000000000 0000500000000000 03000000 00")]
    [InlineData(ChecksumType.Crc32C, "0c210000 8877665544332211 0000f00000000000 0000500000000000 03000000 03 deadbeef")]
    [InlineData(ChecksumType.Crc64Nvme, "0c250000 8877665544332211 0000f00000000000 0000500000000000 03000000 07 deadbeefdeadbeef")]
    public void TheBytesOfTheFieldAreFrozen(ChecksumType type, string golden)
    {
        byte[] digest = [0xde, 0xad, 0xbe, 0xef, 0xde, 0xad, 0xbe, 0xef];
        ObjectMetadata written = With(s_chunked with { Checksum = new Checksum(type, digest.AsSpan(0, Checksum.SizeBytes(type))) });
        byte[] record = MetadataRecord.Format(written);
        string head = "01 01 0000 00 000000 0500000000000000 0100000000000000 0200000000000000 02080000 a8a7a6a5a4a3a2a1";
        Assert.Equal(
            Convert.ToHexStringLower(Sealed(Convert.FromHexString((head + golden).Replace(" ", "", StringComparison.Ordinal)))), Convert.ToHexStringLower(record));
        Assert.True(MetadataRecord.TryParse(record, out ObjectMetadata? read, out string? problem), problem);
        Assert.Equal(written.Chunked, read.Chunked);
        Assert.Equal(written.SizeBytes, read.SizeBytes); // the manifest's
        Assert.Equal(record, MetadataRecord.Format(read));
    }

    [Fact]
    public void ARecordOfAnyOtherObjectHasNoneOfIt()
    {
        ObjectMetadata plain = With(null);
        Assert.True(MetadataRecord.TryParse(MetadataRecord.Format(plain), out ObjectMetadata? read, out _));
        Assert.Null(read.Chunked);
    }

    [Fact]
    public void EverySingleByteCorruptionAndEveryOtherLengthIsRefused()
    {
        byte[] record = MetadataRecord.Format(s_plain);
        for (int at = 0; at < record.Length; at++)
        {
            for (int change = 1; change < 256; change++)
            {
                byte[] changed = [.. record];
                changed[at] ^= (byte)change;
                Assert.False(MetadataRecord.TryParse(changed, out _, out _));
            }

            Assert.False(MetadataRecord.TryParse(record.AsSpan(0, at), out _, out _));
        }

        byte[] field = Field(s_chunked);
        for (int length = 0; length < field.Length; length++)
        {
            Assert.Null(Parsed(field[..length]));
        }

        Assert.Null(Parsed([.. field, 0]));
        Assert.Equal(s_chunked, Parsed(field));
    }

    /// <summary>Size, largest and count that go together: a table of what is just possible and just not.</summary>
    [Theory]
    [InlineData(1, 1, 1, true)]
    [InlineData(0, 0, 1, false)]
    [InlineData(5, 5, 1, true)]
    [InlineData(5, 4, 1, false)]
    [InlineData(5, 6, 1, false)]
    [InlineData(5, 2, 2, false)]
    [InlineData(5, 3, 2, true)]
    [InlineData(5, 4, 2, true)]
    [InlineData(5, 5, 2, false)]
    [InlineData(5, 1, 5, true)]
    [InlineData(5, 2, 5, false)]
    [InlineData(5, 1, 6, false)]
    [InlineData(5, 0, 5, false)]
    [InlineData(5, -1, 5, false)]
    [InlineData(-5, -5, 1, false)]
    [InlineData(5, 5, 0, false)]
    [InlineData(5, 5, -1, false)]
    [InlineData(long.MaxValue, long.MaxValue, 1, false)]
    [InlineData(Limits.ObjectBytesMax, Limits.ObjectBytesMax, 1, true)]
    [InlineData(Limits.ObjectBytesMax + 1, Limits.ObjectBytesMax, 2, false)]
    [InlineData(Limits.ObjectBytesMax, Limits.ObjectBytesMax - Limits.ChunksMax + 1, Limits.ChunksMax, true)]
    [InlineData(Limits.ObjectBytesMax, Limits.ObjectBytesMax - Limits.ChunksMax + 2, Limits.ChunksMax, false)]
    [InlineData(Limits.ObjectBytesMax, 1L << 30, Limits.ChunksMax + 1, false)]
    public void OnlyChunksThatCanBeAreTaken(long size, long largest, int count, bool isTaken)
    {
        ChunkedContent content = s_chunked with { SizeBytes = size, LargestChunkBytes = largest, ChunkCount = count };
        Assert.Equal(isTaken ? content : null, Parsed(Field(content)));
    }

    [Fact]
    public void AnUploadOfNoNumberAndAChecksumThatIsNotKnownAreRefused()
    {
        Assert.Null(Parsed(Field(s_chunked with { UploadId = 0 })));
        for (int type = 0; type < 256; type++)
        {
            byte[] field = Field(s_chunked);
            field[28] = (byte)type;
            Assert.Equal(type == (int)ChecksumType.Crc32C, Parsed(field) is not null);
        }
    }

    [Fact]
    public void ARecordThatIsNoHeadsHasNoChunks()
    {
        byte[] field = Field(s_chunked);
        byte[] tombstone = Sealed([.. MetadataRecord.Format(new ObjectMetadata { Kind = RecordKind.Tombstone, SizeBytes = 0, Bid = 1, Generation = 2, SidecarOf = "a"u8.ToArray() })[..^8], 12, (byte)field.Length, 0, 0, .. field]);
        Assert.False(MetadataRecord.TryParse(tombstone, out _, out string? problem));
        Assert.Equal("chunks in a record that is no head's", problem);
        byte[] twice = Sealed([.. MetadataRecord.Format(s_plain)[..^8], 12, (byte)field.Length, 0, 0, .. field]);
        Assert.False(MetadataRecord.TryParse(twice, out _, out _));
    }

    private static ObjectMetadata With(ChunkedContent? chunked) => new()
    {
        Kind = s_plain.Kind, SizeBytes = s_plain.SizeBytes, Bid = s_plain.Bid, Generation = s_plain.Generation, BlockDigests = s_plain.BlockDigests, Chunked = chunked,
    };

    /// <summary>The field's bytes as a record has them, whether they can be or not.</summary>
    private static byte[] Field(ChunkedContent content)
    {
        byte[] record = MetadataRecord.Format(With(content));
        return record[(FixedBytes + FieldHeadBytes + 8 + FieldHeadBytes)..^8];
    }

    private static ChunkedContent? Parsed(byte[] field)
    {
        byte[] head = MetadataRecord.Format(With(null))[..^8];
        return MetadataRecord.TryParse(Sealed([.. head, 12, (byte)field.Length, 0, 0, .. field]), out ObjectMetadata? read, out _) ? read.Chunked : null;
    }

    private static byte[] Sealed(byte[] body)
    {
        (body[5], body[6], body[7]) = ((byte)(body.Length + 8), (byte)((body.Length + 8) >> 8), 0);
        var record = new byte[body.Length + 8];
        body.CopyTo(record, 0);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(body.Length), XxHash64.Hash(body));
        return record;
    }
}
