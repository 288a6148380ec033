namespace Sluice.Native.Memory;

/// <summary>
/// One buffer of a <see cref="BufferSlab"/>, rented. A lease has one owner, who disposes it once; handing it on is a move. It is a value
/// that names the slot and the slot's version when it was rented, so that renting allocates nothing and yet a lease that was disposed
/// before, or a copy of it, is told from the next one of the same slot: using or disposing it throws, also when the buffer has been rented
/// again meanwhile.
/// </summary>
public readonly struct BufferLease : IDisposable
{
    private readonly BufferSlot? _slot;
    private readonly uint _version;

    internal BufferLease(BufferSlot slot, uint version)
    {
        _slot = slot;
        _version = version;
    }

    /// <summary>
    /// The buffer: page-aligned, of the slab's size, with whatever the last owner left in it. Never kept past <see cref="Dispose"/>; using it
    /// after that throws only until the buffer is rented again. Throws <see cref="ObjectDisposedException"/> when the lease is over.
    /// </summary>
    public Memory<byte> Memory => Slot.MemoryOf(_version);

    /// <summary>The slab that it is from; for tables that are kept by buffer.</summary>
    internal BufferSlab Slab => Slot.Slab;

    /// <summary>Its place in the slab.</summary>
    internal int Index => Slot.Index;

    private BufferSlot Slot => _slot ?? throw new InvalidOperationException("a lease that was never rented has no buffer");

    /// <summary>Gives the buffer back. A second time, by whichever copy, throws <see cref="InvalidOperationException"/>.</summary>
    public void Dispose() => Slot.Return(_version);
}
