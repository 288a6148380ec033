using System.Numerics;
#if DEBUG
using System.Text;
#endif

namespace Sluice.Native.Memory;

/// <summary>
/// A fixed number of page-aligned buffers of one size in one mapping: memory that is bounded when the slab is made, costs nothing before
/// it is first used, and does not move, so that the kernel may write into it. Renting and returning allocate nothing (but the renter's
/// stack in DEBUG builds) and may be done on any thread. The buffer that was returned last is rented first: it is warm.
/// <para>
/// Buffers are not cleared between leases: who rents one writes it before any byte of it can reach a socket or a disk.
/// </para>
/// </summary>
public sealed unsafe class BufferSlab : IDisposable
{
    /// <summary>Smallest buffer: a page, to which every buffer is aligned.</summary>
    public const int BufferBytesMin = 4096;

    // From here on a slab is of huge pages: its buffers carry bodies, and an idle server touches none of them.
    private const int HugeBufferBytes = 256 << 10;
    private const long HugeSlabBytes = 8L << 20;

    private static int s_outstandingTotal;

    // Set once.
    private readonly PageMapping _pages;
    private readonly BufferSlot[] _slots;

    // Guarded by _gate.
    private readonly Lock _gate = new();
    private readonly int[] _free;
    private int _freeCount;
    private bool _disposed;

    /// <summary>
    /// A slab of <paramref name="countMax"/> buffers of <paramref name="bufferSizeBytes"/>, a power of two from
    /// <see cref="BufferBytesMin"/>. Throws <see cref="InsufficientMemoryException"/> when the address space cannot be had.
    /// </summary>
    public BufferSlab(int bufferSizeBytes, int countMax)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bufferSizeBytes, BufferBytesMin);
        ArgumentOutOfRangeException.ThrowIfLessThan(countMax, 1);
        if (!BitOperations.IsPow2(bufferSizeBytes))
        {
            throw new ArgumentOutOfRangeException(nameof(bufferSizeBytes), bufferSizeBytes, "a buffer's size is a power of two");
        }

        BufferBytes = bufferSizeBytes;
        CountMax = countMax;
        _pages = new PageMapping((nuint)bufferSizeBytes * (nuint)countMax);
        if (bufferSizeBytes >= HugeBufferBytes && (long)bufferSizeBytes * countMax >= HugeSlabBytes)
        {
            _pages.PreferHugePages();
        }

        _slots = new BufferSlot[countMax];
        _free = new int[countMax];
        _freeCount = countMax;
        for (int i = 0; i < countMax; i++)
        {
            _slots[i] = new BufferSlot(this, i);
            _free[i] = countMax - 1 - i; // the first buffers first, so that a slab that is little used touches few pages
        }
    }

    /// <summary>Leases of all slabs of the process that are not disposed yet; test suites assert at their end that there are none.</summary>
    public static int OutstandingTotal => Volatile.Read(ref s_outstandingTotal);

    /// <summary>Size of each buffer.</summary>
    public int BufferBytes { get; }

    /// <summary>Buffers in all.</summary>
    public int CountMax { get; }

    /// <summary>Leases that are not disposed yet.</summary>
    public int OutstandingCount
    {
        get
        {
            lock (_gate)
            {
                return CountMax - _freeCount;
            }
        }
    }

    /// <summary>Rents a buffer; false when all are rented. The caller disposes the lease.</summary>
    public bool TryRent(out BufferLease lease)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_freeCount == 0)
            {
                lease = default;
                return false;
            }

            _freeCount--;
            lease = _slots[_free[_freeCount]].Rent();
        }

        Interlocked.Increment(ref s_outstandingTotal);
        return true;
    }

    /// <summary>
    /// Unmaps the memory. With a lease outstanding throws <see cref="InvalidOperationException"/> (in DEBUG builds with the renters' stacks)
    /// and changes nothing: somebody may be writing to the buffer.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            RequireAllReturned();
            _disposed = true;
        }

        _pages.Dispose();
    }

    /// <summary>First byte of a buffer. Valid while the buffer is rented.</summary>
    internal byte* AddressOf(int index) => _pages.Start + ((nuint)index * (nuint)BufferBytes);

    /// <summary>The lease of that slot is over.</summary>
    internal void TakeBack(int index)
    {
        lock (_gate)
        {
            _free[_freeCount] = index;
            _freeCount++;
        }

        Interlocked.Decrement(ref s_outstandingTotal);
    }

    private void RequireAllReturned()
    {
        if (_freeCount < CountMax)
        {
            throw new InvalidOperationException($"{CountMax - _freeCount} buffers are still rented{Renters()}");
        }
    }

    private string Renters()
    {
#if DEBUG
        var text = new StringBuilder();
        foreach (BufferSlot slot in _slots)
        {
            if (slot.Renter is { } renter)
            {
                text.Append('\n').Append("buffer ").Append(slot.Index).Append(" rented").Append('\n').Append(renter);
            }
        }

        return text.ToString();
#else
        return "";
#endif
    }
}
