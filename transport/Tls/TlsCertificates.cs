// The certificate in force. Files are compared by content and by interval: a watch on a directory misses a symbolic link that is swapped
// above it, which is how certificates are renewed in a cluster. A new state that cannot be used changes nothing but the log.
using System.Net.Security;
using Microsoft.Extensions.Logging;

namespace Sluice.Transport.Tls;

/// <summary>
/// A listener's certificate, reloaded when its files change. Connections that stand keep what they have; handshakes take the newest.
/// Disposing it ends the reloading.
/// </summary>
public sealed class TlsCertificates : IDisposable
{
    /// <summary>How often the files are looked at: a renewal comes days before the end, so half a minute is soon.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_warnBeforeEnd = TimeSpan.FromDays(14);

    private readonly TlsFiles _files;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();

    // Written under the gate, read by handshakes.
    private volatile TlsIdentity _current;

    // Under the gate.
    private string _complaint = "";

    private TlsCertificates(TlsFiles files, TlsIdentity first, TimeProvider time, ILogger log)
    {
        _files = files;
        _current = first;
        _time = time;
        _log = log;
        WarnOf(first);
        _timer = time.CreateTimer(_ => Reload(isAsked: false), null, Interval, Interval);
    }

    /// <summary>End of the certificate in force.</summary>
    public DateTimeOffset ValidUntil => new(_current.Certificate.NotAfter);

    /// <summary>Name in the certificate in force.</summary>
    public string Subject => _current.Certificate.Subject;

    /// <summary>What a handshake that begins now uses.</summary>
    internal SslServerAuthenticationOptions Current => _current.Options;

    /// <summary>Reads the files; on refusal <paramref name="problem"/> is a sentence. An expired certificate is a warning: clients judge it.</summary>
    public static bool TryOpen(TlsFiles files, TimeProvider time, ILogger log, out TlsCertificates? certificates, out string problem)
    {
        certificates = null;
        if (!TlsTexts.TryRead(files, out TlsTexts? texts, out problem) || !TlsIdentity.TryCreate(texts!, out TlsIdentity? first, out problem))
        {
            return false;
        }

        certificates = new TlsCertificates(files, first!, time, log);
        return true;
    }

    /// <summary>Looks at the files because somebody asked, and says in the log what came of it. Never throws.</summary>
    public void Reload() => Reload(isAsked: true);

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Reload(bool isAsked)
    {
        lock (_gate)
        {
            if (!TlsTexts.TryRead(_files, out TlsTexts? texts, out string problem))
            {
                Complain(problem, isAsked);
                return;
            }

            if (texts!.Fingerprint() == _current.Fingerprint)
            {
                if (isAsked || _complaint.Length > 0)
                {
                    _log.LogInformation("the TLS files are those in use");
                }

                _complaint = "";
                return;
            }

            if (!TlsIdentity.TryCreate(texts, out TlsIdentity? next, out problem))
            {
                Complain(problem, isAsked);
                return;
            }

            _complaint = "";
            _current = next!;
            _log.LogInformation("new TLS certificate: {Subject}, valid until {ValidUntil:yyyy-MM-dd HH:mm:ss}Z", Subject, ValidUntil.UtcDateTime);
            WarnOf(next!);
        }
    }

    /// <summary>Once for each problem, not once for each look.</summary>
    private void Complain(string problem, bool isAsked)
    {
        if (isAsked || problem != _complaint)
        {
            _log.LogError("the TLS files cannot be used, the certificate of before stays in force: {Problem}", problem);
        }

        _complaint = problem;
    }

    private void WarnOf(TlsIdentity identity)
    {
        DateTimeOffset now = _time.GetUtcNow();
        DateTimeOffset from = new(identity.Certificate.NotBefore);
        DateTimeOffset until = new(identity.Certificate.NotAfter);
        if (until <= now)
        {
            _log.LogWarning("the TLS certificate {Path} expired at {Until:yyyy-MM-dd HH:mm:ss}Z; clients will refuse it", _files.CertificatePath, until.UtcDateTime);
        }
        else if (from > now)
        {
            _log.LogWarning("the TLS certificate {Path} is not valid before {From:yyyy-MM-dd HH:mm:ss}Z; clients will refuse it", _files.CertificatePath, from.UtcDateTime);
        }
        else if (until - now < s_warnBeforeEnd)
        {
            _log.LogWarning("the TLS certificate {Path} expires at {Until:yyyy-MM-dd HH:mm:ss}Z", _files.CertificatePath, until.UtcDateTime);
        }

        if (IsReadableByAnyone(_files.KeyPath))
        {
            _log.LogWarning("the private key {Path} can be read by every user of this machine; chmod o-r it and renew the certificate", _files.KeyPath);
        }
    }

    private static bool IsReadableByAnyone(string path)
    {
        try
        {
            string target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
            return !OperatingSystem.IsWindows() && (File.GetUnixFileMode(target) & UnixFileMode.OtherRead) != 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false; // gone since it was read: the next look will tell
        }
    }
}
