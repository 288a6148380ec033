using System.Buffers;
using System.Numerics;
using Sluice.Native.Memory;
using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>
/// Provided buffers (io_uring_register_buf_ring(3)): the kernel takes one only when data is there, so an idle connection has none. Used on
/// its loop only: the tail has one writer.
/// </summary>
public sealed unsafe class BufferRing : IDisposable
{
    private readonly PageMapping _entries;
    private readonly PageMapping _pages;
    private readonly MappedMemory _memory;
    private readonly ProvidedBuffer* _ring;
    private readonly int _mask;
    private readonly bool[] _taken; // by number: ours until it is given back
    private ushort _tail;

    internal BufferRing(Ring ring, ushort group, int count, int bufferBytes)
    {
        if (!BitOperations.IsPow2(count) || count > 1 << 15)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, "a power of two up to 32768");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(bufferBytes, 1);
        (Group, Count, BufferBytes, _mask) = (group, count, bufferBytes, count - 1);
        _entries = new PageMapping((nuint)(count * sizeof(ProvidedBuffer)));
        _pages = new PageMapping((nuint)count * (nuint)bufferBytes);
        _memory = new MappedMemory(_pages, checked(count * bufferBytes));
        _ring = (ProvidedBuffer*)_entries.Start;
        var registration = new BufferRingRegistration { Address = (ulong)_ring, Entries = (uint)count, Group = group };
        // SAFETY: the entries stay mapped until the ring, which the loop closes first, is gone.
        _taken = new bool[count];
        Errno error = ring.TryRegister(IORING_REGISTER_PBUF_RING, &registration, 1);
        if (error != Errno.None)
        {
            Dispose();
            throw new RingUnavailableException($"io_uring takes no ring of buffers (IORING_REGISTER_PBUF_RING: {error})");
        }

        for (int id = 0; id < count; id++)
        {
            _taken[id] = true;
            Return(id);
        }
    }

    /// <summary>Buffers in all.</summary>
    public int Count { get; }

    /// <summary>Size of each in bytes.</summary>
    public int BufferBytes { get; }

    /// <summary>Buffers that the kernel may take, as far as completions have told.</summary>
    public int FreeCount { get; private set; }

    internal ushort Group { get; }

    /// <summary>
    /// The first <paramref name="bytes"/> of a buffer that a completion named; nothing when that failed. The caller gives it back with
    /// <see cref="Return"/>, and has no use of the memory afterwards.
    /// </summary>
    public Memory<byte> Take(int id, int bytes) => _memory.Memory.Slice(id * BufferBytes, Math.Max(bytes, 0));

    /// <summary>
    /// Gives a buffer back to the kernel: nobody may read it any more. Any order. Twice throws <see cref="InvalidOperationException"/>, since two
    /// connections would receive into it. No effect once the loop has ended.
    /// </summary>
    public void Return(int id)
    {
        if (_entries.IsClosed)
        {
            return;
        }

        if (!_taken[id])
        {
            throw new InvalidOperationException($"receive buffer {id} is the kernel's: it was given back before");
        }

        _taken[id] = false;
        // SAFETY: the index is masked to the entries, the id is one that the kernel got from us. Entry 0's last member is the tail: an
        // entry is never written whole.
        ProvidedBuffer* entry = _ring + (_tail & _mask);
        entry->Address = (ulong)(_pages.Start + ((nuint)id * (nuint)BufferBytes));
        entry->Length = (uint)BufferBytes;
        entry->Id = (ushort)id;
        _tail++;
        Volatile.Write(ref _ring->Tail, _tail); // release: the entry is written before the kernel sees the tail
        FreeCount++;
    }

    /// <summary>The kernel has filled that one, or has taken it and failed.</summary>
    internal void Taken(int id)
    {
        _taken[id] = true;
        FreeCount--;
    }

    /// <summary>Unmaps the buffers; after the ring is closed.</summary>
    public void Dispose()
    {
        _entries.Dispose();
        _pages.Dispose();
    }
}
