using System.Net;
using Microsoft.AspNetCore.Connections;
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

    /// <summary>How long a client that is waited for may neither give nor take a byte, or be idle between requests; above zero.</summary>
    public TimeSpan ClientTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Counters of what lies below, for the details of a health probe.</summary>
    public Func<IEnumerable<KeyValuePair<string, long>>> Counters { get; init; } = () => [];
}
