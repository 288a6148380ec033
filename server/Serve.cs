using System.Net;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Names;
using Sluice.Native.Uring;
using Sluice.Server.Settings;
using Sluice.Transport.Api;
using Sluice.Transport.Cold;
using Sluice.Transport.Guard;
using Sluice.Transport.Http;
using Sluice.Transport.Tls;

namespace Sluice.Server;

/// <summary>
/// The life of the server on one screen: engine → transport → run → drain → close, in that order. Exit status 0 after an orderly end, 1 when it
/// could not start.
/// </summary>
public static class Serve
{
    /// <summary>Serves until a signal; answers the exit code.</summary>
    public static async Task<int> RunAsync(ServerSettings settings, ILoggerFactory logs, ShutdownSignals signals)
    {
        ILogger log = logs.CreateLogger("server");
        using var notifier = ServiceNotifier.FromEnvironment(log);
        MemoryPlan plan = PlanOf(settings, settings.Io);
        using OpenedIo? io = OpenIo(settings.Io, plan, log);
        if (io is null || !TryOpenTls(settings.Tls, logs, out TlsCertificates? certificates))
        {
            return ServerCommands.Failed;
        }

        using TlsCertificates? tls = certificates;
        using PosixSignalRegistration? hangup = tls is null ? null : ReloadOnHangup(tls);
        plan = io.Backend == IoBackend.Threads ? PlanOf(settings, io.Backend) : plan; // what rings would have had is the heap's
        LimitMemory(settings, plan, log);
        var environment = new EngineEnvironment { Io = io.Files, Time = TimeProvider.System, Log = logs.CreateLogger("engine"), NameStores = settings.KeepsNames ? new SqliteNameStores(logs.CreateLogger("engine")) : null };
        Result<ObjectEngine> opened = await ObjectEngine.OpenAsync(EngineOptionsOf(settings, plan), environment);
        if (!opened.Ok)
        {
            log.LogError("cannot start: {Problem}", opened.Error!.Message);
            return ServerCommands.Failed;
        }

        await using ObjectEngine engine = opened.Value;
        EngineStatus status = await engine.StatusAsync();
        var node = new NodeIdentity(status.NodeId, status.ClusterUuid, io.Name, ServerCommands.Version);
        var sockets = new SocketBuffers(plan.TunedSockets, plan.SocketBytes, plan.SharedSocketBytes);
        var machine = MachineReport.Read();
        using var coldReads = new ColdReads(plan.ColdReads(machine.UsableMemoryBytes)); // outlives the connections, which hold its buffers
        await RegisterAsync(coldReads, io.Loops, plan, machine, log);
        using RingNetwork? network = plan.HasRingNetwork ? new RingNetwork(io.Loops, RingNetwork.OptionsOf(settings, plan, sockets), logs) : null;
        await using var server = new HttpServer(ServerOptionsOf(settings, plan, sockets, network, coldReads) with { Tls = tls }, engine, node, logs);
        if (!await ListenAsync(server, settings.Listen, log, signals.Stopping))
        {
            return ServerCommands.Failed;
        }

        log.LogInformation(
            "sluice {Version} listens on {EndPoint}: {Mountpaths} mountpaths, node {Node}, cluster {Cluster}, io {Io}, memory {Memory}",
            ServerCommands.Version, server.EndPoint, status.Mountpaths.Count, status.NodeId, status.ClusterUuid, io.Name, SizeText.Format(settings.MemoryBytes));
        notifier.Ready($"listening on {server.EndPoint}");
        _ = MemoryLimit.PrepareStackTracesAsync(signals.Stopping);
        await WaitAsync(signals.Stopping);

        notifier.Stopping("finishing requests in flight");
        log.LogInformation("stopping: {InFlight} requests in flight, at most {Deadline} s", server.InFlight, settings.DrainDeadline.TotalSeconds);
        int broken = await server.StopAsync(settings.DrainDeadline);
        if (broken > 0)
        {
            log.LogWarning("{Broken} requests were not done at the deadline and were broken", broken);
        }

        log.LogInformation("stopped");
        return 0;
    }

    /// <summary>Reads the certificate, if there is to be one; false when it was refused and the log says why.</summary>
    private static bool TryOpenTls(TlsFiles? files, ILoggerFactory logs, out TlsCertificates? tls)
    {
        tls = null;
        if (files is null)
        {
            return true;
        }

        ILogger log = logs.CreateLogger("tls");
        if (!TlsCertificates.TryOpen(files, TimeProvider.System, log, out tls, out string problem))
        {
            log.LogError("cannot start: {Problem}", problem);
            return false;
        }

        log.LogInformation(
            "TLS with the certificate {Subject}, valid until {ValidUntil:yyyy-MM-dd HH:mm:ss}Z{Clients}",
            tls!.Subject, tls.ValidUntil.UtcDateTime, files.ClientAuthorityPath is null ? "" : "; clients must show one too");
        return true;
    }

