using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sluice.Bench.Machine;

namespace Sluice.Bench.Servers;

/// <summary>One certificate for all servers, and OpenSSL settings by which a client offers one cipher: what is compared is the servers.</summary>
internal sealed record TlsFiles(string Certificate, string Key, string OpenSslConfiguration)
{
    public const string Cipher = nameof(TlsCipherSuite.TLS_AES_128_GCM_SHA256);

    private static readonly CipherSuitesPolicy s_onlyOne = new([TlsCipherSuite.TLS_AES_128_GCM_SHA256]);

    /// <summary>For nginx.</summary>
    public (string Certificate, string Key) Pair => (Certificate, Key);

    /// <summary>For a server of ours.</summary>
    public string[] Flags => ["--tls-cert", Certificate, "--tls-key", Key];

    /// <summary>Makes them: ECDSA on P-256, for a day.</summary>
    public static TlsFiles Make(string directory)
    {
        var files = new TlsFiles(Path.Combine(directory, "cert.pem"), Path.Combine(directory, "key.pem"), Path.Combine(directory, "openssl.cnf"));
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem() + "\n");
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem() + "\n");
        File.WriteAllText(files.OpenSslConfiguration, $"""
            openssl_conf = all
            [all]
            ssl_conf = ssl
            [ssl]
            system_default = client
            [client]
            MinProtocol = TLSv1.3
            Ciphersuites = {Cipher}

            """);
        return files;
    }

    /// <summary>Shows that a server takes the cipher when a client offers no other.</summary>
    /// <exception cref="BenchException">It took another.</exception>
    public static async Task RequireCipherAsync(Uri endpoint, CancellationToken token)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, endpoint.Port, token);
#pragma warning disable CA5359 // the certificate was made by this process a moment ago
        await using var stream = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, static (_, _, _, _) => true);
#pragma warning restore CA5359
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", CipherSuitesPolicy = s_onlyOne }, token);
        if (stream.NegotiatedCipherSuite != TlsCipherSuite.TLS_AES_128_GCM_SHA256)
        {
            throw new BenchException($"{endpoint}: {stream.NegotiatedCipherSuite} in place of {Cipher}");
        }
    }
}
