using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sluice.Contract;

/// <summary>Who one end of a TLS connection is: a certificate with its private key, and the certificates between it and its authority.</summary>
public sealed class PemIdentity
{
    private const string RsaOid = "1.2.840.113549.1.1.1";
    private const string EllipticCurveOid = "1.2.840.10045.2.1";

    private PemIdentity(X509Certificate2 certificate, X509Certificate2Collection chain)
    {
        Certificate = certificate;
        Chain = chain;
    }

    /// <summary>The certificate with its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>The certificates that follow it in its file.</summary>
    public X509Certificate2Collection Chain { get; }

    /// <summary>
    /// Puts a chain, the leaf first, and the leaf's private key together. Keys are RSA or ECDSA and not encrypted. On refusal
    /// <paramref name="problem"/> is a sentence; it never holds any of the key.
    /// </summary>
    public static bool TryCreate(PemFile chain, PemFile key, out PemIdentity? identity, out string problem)
    {
        identity = null;
        if (!chain.TryCertificates(out X509Certificate2Collection certificates, out problem))
        {
            return false;
        }

        if (key.Text.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal)
            || key.Text.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
        {
            problem = $"the private key in {key.Path} is encrypted and there is nobody to ask for its passphrase; "
                + $"decrypt it: openssl pkey -in {key.Path} -out NEWKEY";
            return false;
        }

        if (!key.Text.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            problem = $"{key.Path} has no private key in PEM form (BEGIN PRIVATE KEY)";
            return false;
        }

        if (certificates[0].GetKeyAlgorithm() is not (RsaOid or EllipticCurveOid))
        {
            problem = $"the certificate in {chain.Path} has neither an RSA nor an ECDSA key";
            return false;
        }

        try
        {
            X509Certificate2 leaf = X509Certificate2.CreateFromPem(chain.Text, key.Text);
            certificates.RemoveAt(0);
            identity = new PemIdentity(leaf, certificates);
            return true;
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            problem = $"the private key in {key.Path} does not belong to the first certificate in {chain.Path}, or cannot be read";
            return false;
        }
    }
}
