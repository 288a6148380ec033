using System.Buffers;

namespace Sluice.Native.Memory;

/// <summary>
/// A place in a slab; made once, with the slab. Its version is odd while it is rented and even while it is free, and rises by one with
/// either, so that a lease is valid while the version is its own.
/// </summary>
internal sealed unsafe class BufferSlot(BufferSlab slab, int index) : MemoryManager<byte>
{
    private uint _version;

    public int Index => index;

    public BufferSlab Slab => slab;

#if DEBUG
    /// <summary>Stack of whoever rented it; null while it is free.</summary>
    public System.Diagnostics.StackTrace? Renter { get; private set; }
#endif

    /// <summary>Marks the slot as rented. Called under the slab's monitor, by which no other renter has the slot.</summary>
    public BufferLease Rent()
    {
        uint version = _version + 1;
#if DEBUG
        Renter = new System.Diagnostics.StackTrace(2, fNeedFileInfo: true);
#endif
        Volatile.Write(ref _version, version); // release: pairs with MemoryOf
        return new BufferLease(this, version);
    }

    public Memory<byte> MemoryOf(uint version)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _version) != version, typeof(BufferLease));
        return CreateMemory(slab.BufferBytes);
    }

    /// <summary>Ends the lease of that version; of two that try, one throws.</summary>
    public void Return(uint version)
    {
        if (Interlocked.CompareExchange(ref _version, version + 1, version) != version)
        {
            throw new InvalidOperationException("a buffer lease is disposed a second time");
        }

#if DEBUG
        Renter = null;
#endif
        slab.TakeBack(index);
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf((Volatile.Read(ref _version) & 1) == 0, typeof(BufferLease));
        // SAFETY: the slot is rented, and a slab is not unmapped while one of its slots is; the index is within the slab by construction.
        return new Span<byte>(slab.AddressOf(index), slab.BufferBytes);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        if ((uint)elementIndex > (uint)slab.BufferBytes)
        {
            throw new ArgumentOutOfRangeException(nameof(elementIndex));
        }

        ObjectDisposedException.ThrowIf((Volatile.Read(ref _version) & 1) == 0, typeof(BufferLease));
        // SAFETY: as in GetSpan; mapped memory does not move, and the lease's owner keeps it for as long as it is pinned.
        return new MemoryHandle(slab.AddressOf(index) + elementIndex);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
        // Nothing was pinned: the memory is not the collector's.
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The slot lives as long as its slab; leases are ended by BufferLease.Dispose.
    }
}
