// The head of an HTTP/1.1 response as a client needs it (RFC 9112). The whole head lies in one buffer, in which it is searched for its end
// and then read line by line; nothing is allocated, nothing is trusted. What is not needed is only checked for its form.
using System.Buffers;
using System.Text;

namespace Sluice.Loader.Http;

/// <summary>How far the bytes at hand lead.</summary>
public enum HeadOutcome
{
    /// <summary>The head has not ended; more bytes are needed.</summary>
    NeedMore,

    /// <summary>The head is read.</summary>
    Read,

    /// <summary>It cannot be read; <see cref="ResponseHead.Problem"/> says why.</summary>
    Refused,
}

/// <summary>One response's head, reused for the next. One user at a time.</summary>
public sealed class ResponseHead
{
    /// <summary>Longest head: a dozen headers take 500 bytes; custom metadata may take 4 KiB, twice escaped 12.</summary>
    public const int HeadBytesMax = 16 << 10;

    private const int ValueBytesMax = 128; // a SHA-512 in hexadecimal
    private const int TypeBytesMax = 16;
    private const int StatusLineBytesMin = 12; // "HTTP/1.1 200"

    // What a header's value may not hold: the ends of lines and NUL (RFC 9110 §5.5); LF cannot be met, lines end there.
    private static readonly SearchValues<byte> s_forbidden = SearchValues.Create("\r\0"u8);
    private static readonly SearchValues<byte> s_nameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private readonly byte[] _checksumType = new byte[TypeBytesMax];
    private readonly byte[] _checksumValue = new byte[ValueBytesMax];
    private int _checksumTypeBytes;
    private int _checksumValueBytes;
    private int _scanned;

    /// <summary>Status, 100 to 999.</summary>
    public int Status { get; private set; }

    /// <summary>Content-Length; −1 without one.</summary>
    public long ContentBytes { get; private set; }

    /// <summary>Size of the whole object by Content-Range; −1 without one.</summary>
    public long RangeTotalBytes { get; private set; }

    /// <summary>First byte by Content-Range; 0 without one.</summary>
    public long RangeFirst { get; private set; }

    /// <summary>The body is chunked.</summary>
    public bool IsChunked { get; private set; }

    /// <summary>The connection does not outlive this answer.</summary>
    public bool Closes { get; private set; }

    /// <summary>Length of the head, its empty line included.</summary>
    public int HeadBytes { get; private set; }

    /// <summary>Why the head was refused.</summary>
    public ResponseProblem Problem { get; private set; }

    /// <summary>Ais-Checksum-Type; empty without one.</summary>
    public ReadOnlySpan<byte> ChecksumType => _checksumType.AsSpan(0, _checksumTypeBytes);

    /// <summary>Ais-Checksum-Value; empty without one.</summary>
    public ReadOnlySpan<byte> ChecksumValue => _checksumValue.AsSpan(0, _checksumValueBytes);

    /// <summary>Forgets everything; the next bytes are a new head's first.</summary>
    public void Reset()
    {
        (Status, ContentBytes, RangeTotalBytes, RangeFirst, HeadBytes, _scanned) = (0, -1, -1, 0, 0, 0);
        (IsChunked, Closes, Problem) = (false, false, ResponseProblem.None);
        (_checksumTypeBytes, _checksumValueBytes) = (0, 0);
    }

    /// <summary>
    /// Reads the head at the start of <paramref name="bytes"/>, which are the same as in the call before, and more. Each byte is searched for
    /// the end once, however the bytes come in.
    /// </summary>
    public HeadOutcome Read(ReadOnlySpan<byte> bytes)
    {
        int from = Math.Max(0, _scanned - 3); // the end may lie across what was searched and what is new
        int end = bytes[from..].IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            _scanned = bytes.Length;
            return bytes.Length > HeadBytesMax ? Refuse(ResponseProblem.HeadTooLong) : HeadOutcome.NeedMore;
        }

