using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Sluice.Transport.Http;

/// <summary>
/// A request's target as the client wrote it, decoded exactly once: "%252F" is "%2F" here and never "/". Kestrel's own path is not used: it
/// removes dot segments and decodes by rules of its own. Duplicate slashes are passed over up to the object's name, which is everything
/// behind its bucket, byte for byte.
/// </summary>
public sealed class RequestTarget
{
    private const int ParametersMax = 100; // contract: native API §1

    private readonly string _path;
    private readonly List<KeyValuePair<string, string>> _parameters;

    private RequestTarget(string path, List<KeyValuePair<string, string>> parameters)
    {
        _path = path;
        _parameters = parameters;
    }

    /// <summary>The path as it was sent, for messages.</summary>
    public string RawPath => _path;

    /// <summary>Query parameters in order, decoded.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Parameters => _parameters;

    /// <summary>Reads a target in origin form, absolute form or "*"; on refusal <paramref name="problem"/> says what is wrong.</summary>
    public static bool TryParse(string raw, [NotNullWhen(true)] out RequestTarget? target, [NotNullWhen(false)] out string? problem)
    {
        target = null;
        string rest = raw;
        if (!rest.StartsWith('/'))
        {
            int scheme = rest.IndexOf("://", StringComparison.Ordinal);
            int slash = scheme < 0 ? -1 : rest.IndexOf('/', scheme + 3);
            rest = slash < 0 ? "/" : rest[slash..];
        }

        int fragment = rest.IndexOf('#', StringComparison.Ordinal);
        rest = fragment < 0 ? rest : rest[..fragment];
        int question = rest.IndexOf('?', StringComparison.Ordinal);
        string path = question < 0 ? rest : rest[..question];
        if (!TryParseQuery(question < 0 ? default : rest.AsSpan(question + 1), out List<KeyValuePair<string, string>>? parameters, out problem))
        {
            return false;
        }

        target = new RequestTarget(path, parameters);
        return true;
    }

    /// <summary>Splits off the next path segment, decoded; null at the end. <paramref name="position"/> moves behind it; from 0.</summary>
    public string? NextSegment(ref int position)
    {
        while (position < _path.Length && _path[position] == '/')
        {
            position++;
        }

        if (position >= _path.Length)
        {
            return null;
        }

        int end = _path.IndexOf('/', position);
        end = end < 0 ? _path.Length : end;
        ReadOnlySpan<char> segment = _path.AsSpan(position, end - position);
        position = end;
        return TryDecode(segment, plusIsSpace: false, out byte[]? bytes) ? Encoding.UTF8.GetString(bytes) : segment.ToString();
    }

    /// <summary>
    /// What is behind the '/' at <paramref name="position"/>, decoded to bytes: an object's name. Empty when there is nothing; null when a '%' is
    /// not followed by two hexadecimal digits.
    /// </summary>
    public byte[]? Rest(int position) =>
        position >= _path.Length ? [] : TryDecode(_path.AsSpan(position + 1), plusIsSpace: false, out byte[]? bytes) ? bytes : null;

    /// <summary>The first value of a parameter; null when it is absent.</summary>
    public string? Parameter(string name)
    {
        foreach (KeyValuePair<string, string> parameter in _parameters)
        {
            if (parameter.Key == name)
            {
                return parameter.Value;
            }
        }

        return null;
    }

    /// <summary>The first value of a parameter as a switch: 1, t, true, y, yes, on in any case; everything else is off.</summary>
    public bool IsOn(string name) => IsTrue(Parameter(name));

    /// <summary>A value as a switch (contract: native API §1).</summary>
    public static bool IsTrue(string? value) => value?.ToUpperInvariant() is "1" or "T" or "TRUE" or "Y" or "YES" or "ON";

    private static bool TryParseQuery(
        ReadOnlySpan<char> query, [NotNullWhen(true)] out List<KeyValuePair<string, string>>? parameters, [NotNullWhen(false)] out string? problem)
    {
        parameters = [];
        while (!query.IsEmpty)
        {
            int end = query.IndexOf('&');
            ReadOnlySpan<char> pair = end < 0 ? query : query[..end];
            query = end < 0 ? default : query[(end + 1)..];
            if (pair.IsEmpty)
            {
                continue;
            }

            int equals = pair.IndexOf('=');
            if (!TryDecode(equals < 0 ? pair : pair[..equals], plusIsSpace: true, out byte[]? name)
                || !TryDecode(equals < 0 ? default : pair[(equals + 1)..], plusIsSpace: true, out byte[]? value))
            {
                problem = "the query has a '%' that is not followed by two hexadecimal digits";
                return false;
            }

            if (parameters.Count == ParametersMax - 1)
            {
                problem = $"the query has {ParametersMax} parameters or more";
                return false;
            }

            parameters.Add(new(Encoding.UTF8.GetString(name), Encoding.UTF8.GetString(value)));
        }

        problem = null;
        return true;
    }

    private static bool TryDecode(ReadOnlySpan<char> text, bool plusIsSpace, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        byte[] decoded = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        int count = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '%')
            {
                if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                {
                    return false;
                }

                decoded[count++] = Convert.FromHexString(text.Slice(i + 1, 2))[0];
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
                count += Encoding.UTF8.GetBytes(text.Slice(i, pair), decoded.AsSpan(count));
                i += pair - 1;
            }
        }

        bytes = decoded[..count];
        return true;
    }
}
