using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// The one format of small persisted documents (identity, state, bucket metadata): a first line that anybody can read, then JSON.
/// <code>sluice KIND 1 LENGTH XXH64\n</code>
/// LENGTH counts the JSON's bytes, XXH64 (seed 0, 16 hexadecimal digits) covers kind, length and JSON. Format and Parse only.
/// </summary>
public static class SealedDocument
{
    private const int HeadBytesMax = 128;

    /// <summary>The document's bytes.</summary>
    public static byte[] Format(string kind, ReadOnlySpan<byte> json)
    {
        string head = string.Create(CultureInfo.InvariantCulture, $"sluice {kind} 1 {json.Length} {Seal(kind, json):x16}\n");
        return [.. Encoding.ASCII.GetBytes(head), .. json];
    }

    /// <summary>The JSON of a document of that kind; on refusal <paramref name="problem"/> says what is wrong with it.</summary>
    public static bool TryParse(string kind, ReadOnlyMemory<byte> document, out ReadOnlyMemory<byte> json, [NotNullWhen(false)] out string? problem)
    {
        json = default;
        int end = document.Span[..Math.Min(document.Length, HeadBytesMax)].IndexOf((byte)'\n');
        string[] words = end < 0 ? [] : Encoding.ASCII.GetString(document.Span[..end]).Split(' ');
        if (words.Length != 5 || words[0] != "sluice")
        {
            problem = "it is no document of ours";
            return false;
        }

        if (words[1] != kind || words[2] != "1")
        {
            problem = $"it is a \"{words[1]}\" document of format {words[2]}, not a \"{kind}\" document of format 1";
            return false;
        }

        ReadOnlyMemory<byte> body = document[(end + 1)..];
        if (words[3] != body.Length.ToString(CultureInfo.InvariantCulture)
            || words[4] != Seal(kind, body.Span).ToString("x16", CultureInfo.InvariantCulture))
        {
            problem = "its checksum does not match";
            return false;
        }

        problem = null;
        json = body;
        return true;
    }

    private static ulong Seal(string kind, ReadOnlySpan<byte> json) =>
        XxHash64.Hash([.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{kind} {json.Length} ")), .. json]);
}
