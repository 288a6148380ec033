// Which certificate is in force after which change of the files, and what the log says of it.
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Sluice.Cli.Tests.Support;
using Sluice.Transport.Tls;

namespace Sluice.Transport.Tests.Tls;

public sealed class TlsCertificatesTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly PemFolder _files = new();
    private readonly ManualClock _clock = new();
    private readonly ListLog _log = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AGoodPairIsTakenWithoutAWord(bool isRsa)
    {
        using TlsCertificates certificates = Open(_authority.Issue(new LeafKind { Name = "first", IsRsa = isRsa }));

        Assert.Equal("CN=first", certificates.Subject);
        Assert.InRange(certificates.ValidUntil, DateTimeOffset.UtcNow.AddDays(89), DateTimeOffset.UtcNow.AddDays(91));
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public void AChangedPairIsInForceAfterTheNextLook()
    {
        using TlsCertificates certificates = Open(_authority.Issue(new LeafKind { Name = "first" }));
        Write(_authority.Issue(new LeafKind { Name = "second" }));
        Assert.Equal("CN=first", certificates.Subject);

        _clock.Advance(TlsCertificates.Interval);

        Assert.Equal("CN=second", certificates.Subject);
        Assert.Contains("CN=second", Assert.Single(_log.Of(LogLevel.Information)), StringComparison.Ordinal);
        _clock.Advance(TlsCertificates.Interval);
        Assert.Single(_log.Lines);
    }

    [Fact]
    public void ALinkThatIsSwappedAboveTheFilesIsAChange()
    {
        foreach (string name in (string[])["1", "2"])
        {
            Directory.CreateDirectory(Path.Combine(_files.Folder, name));
            PemLeaf leaf = _authority.Issue(new LeafKind { Name = name });
            _files.Write($"{name}/tls.crt", leaf.Chain);
            _files.Write($"{name}/tls.key", leaf.Key);
        }

        string data = Path.Combine(_files.Folder, "..data");
        Directory.CreateSymbolicLink(data, "1");
        File.CreateSymbolicLink(Path.Combine(_files.Folder, "cert.pem"), "..data/tls.crt");
        File.CreateSymbolicLink(Path.Combine(_files.Folder, "key.pem"), "..data/tls.key");
        using TlsCertificates certificates = Open();
        Directory.Delete(data);
        Directory.CreateSymbolicLink(data, "2");

        _clock.Advance(TlsCertificates.Interval);

        Assert.Equal("CN=2", certificates.Subject);
    }

    [Fact]
    public void AHalfWrittenPairLeavesTheOldOneInForceAndIsToldOnce()
    {
        using TlsCertificates certificates = Open(_authority.Issue(new LeafKind { Name = "first" }));
        PemLeaf second = _authority.Issue(new LeafKind { Name = "second" });
        _files.Write("cert.pem", second.Chain);
        _clock.Advance(TlsCertificates.Interval);
        _clock.Advance(TlsCertificates.Interval);

        Assert.Equal("CN=first", certificates.Subject);
        Assert.Contains("does not belong to", Assert.Single(_log.Of(LogLevel.Error)), StringComparison.Ordinal);
        certificates.Reload();
        Assert.Equal(2, _log.Of(LogLevel.Error).Count); // who asks is told again

        _files.Write("key.pem", second.Key);
        _clock.Advance(TlsCertificates.Interval);
        Assert.Equal("CN=second", certificates.Subject);
    }

    [Theory]
    [InlineData("cert.pem")]
    [InlineData("key.pem")]
    [InlineData("ca.pem")]
    public void AFileThatIsGoneLeavesTheOldOneInForce(string name)
    {
        _files.Write("ca.pem", _authority.RootPem);
        using TlsCertificates certificates = Open(_authority.Issue(new LeafKind { Name = "first" }), "ca.pem");
        string path = Path.Combine(_files.Folder, name);
        string before = File.ReadAllText(path);
        File.Delete(path);
        _clock.Advance(TlsCertificates.Interval);

        Assert.Equal("CN=first", certificates.Subject);
        Assert.Contains($"{path} does not exist", Assert.Single(_log.Of(LogLevel.Error)), StringComparison.Ordinal);
        _files.Write(name, before);
        _clock.Advance(TlsCertificates.Interval);
        Assert.Contains("those in use", Assert.Single(_log.Of(LogLevel.Information)), StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherClientAuthorityIsAChange()
    {
        using var other = new TestAuthority("Other");
        _files.Write("ca.pem", _authority.RootPem);
        using TlsCertificates certificates = Open(_authority.Issue(), "ca.pem");
        _files.Write("ca.pem", other.RootPem);

        certificates.Reload();

        Assert.Contains("new TLS certificate", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void AnExpiredOneIsServedWithAWarning()
    {
        using TlsCertificates expired = Open(_authority.Issue(new LeafKind { ValidDays = -1 }));
        Assert.Contains("expired at", Assert.Single(_log.Of(LogLevel.Warning)), StringComparison.Ordinal);

        using TlsCertificates soon = Open(_authority.Issue(new LeafKind { ValidDays = 3 }));
        Assert.Contains("expires at", _log.Of(LogLevel.Warning)[1], StringComparison.Ordinal);
    }

    [Fact]
    public void AKeyThatEverybodyCanReadIsAWarning()
    {
        Write(_authority.Issue());
        File.SetUnixFileMode(Path.Combine(_files.Folder, "key.pem"), UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);

        using TlsCertificates certificates = Open();

        Assert.Contains("can be read by every user", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatCannotBeServedIsRefusedWithASentence()
    {
        PemLeaf good = _authority.Issue();
        PemLeaf other = _authority.Issue();
        using var rsa = RSA.Create(2048);
        string encrypted = rsa.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));
        Assert.Contains("cert.pem has no certificate in PEM form", Refusal("", good.Key), StringComparison.Ordinal);
        Assert.Contains("cert.pem has no certificate in PEM form", Refusal(good.Key, good.Key), StringComparison.Ordinal);
        Assert.Contains("a certificate that cannot be read", Refusal(Damaged(good.Leaf), good.Key), StringComparison.Ordinal);
        Assert.Contains("key.pem has no private key in PEM form", Refusal(good.Chain, good.Chain), StringComparison.Ordinal);
        Assert.Contains("key.pem is encrypted", Refusal(good.Chain, encrypted), StringComparison.Ordinal);
        Assert.Contains("key.pem is encrypted", Refusal(good.Chain, LegacyEncrypted), StringComparison.Ordinal);
        Assert.Contains("key.pem does not belong to", Refusal(good.Chain, other.Key), StringComparison.Ordinal);
        Assert.Contains("key.pem does not belong to", Refusal(good.Chain, rsa.ExportRSAPrivateKeyPem()), StringComparison.Ordinal);
        Assert.Contains("ca.pem has no certificate in PEM form", Refusal(good.Chain, good.Key, "nothing"), StringComparison.Ordinal);
        Assert.Contains("larger than 1 MiB", Refusal(new string('x', (1 << 20) + 1), good.Key), StringComparison.Ordinal);
        Assert.Empty(_log.Lines);
    }

    [Theory]
    [InlineData("/nonexistent/cert.pem", "/nonexistent/cert.pem does not exist")]
    [InlineData("/tmp", "/tmp is a directory")]
    public void APathThatIsNoFileIsRefused(string path, string sentence)
    {
        string key = _files.Write("key.pem", _authority.Issue().Key);
        Assert.False(TlsCertificates.TryOpen(new TlsFiles(path, key, null), _clock, _log, out _, out string problem));
        Assert.Equal(sentence, problem);
    }

    public void Dispose()
    {
        _authority.Dispose();
        _files.Dispose();
    }

    private const string LegacyEncrypted = """
        -----BEGIN RSA PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: AES-256-CBC,00000000000000000000000000000000

        AAAA
        -----END RSA PRIVATE KEY-----
        """;

    private static string Damaged(string pem) => pem.Replace(pem[100..140], new string('A', 40), StringComparison.Ordinal);

    private void Write(PemLeaf leaf)
    {
        _files.Write("cert.pem", leaf.Chain);
        _files.Write("key.pem", leaf.Key);
    }

    private TlsFiles Files(string? authority) => new(
        Path.Combine(_files.Folder, "cert.pem"), Path.Combine(_files.Folder, "key.pem"), authority is null ? null : Path.Combine(_files.Folder, authority));

    private TlsCertificates Open(PemLeaf? leaf = null, string? authority = null)
    {
        if (leaf is not null)
        {
            Write(leaf);
        }

        Assert.True(TlsCertificates.TryOpen(Files(authority), _clock, _log, out TlsCertificates? certificates, out string problem), problem);
        return certificates!;
    }

    private string Refusal(string certificate, string key, string? authority = null)
    {
        _files.Write("cert.pem", certificate);
        _files.Write("key.pem", key);
        _files.Write("ca.pem", authority ?? "");
        Assert.False(TlsCertificates.TryOpen(Files(authority is null ? null : "ca.pem"), _clock, _log, out _, out string problem));
        return problem;
    }
}
