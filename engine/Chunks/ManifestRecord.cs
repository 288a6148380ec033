using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Chunks;

/// <summary>
/// The bytes of a <see cref="Manifest"/>, format 1 (docs/ON_DISK.md). Format and Parse only. Little-endian:
/// <code>
///  offset  bytes  field
///       0      1  format, 1
///       1      1  state (ManifestState)
///       2      1  flags: 1 of an upload that is the engine's own (Manifest.IsOwn); the others 0
///       3      1  0: reserved
///       4      4  length of the whole manifest in bytes, checksum included
///       8      8  upload id, not 0
///      16      8  generation of the object; 0 while partial
///      24      8  when the upload began, nanoseconds since 1970
///      32      8  size of the object in bytes: the sum of the chunks'
///      40      4  number of chunks
///      44      1  checksum type of the whole object (ChecksumType)
///      45      1  checksum type of the chunks
///      46      2  0: reserved
///      48      n  whole-object digest, most significant byte first; n by its type
///    48+n    2+…  u16 length of the object's name, and its bytes
///       …    1+…  u8 length of the entity tag, and its bytes
///       …    4+…  u32 length of the custom pairs, and their bytes (CustomPairs)
///       …      …  the chunks (ChunkTable)
///   len-8      8  XXH64 of all bytes before, seed 0
/// </code>
/// There is one way to write a manifest: what is read is byte for byte what is written of it. Anything else is refused with a sentence, before
/// anything is allocated that the length does not stand for.
/// </summary>
public static class ManifestRecord
{
    internal const int FixedBytes = 48;
    internal const int LengthsBytes = NameLengthBytes + ETagLengthBytes + CustomLengthBytes;
    internal const int SealBytes = 8;

    private const byte Format1 = 1;
    private const byte OwnFlag = 1;
    private const int NameLengthBytes = 2;
    private const int ETagLengthBytes = 1;
    private const int CustomLengthBytes = 4;

    /// <summary>Bytes that the manifest has, at most <see cref="Limits.ManifestBytesMax"/>.</summary>
    public static int LengthOf(Manifest manifest) => FixedBytes + Checksum.SizeBytes(manifest.Checksum.Type) + LengthsBytes + manifest.Name.Utf8.Length
        + manifest.ETag.Length + CustomPairs.LengthOf(manifest.Custom) + manifest.Chunks.Bytes.Length + SealBytes;

    /// <summary>The manifest's bytes.</summary>
    public static byte[] Format(Manifest manifest)
    {
        var record = new byte[LengthOf(manifest)];
        Format(manifest, record);
        return record;
    }

