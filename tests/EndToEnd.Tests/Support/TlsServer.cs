using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Sluice.Transport.Tests.Tls;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>A server that speaks TLS, with certificates of its own authority, and bucket "b" in it.</summary>
public sealed class TlsServer : IAsyncLifetime
{
    private readonly PemFolder _files = new();
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-e2e-tls-");

    /// <summary>True to ask clients for certificates.</summary>
    public bool AsksClients { get; init; }

    /// <summary>Issuer of its certificate, and of its clients' if it asks for them.</summary>
    public TestAuthority Authority { get; } = new();

    /// <summary>The process.</summary>
    public SluiceProcess Server { get; private set; } = null!;

    /// <summary>Where it answers, by https.</summary>
    public Uri Endpoint => new UriBuilder(Server.Endpoint) { Scheme = "https" }.Uri;

    /// <summary>PEM file of its root.</summary>
    public string RootPath => _files.Write("root.pem", Authority.RootPem);

    /// <summary>Folder of its PEM files.</summary>
    public PemFolder Files => _files;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Renew(new LeafKind { Name = "first" });
        string[] flags = ["--tls-cert", $"{_files.Folder}/cert.pem", "--tls-key", $"{_files.Folder}/key.pem", .. AsksClients ? ["--tls-client-ca", RootPath] : (string[])[]];
        Server = await SluiceProcess.StartAsync([_home.FullName], flags);
        using HttpClient client = Client(HttpVersion.Version11, Authority.Issue(new LeafKind { IsClient = true }));
        using HttpResponseMessage made = await client.PostAsync(new Uri("/v1/buckets/b", UriKind.Relative), new StringContent("""{"action":"create-bck"}"""));
        Assert.True(made.IsSuccessStatusCode, $"{made.StatusCode}");
    }

    /// <summary>Puts another certificate in the place of the server's; it is in force after the next reload.</summary>
    public void Renew(LeafKind kind)
    {
        PemLeaf leaf = Authority.Issue(kind);
        _files.Write("cert.pem", leaf.Chain);
        _files.Write("key.pem", leaf.Key);
    }

    /// <summary>A client of exactly one version that trusts the root alone and follows no redirect.</summary>
    public HttpClient Client(Version version, PemLeaf? shown = null, Action<X509Certificate2>? meets = null)
    {
        var tls = new SslClientAuthenticationOptions { CertificateChainPolicy = Authority.Trust };
        if (shown is not null)
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(shown.Chain);
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(shown.Certificate, chain, offline: true);
        }

        if (meets is not null)
        {
            tls.RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
            {
                meets((X509Certificate2)certificate!);
                return errors == SslPolicyErrors.None;
            };
        }

        var handler = new SocketsHttpHandler { SslOptions = tls, AllowAutoRedirect = false, MaxConnectionsPerServer = 1 };
        return new HttpClient(handler)
        {
            BaseAddress = Endpoint,
            Timeout = TimeSpan.FromMinutes(2),
            DefaultRequestVersion = version,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Assert.Equal(0, await Server.StopAsync());
        Server.Dispose();
        Authority.Dispose();
        _files.Dispose();
        _home.Delete(recursive: true);
    }
}
