using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Sluice.Contract;

/// <summary>How a client trusts a server over https, and shows who it is itself. Nothing is read before the first client is made of it.</summary>
public sealed record ClientTls
{
    /// <summary>PEM file of the only authorities that are trusted; null for those of the system.</summary>
    public string? AuthorityPath { get; init; }

    /// <summary>PEM file of this client's certificate and what follows it; null for none.</summary>
    public string? CertificatePath { get; init; }

    /// <summary>PEM file of that certificate's private key; null for none.</summary>
    public string? KeyPath { get; init; }

    /// <summary>Talk to whoever answers: the connection is encrypted, but nobody knows with whom.</summary>
    public bool AcceptsAnyServer { get; init; }

    /// <summary>As the runtime wants it.</summary>
    /// <exception cref="ArgumentException">A file is missing or makes no sense; the message is a sentence.</exception>
    internal SslClientAuthenticationOptions ToOptions()
    {
        var options = new SslClientAuthenticationOptions();
        if (AcceptsAnyServer)
        {
#pragma warning disable CA5359 // asked for by name, for a test bed
            options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (AuthorityPath is not null)
        {
            if (!Read(AuthorityPath).TryCertificates(out X509Certificate2Collection authorities, out string problem))
            {
                throw new ArgumentException(problem);
            }

            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            policy.CustomTrustStore.AddRange(authorities);
            options.CertificateChainPolicy = policy;
        }

        if ((CertificatePath ?? KeyPath) is not null)
        {
            options.ClientCertificateContext = Identity();
        }

        return options;
    }

    private static PemFile Read(string path) =>
        PemFile.TryRead(path, out PemFile file, out string problem) ? file : throw new ArgumentException(problem);

    private SslStreamCertificateContext Identity()
    {
        if (CertificatePath is null || KeyPath is null)
        {
            throw new ArgumentException("a client certificate and its key are given together or not at all");
        }

        return PemIdentity.TryCreate(Read(CertificatePath), Read(KeyPath), out PemIdentity? identity, out string problem)
            ? SslStreamCertificateContext.Create(identity!.Certificate, identity.Chain, offline: true)
            : throw new ArgumentException(problem);
    }
}
