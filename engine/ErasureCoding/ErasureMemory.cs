using Sluice.Engine.Objects;
using Sluice.Native.Memory;

namespace Sluice.Engine.ErasureCoding;

/// <summary>
/// The memory of erasure coding, bounded: parity units that a PUT adds up while its body comes, which it holds as long as its client takes, and units that
/// were rebuilt for readers. The two have arenas of their own, so that slow clients never keep a reader from its bytes. Nobody waits for parity memory: a PUT
/// that gets none computes its parity at the end. Who waits for a rebuilt unit's place waits for disks alone.
/// </summary>
internal sealed class ErasureMemory : IDisposable
{
    /// <summary>What a unit is read in while it is compared or summed: what is read is still in the processor's cache when it is used.</summary>
    public const int ScratchBytes = 256 << 10;

    /// <summary>
    /// Units that are read at once: all sources of one where there is the memory, an eighth of it. Who has a buffer waits for one disk, so the queue moves.
    /// </summary>
    private const int ScratchCountMin = 4, ScratchCountMax = Buckets.EcProperties.SlicesMax, ScratchPart = 8;

    /// <summary>Least memory: one of the largest units is rebuilt, in buffers that it is read in.</summary>
    public const long BytesMin = Buckets.EcProperties.UnitBytesMax + (ScratchCountMin * ScratchBytes);

    private readonly BufferArena? _parity;

    /// <summary>So many bytes in all, at least <see cref="BytesMin"/>: a quarter for rebuilt units, at least the room of one, the rest for parity.</summary>
    public ErasureMemory(long bytes)
    {
        int scratch = (int)Math.Clamp(bytes / ScratchPart / ScratchBytes, ScratchCountMin, ScratchCountMax);
        long left = Math.Max(bytes, BytesMin) - ((long)scratch * ScratchBytes);
        long rebuilt = Math.Clamp(left / 4, Buckets.EcProperties.UnitBytesMax, BufferArena.BytesMax);
        long parity = Math.Min(left - rebuilt, BufferArena.BytesMax);
        Scratch = new BlockBuffers(scratch, ScratchBytes);
        Rebuilt = new RebuiltUnits(rebuilt);
        _parity = parity >= BufferArena.GranuleBytes ? new BufferArena(parity) : null;
    }

    /// <summary>What units are read in.</summary>
    public BlockBuffers Scratch { get; }

    /// <summary>The units that were rebuilt.</summary>
    public RebuiltUnits Rebuilt { get; }

    /// <summary>Bytes that are rented for parity.</summary>
    public long ParityBytes => _parity?.RentedBytes ?? 0;

    /// <summary>Memory for so many bytes of parity, or null when there is none just now. The caller disposes it.</summary>
    public ArenaRange? TryRentParity(long bytes) =>
        bytes <= int.MaxValue && _parity is not null && _parity.TryRent((int)bytes, out ArenaRange? range) ? range : null;

    /// <inheritdoc/>
    public void Dispose()
    {
        Rebuilt.Dispose();
        Scratch.Dispose();
        _parity?.Dispose();
    }
}
