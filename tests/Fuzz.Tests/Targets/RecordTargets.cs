using System.Buffers.Binary;
using System.Globalization;
using Sluice.Engine;
using Sluice.Engine.Chunks;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Objects;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Native.Codecs;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>Metadata records as they lie in extended attributes, and the redundancy map within them.</summary>
public static class RecordTargets
{
    private const int FixedBytes = 32, SealBytes = 8;

    private static readonly StripeGeometry s_geometry = StripeGeometry.Of((5 * (64 << 10)) + 1, 2, 1, 64 << 10);

    private static readonly SliceMap s_head = new()
    {
        Geometry = s_geometry,
        Generation = 77,
        Mountpaths = [new Guid("00112233-4455-6677-8899-aabbccddeeff"), new Guid("10112233-4455-6677-8899-aabbccddeeff"), Guid.Empty],
    };

    /// <summary>The record. The twin trusts the length that it says it has.</summary>
    public static Fuzzed Record
    {
        get
        {
            var target = new FuzzTarget<ObjectMetadata>
            {
                Name = "metadata record",
                Seeds = [.. Records().Select(MetadataRecord.Format)],
                Words =
                [
                    [1, 1, 0, 0, 5], [2, 8, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], [3, 6, 0, 0, 1, 0, 0x6b, 1, 0, 0x76], [4, 8, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], [5, 1, 0, 0, 0x61],
                    [128, 1, 0, 0, 9], [255, 0, 0, 0], [6, 20, 0, 0], [12, 33, 0, 0], [12, 29, 0, 0],
                    [0xff, 0xff], [0xc3, 0xa9],
                ],
                Seal = Sealed,
                Parse = input => MetadataRecord.TryParse(input, out ObjectMetadata? metadata, out _) ? metadata : null,
                Format = MetadataRecord.Format,
                Describe = Text,
                Check = (_, metadata) => MetadataRecord.LengthOf(metadata) is > 0 and < 1 << 24 && metadata.FileBytes >= 0 ? ChunksProblem(metadata.Chunked) : "has no length",
                InputsOfSuite = 12_000,
            };
            return new Fuzzed(target, target with
            {
                Parse = input =>
                {
                    _ = input.Length > FixedBytes ? new byte[input[5] | (input[6] << 8) | (input[7] << 16)] : null;
                    return target.Parse(input);
                },
            },
            "allocates");
        }
    }

    /// <summary>The map by itself, with the object's size in front. The twin reads as many mountpaths as there are slices.</summary>
    public static Fuzzed Map
    {
        get
        {
            var target = new FuzzTarget<SliceMap>
            {
                Name = "redundancy map",
                Seeds = [Bytes(s_head), Bytes(s_head.WithReplica(Guid.Empty)), Bytes(s_head.OfSlice(2)), Bytes(s_head.OfSlice(4))],
                Parse = ReadMap,
                Format = Bytes,
                Describe = Text,
                Check = (_, map) => GeometryProblem(map.Geometry),
                InputsOfSuite = 15_000,
            };
            return new Fuzzed(target, target with
            {
                Parse = input =>
                {
                    for (int i = 0; input.Length > 28 && input[11] == 0 && i < input[9] + input[10]; i++)
                    {
                        _ = new Guid(input.AsSpan(28 + (16 * i), 16), bigEndian: true);
                    }

                    return ReadMap(input);
                },
            },
            "throws ArgumentOutOfRange");
        }
    }

