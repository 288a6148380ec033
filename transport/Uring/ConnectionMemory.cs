using System.Buffers;
using Microsoft.AspNetCore.Connections.Features;

namespace Sluice.Transport.Uring;

/// <summary>
/// Memory that Kestrel asks for beside the pipes: small answers that have no head yet, frames of HTTP/2. A request for any size gets a block, which the shared
/// pool would answer with nothing.
/// </summary>
internal sealed class ConnectionMemory : MemoryPool<byte>, IMemoryPoolFeature
{
    private const int BlockBytes = 4096; // as much as Kestrel's own pool gives

    /// <summary>The one of the process.</summary>
    public static readonly ConnectionMemory Instance = new();

    /// <inheritdoc/>
    public MemoryPool<byte> MemoryPool => this;

    /// <inheritdoc/>
    public override int MaxBufferSize => Shared.MaxBufferSize;

    /// <inheritdoc/>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, BlockBytes));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Lives as long as the process; Kestrel does not dispose what a connection brings.
    }
}
