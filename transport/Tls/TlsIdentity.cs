using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Sluice.Contract;

namespace Sluice.Transport.Tls;

/// <summary>The texts of a listener's files at one moment.</summary>
internal sealed record TlsTexts(PemFile Certificate, PemFile Key, PemFile? ClientAuthority)
{
    /// <summary>Reads all files; on refusal <paramref name="problem"/> is a sentence.</summary>
    public static bool TryRead(TlsFiles files, out TlsTexts? texts, out string problem)
    {
        texts = null;
        PemFile? authority = null;
        if (!PemFile.TryRead(files.CertificatePath, out PemFile certificate, out problem)
            || !PemFile.TryRead(files.KeyPath, out PemFile key, out problem)
            || (files.ClientAuthorityPath is { } path && !PemFile.TryRead(path, out authority, out problem)))
        {
            return false;
        }

        texts = new TlsTexts(certificate, key, authority);
        return true;
    }

    /// <summary>Digest of all of it: whether anything has changed is asked without keeping a second copy of the key.</summary>
    public string Fingerprint()
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string text in (ReadOnlySpan<string>)[Certificate.Text, Key.Text, ClientAuthority?.Text ?? ""])
        {
            digest.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        }

        return Convert.ToHexString(digest.GetHashAndReset());
    }
}

/// <summary>What a handshake needs, made of one state of the files. Immutable; a handshake that has begun keeps the one that it began with.</summary>
internal sealed class TlsIdentity
{
    private TlsIdentity(string fingerprint, X509Certificate2 certificate, SslServerAuthenticationOptions options)
    {
        Fingerprint = fingerprint;
        Certificate = certificate;
        Options = options;
    }

    /// <summary>Of the texts that it was made of.</summary>
    public string Fingerprint { get; }

    /// <summary>The server's certificate.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>For handshakes; nobody changes them.</summary>
    public SslServerAuthenticationOptions Options { get; }

    /// <summary>Makes one; on refusal <paramref name="problem"/> is a sentence.</summary>
    public static bool TryCreate(TlsTexts texts, out TlsIdentity? identity, out string problem)
    {
        identity = null;
        X509Certificate2Collection? authorities = null;
        if (!PemIdentity.TryCreate(texts.Certificate, texts.Key, out PemIdentity? pem, out problem)
            || (texts.ClientAuthority is { } file && !file.TryCertificates(out authorities, out problem)))
        {
            return false;
        }

        try
        {
            // Offline: the chain is what the file has, and no address that a certificate names is ever asked.
            var context = SslStreamCertificateContext.Create(pem!.Certificate, pem.Chain, offline: true);
            identity = new TlsIdentity(texts.Fingerprint(), pem.Certificate, OptionsOf(context, authorities));
            return true;
        }
        catch (Exception error) when (error is CryptographicException or InvalidOperationException or ArgumentException)
        {
            problem = $"the certificate in {texts.Certificate.Path} cannot be used: {error.Message.TrimEnd('.')}";
            return false;
        }
    }

    private static SslServerAuthenticationOptions OptionsOf(SslStreamCertificateContext context, X509Certificate2Collection? authorities)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = context,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
#pragma warning disable CA5398 // HTTP/2 refuses older ones (RFC 9113 §9.2), whatever the system would still allow
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
#pragma warning restore CA5398
            AllowRenegotiation = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (authorities is not null)
        {
            // These authorities alone: one that the system trusts for servers says nothing about our clients.
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            policy.CustomTrustStore.AddRange(authorities);
            options.ClientCertificateRequired = true;
            options.CertificateChainPolicy = policy;
        }

        return options;
    }
}