    private static IEnumerable<ObjectMetadata> Records()
    {
        Checksum digest = Digest.Of(ChecksumType.XxHash2, [1, 2, 3]);
        yield return new() { Kind = RecordKind.Object, SizeBytes = 5, Bid = 1UL << 63, Generation = 77, Version = 3, Checksum = digest, BlockDigests = (ulong[])[1] };
        yield return new() { Kind = RecordKind.Object, SizeBytes = 0, Bid = 1, Generation = 2, Custom = [new("k", "v"), new("é", ""), new("k", "again")] };
        yield return new()
        {
            Kind = RecordKind.Object, SizeBytes = 90L << 20, Bid = 1, Generation = 2, Checksum = Digest.Of(ChecksumType.Sha512, []), BlockDigests = new ulong[90],
        };
        yield return new() { Kind = RecordKind.Object, SizeBytes = 1L << 40, Bid = 1, Generation = 2, Version = 0x0102, HasSidecar = true, SidecarDigest = 9 };
        yield return new() { Kind = RecordKind.Sidecar, SizeBytes = 0, Bid = 1, Generation = 2, SidecarOf = "a/b"u8.ToArray(), Custom = [new("k", "v")] };
        yield return new() { Kind = RecordKind.Tombstone, SizeBytes = 0, Bid = 1, Generation = 2, Version = 1, SidecarOf = "a/b"u8.ToArray() };
        yield return new()
        {
            Kind = RecordKind.Stripe, SizeBytes = s_geometry.SizeBytes, Bid = 1, Generation = 78, Checksum = digest, BlockDigests = (ulong[])[1], Slices = s_head,
        };
        yield return new()
        {
            Kind = RecordKind.Slice, SizeBytes = s_geometry.SizeBytes, Bid = 1, Generation = 77, Checksum = digest, BlockDigests = (ulong[])[1, 2, 3], Slices = s_head.OfSlice(2),
        };
        yield return new() { Kind = RecordKind.Slice, SizeBytes = s_geometry.SizeBytes, Bid = 1, Generation = 77, Checksum = digest, Slices = s_head.OfSlice(4) };
        yield return new()
        {
            Kind = RecordKind.Object, SizeBytes = 120, Bid = 1, Generation = 2, Checksum = digest, BlockDigests = (ulong[])[1], Custom = [new("k", "v")],
            Chunked = new() { UploadId = 77, SizeBytes = 15 << 20, LargestChunkBytes = 5 << 20, ChunkCount = 3, Checksum = Digest.Of(ChecksumType.Crc32C, [1]) },
        };
        yield return new()
        {
            Kind = RecordKind.Stripe, SizeBytes = s_geometry.SizeBytes, Bid = 1, Generation = 78, Checksum = digest, BlockDigests = (ulong[])[1], Slices = s_head,
            Chunked = new() { UploadId = ulong.MaxValue, SizeBytes = Limits.ObjectBytesMax, LargestChunkBytes = Limits.ObjectBytesMax - 9999, ChunkCount = 10_000, Checksum = default },
        };
    }

    /// <summary>Chunks that are taken can be: they fill the object, none of them is empty, and none larger than the largest.</summary>
    private static string? ChunksProblem(ChunkedContent? chunked) =>
        chunked is null || (chunked.LargestChunkBytes * chunked.ChunkCount >= chunked.SizeBytes && chunked.SizeBytes - chunked.LargestChunkBytes >= chunked.ChunkCount - 1)
            ? null : $"no chunks are {chunked}";

    /// <summary>With the length and the checksum that its bytes have.</summary>
    private static byte[] Sealed(byte[] record)
    {
        if (record.Length >= FixedBytes + SealBytes)
        {
            (record[5], record[6], record[7]) = ((byte)record.Length, (byte)(record.Length >> 8), (byte)(record.Length >> 16));
            BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(record.Length - SealBytes), XxHash64.Hash(record.AsSpan(0, record.Length - SealBytes)));
        }

        return record;
    }

    private static string Text(ObjectMetadata metadata) => string.Create(
        CultureInfo.InvariantCulture,
        $"{metadata.Kind} size {metadata.SizeBytes} bid {metadata.Bid} generation {metadata.Generation} version {metadata.Version} checksum {metadata.Checksum} "
        + $"blocks [{string.Join(' ', metadata.BlockDigests.ToArray())}] custom [{string.Join(' ', metadata.Custom)}] sidecar {metadata.HasSidecar} {metadata.SidecarDigest:x} "
        + $"of {Convert.ToHexString(metadata.SidecarOf.Span)} map {(metadata.Slices is { } map ? Text(map) : "none")} "
        + $"chunks {metadata.Chunked}");

    private static string Text(SliceMap map) => string.Create(
        CultureInfo.InvariantCulture, $"{map.Geometry} generation {map.Generation} number {map.Number} on [{string.Join(' ', map.Mountpaths)}]");

    private static SliceMap? ReadMap(byte[] input) =>
        input.Length >= 8 && BitConverter.ToInt64(input) is >= 0 and <= Limits.ObjectBytesMax and var size
        && SliceMap.TryParse(input.AsSpan(8), size, out SliceMap? map, out _) ? map : null;

    private static byte[] Bytes(SliceMap map)
    {
        var bytes = new byte[8 + map.FieldBytes];
        BitConverter.TryWriteBytes(bytes, map.Geometry.SizeBytes);
        map.Format(bytes.AsSpan(8));
        return bytes;
    }

    /// <summary>A layout that is taken has a place for the object's first and last byte, and slices that are long enough for all of them.</summary>
    private static string? GeometryProblem(StripeGeometry geometry)
    {
        if (geometry.SliceBytes < 0 || geometry.SliceBytes * geometry.DataSlices < geometry.SizeBytes || geometry.StripeCount < 0)
        {
            return $"slices of {geometry.SliceBytes} bytes are too short";
        }

        foreach (long offset in geometry.SizeBytes == 0 ? [] : (long[])[0, geometry.SizeBytes / 2, geometry.SizeBytes - 1])
        {
            UnitPlace place = geometry.PlaceOf(offset);
            if (place.Slice < 0 || place.Slice >= geometry.DataSlices || place.Stripe >= geometry.StripeCount || place.Count < 1
                || place.InUnit + place.Count > geometry.ContentOf(place.Stripe, place.Slice))
            {
                return $"byte {offset} lies at {place}";
            }
        }

        return null;
    }
}
