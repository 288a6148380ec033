using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Sluice.Engine.Chunks;
using Sluice.Engine.ErasureCoding;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Objects;

/// <summary>
/// The bytes of an <see cref="ObjectMetadata"/>, format 1 (docs/ON_DISK.md). Format and Parse only. Little-endian:
/// <code>
///  offset  bytes  field
///       0      1  format, 1
///       1      1  kind (RecordKind)
///       2      2  flags, 0: reserved
///       4      1  checksum type (ChecksumType)
///       5      3  length of the whole record in bytes, checksum included
///       8      8  size of the object in bytes
///      16      8  bucket generation (BID)
///      24      8  object generation
///      32      n  whole-object digest, most significant byte first; n by its type
///    32+n      …  fields by rising tag: u8 tag, u24 length, bytes (RecordField)
///   len-8      8  XXH64 of all bytes before, seed 0
/// </code>
/// A record that is short, long, of another format, with a wrong checksum, an unknown required field, a field twice or out of order is
/// refused with a sentence: nothing stands in for what is missing.
/// </summary>
public static class MetadataRecord
{
    private const byte Format1 = 1;
    private const int FixedBytes = 32;
    private const int FieldHeadBytes = 4;
    private const int ChecksumBytes = 8;
    private const byte OptionalFieldsFrom = 128;
    private const int LengthMax = (1 << 24) - 1;

    /// <summary>Bytes of the record of a plain object up to 1 MiB with a 64-bit digest and a one-byte version.</summary>
    public const int PlainBytes = FixedBytes + 8 + (FieldHeadBytes + 1) + (FieldHeadBytes + 8) + ChecksumBytes;

    static MetadataRecord()
    {
        Invariant.That(PlainBytes <= Limits.RecordInInodeBytesMax, "a plain object's record stays within the inode");
    }

    /// <summary>The record's bytes. Fields that lie in a sidecar are left out of an object's record.</summary>
    public static byte[] Format(ObjectMetadata metadata)
    {
        var record = new byte[LengthOf(metadata)];
        Format(metadata, record);
        return record;
    }

    /// <summary>Bytes that the record has.</summary>
    public static int LengthOf(ObjectMetadata metadata)
    {
        int custom = metadata.HasSidecar ? 0 : CustomPairs.LengthOf(metadata.Custom);
        int blocks = metadata.HasSidecar ? 0 : 8 * metadata.BlockDigests.Length;
        int length = FixedBytes + Checksum.SizeBytes(metadata.Checksum.Type) + Field(VersionBytes(metadata.Version)) + Field(blocks) + Field(custom)
            + Field(metadata.HasSidecar ? 8 : 0) + Field(metadata.SidecarOf.Length) + Field(MapOf(metadata)?.FieldBytes ?? 0)
            + Field(metadata.Chunked?.FieldBytes ?? 0) + ChecksumBytes;
        Invariant.That(length <= LengthMax, "the length field holds the record's length");
        return length;
    }