    /// <summary>SIGHUP, by which operators have always asked a service to read its files again.</summary>
    private static PosixSignalRegistration ReloadOnHangup(TlsCertificates tls) => PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
    {
        signal.Cancel = true;
        tls.Reload();
    });

    private static MemoryPlan PlanOf(ServerSettings settings, IoBackend backend) => new(new MemoryDemand
    {
        BudgetBytes = settings.MemoryBytes,
        Processors = backend == IoBackend.Threads ? 0 : Environment.ProcessorCount,
        HasRingNetwork = backend is IoBackend.Auto or IoBackend.Uring,
        Mountpaths = settings.Mountpaths.Count,
        RequestsMax = settings.RequestsMax,
    });

    /// <summary>The collector's share, and a word about what was asked for beyond the budget.</summary>
    private static void LimitMemory(ServerSettings settings, MemoryPlan plan, ILogger log)
    {
        if (settings.RequestsMax > plan.RequestsMax)
        {
            log.LogWarning(
                "requests-max {Asked} is more than memory {Memory} is for: {Planned} requests are answered at once",
                settings.RequestsMax, SizeText.Format(settings.MemoryBytes), plan.RequestsMax);
        }

        if (!MemoryLimit.TrySet(plan.HeapBytes))
        {
            log.LogWarning("the managed heap cannot be limited to {Bytes} bytes: it has more already, or the runtime refuses", plan.HeapBytes);
        }
    }

    private static HttpServerOptions ServerOptionsOf(ServerSettings settings, MemoryPlan plan, SocketBuffers sockets, RingNetwork? network, ColdReads coldReads) => new()
    {
        EndPoint = settings.Listen,
        Transport = network?.Transport,
        ColdReads = coldReads,
        ClientTimeout = settings.ClientTimeout,
        RequestsMax = plan.RequestsMax,
        ControlsMax = plan.ControlsMax,
        WaitingMax = plan.WaitingMax,
        ConnectionsMax = plan.ConnectionsMax,
        RequestBytes = plan.RequestBytes,
        PieceBytes = plan.PieceBytes,
        SocketBuffers = network is null ? sockets : null, // the ring's acceptors have them
        Counters = () => MemoryLimit.Counters(plan.BudgetBytes).Concat(network?.Counters() ?? []),
    };

    private static OpenedIo? OpenIo(IoBackend asked, MemoryPlan plan, ILogger log)
    {
        var options = new RingLoopOptions
        {
            Name = "sluice-loop",
            ReceiveBufferCount = plan.ReceiveBuffersPerLoop,
            ReceiveBufferBytes = MemoryPlan.ReceiveBufferBytes,
            RegisteredBufferCount = plan.RegisteredBuffersPerLoop,
        };
        try
        {
            return OpenedIo.Open(asked, options, log, plan.LoopCount);
        }
        catch (RingUnavailableException refused)
        {
            log.LogError("cannot start: {Problem}; --io threads does without", refused.Message);
            return null;
        }
    }

    /// <summary>
    /// The kernel is to keep the pages of the buffers that the network's loops read into; a word where it may not keep all of them. A refusal at work is
    /// counted (ring.plain): the limit is the user's, whose other processes may have used it up.
    /// </summary>
    private static async Task RegisterAsync(ColdReads coldReads, IReadOnlyList<RingLoop> loops, MemoryPlan plan, MachineReport machine, ILogger log)
    {
        if (!plan.HasRingNetwork)
        {
            return;
        }

        long wanted = (long)loops.Count * coldReads.Options.BufferBytes * coldReads.Options.BufferCount;
        if (!await coldReads.RegisterAsync(loops))
        {
            log.LogInformation("the kernel registers no buffers ({Refusal}): reads past the page cache take more of its time", loops[0].BufferRefusal);
        }
        else if (machine.LockedBytesMax is { } limit && limit < wanted)
        {
            log.LogInformation(
                "RLIMIT_MEMLOCK is {Limit}, all registered buffers take {Wanted}: reads past the page cache into the others take more of the kernel's time",
                SizeText.Format(limit), SizeText.Format(wanted));
        }
    }

    private static EngineOptions EngineOptionsOf(ServerSettings settings, MemoryPlan plan) => new()
    {
        Mountpaths = settings.Mountpaths,
        AllowSharedDisk = settings.AllowSharedDisk,
        AllowMoved = settings.AllowMoved,
        AllowDegraded = settings.AllowDegraded,
        Space = settings.SpaceMarks,
        Health = new() { Interval = settings.HealthInterval },
        ForgetMountpaths = settings.ForgetMountpaths,
        MemoryBytes = settings.MemoryBytes,
        OpenFilesMax = OpenFilesMax(),
        VerifyBuffersMax = plan.VerifyBuffers,
        BodyReadBytes = plan.BodyReadBytes,
        ErasureBytes = plan.ErasureBytes,
        FlushInterval = settings.FlushInterval,
        UploadAge = settings.UploadAge,
        PromoteRoots = settings.PromoteRoots,
    };

    /// <summary>Half of what the process may open is for the cache of open files; connections and work files take the rest.</summary>
    private static int OpenFilesMax() => (int)Math.Clamp((MachineReport.Read().OpenFilesMax ?? 1024) / 2, 256, 1 << 20);

    private static async Task<bool> ListenAsync(HttpServer server, IPEndPoint endPoint, ILogger log, CancellationToken stop)
    {
        try
        {
            await server.StartAsync(stop);
            return true;
        }
        catch (Exception refused) when (refused is IOException or AddressInUseException or System.Net.Sockets.SocketException)
        {
            log.LogError("cannot listen on {EndPoint}: {Problem}", endPoint, refused.InnerException?.Message ?? refused.Message);
            return false;
        }
    }

    private static async Task WaitAsync(CancellationToken stop)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (stop.Register(stopped.SetResult))
        {
            await stopped.Task;
        }
    }
}
