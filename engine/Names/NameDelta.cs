namespace Sluice.Engine.Names;

/// <summary>
/// Changes of names that are not in a store yet, in byte order: a skip list over arrays, which grow as they have to and are used again, so that a change allocates nothing once
/// they are there. The last change of a name counts. Guarded by its owner.
/// </summary>
public sealed class NameDelta
{
    private const int LevelsMax = 12;

    private byte[] _bytes = new byte[2048];
    private int _bytesUsed;
    private Node[] _nodes = new Node[64]; // 0 is the head
    private int[] _links = new int[128];
    private int _linksUsed;
    private int _count;
    private uint _random = 0x9e3779b9;

    /// <summary>Nothing has changed.</summary>
    public NameDelta()
    {
        Clear();
    }

    /// <summary>Names that have changed.</summary>
    public int Count => _count;

    /// <summary>Bytes of all arrays.</summary>
    public long BytesHeld => _bytes.Length + (24L * _nodes.Length) + (4L * _links.Length);

    /// <summary>Notes that a name has this value from now on.</summary>
    public void Set(ReadOnlySpan<byte> name, long value)
    {
        Span<int> before = stackalloc int[LevelsMax];
        int at = Find(name, before);
        if (at != 0 && NameAt(at).SequenceEqual(name))
        {
            _nodes[at].Value = value;
            return;
        }

        int levels = NewLevels();
        int added = Append(name, value, levels);
        for (int level = 0; level < levels; level++)
        {
            ref int link = ref _links[_nodes[before[level]].Links + level];
            _links[_nodes[added].Links + level] = link;
            link = added;
        }
    }

    /// <summary>Adds to <paramref name="rows"/> the changes from <paramref name="from"/> on that start with <paramref name="prefix"/>, up to a number of them.</summary>
    public void CopyTo(ReadOnlySpan<byte> from, ReadOnlySpan<byte> prefix, int countMax, NameRows rows)
    {
        for (int at = FirstFrom(from); at != 0; at = Next(at))
        {
            if (!NameAt(at).StartsWith(prefix))
            {
                return;
            }

            if (rows.Count == countMax)
            {
                rows.IsCut = true;
                return;
            }

            rows.Add(NameAt(at), _nodes[at].Value);
        }
    }

    /// <summary>The first change at or behind a name; 0 when there is none.</summary>
    public int FirstFrom(ReadOnlySpan<byte> name)
    {
        Span<int> before = stackalloc int[LevelsMax];
        return Find(name, before);
    }

    /// <summary>The change behind another one; 0 behind the last.</summary>
    public int Next(int at) => _links[_nodes[at].Links];

    /// <summary>A change's name.</summary>
    public ReadOnlySpan<byte> NameAt(int at) => _bytes.AsSpan(_nodes[at].Start, _nodes[at].Length);

    /// <summary>A change's value.</summary>
    public long ValueAt(int at) => _nodes[at].Value;

    /// <summary>Forgets all changes and keeps the arrays.</summary>
    public void Clear()
    {
        (_count, _bytesUsed, _linksUsed) = (0, 0, LevelsMax);
        _nodes[0] = default;
        _links.AsSpan(0, LevelsMax).Clear();
    }

    /// <summary>The first change at or behind a name, and the last one before it on each level.</summary>
    private int Find(ReadOnlySpan<byte> name, Span<int> before)
    {
        int at = 0;
        int next = 0;
        for (int level = LevelsMax - 1; level >= 0; level--)
        {
            while ((next = _links[_nodes[at].Links + level]) != 0 && NameAt(next).SequenceCompareTo(name) < 0)
            {
                at = next;
            }

            before[level] = at;
        }

        return next;
    }

    private int Append(ReadOnlySpan<byte> name, long value, int levels)
    {
        if (_bytesUsed + name.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _bytesUsed + name.Length));
        }

        if (_count + 1 == _nodes.Length)
        {
            Array.Resize(ref _nodes, 2 * _nodes.Length);
        }

        if (_linksUsed + levels > _links.Length)
        {
            Array.Resize(ref _links, 2 * _links.Length);
        }

        name.CopyTo(_bytes.AsSpan(_bytesUsed));
        int added = ++_count;
        _nodes[added] = new Node { Start = _bytesUsed, Length = name.Length, Links = _linksUsed, Value = value };
        _bytesUsed += name.Length;
        _linksUsed += levels;
        return added;
    }

    /// <summary>1, and one more in a quarter of the cases each time.</summary>
    private int NewLevels()
    {
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        return Math.Min(1 + (System.Numerics.BitOperations.TrailingZeroCount(_random | 0x80000000) / 2), LevelsMax);
    }

    private struct Node
    {
        public int Start;
        public int Length;
        public int Links;
        public long Value;
    }
}