        HeadBytes = from + end + 4;
        return HeadBytes > HeadBytesMax ? Refuse(ResponseProblem.HeadTooLong) : Parse(bytes[..(HeadBytes - 2)]);
    }

    private HeadOutcome Parse(ReadOnlySpan<byte> lines)
    {
        int end = lines.IndexOf((byte)'\n');
        if (!ReadStatusLine(lines[..end]))
        {
            return Refuse(ResponseProblem.BadStatusLine);
        }

        for (lines = lines[(end + 1)..]; !lines.IsEmpty; lines = lines[(end + 1)..])
        {
            end = lines.IndexOf((byte)'\n');
            if (end < 1 || lines[end - 1] != (byte)'\r')
            {
                return Refuse(ResponseProblem.BadHeader);
            }

            ReadOnlySpan<byte> line = lines[..(end - 1)];
            int colon = line.IndexOf((byte)':');
            if (colon < 1 || line.ContainsAny(s_forbidden) || line[..colon].ContainsAnyExcept(s_nameCharacters))
            {
                return Refuse(ResponseProblem.BadHeader);
            }

            if (Take(line[..colon], Trim(line[(colon + 1)..])) is not ResponseProblem.None and var problem)
            {
                return Refuse(problem);
            }
        }

        // Both at once is how a request or an answer is smuggled past somebody who reads only one of them (RFC 9112 §6.3).
        return IsChunked && ContentBytes >= 0 ? Refuse(ResponseProblem.BadTransferEncoding) : HeadOutcome.Read;
    }

    private bool ReadStatusLine(ReadOnlySpan<byte> line)
    {
        if (line.Length <= StatusLineBytesMin || line[^1] != (byte)'\r' || !line.StartsWith("HTTP/1."u8) || line[8] != (byte)' '
            || line[7] is not ((byte)'0' or (byte)'1') || line[..^1].ContainsAny(s_forbidden))
        {
            return false;
        }

        int status = 0;
        foreach (byte digit in line.Slice(9, 3))
        {
            if (digit is < (byte)'0' or > (byte)'9')
            {
                return false;
            }

            status = (status * 10) + digit - '0';
        }

        Status = status;
        Closes = line[7] == (byte)'0'; // HTTP/1.0 closes unless it says otherwise
        return status >= 100 && line[12] is (byte)' ' or (byte)'\r';
    }

    /// <summary>By length first: most headers are none of ours.</summary>
    private ResponseProblem Take(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        switch (name.Length)
        {
            case 14 when Ascii.EqualsIgnoreCase(name, "Content-Length"u8):
                return TakeLength(value);
            case 17 when Ascii.EqualsIgnoreCase(name, "Transfer-Encoding"u8):
                bool isFirst = !IsChunked;
                IsChunked = true;
                return isFirst && Ascii.EqualsIgnoreCase(value, "chunked"u8) ? ResponseProblem.None : ResponseProblem.BadTransferEncoding;
            case 10 when Ascii.EqualsIgnoreCase(name, "Connection"u8):
                Closes = !Ascii.EqualsIgnoreCase(value, "keep-alive"u8) && (Closes || HasToken(value, "close"u8));
                return ResponseProblem.None;
            case 17 when Ascii.EqualsIgnoreCase(name, "Ais-Checksum-Type"u8):
                _checksumTypeBytes = Keep(value, _checksumType);
                return ResponseProblem.None;
            case 18 when Ascii.EqualsIgnoreCase(name, "Ais-Checksum-Value"u8):
                _checksumValueBytes = Keep(value, _checksumValue);
                return ResponseProblem.None;
            case 13 when Ascii.EqualsIgnoreCase(name, "Content-Range"u8):
                TakeRange(value);
                return ResponseProblem.None;
            default:
                return ResponseProblem.None;
        }
    }

    private ResponseProblem TakeLength(ReadOnlySpan<byte> value)
    {
        if (!TryNumber(value, out long length) || (ContentBytes >= 0 && ContentBytes != length))
        {
            return ResponseProblem.BadLength;
        }

        ContentBytes = length;
        return ResponseProblem.None;
    }

    /// <summary><c>bytes FIRST-LAST/TOTAL</c>; anything else leaves the fields as they are, and the verifier without a size to go by.</summary>
    private void TakeRange(ReadOnlySpan<byte> value)
    {
        int dash = value.IndexOf((byte)'-');
        int slash = value.IndexOf((byte)'/');
        if (value.StartsWith("bytes "u8) && dash > 6 && slash > dash
            && TryNumber(value[6..dash], out long first) && TryNumber(value[(slash + 1)..], out long total))
        {
            (RangeFirst, RangeTotalBytes) = (first, total);
        }
    }

    /// <summary>Digits alone, at most 18 of them: no sign, no space, no overflow.</summary>
    private static bool TryNumber(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        if (text.Length is 0 or > 18)
        {
            return false;
        }

        foreach (byte digit in text)
        {
            if (digit is < (byte)'0' or > (byte)'9')
            {
                return false;
            }

            number = (number * 10) + digit - '0';
        }

        return true;
    }

    /// <summary>A value longer than any checksum is none; it is kept cut, and so equals none.</summary>
    private static int Keep(ReadOnlySpan<byte> value, Span<byte> into)
    {
        int kept = Math.Min(value.Length, into.Length);
        value[..kept].CopyTo(into);
        return kept;
    }

    private static bool HasToken(ReadOnlySpan<byte> list, ReadOnlySpan<byte> token)
    {
        foreach (Range part in list.Split((byte)','))
        {
            if (Ascii.EqualsIgnoreCase(Trim(list[part]), token))
            {
                return true;
            }
        }

        return false;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> value) => value.Trim(" \t"u8);

    private HeadOutcome Refuse(ResponseProblem problem)
    {
        Problem = problem;
        return HeadOutcome.Refused;
    }
}
