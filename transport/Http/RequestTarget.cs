using System.Diagnostics.CodeAnalysis;
using System.Text;
using Sluice.Contract;

namespace Sluice.Transport.Http;

/// <summary>
/// A request's target as the client wrote it, decoded exactly once: "%252F" is "%2F" here and never "/". Kestrel's own path is not used: it
/// removes dot segments and decodes by rules of its own. Duplicate slashes are passed over up to the object's name, which is everything
/// behind its bucket, byte for byte. One object serves the requests of a connection one after the other; what it answers is good until the
/// next is read, and nothing is allocated for targets without escapes in segments and parameters.
/// </summary>
public sealed class RequestTarget
{
    private const int ParametersMax = 100; // contract: native API §1

    private readonly List<RawPair> _pairs = [];
    private string _raw = "";
    private int _pathStart, _pathEnd;
    private byte[] _name = new byte[256];

    /// <summary>The path as it was sent, for messages.</summary>
    public string RawPath => Path.ToString();

    /// <summary>Length of <see cref="RawPath"/> in characters.</summary>
    public int PathLength => _pathEnd - _pathStart;

    /// <summary>True for the path of probes, written plainly: /v1/health.</summary>
    public bool IsProbe => Path.TrimEnd('/') is "/" + Routes.Version + "/" + Routes.Health;

    /// <summary>True for a path below that of objects, written plainly: /v1/objects/.</summary>
    public bool IsObject => Path.StartsWith("/" + Routes.Version + "/" + Routes.Objects + "/", StringComparison.Ordinal);

    private ReadOnlySpan<char> Path => _raw.AsSpan(_pathStart, _pathEnd - _pathStart);

    /// <summary>Reads a target in origin form, absolute form or "*"; on refusal <paramref name="problem"/> says what is wrong.</summary>
    public static bool TryParse(string raw, [NotNullWhen(true)] out RequestTarget? target, [NotNullWhen(false)] out string? problem)
    {
        var read = new RequestTarget();
        target = read.TryRead(raw, out problem) ? read : null;
        return target is not null;
    }

    /// <summary>The same into this object, which forgets what it was.</summary>
    public bool TryRead(string raw, [NotNullWhen(false)] out string? problem)
    {
        _pairs.Clear();
        (_raw, _pathStart) = (raw, 0);
        if (!raw.StartsWith('/'))
        {
            int scheme = raw.IndexOf("://", StringComparison.Ordinal);
            int slash = scheme < 0 ? -1 : raw.IndexOf('/', scheme + 3);
            (_raw, _pathStart) = slash < 0 ? ("/", 0) : (raw, slash);
        }

        int fragment = _raw.IndexOf('#', _pathStart);
        int end = fragment < 0 ? _raw.Length : fragment;
        int question = _raw.IndexOf('?', _pathStart, end - _pathStart);
        _pathEnd = question < 0 ? end : question;
        problem = question < 0 ? null : ReadQuery(question + 1, end);
        return problem is null;
    }

    /// <summary>
    /// Splits off the next path segment, decoded; empty at the end, since no segment is. <paramref name="position"/> moves behind it; from 0.
    /// </summary>
    public ReadOnlySpan<char> NextSegment(ref int position)
    {
        ReadOnlySpan<char> path = Path;
        while (position < path.Length && path[position] == '/')
        {
            position++;
        }

        if (position >= path.Length)
        {
            return default;
        }

        int length = path[position..].IndexOf('/');
        ReadOnlySpan<char> segment = length < 0 ? path[position..] : path.Slice(position, length);
        position += segment.Length;
        return !segment.Contains('%') ? segment : TryDecode(segment, plusIsSpace: false, out string? text) ? text : segment;
    }

    /// <summary>
    /// What is behind the '/' at <paramref name="position"/>, decoded to bytes: an object's name. Empty when there is nothing; false when a '%' is
    /// not followed by two hexadecimal digits.
    /// </summary>
    public bool TryRest(int position, out ReadOnlyMemory<byte> name)
    {
        ReadOnlySpan<char> rest = position >= PathLength ? default : Path[(position + 1)..];
        int bytesMax = Encoding.UTF8.GetMaxByteCount(rest.Length);
        if (_name.Length < bytesMax)
        {
            _name = new byte[bytesMax];
        }

        bool ok = TryDecode(rest, plusIsSpace: false, _name, out int count);
        name = ok ? _name.AsMemory(0, count) : default;
        return ok;
    }

