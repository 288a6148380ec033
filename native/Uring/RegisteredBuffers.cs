using Sluice.Native.Memory;
using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>
/// A ring's table of registered buffers (io_uring_registered_buffers(7)): the kernel has pinned and looked up their pages once, not in every
/// request. The table is sparse; a slab takes places in it, one a piece, and a piece is registered when a request first names a buffer in it.
/// Pinned pages count against RLIMIT_MEMLOCK unless the process has CAP_IPC_LOCK. Loop thread only.
/// </summary>
internal sealed unsafe class RegisteredBuffers
{
    /// <summary>Places at most (IORING_MAX_REG_BUFFERS).</summary>
    public const int CountMax = 1 << 14;

    /// <summary>256 KiB or one buffer, whichever is more: small buffers share a place, and little is pinned that nobody asked for.</summary>
    private const int PieceBytesMin = 256 << 10;

    private readonly Ring _ring;
    private readonly int _count;
    private readonly List<Table> _tables = [];

    /// <summary>Registers a sparse table of that many places. Where the kernel refuses it has none, and every request goes the plain way.</summary>
    public RegisteredBuffers(Ring ring, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)CountMax, nameof(count));
        _ring = ring;
        if (count > 0)
        {
            var registration = new ResourceRegistration { Count = (uint)count, Flags = IORING_RSRC_REGISTER_SPARSE };
            // SAFETY: one structure on this stack; the last argument is its size.
            Errno error = ring.TryRegister(IORING_REGISTER_BUFFERS2, &registration, (uint)sizeof(ResourceRegistration));
            (_count, LastRefusal) = error == Errno.None ? (count, Errno.None) : (0, error);
        }
    }

    /// <summary>Pieces that are registered.</summary>
    public int PieceCount { get; private set; }

    /// <summary>Why the kernel refused last; none when it never did.</summary>
    public Errno LastRefusal { get; private set; }

    /// <summary>Some slab has places.</summary>
    public bool IsInUse => _tables.Count > 0;

    /// <summary>That slab has places.</summary>
    public bool Knows(BufferSlab slab)
    {
        foreach (Table table in _tables)
        {
            if (table.Slab == slab)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Gives a slab its places; false when the table has not enough left.</summary>
    public bool TryAdd(BufferSlab slab)
    {
        if (_tables.Exists(table => table.Slab == slab))
        {
            throw new InvalidOperationException("the slab has its places already");
        }

        int buffersAPiece = Math.Max(1, PieceBytesMin / slab.BufferBytes);
        int pieces = (slab.CountMax + buffersAPiece - 1) / buffersAPiece;
        int first = 0;
        foreach (Table other in _tables) // in the order of their places: the first gap that is large enough
        {
            if (other.First - first >= pieces)
            {
                break;
            }

            first = other.First + other.IsRegistered.Length;
        }

        if (pieces > _count - first)
        {
            return false;
        }

        _tables.Add(new Table(slab, buffersAPiece, first, new bool[pieces]));
        _tables.Sort(static (one, other) => one.First.CompareTo(other.First));
        return true;
    }

    /// <summary>Empties a slab's places. Requests in flight keep their pages until they complete.</summary>
    public void Remove(BufferSlab slab)
    {
        int index = _tables.FindIndex(table => table.Slab == slab);
        if (index < 0)
        {
            return;
        }

        Table table = _tables[index];
        _tables.RemoveAt(index);
        for (int piece = 0; piece < table.IsRegistered.Length; piece++)
        {
            if (table.IsRegistered[piece])
            {
                PieceCount--;
                _ = Update(table.First + piece, null, 0); // emptying a place cannot fail for want of anything
            }
        }
    }

    /// <summary>The place of a slab's buffer, registered now if it is not; false when there is none: the request goes the plain way.</summary>
    public bool TryFind(BufferSlab slab, int bufferIndex, out ushort place)
    {
        place = 0;
        foreach (Table table in _tables)
        {
            if (table.Slab == slab)
            {
                int piece = bufferIndex / table.BuffersAPiece;
                place = (ushort)(table.First + piece);
                return table.IsRegistered[piece] || TryRegister(table, piece);
            }
        }

        return false;
    }

    private bool TryRegister(Table table, int piece)
    {
        if (table.IsRefused)
        {
            return false;
        }

        int first = piece * table.BuffersAPiece;
        int buffers = Math.Min(table.BuffersAPiece, table.Slab.CountMax - first);
        // SAFETY: the piece lies within the slab, and the kernel holds its pages by itself until the place is emptied or the ring closed.
        Errno error = Update(table.First + piece, table.Slab.AddressOf(first), (nuint)buffers * (nuint)table.Slab.BufferBytes);
        if (error != Errno.None)
        {
            LastRefusal = error;
            table.IsRefused = true; // ENOMEM: RLIMIT_MEMLOCK. Asking again for every request would cost more than it could give.
            return false;
        }

        table.IsRegistered[piece] = true;
        PieceCount++;
        return true;
    }

    private Errno Update(int place, byte* start, nuint bytes)
    {
        var vector = new LibcImports.IoVector { Base = start, Length = bytes };
        var update = new ResourceUpdate { Offset = (uint)place, Values = (ulong)&vector, Count = 1 };
        // SAFETY: both structures are on this stack; the last argument is the outer one's size.
        return _ring.TryRegister(IORING_REGISTER_BUFFERS_UPDATE, &update, (uint)sizeof(ResourceUpdate));
    }

    private sealed record Table(BufferSlab Slab, int BuffersAPiece, int First, bool[] IsRegistered)
    {
        public bool IsRefused { get; set; }
    }
}
