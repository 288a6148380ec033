using System.Net;
using Microsoft.AspNetCore.Connections;
using Sluice.Transport.Cold;
using Sluice.Transport.Guard;
using Sluice.Transport.Tls;

namespace Sluice.Transport.Http;

/// <summary>How a server listens. What is given here stays the caller's.</summary>
public sealed record HttpServerOptions
{
    /// <summary>Where; port 0 is any that is free.</summary>
    public required IPEndPoint EndPoint { get; init; }

    /// <summary>Certificates: the server speaks TLS only. Null: it does not.</summary>
    public TlsCertificates? Tls { get; init; }

    /// <summary>Where connections come from. Null: the system's sockets.</summary>
    public IConnectionListenerFactory? Transport { get; init; }

    /// <summary>Buffers and rule for reads of what is not in memory.</summary>
    public required ColdReads ColdReads { get; init; }

    /// <summary>How long a client that is waited for may neither give nor take a byte, or be idle between requests; above zero.</summary>
    public TimeSpan ClientTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Requests that are answered at once; others wait.</summary>
    public int RequestsMax { get; init; } = 1024;

    /// <summary>Requests that are answered from memory at once, such as listings; others wait.</summary>
    public int ControlsMax { get; init; } = 64;

    /// <summary>Requests of either kind that may wait; more are refused.</summary>
    public int WaitingMax { get; init; } = 1024;

    /// <summary>Connections at once; more are closed as they come.</summary>
    public int ConnectionsMax { get; init; } = 65536;

    /// <summary>Bytes of a request's body that may wait for their reader where no slab bounds them: the system's sockets, HTTP/2; from 64 KiB.</summary>
    public int RequestBytes { get; init; } = 1 << 20;

    /// <summary>Bytes of an answer that are in memory at once.</summary>
    public int PieceBytes { get; init; } = 256 << 10;

    /// <summary>What the kernel may keep for the system's sockets; null: as much as it likes.</summary>
    public SocketBuffers? SocketBuffers { get; init; }

    /// <summary>Counters of what lies below, for the details of a health probe.</summary>
    public Func<IEnumerable<KeyValuePair<string, long>>> Counters { get; init; } = () => [];
}
