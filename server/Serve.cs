using System.Net;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Native.Uring;
using Sluice.Server.Settings;
using Sluice.Transport.Api;
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
        using OpenedIo? io = OpenIo(settings.Io, log);
        if (io is null || !TryOpenTls(settings.Tls, logs, out TlsCertificates? certificates))
        {
            return ServerCommands.Failed;
        }

        using TlsCertificates? tls = certificates;
        using PosixSignalRegistration? hangup = tls is null ? null : ReloadOnHangup(tls);
        var environment = new EngineEnvironment { Io = io.Files, Time = TimeProvider.System, Log = logs.CreateLogger("engine") };
        Result<ObjectEngine> opened = await ObjectEngine.OpenAsync(EngineOptionsOf(settings), environment);
        if (!opened.Ok)
        {
            log.LogError("cannot start: {Problem}", opened.Error!.Message);
            return ServerCommands.Failed;
        }

        await using ObjectEngine engine = opened.Value;
        EngineStatus status = await engine.StatusAsync();
        var node = new NodeIdentity(status.NodeId, status.ClusterUuid, io.Name, ServerCommands.Version);
        using RingNetwork? network = io.Backend == IoBackend.Uring ? new RingNetwork(io.Loops, settings, logs) : null;
        var how = new HttpServerOptions
        {
            EndPoint = settings.Listen,
            Tls = tls,
            Transport = network?.Transport,
            ClientTimeout = settings.ClientTimeout,
            Counters = () => network?.Counters() ?? [],
        };
        await using var server = new HttpServer(how, engine, node, logs);
        if (!await ListenAsync(server, settings.Listen, log, signals.Stopping))
        {
            return ServerCommands.Failed;
        }

        log.LogInformation(
            "sluice {Version} listens on {EndPoint}: {Mountpaths} mountpaths, node {Node}, cluster {Cluster}, io {Io}, memory {Memory}",
            ServerCommands.Version, server.EndPoint, status.Mountpaths.Count, status.NodeId, status.ClusterUuid, io.Name, SizeText.Format(settings.MemoryBytes));
        notifier.Ready($"listening on {server.EndPoint}");
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

    private static OpenedIo? OpenIo(IoBackend asked, ILogger log)
    {
        try
        {
            return OpenedIo.Open(asked, new RingLoopOptions { Name = "sluice-loop", ReceiveBufferCount = 512 }, log);
        }
        catch (RingUnavailableException refused)
        {
            log.LogError("cannot start: {Problem}; --io threads does without", refused.Message);
            return null;
        }
    }

    private static EngineOptions EngineOptionsOf(ServerSettings settings) => new()
    {
        Mountpaths = settings.Mountpaths,
        AllowSharedDisk = settings.AllowSharedDisk,
        AllowMoved = settings.AllowMoved,
        ForgetMountpaths = settings.ForgetMountpaths,
        MemoryBytes = settings.MemoryBytes,
        OpenFilesMax = OpenFilesMax(),
        FlushInterval = settings.FlushInterval,
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
