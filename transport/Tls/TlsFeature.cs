using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Sluice.Transport.Tls;

/// <summary>What a handshake agreed on. Kestrel chooses HTTP/2 by it, and a request knows by it that it came over TLS.</summary>
internal sealed class TlsFeature(SslStream tls) : ITlsConnectionFeature, ITlsHandshakeFeature, ITlsApplicationProtocolFeature
{
    /// <summary>The client's certificate, verified; null when none was asked for.</summary>
    public X509Certificate2? ClientCertificate { get; set; } = tls.RemoteCertificate as X509Certificate2;

    public ReadOnlyMemory<byte> ApplicationProtocol { get; } = tls.NegotiatedApplicationProtocol.Protocol;

    public SslProtocols Protocol { get; } = tls.SslProtocol;

    public TlsCipherSuite? NegotiatedCipherSuite { get; } = tls.NegotiatedCipherSuite;

    public string HostName { get; } = tls.TargetHostName;

#pragma warning disable SYSLIB0058 // the interface still asks for them on the older framework; the cipher suite says it all
    public CipherAlgorithmType CipherAlgorithm => tls.CipherAlgorithm;

    public int CipherStrength => tls.CipherStrength;

    public HashAlgorithmType HashAlgorithm => tls.HashAlgorithm;

    public int HashStrength => tls.HashStrength;

    public ExchangeAlgorithmType KeyExchangeAlgorithm => tls.KeyExchangeAlgorithm;

    public int KeyExchangeStrength => tls.KeyExchangeStrength;
#pragma warning restore SYSLIB0058

    /// <summary>A client shows its certificate in the handshake or never: there is no renegotiation.</summary>
    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);
}

/// <summary>Both directions of a connection.</summary>
internal sealed class PipePair(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input { get; } = input;

    public PipeWriter Output { get; } = output;
}
