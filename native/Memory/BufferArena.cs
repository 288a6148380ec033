using System.Diagnostics.CodeAnalysis;

namespace Sluice.Native.Memory;

/// <summary>
/// One mapping that is rented in ranges of whole granules: memory that is bounded when the arena is made and costs nothing before it is first used, for
/// those who need buffers of different sizes. First fit; any thread. What a range held before is in it still: who rents one writes it before any byte of it
/// can reach a socket or a disk.
/// </summary>
public sealed class BufferArena : IDisposable
{
    /// <summary>Ranges begin and end at multiples of this: 64 KiB.</summary>
    public const int GranuleBytes = 64 << 10;

    /// <summary>The largest arena: 1 GiB, 16,384 granules to look through.</summary>
    public const long BytesMax = 1L << 30;

    // Set once.
    private readonly PageMapping _pages;
    private readonly Memory<byte> _memory;

    // Guarded by _gate.
    private readonly Lock _gate = new();
    private readonly bool[] _used;
    private int _usedCount;

    /// <summary>An arena of so many bytes, rounded down to granules; from one granule to <see cref="BytesMax"/>.</summary>
    public BufferArena(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, GranuleBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, BytesMax);
        _used = new bool[bytes / GranuleBytes];
        CapacityBytes = (long)_used.Length * GranuleBytes;
        _pages = new PageMapping((nuint)CapacityBytes);
        _memory = new MappedMemory(_pages, (int)CapacityBytes).Memory;
    }

    /// <summary>Bytes in all.</summary>
    public long CapacityBytes { get; }

    /// <summary>Bytes that are rented.</summary>
    public long RentedBytes
    {
        get
        {
            lock (_gate)
            {
                return (long)_usedCount * GranuleBytes;
            }
        }
    }

    /// <summary>Rents <paramref name="bytes"/> in one piece, from 1; false when there is no such piece. The caller disposes the range.</summary>
    public bool TryRent(int bytes, [NotNullWhen(true)] out ArenaRange? range)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        int wanted = (int)(((long)bytes + GranuleBytes - 1) / GranuleBytes);
        lock (_gate)
        {
            int run = 0;
            for (int i = 0; i < _used.Length; i++)
            {
                run = _used[i] ? 0 : run + 1;
                if (run == wanted)
                {
                    int first = i + 1 - wanted;
                    Mark(first, wanted, isUsed: true);
                    range = new ArenaRange(this, first, wanted, _memory.Slice(first * GranuleBytes, bytes));
                    return true;
                }
            }
        }

        range = null;
        return false;
    }

    /// <summary>Unmaps the memory. With a range outstanding throws <see cref="InvalidOperationException"/> and changes nothing.</summary>
    public void Dispose()
    {
        RequireAllReturned();
        _pages.Dispose();
    }

    internal void TakeBack(int first, int count)
    {
        lock (_gate)
        {
            Mark(first, count, isUsed: false);
        }
    }

    private void RequireAllReturned()
    {
        if (RentedBytes > 0)
        {
            throw new InvalidOperationException($"{RentedBytes} bytes of the arena are still rented");
        }
    }

    private void Mark(int first, int count, bool isUsed)
    {
        _used.AsSpan(first, count).Fill(isUsed);
        _usedCount += isUsed ? count : -count;
    }
}

/// <summary>A rented range of a <see cref="BufferArena"/>; one owner, who disposes it once.</summary>
public sealed class ArenaRange : IDisposable
{
    private readonly int _first;
    private readonly int _count;
    private readonly Memory<byte> _memory;
    private BufferArena? _arena;

    internal ArenaRange(BufferArena arena, int first, int count, Memory<byte> memory) =>
        (_arena, _first, _count, _memory) = (arena, first, count, memory);

    /// <summary>The memory, page-aligned; never kept past <see cref="Dispose"/>. Throws <see cref="ObjectDisposedException"/> after it.</summary>
    public Memory<byte> Memory
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _arena) is null, this);
            return _memory;
        }
    }

    /// <summary>Gives it back. A second time throws <see cref="InvalidOperationException"/>.</summary>
    public void Dispose()
    {
        TakeArena().TakeBack(_first, _count);
    }

    private BufferArena TakeArena() =>
        Interlocked.Exchange(ref _arena, null) ?? throw new InvalidOperationException("a range is given back a second time");
}
