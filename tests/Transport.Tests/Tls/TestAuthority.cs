// Certificates of a test's own: a root, an intermediate below it, and leaves below that. Nothing but the root is ever trusted by a client.
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

namespace Sluice.Transport.Tests.Tls;

/// <summary>What a leaf is.</summary>
public sealed record LeafKind
{
    /// <summary>Common name.</summary>
    public string Name { get; init; } = "localhost";

    /// <summary>RSA in place of ECDSA.</summary>
    public bool IsRsa { get; init; }

    /// <summary>Extended use: of a client in place of a server.</summary>
    public bool IsClient { get; init; }

    /// <summary>Days from now to its end; below zero, it has expired.</summary>
    public int ValidDays { get; init; } = 90;
}

/// <summary>A leaf as PEM.</summary>
/// <param name="Chain">Leaf and intermediate.</param>
/// <param name="Leaf">Leaf alone.</param>
/// <param name="Key">Private key, PKCS#8.</param>
public sealed record PemLeaf(string Chain, string Leaf, string Key)
{
    /// <summary>The leaf with its key.</summary>
    public X509Certificate2 Certificate => X509Certificate2.CreateFromPem(Leaf, Key);
}

/// <summary>A root and an intermediate that issues leaves.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _root;
    private readonly X509Certificate2 _intermediate;

    public TestAuthority(string name = "Test")
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _root = Authority($"CN={name} Root", rootKey).CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-2), DateTimeOffset.UtcNow.AddYears(2));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 signed = Authority($"CN={name} Intermediate", key)
            .Create(_root, DateTimeOffset.UtcNow.AddYears(-1), DateTimeOffset.UtcNow.AddYears(1), Serial());
        _intermediate = signed.CopyWithPrivateKey(key);
    }

    /// <summary>The root as PEM.</summary>
    public string RootPem => _root.ExportCertificatePem() + "\n";

    /// <summary>Trust in this root alone.</summary>
    public X509ChainPolicy Trust
    {
        get
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
            policy.CustomTrustStore.Add(_root);
            return policy;
        }
    }

    /// <summary>Issues a leaf.</summary>
    public PemLeaf Issue(LeafKind? kind = null)
    {
        kind ??= new LeafKind();
        using AsymmetricAlgorithm key = kind.IsRsa ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = key is RSA rsa
            ? new CertificateRequest($"CN={kind.Name}", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN={kind.Name}", (ECDsa)key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid(kind.IsClient ? "1.3.6.1.5.5.7.3.2" : "1.3.6.1.5.5.7.3.1")], true));
        var generator = X509SignatureGenerator.CreateForECDsa(_intermediate.GetECDsaPrivateKey()!);
        using X509Certificate2 leaf = request.Create(
            _intermediate.SubjectName, generator, DateTimeOffset.UtcNow.AddDays(-60), DateTimeOffset.UtcNow.AddDays(kind.ValidDays), Serial());
        string pem = leaf.ExportCertificatePem() + "\n";
        return new PemLeaf(pem + _intermediate.ExportCertificatePem() + "\n", pem, key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    public void Dispose()
    {
        _root.Dispose();
        _intermediate.Dispose();
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        return request;
    }

    private static byte[] Serial() => [1, .. RandomNumberGenerator.GetBytes(15)];
}

/// <summary>PEM files in a folder of a test's own.</summary>
public sealed class PemFolder : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-tls-");

    public string Folder => _home.FullName;

    /// <summary>Writes a file that its owner alone can read; replaces one whole, by renaming.</summary>
    public string Write(string name, string text)
    {
        string path = Path.Combine(_home.FullName, name);
        string fresh = path + ".new";
        File.WriteAllText(fresh, text);
        File.SetUnixFileMode(fresh, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(fresh, path, overwrite: true);
        return path;
    }

    public void Dispose() => _home.Delete(recursive: true);
}
