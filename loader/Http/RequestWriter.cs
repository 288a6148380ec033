// Requests are copies of three pieces: what is the same for all, the name, what is the same for all. Built once a run.
using System.Globalization;
using System.Text;
using Sluice.Contract;

namespace Sluice.Loader.Http;

/// <summary>Writes requests for one bucket on one host: the heads of GET and PUT here. Immutable.</summary>
public sealed partial class RequestWriter
{
    /// <summary>Longest head: fixed pieces of below 1 KiB, a name, a length, a checksum and an upload.</summary>
    public const int HeadBytesMax = Names.NewNames.NameBytesMax + 1024 + Content.BodyDigest.HexMax + UploadQueryBytesMax;

    private readonly byte[] _getStart;
    private readonly byte[] _getEnd;
    private readonly byte[] _rangeStart;
    private readonly byte[] _headStart;
    private readonly byte[] _headEnd;
    private readonly byte[] _putStart;
    private readonly byte[] _putEnd;
    private readonly byte[] _checksum;

    /// <summary>Heads for a bucket.</summary>
    /// <param name="host">Host and port.</param>
    /// <param name="bucket">The bucket.</param>
    /// <param name="range">Value of a Range header; null without one.</param>
    /// <param name="latest">Ask for the latest version.</param>
    /// <param name="checksumType">Algorithm of what is PUT; "none" for none.</param>
    public RequestWriter(string host, BucketAddress bucket, string? range, bool latest, string checksumType)
    {
        string path = $"/{Routes.Version}/{Routes.Objects}/{PercentEncoding.Escape(bucket.Name, keepSlash: false)}/";
        string version = $" HTTP/1.1\r\nHost: {host}\r\n";
        _getStart = Encoding.ASCII.GetBytes("GET " + path);
        _getEnd = Encoding.ASCII.GetBytes(
            $"?{bucket.Query}{(latest ? "&latest-ver=true" : "")}{version}{(range is null ? "" : $"Range: {range}\r\n")}\r\n");
        _rangeStart = Encoding.ASCII.GetBytes($"?{bucket.Query}{(latest ? "&latest-ver=true" : "")}{version}Range: bytes=");
        _headStart = Encoding.ASCII.GetBytes("HEAD " + path);
        _headEnd = Encoding.ASCII.GetBytes($"?{bucket.Query}&props=size{version}\r\n");
        _putStart = Encoding.ASCII.GetBytes("PUT " + path);
        _query = Encoding.ASCII.GetBytes($"?{bucket.Query}");
        _lengthStart = Encoding.ASCII.GetBytes($"{version}Content-Length: ");
        _putEnd = [.. _query, .. _lengthStart];
        _postStart = Encoding.ASCII.GetBytes("POST " + path);
        _deleteStart = Encoding.ASCII.GetBytes("DELETE " + path);
        _checksum = Encoding.ASCII.GetBytes(
            checksumType == "none" ? "" : $"\r\n{HeaderNames.ChecksumType}: {checksumType}\r\n{HeaderNames.ChecksumValue}: ");
    }

    /// <summary>The value of a Range header; null when the whole object is read.</summary>
    public static string? Range(long offset, long length) =>
        length > 0 ? string.Create(CultureInfo.InvariantCulture, $"bytes={offset}-{offset + length - 1}")
        : offset > 0 ? string.Create(CultureInfo.InvariantCulture, $"bytes={offset}-")
        : null;

    /// <summary>Writes the head of a GET and gives its length.</summary>
    public int Get(Span<byte> into, ReadOnlySpan<byte> name)
    {
        int at = Append(into, 0, _getStart);
        at = Append(into, at, name);
        return Append(into, at, _getEnd);
    }

    /// <summary>Writes the head of a GET of one range, whatever is read otherwise, and gives its length.</summary>
    /// <param name="into">At least <see cref="HeadBytesMax"/> bytes.</param>
    /// <param name="name">Name as it stands in a request target.</param>
    /// <param name="first">First byte.</param>
    /// <param name="count">Bytes, above 0.</param>
    public int GetRange(Span<byte> into, ReadOnlySpan<byte> name, long first, long count)
    {
        int at = Append(into, 0, _getStart);
        at = Append(into, at, name);
        at = Append(into, at, _rangeStart);
        at = Append(into, at, first);
        into[at++] = (byte)'-';
        at = Append(into, at, first + count - 1);
        return Append(into, at, "\r\n\r\n"u8);
    }

    /// <summary>Writes a HEAD that asks for the size alone (contract: objects §3, v2) and gives its length.</summary>
    public int Head(Span<byte> into, ReadOnlySpan<byte> name)
    {
        int at = Append(into, 0, _headStart);
        at = Append(into, at, name);
        return Append(into, at, _headEnd);
    }

    /// <summary>Writes the head of a PUT and gives its length; an empty checksum is left out.</summary>
    public int Put(Span<byte> into, ReadOnlySpan<byte> name, long contentBytes, ReadOnlySpan<byte> checksum)
    {
        int at = Append(into, 0, _putStart);
        at = Append(into, at, name);
        at = Append(into, at, _putEnd);
        return EndPut(into, at, contentBytes, checksum);
    }

    private int EndPut(Span<byte> into, int at, long contentBytes, ReadOnlySpan<byte> checksum)
    {
        at = Append(into, at, contentBytes);
        if (!checksum.IsEmpty)
        {
            at = Append(into, at, _checksum);
            at = Append(into, at, checksum);
        }

        return Append(into, at, "\r\n\r\n"u8);
    }

    private static int Append(Span<byte> into, int at, long number)
    {
        _ = number.TryFormat(into[at..], out int digits, default, CultureInfo.InvariantCulture);
        return at + digits;
    }

    private static int Append(Span<byte> into, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(into[at..]);
        return at + bytes.Length;
    }
}