    /// <summary>Writes the manifest into memory of exactly <see cref="LengthOf"/> bytes, whatever was there.</summary>
    public static void Format(Manifest manifest, Span<byte> record)
    {
        string? problem = manifest.Problem();
        Invariant.That(problem is null, problem);
        Invariant.That(record.Length <= Limits.ManifestBytesMax);
        record[..FixedBytes].Clear();
        (record[0], record[1], record[2]) = (Format1, (byte)manifest.State, manifest.IsOwn ? OwnFlag : (byte)0);
        BinaryPrimitives.WriteInt32LittleEndian(record[4..], record.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(record[8..], manifest.UploadId);
        BinaryPrimitives.WriteUInt64LittleEndian(record[16..], manifest.Generation);
        BinaryPrimitives.WriteInt64LittleEndian(record[24..], manifest.CreatedNs);
        BinaryPrimitives.WriteInt64LittleEndian(record[32..], manifest.SizeBytes);
        BinaryPrimitives.WriteInt32LittleEndian(record[40..], manifest.Chunks.Count);
        (record[44], record[45]) = ((byte)manifest.Checksum.Type, (byte)manifest.Chunks.ChecksumType);

        Checksum checksum = manifest.Checksum;
        Span<byte> rest = Put(record[FixedBytes..], checksum.Value);
        ReadOnlySpan<byte> name = manifest.Name.Utf8.Span;
        BinaryPrimitives.WriteUInt16LittleEndian(rest, (ushort)name.Length);
        rest = Put(rest[NameLengthBytes..], name);
        rest[0] = (byte)manifest.ETag.Length;
        rest = rest[(ETagLengthBytes + Encoding.ASCII.GetBytes(manifest.ETag, rest[ETagLengthBytes..]))..];
        int customBytes = CustomPairs.LengthOf(manifest.Custom);
        BinaryPrimitives.WriteInt32LittleEndian(rest, customBytes);
        CustomPairs.Format(manifest.Custom, rest.Slice(CustomLengthBytes, customBytes));
        rest = Put(rest[(CustomLengthBytes + customBytes)..], manifest.Chunks.Bytes);
        Invariant.That(rest.Length == SealBytes, "the fields fill the manifest");
        BinaryPrimitives.WriteUInt64LittleEndian(rest, XxHash64.Hash(record[..^SealBytes]));
    }

    /// <summary>Reads a manifest, which keeps nothing of <paramref name="record"/>; on refusal <paramref name="problem"/> says what is wrong with it.</summary>
    public static bool TryParse(ReadOnlySpan<byte> record, [NotNullWhen(true)] out Manifest? manifest, [NotNullWhen(false)] out string? problem)
    {
        manifest = null;
        problem = FixedProblem(record);
        if (problem is not null)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = record[FixedBytes..^SealBytes];
        var type = (ChecksumType)record[44];
        if (!TryTake(ref rest, Checksum.SizeBytes(type), out ReadOnlySpan<byte> digest) || !TryTakeTexts(ref rest, out Texts texts))
        {
            problem = "manifest is cut short";
            return false;
        }

        if (!CustomPairs.TryParse(texts.Custom, out List<KeyValuePair<string, string>>? custom))
        {
            problem = "custom metadata is malformed";
            return false;
        }

        uint count = BinaryPrimitives.ReadUInt32LittleEndian(record[40..]);
        if (!ObjectName.TryCreate(texts.Name.ToArray(), out ObjectName name, out problem)
            || !ChunkTable.TryParse(rest, count, (ChecksumType)record[45], out ChunkTable? chunks, out problem))
        {
            return false;
        }

        var read = new Manifest
        {
            State = (ManifestState)record[1],
            UploadId = BinaryPrimitives.ReadUInt64LittleEndian(record[8..]),
            Generation = BinaryPrimitives.ReadUInt64LittleEndian(record[16..]),
            CreatedNs = BinaryPrimitives.ReadInt64LittleEndian(record[24..]),
            Name = name,
            Custom = custom,
            Checksum = new Checksum(type, digest),
            ETag = Encoding.Latin1.GetString(texts.ETag), // whatever it is, to be judged with the rest
            IsOwn = record[2] == OwnFlag,
            Chunks = chunks,
        };
        long size = BinaryPrimitives.ReadInt64LittleEndian(record[32..]);
        problem = size == read.SizeBytes ? read.Problem() : $"manifest says {size} bytes, its chunks have {read.SizeBytes}";
        manifest = problem is null ? read : null;
        return manifest is not null;
    }

    private static string? FixedProblem(ReadOnlySpan<byte> record)
    {
        if (record.Length < FixedBytes + LengthsBytes + SealBytes || record.Length > Limits.ManifestBytesMax)
        {
            return $"manifest of {record.Length} bytes is too short or too long";
        }

        if (record[0] != Format1)
        {
            return $"manifest format {record[0]} is not known";
        }

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(record[4..]);
        if (length != record.Length)
        {
            return $"manifest says {length} bytes, has {record.Length}";
        }

        if (BinaryPrimitives.ReadUInt64LittleEndian(record[^SealBytes..]) != XxHash64.Hash(record[..^SealBytes]))
        {
            return "manifest checksum does not match";
        }

        if (record[2] > OwnFlag || record[3] != 0 || record[46] != 0 || record[47] != 0)
        {
            return "manifest has flags that this version does not know";
        }

        foreach (byte type in record[44..46])
        {
            if (!Checksum.IsKnown((ChecksumType)type))
            {
                return $"checksum type {type} is not known";
            }
        }

        return null;
    }

    /// <summary>The fields between digest and chunks that have a length of their own.</summary>
    private static bool TryTakeTexts(ref ReadOnlySpan<byte> rest, out Texts texts)
    {
        texts = default;
        return TryTake(ref rest, NameLengthBytes, out ReadOnlySpan<byte> length)
            && TryTake(ref rest, BinaryPrimitives.ReadUInt16LittleEndian(length), out texts.Name)
            && TryTake(ref rest, ETagLengthBytes, out length)
            && TryTake(ref rest, length[0], out texts.ETag)
            && TryTake(ref rest, CustomLengthBytes, out length)
            && TryTake(ref rest, BinaryPrimitives.ReadUInt32LittleEndian(length), out texts.Custom);
    }

    private static bool TryTake(ref ReadOnlySpan<byte> rest, long bytes, out ReadOnlySpan<byte> taken)
    {
        taken = default;
        if (bytes > rest.Length)
        {
            return false;
        }

        taken = rest[..(int)bytes];
        rest = rest[(int)bytes..];
        return true;
    }

    private static Span<byte> Put(Span<byte> to, ReadOnlySpan<byte> value)
    {
        value.CopyTo(to);
        return to[value.Length..];
    }

    private ref struct Texts
    {
        public ReadOnlySpan<byte> Name;
        public ReadOnlySpan<byte> ETag;
        public ReadOnlySpan<byte> Custom;
    }
}
