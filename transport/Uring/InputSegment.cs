using System.Buffers;
using Sluice.Native.Memory;

namespace Sluice.Transport.Uring;

/// <summary>
/// A received buffer while it is the reader's: one that the kernel chose among the provided ones, or a block of ours that is being filled. Made once
/// for each buffer and used again, so that reading allocates nothing.
/// </summary>
internal sealed class InputSegment(int providedId) : ReadOnlySequenceSegment<byte>
{
    private BufferLease _block;
    private Memory<byte> _blockMemory;

    /// <summary>Number of the provided buffer; -1: a block.</summary>
    public int ProvidedId => providedId;

    /// <summary>The kernel may still write into it: it is kept though all of it has been read.</summary>
    public bool IsFilling { get; set; }

    public InputSegment? Following
    {
        get => (InputSegment?)Next;
        set => Next = value;
    }

    public int Length => Memory.Length;

    /// <summary>Room behind what was received.</summary>
    public Memory<byte> Room => _blockMemory[Memory.Length..];

    /// <summary>A provided buffer with what the kernel wrote.</summary>
    public void Fill(Memory<byte> data) => Begin(data);

    /// <summary>An empty block.</summary>
    public void Fill(BufferLease owned)
    {
        _block = owned;
        _blockMemory = owned.Memory;
        IsFilling = true;
        Begin(default);
    }

    /// <summary>More was received into the block.</summary>
    public void Grow(int bytes) => Memory = _blockMemory[..(Memory.Length + bytes)];

    public void Follow(InputSegment previous)
    {
        RunningIndex = previous.RunningIndex + previous.Memory.Length;
        previous.Next = this;
    }

    /// <summary>Gives the block back.</summary>
    public void ReleaseBlock()
    {
        Memory = default;
        _blockMemory = default;
        _block.Dispose();
        _block = default;
    }

    private void Begin(ReadOnlyMemory<byte> data)
    {
        Memory = data;
        Next = null;
        RunningIndex = 0;
    }
}
