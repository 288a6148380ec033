using Sluice.Engine.Io;

namespace Sluice.Transport.Cold;

/// <summary>
/// Sizes of the memory for reads of what is not in memory, one set a process: <see cref="BytesMax"/> at most, address space until it is used.
/// </summary>
public sealed record ColdReadOptions
{
    /// <summary>Size of a buffer, a power of two from 64 KiB: what one request to a disk reads.</summary>
    public int BufferBytes { get; init; } = 1 << 20;

    /// <summary>Buffers that go to connections: 32 x 1 MiB.</summary>
    public int BufferCount { get; init; } = 32;

    /// <summary>Buffers that are held only while a disk works, so that whoever finds none of the others gets on: 4 x 1 MiB.</summary>
    public int ScratchCount { get; init; } = 4;

    /// <summary>Reads that one response has in flight: with the one that is being sent and the one that waits, it holds two more.</summary>
    public int ReadsAhead { get; init; } = 4;

    /// <summary>
    /// Objects of up to that many bytes may be more than are remembered: where it cannot be told whether one of them was read before, it goes through the
    /// page cache, so that the next reader gets it from there.
    /// </summary>
    public long SmallObjectBytesMax { get; init; } = 1 << 20;

    /// <summary>
    /// What the page cache may be expected to hold, in bytes: an object that is read a second time before that much else was read from the disks goes
    /// through the cache, since it would have been found there.
    /// </summary>
    public long CacheBytes { get; init; } = 1L << 30;

    /// <summary>What all buffers take at most, in bytes.</summary>
    public long BytesMax => (long)BufferBytes * (BufferCount + ScratchCount);

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(BufferBytes, 64 << 10, nameof(BufferBytes));
        ArgumentOutOfRangeException.ThrowIfNotEqual(BufferBytes % IFileIo.DirectAlignmentBytes, 0, nameof(BufferBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(BufferCount, 1, nameof(BufferCount));
        ArgumentOutOfRangeException.ThrowIfLessThan(ScratchCount, 1, nameof(ScratchCount));
        ArgumentOutOfRangeException.ThrowIfLessThan(ReadsAhead, 1, nameof(ReadsAhead));
    }
}
