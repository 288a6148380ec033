using Microsoft.Extensions.Logging;
using Sluice.Native.Uring;
using Sluice.Server.Settings;
using Sluice.Transport.Uring;

namespace Sluice.Server;

/// <summary>The network on the ring loops, which are the caller's. Disposed after the server and before the loops.</summary>
internal sealed class RingNetwork(IReadOnlyList<RingLoop> loops, ServerSettings settings, ILoggerFactory logs) : IDisposable
{
    /// <summary>Connections on the loops.</summary>
    public UringTransport Transport { get; } = new(loops, new UringTransportOptions { LingerTimeout = settings.ClientTimeout }, logs);

    /// <summary>What the loops and the transport count, for the details of a health probe.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counters() =>
    [
        new("ring.loops", loops.Count),
        new("ring.sockets", Transport.ConnectionCount),
        new("ring.leases", Transport.LeaseCount),
        new("ring.refused", Transport.RefusedCount),
        new("ring.starved", Transport.StarvedCount),
        new("ring.paused", Transport.PausedCount),
        new("ring.wakes", loops.Sum(loop => loop.WakeCount)),
        new("ring.overflows", loops.Sum(loop => loop.OverflowCount)),
        new("ring.longest_us", (long)loops.Max(loop => loop.LongestIteration).TotalMicroseconds),
    ];

    /// <inheritdoc/>
    public void Dispose() => Transport.Dispose();
}