    /// <summary>Writes the record into memory of exactly <see cref="LengthOf"/> bytes, whatever was there.</summary>
    public static void Format(ObjectMetadata metadata, Span<byte> record)
    {
        int length = record.Length;
        bool bulkyHere = !metadata.HasSidecar;
        ReadOnlySpan<ulong> blocks = bulkyHere ? metadata.BlockDigests.Span : [];
        int versionBytes = VersionBytes(metadata.Version);
        int digestBytes = Checksum.SizeBytes(metadata.Checksum.Type);
        record[..FixedBytes].Clear();
        record[0] = Format1;
        record[1] = (byte)metadata.Kind;
        record[4] = (byte)metadata.Checksum.Type;
        PutUInt24(record[5..], length);
        BinaryPrimitives.WriteInt64LittleEndian(record[8..], metadata.SizeBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(record[16..], metadata.Bid);
        BinaryPrimitives.WriteUInt64LittleEndian(record[24..], metadata.Generation);
        metadata.Checksum.Value.CopyTo(record[FixedBytes..]);

        Span<byte> rest = record[(FixedBytes + digestBytes)..];
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(number, metadata.Version);
        rest = PutField(rest, RecordField.Version, number[..versionBytes]);
        rest = PutField(rest, RecordField.BlockDigests, MemoryMarshal.AsBytes(blocks)); // little-endian machines only (x86-64)
        rest = PutCustom(rest, bulkyHere ? metadata.Custom : []);
        BinaryPrimitives.WriteUInt64LittleEndian(number, metadata.SidecarDigest);
        rest = PutField(rest, RecordField.Sidecar, metadata.HasSidecar ? number : []);
        rest = PutField(rest, RecordField.SidecarOf, metadata.SidecarOf.Span);
        rest = PutMap(rest, MapOf(metadata));
        rest = PutChunked(rest, metadata.Chunked);
        Invariant.That(rest.Length == ChecksumBytes, "the fields fill the record");
        BinaryPrimitives.WriteUInt64LittleEndian(rest, XxHash64.Hash(record[..(length - ChecksumBytes)]));
    }

    /// <summary>Reads a record; on refusal <paramref name="problem"/> says what is wrong with it.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> record, [NotNullWhen(true)] out ObjectMetadata? metadata, [NotNullWhen(false)] out string? problem)
    {
        metadata = null;
        problem = FixedProblem(record);
        if (problem is not null)
        {
            return false;
        }

        var type = (ChecksumType)record[4];
        int digestBytes = Checksum.SizeBytes(type);
        var fields = default(Fields);
        problem = fields.Read(record[(FixedBytes + digestBytes)..^ChecksumBytes]);
        if (problem is not null)
        {
            return false;
        }

        long size = BinaryPrimitives.ReadInt64LittleEndian(record[8..]);
        SliceMap? map = null;
        if (!fields.Map.IsEmpty && !SliceMap.TryParse(fields.Map, size, out map, out problem))
        {
            return false;
        }

        metadata = new ObjectMetadata
        {
            Kind = (RecordKind)record[1],
            SizeBytes = size,
            Bid = BinaryPrimitives.ReadUInt64LittleEndian(record[16..]),
            Generation = BinaryPrimitives.ReadUInt64LittleEndian(record[24..]),
            Checksum = new Checksum(type, record.Slice(FixedBytes, digestBytes)),
            Version = fields.Version,
            BlockDigests = fields.Blocks,
            Custom = fields.Custom ?? [],
            HasSidecar = fields.SidecarDigest is not null,
            SidecarDigest = fields.SidecarDigest ?? 0,
            SidecarOf = fields.SidecarOf,
            Slices = map,
            Chunked = fields.Chunked,
        };
        problem = KindProblem(metadata);
        metadata = problem is null ? metadata : null;
        return metadata is not null;
    }

    /// <summary>What the kind asks of the fields.</summary>
    private static string? KindProblem(ObjectMetadata metadata)
    {
        bool hasMap = metadata.Slices is not null;
        int? digests = metadata.Kind switch
        {
            RecordKind.Object or RecordKind.Stripe when !metadata.HasSidecar => metadata.BlockCount,
            RecordKind.Slice when !metadata.HasSidecar => metadata.Slices is { IsReplica: true } ? 0 : metadata.Slices?.Geometry.StripeCount,
            _ => null,
        };
        return metadata.Kind switch
        {
            not (RecordKind.Object or RecordKind.Stripe) when metadata.Chunked is not null => "chunks in a record that is no head's",
            RecordKind.Object when hasMap => "a plain object has no redundancy map",
            RecordKind.Stripe when hasMap == metadata.HasSidecar || metadata.Slices?.Number > 0 => "the redundancy map is missing, or not a head's",
            RecordKind.Slice when metadata.Slices is not { Number: > 0 } map || map.Generation != metadata.Generation => "the redundancy map is not this slice's",
            _ when metadata.HasSidecar && (metadata.BlockDigests.Length > 0 || metadata.Custom.Count > 0) => "fields that are in its sidecar are in the record, too",
            _ when digests is not null && digests != metadata.BlockDigests.Length => $"{metadata.BlockDigests.Length} block digests for {digests} blocks",
            _ => null,
        };
    }

    /// <summary>The map that the record itself has: a head's goes to the sidecar with everything that is bulky.</summary>
    private static SliceMap? MapOf(ObjectMetadata metadata) => metadata is { HasSidecar: true, Kind: RecordKind.Stripe } ? null : metadata.Slices;

    private static string? FixedProblem(ReadOnlySpan<byte> record)
    {
        if (record.Length < FixedBytes + ChecksumBytes)
        {
            return $"record of {record.Length} bytes is too short";
        }

        if (record[0] != Format1)
        {
            return $"record format {record[0]} is not known";
        }

        int length = record[5] | (record[6] << 8) | (record[7] << 16);
        if (length != record.Length)
        {
            return $"record says {length} bytes, has {record.Length}";
        }

        if (BinaryPrimitives.ReadUInt64LittleEndian(record[^ChecksumBytes..]) != XxHash64.Hash(record[..^ChecksumBytes]))
        {
            return "record checksum does not match";
        }

        if ((RecordKind)record[1] is not (RecordKind.Object or RecordKind.Sidecar or RecordKind.Stripe or RecordKind.Slice or RecordKind.Tombstone))
        {
            return $"record kind {record[1]} is not known to this version";
        }

        if (record[2] != 0 || record[3] != 0)
        {
            return "record has flags that this version does not know";
        }

        if (!Checksum.IsKnown((ChecksumType)record[4]))
        {
            return $"checksum type {record[4]} is not known";
        }

        if (FixedBytes + Checksum.SizeBytes((ChecksumType)record[4]) + ChecksumBytes > record.Length)
        {
            return "record has no room for its digest";
        }

        return BinaryPrimitives.ReadInt64LittleEndian(record[8..]) is >= 0 and <= Limits.ObjectBytesMax ? null : "object size is out of range";
    }

    private static int Field(int valueBytes) => valueBytes == 0 ? 0 : FieldHeadBytes + valueBytes;

    private static Span<byte> PutField(Span<byte> to, RecordField tag, scoped ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            return to;
        }

        to[0] = (byte)tag;
        PutUInt24(to[1..], value.Length);
        value.CopyTo(to[FieldHeadBytes..]);
        return to[(FieldHeadBytes + value.Length)..];
    }

