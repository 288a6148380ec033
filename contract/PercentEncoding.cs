using System.Buffers;
using System.Text;

namespace Sluice.Contract;

/// <summary>
/// Percent-encodes what goes into a request target, exactly once: UTF-8 byte by byte, everything but RFC 3986's unreserved characters.
/// The result is never normalised afterwards, so a server that decodes once sees the name that was meant, dot segments included.
/// </summary>
public static class PercentEncoding
{
    private static readonly SearchValues<byte> s_unreserved =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"u8);

    // Throws on a lone surrogate: such a text has no UTF-8 form, and a replacement character would address another object.
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Encodes <paramref name="text"/>; a slash stays as it is if <paramref name="keepSlash"/> says so.</summary>
    /// <exception cref="ArgumentException">The text is not valid Unicode.</exception>
    public static string Escape(string text, bool keepSlash)
    {
        byte[] utf8 = s_strictUtf8.GetBytes(text);
        var escaped = new StringBuilder(utf8.Length);
        foreach (byte value in utf8)
        {
            if (s_unreserved.Contains(value) || (keepSlash && value == (byte)'/'))
            {
                escaped.Append((char)value);
            }
            else
            {
                escaped.Append('%').Append(value.ToString("X2"));
            }
        }

        return escaped.ToString();
    }
}
