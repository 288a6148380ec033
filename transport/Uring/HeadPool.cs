using System.Buffers;
using Microsoft.AspNetCore.Connections.Features;

namespace Sluice.Transport.Uring;

/// <summary>
/// Where Kestrel takes memory for what is written before a response has started. Without a pool of the connection's it takes the framework's shared one,
/// which lends an array of no bytes to whoever does not say how many he wants, and then a write fails.
/// </summary>
internal sealed class HeadPool : MemoryPool<byte>
{
    private const int BufferBytes = 4096; // as Kestrel's own pool

    /// <summary>The one pool, as connections offer it.</summary>
    public static IMemoryPoolFeature Feature { get; } = new PoolFeature(new HeadPool());

    /// <inheritdoc/>
    public override int MaxBufferSize => Shared.MaxBufferSize;

    /// <inheritdoc/>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(minBufferSize <= 0 ? BufferBytes : minBufferSize);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // It owns nothing.
    }

    private sealed record PoolFeature(MemoryPool<byte> MemoryPool) : IMemoryPoolFeature;
}
