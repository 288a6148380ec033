using Sluice.Transport.Guard;

namespace Sluice.Transport.Uring;

/// <summary>
/// Sizes of the memory that the connections of one loop share. All of it is address space until it is used; what is used once stays.
/// </summary>
public sealed record UringTransportOptions
{
    /// <summary>Connections that may wait to be accepted, for each loop (listen(2)).</summary>
    public int Backlog { get; init; } = 4096;

    /// <summary>Connections at once, all loops together; more are closed as they come.</summary>
    public int ConnectionsMax { get; init; } = 65536;

    /// <summary>How long a peer may take nothing of a last response before its connection is broken.</summary>
    public TimeSpan LingerTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>What the kernel may keep for the sockets; null: as much as it likes.</summary>
    public SocketBuffers? SocketBuffers { get; init; }

    /// <summary>
    /// How long a peer may go on sending behind our last byte: a close with something unread resets the connection, and that takes a response from its
    /// peer which has arrived and is not read yet. A few round trips; a peer that does not look is not waited for longer.
    /// </summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long the end of a listener waits for an application that does not let go of its connections, which are broken by then. Kestrel has given it its
    /// own time before; what is still stuck is stuck in a disk.
    /// </summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock of these timeouts.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Unread bytes of one connection that stop its receiving: two blocks, one that is being read and one that fills.</summary>
    public int UnreadBytesMax { get; init; } = 2 * BlockBytes;

    /// <summary>
    /// The same while they lie in small buffers, which all connections of a loop share: a body that nobody reads yet, since its request waits for its
    /// turn, must not take them all.
    /// </summary>
    public int UnreadSmallBytesMax { get; init; } = 64 << 10;

    /// <summary>Blocks for request bodies, for each loop: 64 x 256 KiB.</summary>
    public int BlockCount { get; init; } = 64;

    /// <summary>Buffers for heads and small bodies of responses, for each loop: 1024 x 64 KiB, one for each response that is being written.</summary>
    public int HeadCount { get; init; } = 1024;

    /// <summary>Bytes of arrays in their place that may lie with connections whose response is written and not yet taken, for each loop.</summary>
    public long ArrayBytesMax { get; init; } = 64 << 20;

    /// <summary>Size of a block: 16 MiB bodies cost 3.6 ms of CPU with receives of 256 KiB, 7.9 with 16 KiB (prototype).</summary>
    public const int BlockBytes = 256 << 10;

    /// <summary>Size of a head buffer: a head of up to 8 KiB and a small object of 32 KiB, rounded up to a power of two.</summary>
    public const int HeadBytes = 64 << 10;

    /// <summary>What a connection that has nothing unread receives at once when all provided buffers are held by others: most heads, and no more.</summary>
    public const int OwnBytes = 4 << 10;

    /// <summary>A request body that is longer is received into blocks; below, the small buffers are as good.</summary>
    public const int BlockBodyBytesMin = 64 << 10;
}
