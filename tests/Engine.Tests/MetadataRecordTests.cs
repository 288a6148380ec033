using System.Buffers.Binary;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Tests;

/// <summary>
/// The record is persisted: its bytes and the numbers in it may only grow, and whatever is not exactly a record is refused, because
/// nothing may stand in for metadata that is damaged.
/// </summary>
public sealed class MetadataRecordTests
{
    private const int FieldsAt = 40; // after the fixed part and a digest of 8 bytes

    private static readonly ObjectMetadata s_plain = new()
    {
        Kind = RecordKind.Object,
        SizeBytes = 5,
        Bid = 0x8000000000000001,
        Generation = 0x1122334455667788,
        Version = 3,
        Checksum = new Checksum(ChecksumType.XxHash2, Convert.FromHexString("0102030405060708")),
        BlockDigests = (ulong[])[0xa1a2a3a4a5a6a7a8],
    };

    private static readonly ObjectMetadata s_custom = new()
    {
        Kind = RecordKind.Object,
        SizeBytes = 0,
        Bid = 1,
        Generation = 2,
        Checksum = new Checksum(ChecksumType.Crc32C, [0xde, 0xad, 0xbe, 0xef]),
        Custom = [new("k", "v"), new("é", "")],
    };

    private static readonly ObjectMetadata s_sidecar = new()
    {
        Kind = RecordKind.Sidecar,
        SizeBytes = 0,
        Bid = 1,
        Generation = 2,
        SidecarOf = "a/b"u8.ToArray(),
    };

    private static readonly ObjectMetadata s_tombstone = new()
    {
        Kind = RecordKind.Tombstone,
        SizeBytes = 0,
        Bid = 1,
        Generation = 2,
        Version = 1,
        SidecarOf = "a/b"u8.ToArray(),
    };

    private static readonly ObjectMetadata s_withSidecar = new()
    {
        Kind = RecordKind.Object,
        SizeBytes = 1L << 40,
        Bid = 1,
        Generation = 2,
        Version = 0x0102,
        HasSidecar = true,
        SidecarDigest = 0x1112131415161718,
    };

    public static TheoryData<string> Kinds => ["plain", "custom", "sidecar", "tombstone", "with sidecar"];

