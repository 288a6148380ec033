using Microsoft.Extensions.Logging;
using Sluice.Native.Uring;
using Sluice.Server.Settings;
using Sluice.Transport.Guard;
using Sluice.Transport.Uring;

namespace Sluice.Server;

/// <summary>The ring loops of the process, one for each processor while the memory is enough, and the transport on them. Ends them in the order that they need.</summary>
internal sealed class RingNetwork : IDisposable
{
    private readonly RingLoop[] _loops;

    private RingNetwork(RingLoop[] loops, UringTransportOptions options, ILoggerFactory logs)
    {
        _loops = loops;
        Transport = new UringTransport(loops, options, logs);
    }

    /// <summary>Connections on the loops.</summary>
    public UringTransport Transport { get; }

    /// <summary>The loops, for disk I/O too.</summary>
    public IReadOnlyList<RingLoop> Loops => _loops;

    /// <summary>Starts the loops; null when io_uring is not wanted or not to be had, which the log tells once.</summary>
    public static RingNetwork? Open(ServerSettings settings, MemoryPlan plan, SocketBuffers sockets, ILoggerFactory logs)
    {
        if (settings.Io == IoBackend.Threads)
        {
            return null;
        }

        var loops = new List<RingLoop>();
        try
        {
            for (int i = 0; i < plan.LoopCount; i++)
            {
                loops.Add(new RingLoop(new RingLoopOptions
                {
                    Name = $"sluice-ring-{i}",
                    ReceiveBufferCount = plan.ReceiveBuffersPerLoop,
                    ReceiveBufferBytes = MemoryPlan.ReceiveBufferBytes,
                }));
            }
        }
        catch (RingUnavailableException refused)
        {
            loops.ForEach(loop => loop.Dispose());
            logs.CreateLogger("server").LogWarning("{Problem}: sockets and threads take over", refused.Message);
            return null;
        }

        var options = new UringTransportOptions
        {
            ConnectionsMax = plan.ConnectionsMax,
            LingerTimeout = settings.ClientTimeout,
            SocketBuffers = sockets,
            BlockCount = plan.BlocksPerLoop,
            HeadCount = plan.HeadsPerLoop,
            ArrayBytesMax = (long)plan.RequestsPlanned * plan.RequestBytes / 2 / plan.LoopCount,
        };
        return new RingNetwork([.. loops], options, logs);
    }

    /// <summary>What the loops and the transport count, for the details of a health probe.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counters() =>
    [
        new("ring.loops", _loops.Length),
        new("ring.sockets", Transport.ConnectionCount),
        new("ring.leases", Transport.LeaseCount),
        new("ring.refused", Transport.RefusedCount),
        new("memory.blocks.leases", Transport.BlockCount),
        new("memory.heads.leases", Transport.HeadCount),
        new("memory.heads.array_bytes", Transport.ArrayBytes),
        new("ring.starved", Transport.StarvedCount),
        new("ring.paused", Transport.PausedCount),
        new("ring.wakes", _loops.Sum(loop => loop.WakeCount)),
        new("ring.overflows", _loops.Sum(loop => loop.OverflowCount)),
        new("ring.longest_us", (long)_loops.Max(loop => loop.LongestIteration).TotalMicroseconds),
    ];

    /// <summary>Ends the loops, then unmaps their buffers.</summary>
    public void Dispose()
    {
        Array.ForEach(_loops, loop => loop.Dispose());
        Transport.Dispose();
    }
}
