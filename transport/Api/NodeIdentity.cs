using System.Text;
using Sluice.Engine.Placement;

namespace Sluice.Transport.Api;

/// <summary>How this node presents itself on the wire. One process is a gateway and a target; each role has an id of its own.</summary>
public sealed class NodeIdentity(string nodeId, string clusterUuid, string ioBackend, string version)
{
    /// <summary>Id as a target, by which objects are placed.</summary>
    public string TargetId { get; } = nodeId;

    /// <summary>Id as a gateway: the same behind another letter.</summary>
    public string ProxyId { get; } = "p" + nodeId[1..];

    /// <summary>Identity of the cluster.</summary>
    public string ClusterUuid { get; } = clusterUuid;

    /// <summary>What does the disk I/O: threads or uring.</summary>
    public string IoBackend { get; } = ioBackend;

    /// <summary>Version of the software.</summary>
    public string Version { get; } = version;

    /// <summary>As errors name it.</summary>
    public string Display { get; } = $"t[{nodeId}]";

    /// <summary>Digest of an id, as clients compute it for placement.</summary>
    public static ulong DigestOf(string id) => Hrw.IdDigest(Encoding.UTF8.GetBytes(id));
}