    // Format 1 in the order of docs/ON_DISK.md; the last eight bytes are the seal, which the test computes by itself.
    [Theory]
    [InlineData("plain", "01 01 0000 01 410000 0500000000000000 0100000000000080 8877665544332211 0102030405060708 01010000 03 02080000 a8a7a6a5a4a3a2a1")]
    [InlineData("custom", "01 01 0000 03 3c0000 0000000000000000 0100000000000000 0200000000000000 deadbeef 030c0000 0100 6b 0100 76 0200 c3a9 0000")]
    [InlineData("sidecar", "01 02 0000 00 2f0000 0000000000000000 0100000000000000 0200000000000000 05030000 612f62")]
    [InlineData("tombstone", "01 07 0000 00 340000 0000000000000000 0100000000000000 0200000000000000 01010000 01 05030000 612f62")]
    [InlineData("with sidecar", "01 01 0000 00 3a0000 0000000000010000 0100000000000000 0200000000000000 01020000 0201 04080000 1817161514131211")]
    public void TheBytesOfFormat1AreFrozen(string kind, string golden)
    {
        byte[] body = Convert.FromHexString(golden.Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal(Convert.ToHexStringLower(Sealed(body)), Convert.ToHexStringLower(MetadataRecord.Format(Named(kind))));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ARecordIsReadAsItWasWritten(string kind)
    {
        ObjectMetadata written = Named(kind);
        Assert.True(MetadataRecord.TryParse(MetadataRecord.Format(written), out ObjectMetadata? read, out string? problem), problem);
        Assert.Equal(
            (written.Kind, written.SizeBytes, written.Bid, written.Generation, written.Version, written.Checksum, written.HasSidecar, written.SidecarDigest),
            (read.Kind, read.SizeBytes, read.Bid, read.Generation, read.Version, read.Checksum, read.HasSidecar, read.SidecarDigest));
        Assert.Equal(written.BlockDigests.ToArray(), read.BlockDigests.ToArray());
        Assert.Equal(written.SidecarOf.ToArray(), read.SidecarOf.ToArray());
        Assert.Equal(written.Custom, read.Custom);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EverySingleByteCorruptionIsRefused(string kind)
    {
        byte[] record = MetadataRecord.Format(Named(kind));
        for (int at = 0; at < record.Length; at++)
        {
            byte right = record[at];
            for (int change = 1; change < 256; change++)
            {
                record[at] = (byte)(right ^ change);
                Refused(record);
            }

            record[at] = right;
        }

        Assert.True(MetadataRecord.TryParse(record, out _, out _));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EveryTruncationAndExtensionIsRefused(string kind)
    {
        byte[] record = MetadataRecord.Format(Named(kind));
        for (int length = 0; length < record.Length; length++)
        {
            Refused(record.AsSpan(0, length));
        }

        Refused([.. record, 0]);
        for (int length = 40; length < record.Length - 8; length++)
        {
            Refused(Sealed(record.AsSpan(0, length).ToArray(), fixLength: true), unlessWhole: true);
        }
    }

    [Theory]
    [InlineData(13, true)]
    [InlineData(127, true)]
    [InlineData(128, false)]
    [InlineData(255, false)]
    public void UnknownFieldsBelow128AreRefusedAndOthersSkipped(byte tag, bool isRefused)
    {
        byte[] record = WithFields(Plain(), [.. Fields(), tag, 2, 0, 0, 0xaa, 0xbb]);
        bool parsed = MetadataRecord.TryParse(record, out ObjectMetadata? read, out string? problem);
        Assert.Equal(!isRefused, parsed);
        if (isRefused)
        {
            Assert.Equal($"field {tag} is malformed or not known to this version", problem);
        }
        else
        {
            Assert.Equal(3UL, read!.Version);
        }
    }

    [Theory]
    [InlineData("0201000002", "field 2")] // a field of the wrong size
    [InlineData("0101000003 0101000004", "field 1 is out of order, empty or cut short")]
    [InlineData("01000000", "field 1 is out of order, empty or cut short")]
    [InlineData("0109000000", "field 1 is out of order, empty or cut short")]
    [InlineData("010100", "a field is cut short")]
    [InlineData("0102000003 00", "field 1 is malformed")] // a version with a leading zero byte has another, shorter record
    [InlineData("0000", "a field is cut short")]
    [InlineData("0003000001 00", "field 0")]
    public void MalformedFieldsAreRefused(string fields, string sentence)
    {
        byte[] record = WithFields(Plain(), Convert.FromHexString(fields.Replace(" ", "", StringComparison.Ordinal)));
        Assert.False(MetadataRecord.TryParse(record, out _, out string? problem));
        Assert.StartsWith(sentence, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 2, "record format 2 is not known")]
    [InlineData(1, 0, "record kind 0 is not known to this version")]
    [InlineData(1, 3, "record kind 3 is not known to this version")]
    [InlineData(2, 1, "record has flags that this version does not know")]
    [InlineData(3, 128, "record has flags that this version does not know")]
    [InlineData(4, 8, "checksum type 8 is not known")]
    [InlineData(4, 6, "record has no room for its digest")]
    [InlineData(15, 128, "object size is out of range")]
    [InlineData(13, 2, "object size is out of range")]
    [InlineData(10, 32, "1 block digests for 3 blocks")]
    public void ASealedRecordWithValuesThatCannotBeIsRefused(int at, byte value, string sentence)
    {
        byte[] body = MetadataRecord.Format(s_plain)[..^8];
        body[at] = value;
        Assert.False(MetadataRecord.TryParse(Sealed(body), out _, out string? problem));
        Assert.Equal(sentence, problem);
    }

    /// <summary>What lies in the sidecar is nowhere else, or the next change of the record would lose it.</summary>
    [Theory]
    [InlineData("02080000 0102030405060708 04080000 0102030405060708")]
    [InlineData("03060000 01006b010076 04080000 0102030405060708")]
    public void FieldsBesideTheirSidecarAreRefused(string fields)
    {
        byte[] record = WithFields(Plain(), Convert.FromHexString(fields.Replace(" ", "", StringComparison.Ordinal)));
        Assert.False(MetadataRecord.TryParse(record, out _, out string? problem));
        Assert.Equal("fields that are in its sidecar are in the record, too", problem);
    }

    /// <summary>One byte more than the longest text that a record is written with.</summary>
    [Theory]
    [InlineData(Limits.CustomBytesMax, true)]
    [InlineData(Limits.CustomBytesMax + 1, false)]
    public void ACustomTextIsBounded(int length, bool isRead)
    {
        byte[] pair = [1, 0, (byte)'k', (byte)length, (byte)(length >> 8), .. new byte[length]];
        byte[] record = WithFields(Plain(), [.. Fields(), 3, (byte)pair.Length, (byte)(pair.Length >> 8), 0, .. pair]);
        Assert.Equal(isRead, MetadataRecord.TryParse(record, out ObjectMetadata? metadata, out _));
        Assert.True(!isRead || record.AsSpan().SequenceEqual(MetadataRecord.Format(metadata!)));
    }

    [Fact]
    public void CustomPairsThatAreNoTextAreRefused()
    {
        byte[][] values = [[1, 0, (byte)'k'], [1], [0, 0, 5, 0, 1], [1, 0, 0xff, 0, 0]];
        Assert.All(values, value =>
        {
            byte[] record = WithFields(Plain(), [.. Fields(), 3, (byte)value.Length, 0, 0, .. value]);
            Assert.False(MetadataRecord.TryParse(record, out _, out string? problem));
            Assert.Equal("custom metadata is malformed", problem);
        });
    }

    [Fact]
    public void PersistedNumbersAreFrozenAndMayOnlyGrow()
    {
        Frozen<RecordKind>("Object=1 Sidecar=2 Manifest=3 Chunk=4 Stripe=5 Slice=6 Tombstone=7");
        Frozen<RecordField>(
            "Version=1 BlockDigests=2 Custom=3 Sidecar=4 SidecarOf=5 Redundancy=6 ExtraDigests=7 Heads=8 Tombstone=9 Versions=10 RemoteVersion=11 Chunks=12");
        Frozen<ChecksumType>("None=0 XxHash2=1 Xxh3=2 Crc32C=3 Md5=4 Sha256=5 Sha512=6 Crc64Nvme=7");
        Assert.Equal(1 << 20, Limits.BlockBytes);
    }

    [Fact]
    public void APlainRecordFitsTheInode()
    {
        Assert.Equal(MetadataRecord.PlainBytes, MetadataRecord.Format(s_plain).Length);
        Assert.True(MetadataRecord.PlainBytes <= Limits.RecordInInodeBytesMax);
    }

    private static void Frozen<TEnum>(string expected)
        where TEnum : struct, Enum
    {
        string[] now = [.. Enum.GetValues<TEnum>().Select(value => $"{value}={Convert.ToInt32(value)}")];
        Assert.Equal(expected.Split(' '), now.Take(expected.Split(' ').Length));
        Assert.Equal(now.Length, now.Select(row => row.Split('=')[1]).Distinct().Count());
    }

    private static ObjectMetadata Named(string kind) => kind switch
    {
        "plain" => s_plain,
        "custom" => s_custom,
        "sidecar" => s_sidecar,
        "tombstone" => s_tombstone,
        _ => s_withSidecar,
    };

    private static byte[] Plain() => MetadataRecord.Format(s_plain)[..FieldsAt];

    private static byte[] Fields() => MetadataRecord.Format(s_plain)[FieldsAt..^8];

    private static byte[] WithFields(byte[] head, byte[] fields) => Sealed([.. head, .. fields], fixLength: true);

    private static byte[] Sealed(byte[] body, bool fixLength = false)
    {
        if (fixLength)
        {
            (body[5], body[6], body[7]) = ((byte)(body.Length + 8), (byte)((body.Length + 8) >> 8), 0);
        }

        var record = new byte[body.Length + 8];
        body.CopyTo(record, 0);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(body.Length), XxHash64.Hash(body));
        return record;
    }

    private static void Refused(ReadOnlySpan<byte> record, bool unlessWhole = false)
    {
        bool parsed = MetadataRecord.TryParse(record, out ObjectMetadata? metadata, out string? problem);
        if (parsed && unlessWhole)
        {
            // Cut exactly between two fields and sealed anew it is a record, of another object: it must write back as itself.
            Assert.Equal(record.ToArray(), MetadataRecord.Format(metadata!));
            return;
        }

        Assert.False(parsed);
        Assert.Null(metadata);
        Assert.False(string.IsNullOrEmpty(problem));
    }
}
