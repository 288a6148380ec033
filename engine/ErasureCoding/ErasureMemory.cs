using Sluice.Native.Memory;

namespace Sluice.Engine.ErasureCoding;

/// <summary>
/// The memory of erasure coding, bounded: parity units that a PUT adds up while its body comes, which it holds as long as its client takes, and units that
/// were rebuilt for readers. The two have arenas of their own, so that slow clients never keep a reader from its bytes. Nobody waits for parity memory: a PUT
/// that gets none computes its parity at the end. Who waits for a rebuilt unit's place waits for disks alone.
/// </summary>
internal sealed class ErasureMemory : IDisposable
{
    /// <summary>Rebuilt units have at least the room of one of the largest.</summary>
    public const long RebuiltBytesMin = Buckets.EcProperties.UnitBytesMax;

    private readonly BufferArena? _parity;

    /// <summary>So many bytes in all: a quarter for rebuilt units, at least <see cref="RebuiltBytesMin"/>, the rest for parity.</summary>
    public ErasureMemory(long bytes)
    {
        long rebuilt = Math.Clamp(bytes / 4, RebuiltBytesMin, BufferArena.BytesMax);
        long parity = Math.Min(bytes - rebuilt, BufferArena.BytesMax);
        Rebuilt = new RebuiltUnits(rebuilt);
        _parity = parity >= BufferArena.GranuleBytes ? new BufferArena(parity) : null;
    }

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
        _parity?.Dispose();
    }
}
