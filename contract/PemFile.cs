using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sluice.Contract;

/// <summary>A PEM file as it was read at one moment. What it holds is checked by who uses it.</summary>
public sealed record PemFile
{
    private const int BytesMax = 1 << 20; // a bundle of all public authorities is 250 KiB

    private PemFile(string path, string text)
    {
        Path = path;
        Text = text;
    }

    /// <summary>Where it lies, for messages.</summary>
    public string Path { get; }

    /// <summary>What it holds.</summary>
    public string Text { get; }

    /// <summary>Reads a file; on refusal <paramref name="problem"/> is a sentence that names it.</summary>
    public static bool TryRead(string path, out PemFile file, out string problem)
    {
        file = new PemFile(path, "");
        problem = "";
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > BytesMax })
            {
                problem = $"{path} is larger than {BytesMax >> 20} MiB, so it is not a PEM file";
                return false;
            }

            file = new PemFile(path, File.ReadAllText(path));
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            string why = Directory.Exists(path) ? "is a directory"
                : error is FileNotFoundException or DirectoryNotFoundException ? "does not exist"
                : error is UnauthorizedAccessException ? "may not be read by this user"
                : "cannot be read";
            problem = $"{path} {why}";
            return false;
        }
    }

    /// <summary>Every certificate in the file, in its order, at least one; on refusal <paramref name="problem"/> is a sentence.</summary>
    public bool TryCertificates(out X509Certificate2Collection certificates, out string problem)
    {
        certificates = [];
        problem = $"{Path} has no certificate in PEM form (BEGIN CERTIFICATE)";
        try
        {
            certificates.ImportFromPem(Text);
            return certificates.Count > 0;
        }
        catch (CryptographicException)
        {
            problem = $"{Path} has a certificate that cannot be read";
            return false;
        }
    }
}
