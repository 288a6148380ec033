using System.Buffers;

namespace Sluice.Native.Memory;

/// <summary>A mapping as <see cref="Memory{T}"/>. Whoever owns the mapping sees to it that nobody uses the memory after it is unmapped.</summary>
internal sealed unsafe class MappedMemory(PageMapping pages, int bytes) : MemoryManager<byte>
{
    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(pages.IsClosed, this);
        // SAFETY: bytes is the mapping's size or less; it is mapped, and its owner does not unmap it while somebody uses the memory.
        return new(pages.Start, bytes);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ObjectDisposedException.ThrowIf(pages.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)bytes);
        // SAFETY: as in GetSpan; mapped memory does not move.
        return new MemoryHandle(pages.Start + elementIndex);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
        // Nothing was pinned: the memory is not the collector's.
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The mapping is its owner's.
    }
}
