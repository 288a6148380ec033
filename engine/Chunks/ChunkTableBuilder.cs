using System.Buffers;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Chunks;

/// <summary>Makes a table out of chunks that are added by rising number. One user at a time; a table that is made shares nothing with it.</summary>
/// <param name="type">Digest that every chunk has.</param>
public sealed class ChunkTableBuilder(ChecksumType type)
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly int _digestBytes = Checksum.SizeBytes(type);
    private uint _count;

    /// <summary>
    /// Adds a chunk, whose number is greater than that of the one before. <paramref name="digest"/> is of the table's type, <paramref name="md5"/> has 16 bytes,
    /// or none when it is not known; both are copied.
    /// </summary>
    public void Add(ManifestChunk chunk, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> md5)
    {
        Invariant.That(digest.Length == _digestBytes, "a chunk's digest has the length of the table's type");
        Invariant.That(md5.Length is 0 or ChunkTable.Md5Bytes, "an MD5 has 16 bytes");
        int length = ChunkTable.EntryBytes(digest.Length, md5.Length);
        ChunkTable.Format(chunk, digest, md5, _bytes.GetSpan(length));
        _bytes.Advance(length);
        _count++;
    }

    /// <summary>The table of all that was added. Numbers that do not rise, and sizes that are out of range, are the caller's defect.</summary>
    public ChunkTable Build()
    {
        bool isTable = ChunkTable.TryParse(_bytes.WrittenSpan, _count, type, out ChunkTable? table, out string? problem);
        Invariant.That(isTable, problem);
        return table!;
    }
}
