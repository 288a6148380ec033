using System.Globalization;
using System.Text;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>The head of an answer, read strictly: what a lenient client would forgive is a failure.</summary>
public sealed record RawHead(int Status, IReadOnlyList<(string Name, string Value)> Headers)
{
    /// <summary>Declared length of the body; null when none is declared.</summary>
    public long? ContentLength => this["Content-Length"] is { } text ? long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;

    /// <summary>Value of a header; null without one. Two of a name fail.</summary>
    public string? this[string name] => Headers.SingleOrDefault(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>Reads a head without the empty line behind it. Throws <see cref="FormatException"/> when it is not exactly HTTP/1.1.</summary>
    public static RawHead Parse(ReadOnlySpan<byte> bytes)
    {
        string[] lines = Encoding.Latin1.GetString(bytes).Split("\r\n");
        string first = lines[0];
        bool isStatus = first.Length >= 13 && first.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) && first[12] == ' ';
        if (!isStatus || !int.TryParse(first.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status))
        {
            throw new FormatException($"no status line: \"{first}\"");
        }

        var headers = new List<(string Name, string Value)>();
        foreach (string line in lines.AsSpan(1))
        {
            int colon = line.IndexOf(": ", StringComparison.Ordinal);
            if (colon <= 0 || line.AsSpan().ContainsAny('\r', '\n') || line.AsSpan(0, colon).ContainsAny(' ', '\t'))
            {
                throw new FormatException($"no header: \"{line}\"");
            }

            headers.Add((line[..colon], line[(colon + 2)..]));
        }

        return new RawHead(status, headers);
    }
}
