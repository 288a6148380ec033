using System.Buffers;
using Sluice.Native.Memory;

namespace Sluice.Transport.Uring;

/// <summary>
/// A received buffer while it is the reader's: one that the kernel chose among the provided ones, a block of ours that is being filled, or a
/// copy of what a reader looked at and left. Made once for each buffer and used again, so that reading allocates nothing.
/// </summary>
internal sealed class InputSegment(int providedId) : ReadOnlySequenceSegment<byte>
{
    private BufferLease _block;
    private byte[]? _array;
    private Memory<byte> _ownMemory; // of either

    /// <summary>Number of the provided buffer; -1: a block, or a copy.</summary>
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
    public Memory<byte> Room => _ownMemory[Memory.Length..];

    /// <summary>A provided buffer with what the kernel wrote.</summary>
    public void Fill(Memory<byte> data) => Begin(data);

    /// <summary>An empty block.</summary>
    public void Fill(BufferLease owned)
    {
        (_block, _ownMemory) = (owned, owned.Memory);
        IsFilling = true;
        Begin(default);
    }

    /// <summary>An empty copy, in a rented array.</summary>
    public void Fill(byte[] owned)
    {
        (_array, _ownMemory) = (owned, owned);
        Begin(default);
    }

    /// <summary>More was received into the block.</summary>
    public void Grow(int bytes) => Memory = _ownMemory[..(Memory.Length + bytes)];

    /// <summary>Copies behind what it has; there is <see cref="Room"/>.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room.Span);
        Grow(bytes.Length);
    }

    public void Follow(InputSegment previous)
    {
        RunningIndex = previous.RunningIndex + previous.Memory.Length;
        previous.Next = this;
    }

    /// <summary>Stands where nothing stands before it; its bytes keep the place that they had in the sequence.</summary>
    public void BeginAt(long runningIndex) => RunningIndex = runningIndex;

    /// <summary>Gives a block or a copy back.</summary>
    public void ReleaseMemory()
    {
        Memory = default;
        _ownMemory = default;
        if (_array is not null)
        {
            ArrayPool<byte>.Shared.Return(_array);
            _array = null;
            return;
        }

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