    /// <summary>The first value of a parameter; null when it is absent.</summary>
    public string? Parameter(string name)
    {
        foreach (RawPair pair in _pairs)
        {
            if (IsText(pair.Name, name))
            {
                return Text(pair.Value);
            }
        }

        return null;
    }

    /// <summary>All parameters in their order.</summary>
    public IEnumerable<(string Name, string Value)> Parameters() => _pairs.Select(pair => (Text(pair.Name), Text(pair.Value)));

    /// <summary>The first value of a parameter as the bytes that it stands for, which may be no text; null when it is absent.</summary>
    public byte[]? ParameterBytes(string name)
    {
        foreach (RawPair pair in _pairs)
        {
            if (IsText(pair.Name, name))
            {
                ReadOnlySpan<char> raw = _raw.AsSpan()[pair.Value];
                var bytes = new byte[Encoding.UTF8.GetMaxByteCount(raw.Length)];
                return TryDecode(raw, plusIsSpace: true, bytes, out int count) ? bytes[..count] : [];
            }
        }

        return null;
    }

    /// <summary>The first value of a parameter as a switch: 1, t, true, y, yes, on in any case; everything else is off.</summary>
    public bool IsOn(string name) => IsTrue(Parameter(name));

    /// <summary>A value as a switch (contract: native API §1).</summary>
    public static bool IsTrue(string? value) => value?.ToUpperInvariant() is "1" or "T" or "TRUE" or "Y" or "YES" or "ON";

    private string? ReadQuery(int position, int end)
    {
        while (position < end)
        {
            int ampersand = _raw.IndexOf('&', position, end - position);
            int pairEnd = ampersand < 0 ? end : ampersand;
            if (pairEnd > position)
            {
                int equals = _raw.IndexOf('=', position, pairEnd - position);
                int nameEnd = equals < 0 ? pairEnd : equals;
                var pair = new RawPair(position..nameEnd, (equals < 0 ? pairEnd : equals + 1)..pairEnd);
                if (!IsWellFormed(_raw.AsSpan()[pair.Name]) || !IsWellFormed(_raw.AsSpan()[pair.Value]))
                {
                    return "the query has a '%' that is not followed by two hexadecimal digits";
                }

                if (_pairs.Count == ParametersMax - 1)
                {
                    return $"the query has {ParametersMax} parameters or more";
                }

                _pairs.Add(pair);
            }

            position = pairEnd + 1;
        }

        return null;
    }

    private bool IsText(Range range, string text)
    {
        ReadOnlySpan<char> raw = _raw.AsSpan()[range];
        return raw.IndexOfAny('%', '+') < 0 ? raw.SequenceEqual(text) : Text(range) == text;
    }

    private string Text(Range range)
    {
        ReadOnlySpan<char> raw = _raw.AsSpan()[range];
        return raw switch
        {
            "" => "",
            "ais" => "ais", // what the SDK sends with every request
            "true" => "true",
            _ => TryDecode(raw, plusIsSpace: true, out string? text) ? text : "",
        };
    }

    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        for (int percent = text.IndexOf('%'); percent >= 0; percent = text.IndexOf('%'))
        {
            if (percent + 2 >= text.Length || !char.IsAsciiHexDigit(text[percent + 1]) || !char.IsAsciiHexDigit(text[percent + 2]))
            {
                return false;
            }

            text = text[(percent + 3)..];
        }

        return true;
    }

    private static bool TryDecode(ReadOnlySpan<char> text, bool plusIsSpace, [NotNullWhen(true)] out string? decoded)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        decoded = TryDecode(text, plusIsSpace, bytes, out int count) ? Encoding.UTF8.GetString(bytes, 0, count) : null;
        return decoded is not null;
    }

    private static bool TryDecode(ReadOnlySpan<char> text, bool plusIsSpace, Span<byte> decoded, out int count)
    {
        count = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '%')
            {
                if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                {
                    return false;
                }

                decoded[count++] = (byte)((Digit(text[i + 1]) << 4) | Digit(text[i + 2]));
                i += 2;
            }
            else if (c < 0x80)
            {
                decoded[count++] = plusIsSpace && c == '+' ? (byte)' ' : (byte)c;
            }
            else
            {
                // Kestrel lets only ASCII through; a test or another front end may not.
                int pair = char.IsHighSurrogate(c) && i + 1 < text.Length ? 2 : 1;
                count += Encoding.UTF8.GetBytes(text.Slice(i, pair), decoded[count..]);
                i += pair - 1;
            }
        }

        return true;
    }

    private static int Digit(char c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

    /// <summary>A parameter as it stands in the target.</summary>
    private readonly record struct RawPair(Range Name, Range Value);
}
