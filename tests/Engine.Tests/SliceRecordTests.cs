using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Tests;

/// <summary>The bytes of records of erasure-coded objects are frozen: what was written stays readable.</summary>
public sealed class SliceRecordTests
{
    private const string Head =
        "0105000001890000010005000000000001000000000000800807060504030201743e13ee0c4ee5a50101000003020800008877665544332211064400"
        + "00010201000000010000900000000706050403020100112233445566778899aabbccddeeff10112233445566778899aabbccddeeff00000000000000"
        + "000000000000000000d6036086a97a81ba";
    private const string Slice =
        "0106000001640000010005000000000001000000000000800007060504030201743e13ee0c4ee5a50218000001000000000000000200000000000000"
        + "0300000000000000061400000102010200000100009000000007060504030201e7333436881a1c99";

    private const string HeadWithReplica =
        "0105000001940000010005000000000001000000000000800807060504030201743e13ee0c4ee5a50208000088776655443322110654000001020100"
        + "0000010000900000080706050403020100112233445566778899aabbccddeeff10112233445566778899aabbccddeeff000000000000000000000000"
        + "0000000020112233445566778899aabbccddeefffcd362924317ace4";
    private const string Replica =
        "0106000001480000010005000000000001000000000000800807060504030201743e13ee0c4ee5a50614000001020104000001000090000008070605"
        + "04030201276da76a135d9cb8";

    private static readonly StripeGeometry s_geometry = StripeGeometry.Of((5 * (64 << 10)) + 1, 2, 1, 64 << 10);

    private static readonly ObjectMetadata s_head = new()
    {
        Kind = RecordKind.Stripe,
        SizeBytes = s_geometry.SizeBytes,
        Bid = 0x8000_0000_0000_0001,
        Generation = 0x0102_0304_0506_0708,
        Version = 3,
        Checksum = Digest.Of(ChecksumType.XxHash2, [1, 2, 3]),
        BlockDigests = new ulong[] { 0x1122_3344_5566_7788 },
        Slices = new SliceMap
        {
            Geometry = s_geometry,
            Generation = 0x0102_0304_0506_0700,
            Mountpaths = [new Guid("00112233-4455-6677-8899-aabbccddeeff"), new Guid("10112233-4455-6677-8899-aabbccddeeff"), Guid.Empty],
        },
    };

    private static readonly ObjectMetadata s_slice = new()
    {
        Kind = RecordKind.Slice,
        SizeBytes = s_geometry.SizeBytes,
        Bid = s_head.Bid,
        Generation = 0x0102_0304_0506_0700,
        Checksum = s_head.Checksum,
        BlockDigests = new ulong[] { 1, 2, 3 },
        Slices = s_head.Slices!.OfSlice(2),
    };

    private static readonly ObjectMetadata s_headWithReplica = new()
    {
        Kind = RecordKind.Stripe,
        SizeBytes = s_geometry.SizeBytes,
        Bid = s_head.Bid,
        Generation = s_head.Generation,
        Checksum = s_head.Checksum,
        BlockDigests = s_head.BlockDigests,
        Slices = new SliceMap
        {
            Geometry = s_geometry,
            Generation = s_head.Generation,
            Mountpaths = [.. s_head.Slices!.Mountpaths, new Guid("20112233-4455-6677-8899-aabbccddeeff")],
        },
    };

    private static readonly ObjectMetadata s_replica = new()
    {
        Kind = RecordKind.Slice,
        SizeBytes = s_geometry.SizeBytes,
        Bid = s_head.Bid,
        Generation = s_head.Generation,
        Checksum = s_head.Checksum,
        Slices = s_headWithReplica.Slices!.OfSlice(4),
    };

    [Fact]
    public void TheBytesAreFrozen()
    {
        Assert.Equal(Head, Convert.ToHexStringLower(MetadataRecord.Format(s_head)));
        Assert.Equal(Slice, Convert.ToHexStringLower(MetadataRecord.Format(s_slice)));
        Assert.Equal(HeadWithReplica, Convert.ToHexStringLower(MetadataRecord.Format(s_headWithReplica)));
        Assert.Equal(Replica, Convert.ToHexStringLower(MetadataRecord.Format(s_replica)));
    }

    [Fact]
    public void WhatWasWrittenIsRead()
    {
        Assert.True(MetadataRecord.TryParse(Convert.FromHexString(Head), out ObjectMetadata? head, out string? problem), problem);
        Assert.Equal(s_geometry, head.Slices!.Geometry);
        Assert.Equal(s_head.Slices!.Mountpaths, head.Slices.Mountpaths);
        Assert.Equal((s_head.Slices.Generation, 0), (head.Slices.Generation, head.Slices.Number));
        Assert.True(MetadataRecord.TryParse(Convert.FromHexString(Slice), out ObjectMetadata? slice, out problem), problem);
        Assert.Equal((2, 3), (slice.Slices!.Number, slice.BlockDigests.Length));
        Assert.True(MetadataRecord.TryParse(Convert.FromHexString(HeadWithReplica), out head, out problem), problem);
        Assert.True(head.Slices!.HasReplica);
        Assert.Equal(s_headWithReplica.Slices!.Mountpaths, head.Slices.Mountpaths);
        Assert.True(MetadataRecord.TryParse(Convert.FromHexString(Replica), out ObjectMetadata? replica, out problem), problem);
        Assert.True(replica.Slices!.IsReplica);
    }

    /// <summary>A file whose name is not written so is not ours: it would be looked for, and removed, under another name.</summary>
    [Theory]
    [InlineData("00112233445566aa.00112233445566bb.00007", true)]
    [InlineData("00112233445566AA.00112233445566bb.00007", false)]
    [InlineData("00112233445566aa.00112233445566BB.00007", false)]
    [InlineData("00112233445566a\0.00112233445566bb.00007", false)]
    [InlineData("00112233445566aa.00112233445566bb.0007\0", false)]
    [InlineData("00112233445566aa.00112233445566bb.00000", false)]
    [InlineData("00112233445566aa.00112233445566bb.0007", false)]
    public void NamesOfPartsAreReadOnlyAsTheyAreWritten(string file, bool isRead)
    {
        byte[] bytes = System.Text.Encoding.ASCII.GetBytes(file);
        Assert.Equal(isRead, PartName.TryRead(PartKind.Slice, bytes, out PartName name));
        Assert.True(!isRead || bytes.AsSpan().SequenceEqual(name.Format()));
    }

    /// <summary>Every bit of the map counts: a record with another is refused, or says something else, and never throws.</summary>
    [Fact]
    public void AMapThatCannotBeIsRefused()
    {
        var map = new byte[s_head.Slices!.FieldBytes];
        s_head.Slices.Format(map);
        Assert.True(SliceMap.TryParse(map, s_geometry.SizeBytes, out _, out _));
        foreach ((int at, byte value) in ((int, byte)[])[(0, 2), (1, 0), (1, 33), (1, 3), (2, 0), (2, 2), (3, 1), (4, 1), (6, 0), (8, 1), (9, 0), (11, 1)])
        {
            byte[] changed = [.. map];
            changed[at] = value;
            Assert.False(SliceMap.TryParse(changed, s_geometry.SizeBytes, out _, out string? problem), $"byte {at} = {value}");
            Assert.NotEmpty(problem!);
        }

        for (int length = 0; length < map.Length; length++)
        {
            Assert.False(SliceMap.TryParse(map.AsSpan(0, length), s_geometry.SizeBytes, out _, out _));
        }
    }
}
