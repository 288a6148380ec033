using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>/v1/health and the questions to /v1/daemon and /v1/cluster (contract: native API §6, §7).</summary>
internal sealed class ClusterApi(
    ObjectEngine engine, NodeIdentity node, Func<bool> isDraining, Func<IEnumerable<KeyValuePair<string, long>>> counters)
{
    private static readonly HashSet<string> s_unbuilt =
    [
        "node_status", "log", "bmd", "snode", "sysinfo", "metrics", "node_stats", "disk",
        "tls_certificate", "remote", "backends", "target_ips", "stats", "rmd", "etlmd",
    ];

    private readonly JobApi _jobs = new(engine, node);
    private readonly MountpathApi _mountpaths = new(engine, node);
    private readonly QuarantineApi _quarantine = new(engine);
    private readonly ConfigApi _config = new(engine);

    /// <summary>GET or HEAD /v1/health: liveness; readiness, rebalance readiness and details on request.</summary>
    public async ValueTask<Failure?> HealthAsync(RequestContext context)
    {
        if (!HttpMethods.IsGet(context.Method) && !HttpMethods.IsHead(context.Method))
        {
            return await NativeApi.NotAllowed(context, "GET, HEAD");
        }

        RequestTarget target = context.Target;
        if (target.IsOn("cii") || target.IsOn("cii-apr"))
        {
            return new Failure(ErrorCode.NotImplemented, "node-state information is for the nodes of a cluster and is not built yet");
        }

        if (!engine.CanServe && (target.IsOn("readiness") || target.IsOn("prr")))
        {
            return new Failure(ErrorCode.Unavailable, "no mountpath is in service");
        }

        if (isDraining() && (target.IsOn("readiness") || target.IsOn("prr")))
        {
            return new Failure(ErrorCode.Unavailable, "the server is stopping");
        }

        // A probe for life asks no disk: one that hangs must not make the node look dead.
        string uptime = ((DateTimeOffset.UtcNow - engine.StartedAt).Ticks * 100).ToString(CultureInfo.InvariantCulture);
        context.Headers[HeaderNames.ClusterUptime] = uptime;
        context.Headers[HeaderNames.NodeUptime] = uptime;
        if (target.IsOn("details"))
        {
            EngineStatus status = await engine.StatusAsync();
            await Answers.JsonAsync(context, writer => WriteDetails(writer, status));
            return null;
        }

        await Answers.EmptyAsync(context);
        return null;
    }

    /// <summary>/v1/daemon and what is behind it.</summary>
    public ValueTask<Failure?> DaemonAsync(RequestContext context, int position) =>
        context.Target.NextSegment(ref position) switch
    {
        Routes.Mountpaths => _mountpaths.ChangeAsync(context),
        Actions.SetConfig when HttpMethods.IsPut(context.Method) => _config.SetByQueryAsync(context),
        _ => QueryAsync(context, ofCluster: false),
    };

    /// <summary>/v1/cluster and what is behind it.</summary>
    public ValueTask<Failure?> ClusterAsync(RequestContext context, int position) => context.Target.NextSegment(ref position) switch
    {
        Actions.SetConfig when HttpMethods.IsPut(context.Method) => _config.SetByQueryAsync(context),
        _ => QueryAsync(context, ofCluster: true),
    };

    /// <summary>/v1/reverse/daemon: the same, by way of a gateway that the header names the node to (contract: native API §7).</summary>
    public ValueTask<Failure?> ReverseAsync(RequestContext context, int position)
    {
        string id = context.RequestHeaders[HeaderNames.NodeId].ToString();
        return id.Length == 0 ? NativeApi.Refused(new Failure(ErrorCode.BadRequest, $"the header {HeaderNames.NodeId} is missing: which node?"))
            : id != node.TargetId && id != node.ProxyId ? NativeApi.Refused(new Failure(ErrorCode.UnknownRoute, $"node \"{Answers.Printable(id)}\" does not exist"))
            : DaemonAsync(context, position);
    }

    /// <summary>GET /v1/daemon and /v1/cluster.</summary>
    private async ValueTask<Failure?> QueryAsync(RequestContext context, bool ofCluster)
    {
        if (!HttpMethods.IsGet(context.Method))
        {
            return await ActionMessage.HandleAsync(context, message => ActAsync(context, message));
        }

        string what = context.Target.Parameter("what") ?? "";
        if (JobApi.IsQuestion(what))
        {
            return await _jobs.QueryAsync(context, what);
        }

        switch (what)
        {
            case "smap":
                EngineStatus status = await engine.StatusAsync();
                await Answers.JsonAsync(context, writer => WriteMap(writer, status, context));
                return null;
            case "mountpaths":
                return await _mountpaths.ListAsync(context, ofCluster);
            case "cluster_config" or "config":
                return await _config.ShowAsync(context);
            case "quarantine":
                return await _quarantine.ListAsync(context);
            case "software_version":
                await Answers.TextAsync(context, node.Version);
                return null;
            default:
                return s_unbuilt.Contains(what)
                    ? new Failure(ErrorCode.NotImplemented, $"'what={what}' is not built yet")
                    : new Failure(ErrorCode.BadRequest, $"unrecognized 'what={Answers.Printable(what)}' query");
        }
    }

    private ValueTask<Failure?> ActAsync(RequestContext context, ActionMessage message) => (context.Method, message.Action) switch
    {
        (_, "") => NativeApi.NotAllowed(context, "GET, PUT"),
        ("PUT", Actions.Start) => _jobs.StartAsync(context, message),
        ("PUT", Actions.Stop) => _jobs.StopAsync(context, message),
        ("PUT", Actions.SetConfig or Actions.ResetConfig) => _config.ActAsync(context, message),
        ("PUT", Actions.DropQuarantine) => _quarantine.DropAsync(context, message),
        _ => NativeApi.Refused(BucketApi.Unbuilt(message.Action, context.Method)),
    };

    private void WriteDetails(Utf8JsonWriter writer, EngineStatus status)
    {
        writer.WriteStartObject();
        writer.WriteString("version", node.Version);
        writer.WriteString("node", node.TargetId);
        writer.WriteString("cluster", status.ClusterUuid);
        writer.WriteString("started", status.StartedAt.UtcDateTime);
        writer.WriteString("io", node.IoBackend);
        writer.WriteString("ready", isDraining() ? "stopping" : engine.CanServe ? "yes" : "no mountpath is in service");
        writer.WriteStartArray("mountpaths");
        foreach (MountpathStatus mountpath in status.Mountpaths)
        {
            writer.WriteStartObject();
            writer.WriteString("path", mountpath.Path);
            writer.WriteString("uuid", mountpath.Uuid);
            writer.WriteString("fs", mountpath.FileSystem);
            writer.WriteNumber("size_bytes", mountpath.SizeBytes);
            writer.WriteNumber("free_bytes", mountpath.FreeBytes);
            writer.WriteBoolean("healthy", mountpath.Healthy);
            writer.WriteString("state", MountpathApi.NameOf(mountpath.State));
            if (mountpath.Reason.Length > 0)
            {
                writer.WriteString("reason", mountpath.Reason);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("warnings");
        foreach (string warning in status.Warnings)
        {
            writer.WriteStringValue(warning);
        }

        writer.WriteEndArray();
        writer.WriteStartObject("counters");
        foreach ((string name, long value) in status.Counters.Concat(counters()))
        {
            writer.WriteNumber(name, value);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>One node in two roles. The address is the one that this client reached us at, so that it can be reached again.</summary>
    private void WriteMap(Utf8JsonWriter writer, EngineStatus status, RequestContext context)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("pmap");
        writer.WritePropertyName(node.ProxyId);
        WriteNode(writer, "proxy", node.ProxyId, context);
        writer.WriteEndObject();
        writer.WritePropertyName("proxy_si");
        WriteNode(writer, "proxy", node.ProxyId, context);
        writer.WriteStartObject("tmap");
        writer.WritePropertyName(node.TargetId);
        WriteNode(writer, "target", node.TargetId, context);
        writer.WriteEndObject();
        writer.WriteString("uuid", status.ClusterUuid);
        writer.WriteString("creation_time", status.CreatedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));
        writer.WriteString("version", status.MapVersion.ToString(CultureInfo.InvariantCulture));
        writer.WriteEndObject();
    }

    private static void WriteNode(Utf8JsonWriter writer, string type, string id, RequestContext context)
    {
        IPEndPoint local = context.LocalEndPoint;
        string host = local.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{local.Address}]" : local.Address.ToString();
        string port = local.Port.ToString(CultureInfo.InvariantCulture);
        writer.WriteStartObject();
        foreach (string net in (ReadOnlySpan<string>)["public_net", "intra_data_net", "intra_control_net"])
        {
            writer.WriteStartObject(net);
            writer.WriteString("node_ip_addr", local.Address.ToString());
            writer.WriteString("daemon_port", port);
            writer.WriteString("direct_url", $"{context.Scheme}://{host}:{port}");
            writer.WriteEndObject();
        }

        writer.WriteString("daemon_type", type);
        writer.WriteString("daemon_id", id);
        writer.WriteNumber("flags", 0);
        writer.WriteNumber("id_digest", NodeIdentity.DigestOf(id));
        writer.WriteEndObject();
    }
}
