namespace Sluice.Engine.Integrity;

/// <summary>
/// Which blocks of one object were found to be what their digests say, as they lie in the page cache: a bit a block. Any thread; a mark that is lost to
/// a race costs one more comparison. A field, not copied.
/// </summary>
public struct BlockMarks
{
    private const int WordBits = 64;

    private long _first; // an object of up to 64 MiB needs no more
    private long[]? _rest;

    /// <summary>True when all blocks from <paramref name="first"/> to <paramref name="end"/> (exclusive) are marked.</summary>
    public readonly bool Has(int first, int end)
    {
        for (int block = first; block < end; block++)
        {
            if ((Word(block) >>> (block % WordBits) & 1) == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Marks a block of <paramref name="blocks"/>.</summary>
    public void Set(int block, int blocks)
    {
        long bit = 1L << (block % WordBits);
        if (block < WordBits)
        {
            Interlocked.Or(ref _first, bit);
            return;
        }

        Interlocked.Or(ref Rest(blocks)[(block / WordBits) - 1], bit);
    }

    /// <summary>Marks all of <paramref name="blocks"/>.</summary>
    public void SetAll(int blocks)
    {
        Volatile.Write(ref _first, -1);
        if (blocks > WordBits)
        {
            Array.Fill(Rest(blocks), -1);
        }
    }

    /// <summary>Nothing is known any more of the blocks from <paramref name="first"/> to <paramref name="end"/> (exclusive), which is the number of all.</summary>
    public void Clear(int first, int end)
    {
        if (first < Math.Min(end, WordBits))
        {
            Interlocked.And(ref _first, (1L << first) - 1);
        }

        for (int word = Math.Max(first, WordBits) / WordBits; _rest is { } rest && word <= rest.Length; word++)
        {
            int from = Math.Max(first - (word * WordBits), 0);
            Interlocked.And(ref rest[word - 1], (1L << from) - 1);
        }
    }

    private readonly long Word(int block) => block < WordBits ? Volatile.Read(in _first) : _rest is { } rest ? Volatile.Read(ref rest[(block / WordBits) - 1]) : 0;

    private long[] Rest(int blocks)
    {
        if (_rest is { } made)
        {
            return made;
        }

        var rest = new long[(blocks - 1) / WordBits]; // 128 KiB for the largest object, of 2^20 blocks
        return Interlocked.CompareExchange(ref _rest, rest, null) ?? rest;
    }
}