    private static Span<byte> PutCustom(Span<byte> to, IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        if (pairs.Count == 0)
        {
            return to;
        }

        int length = CustomPairs.LengthOf(pairs);
        to[0] = (byte)RecordField.Custom;
        PutUInt24(to[1..], length);
        CustomPairs.Format(pairs, to.Slice(FieldHeadBytes, length));
        return to[(FieldHeadBytes + length)..];
    }

    private static Span<byte> PutMap(Span<byte> to, SliceMap? map)
    {
        if (map is null)
        {
            return to;
        }

        to[0] = (byte)RecordField.Redundancy;
        PutUInt24(to[1..], map.FieldBytes);
        map.Format(to.Slice(FieldHeadBytes, map.FieldBytes));
        return to[(FieldHeadBytes + map.FieldBytes)..];
    }

    private static Span<byte> PutChunked(Span<byte> to, ChunkedContent? chunked)
    {
        if (chunked is null)
        {
            return to;
        }

        to[0] = (byte)RecordField.Chunks;
        PutUInt24(to[1..], chunked.FieldBytes);
        chunked.Format(to.Slice(FieldHeadBytes, chunked.FieldBytes));
        return to[(FieldHeadBytes + chunked.FieldBytes)..];
    }

    private static void PutUInt24(Span<byte> to, int value) =>
        (to[0], to[1], to[2]) = ((byte)value, (byte)(value >> 8), (byte)(value >> 16));

    private static int VersionBytes(ulong version) => 8 - (System.Numerics.BitOperations.LeadingZeroCount(version) / 8);

    /// <summary>The fields of a record while it is being read.</summary>
    private ref struct Fields
    {
        public ulong Version;
        public ulong[]? Blocks;
        public List<KeyValuePair<string, string>>? Custom;
        public ulong? SidecarDigest;
        public byte[]? SidecarOf;
        public ReadOnlySpan<byte> Map;
        public ChunkedContent? Chunked;

        /// <summary>Reads them all; answers what is wrong, or null.</summary>
        public string? Read(ReadOnlySpan<byte> rest)
        {
            int last = 0;
            while (!rest.IsEmpty)
            {
                if (rest.Length < FieldHeadBytes)
                {
                    return "a field is cut short";
                }

                byte tag = rest[0];
                int length = rest[1] | (rest[2] << 8) | (rest[3] << 16);
                if (tag <= last || length == 0 || length > rest.Length - FieldHeadBytes)
                {
                    return $"field {tag} is out of order, empty or cut short";
                }

                string? problem = ReadOne(tag, rest.Slice(FieldHeadBytes, length));
                if (problem is not null)
                {
                    return problem;
                }

                last = tag;
                rest = rest[(FieldHeadBytes + length)..];
            }

            return null;
        }

        private string? ReadOne(byte tag, ReadOnlySpan<byte> value)
        {
            switch ((RecordField)tag)
            {
                case RecordField.Version when value.Length <= 8 && value[^1] != 0:
                    Span<byte> number = stackalloc byte[8];
                    number.Clear();
                    value.CopyTo(number);
                    Version = BinaryPrimitives.ReadUInt64LittleEndian(number);
                    return null;
                case RecordField.BlockDigests when value.Length % 8 == 0:
                    Blocks = MemoryMarshal.Cast<byte, ulong>(value).ToArray();
                    return null;
                case RecordField.Custom:
                    return CustomPairs.TryParse(value, out Custom) ? null : "custom metadata is malformed";
                case RecordField.Sidecar when value.Length == 8:
                    SidecarDigest = BinaryPrimitives.ReadUInt64LittleEndian(value);
                    return null;
                case RecordField.SidecarOf when value.Length <= ObjectName.BytesMax:
                    SidecarOf = value.ToArray();
                    return null;
                case RecordField.Redundancy:
                    Map = value;
                    return null;
                case RecordField.Chunks:
                    return ChunkedContent.TryParse(value, out Chunked) ? null : "what it says of its chunks is malformed";
                default:
                    return tag >= OptionalFieldsFrom ? null : $"field {tag} is malformed or not known to this version";
            }
        }
    }
}
