namespace Sluice.Transport.Tls;

/// <summary>Where the PEM files of a listener lie. Paths stay as given: a symbolic link that moves on is a new certificate.</summary>
/// <param name="CertificatePath">The server's certificate and the certificates between it and its authority, in this order.</param>
/// <param name="KeyPath">The certificate's private key, RSA or ECDSA, not encrypted.</param>
/// <param name="ClientAuthorityPath">Authorities of client certificates, which are then required; null when clients need none.</param>
public sealed record TlsFiles(string CertificatePath, string KeyPath, string? ClientAuthorityPath);
