namespace Sluice.Engine.Names;

/// <summary>A run of names in byte order, each with its value, packed into two arrays that are used again. One user at a time.</summary>
public sealed class NameRows
{
    private byte[] _bytes = new byte[4096];
    private int[] _ends = new int[128];
    private long[] _values = new long[128];

    /// <summary>Rows.</summary>
    public int Count { get; private set; }

    /// <summary>There may be more behind the last row; always with at least one row.</summary>
    public bool IsCut { get; set; }

    /// <summary>The name of a row; gone with the next change.</summary>
    public ReadOnlySpan<byte> NameAt(int row) => _bytes.AsSpan(StartOf(row), _ends[row] - StartOf(row));

    /// <summary>The value of a row.</summary>
    public long ValueAt(int row) => _values[row];

    /// <summary>One more row, behind the others.</summary>
    public void Add(ReadOnlySpan<byte> name, long value)
    {
        int start = StartOf(Count);
        if (start + name.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, start + name.Length));
        }

        if (Count == _ends.Length)
        {
            Array.Resize(ref _ends, 2 * Count);
            Array.Resize(ref _values, 2 * Count);
        }

        name.CopyTo(_bytes.AsSpan(start));
        (_ends[Count], _values[Count]) = (start + name.Length, value);
        Count++;
    }

    /// <summary>No rows.</summary>
    public void Clear() => (Count, IsCut) = (0, false);

    private int StartOf(int row) => row == 0 ? 0 : _ends[row - 1];
}
