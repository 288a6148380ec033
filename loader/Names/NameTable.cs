namespace Sluice.Loader.Names;

/// <summary>
/// The names of a bucket as they stand in request targets, by index. It only grows, and to a bound; growing moves nothing, so that adding a
/// name in the middle of a run takes no longer than at its start. One user at a time.
/// </summary>
public sealed class NameTable
{
    /// <summary>Names at most: 2^26, whose index takes 512 MiB.</summary>
    public const int CountMax = 1 << 26;

    /// <summary>Bytes of names at most: 4 GiB, 64 a name.</summary>
    public const long TextBytesMax = 1L << 32;

    private const int ChunkBytes = 1 << 20;
    private const int ChunkEntries = 1 << 16;
    private const int LengthBits = 12; // NewNames.NameBytesMax is below 4096
    private const int OffsetBits = 20; // of a chunk

    private readonly List<byte[]> _text = [];
    private readonly List<long[]> _entries = [];
    private int _used = ChunkBytes;

    /// <summary>Names.</summary>
    public int Count { get; private set; }

    /// <summary>The name at an index below <see cref="Count"/>.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            long entry = _entries[index / ChunkEntries][index % ChunkEntries];
            int length = (int)entry & ((1 << LengthBits) - 1);
            int offset = (int)(entry >> LengthBits) & ((1 << OffsetBits) - 1);
            return _text[(int)(entry >> (LengthBits + OffsetBits))].AsSpan(offset, length);
        }
    }

    /// <summary>Adds a name; false when the table is full. The bytes are copied.</summary>
    public bool TryAdd(ReadOnlySpan<byte> name)
    {
        if (_used + name.Length > ChunkBytes)
        {
            if ((long)(_text.Count + 1) * ChunkBytes > TextBytesMax)
            {
                return false;
            }

            _text.Add(new byte[ChunkBytes]);
            _used = 0;
        }

        if (Count == CountMax)
        {
            return false;
        }

        if (Count % ChunkEntries == 0)
        {
            _entries.Add(new long[ChunkEntries]);
        }

        name.CopyTo(_text[^1].AsSpan(_used));
        _entries[^1][Count % ChunkEntries] = ((long)(_text.Count - 1) << (LengthBits + OffsetBits)) | ((long)_used << LengthBits) | (uint)name.Length;
        _used += name.Length;
        Count++;
        return true;
    }
}
