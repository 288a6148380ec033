using Microsoft.Extensions.Logging;
using Sluice.Native.Uring;
using Sluice.Server.Settings;
using Sluice.Transport.Guard;
using Sluice.Transport.Uring;

namespace Sluice.Server;

/// <summary>The network on the ring loops, which are the caller's. Disposed after the server and before the loops.</summary>
internal sealed class RingNetwork(IReadOnlyList<RingLoop> loops, UringTransportOptions options, ILoggerFactory logs) : IDisposable
{
    /// <summary>Connections on the loops.</summary>
    public UringTransport Transport { get; } = new(loops, options, logs);

    /// <summary>Sizes of the transport: its memory is the plan's.</summary>
    public static UringTransportOptions OptionsOf(ServerSettings settings, MemoryPlan plan, SocketBuffers sockets) => new()
    {
        ConnectionsMax = plan.ConnectionsMax,
        LingerTimeout = settings.ClientTimeout,
        SocketBuffers = sockets,
        BlockCount = plan.BlocksPerLoop,
        HeadCount = plan.HeadsPerLoop,
        ArrayBytesMax = plan.ArrayBytesPerLoop,
    };

    /// <summary>What the loops and the transport count, for the details of a health probe.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counters() =>
    [
        new("ring.loops", loops.Count),
        new("ring.sockets", Transport.ConnectionCount),
        new("ring.leases", Transport.LeaseCount),
        new("ring.refused", Transport.RefusedCount),
        new("memory.blocks.leases", Transport.BlockCount),
        new("memory.heads.leases", Transport.HeadCount),
        new("memory.heads.array_bytes", Transport.ArrayBytes),
        new("ring.starved", Transport.StarvedCount),
        new("ring.paused", Transport.PausedCount),
        new("ring.wakes", loops.Sum(loop => loop.WakeCount)),
        new("ring.overflows", loops.Sum(loop => loop.OverflowCount)),
        new("ring.fixed", loops.Sum(loop => loop.FixedBufferCount)),
        new("ring.plain", loops.Sum(loop => loop.PlainBufferCount)),
        new("ring.passes", loops.Sum(loop => loop.IterationCount)),
        new("ring.slow_passes", loops.Sum(loop => loop.SlowIterationCount)),
        new("ring.slow_cpu_passes", loops.Sum(loop => loop.SlowIterationProcessorCount)),
        new("ring.longest_us", (long)loops.Max(loop => loop.LongestIteration).TotalMicroseconds),
        new("ring.longest_cpu_us", (long)loops.Max(loop => loop.LongestIterationProcessorTime).TotalMicroseconds),
    ];

    /// <inheritdoc/>
    public void Dispose() => Transport.Dispose();
}
