using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Chunks;

/// <summary>A chunk as its manifest has it; digests are asked of the table, which keeps them in one place.</summary>
/// <param name="Number">1 to <see cref="Limits.ChunksMax"/>; of the upload's file.</param>
/// <param name="SizeBytes">1 to <see cref="Limits.ObjectBytesMax"/>.</param>
/// <param name="Crc64">CRC-64/NVMe of the chunk's bytes.</param>
public readonly record struct ManifestChunk(int Number, long SizeBytes, ulong Crc64);

/// <summary>
/// The chunks of a manifest, by rising number. Immutable. Kept as the bytes that are persisted, so that 10,000 chunks are three arrays and writing them is a
/// copy. An entry, little-endian:
/// <code>
///  offset  bytes  field
///       0      2  number of the chunk, greater than that of the entry before
///       2      1  flags: bit 0, the entry has an MD5; others are refused
///       3      8  size in bytes; the largest, 2^40, would not fit five
///      11      8  CRC-64/NVMe
///      19      n  digest, most significant byte first; n by the type that the manifest has for its chunks
///    19+n     16  MD5, if it is flagged
/// </code>
/// </summary>
public sealed class ChunkTable
{
    internal const int Md5Bytes = 16;
    internal const byte HasMd5 = 1;
    internal const int EntryBytesMax = EntryFixedBytes + Checksum.BytesMax + Md5Bytes;

    private const int EntryFixedBytes = 19;
    private const int FlagsAt = 2;
    private const int SizeAt = 3;
    private const int Crc64At = 11;

    private readonly byte[] _bytes;
    private readonly int[] _starts; // of each entry in _bytes
    private readonly long[] _ends; // of each chunk in the object: the sums of the sizes
    private readonly int _digestBytes;

    private ChunkTable(ChecksumType type, byte[] bytes, int[] starts, long[] ends)
    {
        (ChecksumType, _bytes, _starts, _ends) = (type, bytes, starts, ends);
        _digestBytes = Checksum.SizeBytes(type);
        long before = 0;
        foreach (long end in ends)
        {
            LargestChunkBytes = Math.Max(LargestChunkBytes, end - before);
            before = end;
        }
    }

    /// <summary>Digest that each chunk has; <see cref="ChecksumType.None"/> when they have none.</summary>
    public ChecksumType ChecksumType { get; }

    /// <summary>Chunks, 0 to <see cref="Limits.ChunksMax"/>.</summary>
    public int Count => _starts.Length;

    internal long LargestChunkBytes { get; }

    /// <summary>For each chunk, how many bytes of the object it and those before it have; strictly rising.</summary>
    internal ReadOnlySpan<long> Ends => _ends;

    /// <summary>The entries, one behind the other.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The chunk at a place, from 0; by number they need not be dense.</summary>
    public ManifestChunk this[int index]
    {
        get
        {
            ReadOnlySpan<byte> entry = Entry(index);
            return new ManifestChunk(
                BinaryPrimitives.ReadUInt16LittleEndian(entry),
                BinaryPrimitives.ReadInt64LittleEndian(entry[SizeAt..]),
                BinaryPrimitives.ReadUInt64LittleEndian(entry[Crc64At..]));
        }
    }

    /// <summary>Digest of the chunk at a place, of <see cref="ChecksumType"/>, most significant byte first; empty for none.</summary>
    public ReadOnlySpan<byte> DigestOf(int index) => Entry(index).Slice(EntryFixedBytes, _digestBytes);

    /// <summary>MD5 of the chunk at a place, 16 bytes; empty when it is not known.</summary>
    public ReadOnlySpan<byte> Md5Of(int index)
    {
        ReadOnlySpan<byte> entry = Entry(index);
        return (entry[FlagsAt] & HasMd5) == 0 ? [] : entry.Slice(EntryFixedBytes + _digestBytes, Md5Bytes);
    }

    /// <summary>
    /// Reads a table of that many chunks that fills <paramref name="bytes"/>; on refusal <paramref name="problem"/> says what is wrong with it. Allocates
    /// nothing before so many entries fit.
    /// </summary>
    internal static bool TryParse(
        ReadOnlySpan<byte> bytes, uint count, ChecksumType type, [NotNullWhen(true)] out ChunkTable? table, [NotNullWhen(false)] out string? problem)
    {
        table = null;
        int entryBytes = EntryFixedBytes + Checksum.SizeBytes(type);
        if (count > Limits.ChunksMax || bytes.Length < count * (long)entryBytes || bytes.Length > count * (long)(entryBytes + Md5Bytes))
        {
            problem = $"chunk table of {bytes.Length} bytes is not one of {count} chunks; the limit is {Limits.ChunksMax}";
            return false;
        }

        var starts = new int[count];
        var ends = new long[count];
        problem = Read(bytes, entryBytes, starts, ends);
        table = problem is null ? new ChunkTable(type, bytes.ToArray(), starts, ends) : null;
        return table is not null;
    }

    /// <summary>Writes an entry; whether it fits the others is seen when they are read.</summary>
    internal static void Format(ManifestChunk chunk, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> md5, Span<byte> entry)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(entry, checked((ushort)chunk.Number));
        entry[FlagsAt] = md5.IsEmpty ? (byte)0 : HasMd5;
        BinaryPrimitives.WriteInt64LittleEndian(entry[SizeAt..], chunk.SizeBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[Crc64At..], chunk.Crc64);
        digest.CopyTo(entry[EntryFixedBytes..]);
        md5.CopyTo(entry[(EntryFixedBytes + digest.Length)..]);
    }

    internal static int EntryBytes(int digestBytes, int md5Bytes) => EntryFixedBytes + digestBytes + md5Bytes;

    /// <summary>Reads all entries; answers what is wrong, or null.</summary>
    private static string? Read(ReadOnlySpan<byte> bytes, int entryBytes, Span<int> starts, Span<long> ends)
    {
        (int at, int last, long end) = (0, 0, 0);
        for (int i = 0; i < starts.Length; i++)
        {
            if (bytes.Length - at < entryBytes)
            {
                return "chunk table is cut short";
            }

            ReadOnlySpan<byte> entry = bytes[at..];
            int number = BinaryPrimitives.ReadUInt16LittleEndian(entry);
            if (number <= last || number > Limits.ChunksMax)
            {
                return $"chunk {number} comes behind chunk {last}: numbers rise, from 1 to {Limits.ChunksMax}";
            }

            byte flags = entry[FlagsAt];
            if (flags > HasMd5)
            {
                return $"chunk {number} has flags that this version does not know";
            }

            long size = BinaryPrimitives.ReadInt64LittleEndian(entry[SizeAt..]);
            if (size < 1 || size > Limits.ObjectBytesMax - end)
            {
                return $"chunk {number} has {size} bytes behind {end} others: out of range";
            }

            (starts[i], last, end) = (at, number, end + size);
            ends[i] = end;
            at += entryBytes + (flags == HasMd5 ? Md5Bytes : 0);
        }

        return at == bytes.Length ? null : "chunk table is cut short, or has bytes behind its last chunk";
    }

    private ReadOnlySpan<byte> Entry(int index) => _bytes.AsSpan(_starts[index]);
}
