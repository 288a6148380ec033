using System.Text;

namespace Sluice.Fuzz.Tests.Harness;

/// <summary>Inputs as a message shows them: readable ones as text, others as hexadecimal digits.</summary>
public static class InputText
{
    private const int BytesMax = 512;

    /// <summary>The first bytes of an input, and how many there are.</summary>
    public static string Of(ReadOnlySpan<byte> input)
    {
        ReadOnlySpan<byte> shown = input[..Math.Min(input.Length, BytesMax)];
        int readable = 0;
        foreach (byte value in shown)
        {
            readable += value is >= 0x20 and < 0x7f or (byte)'\n' ? 1 : 0;
        }

        string text = readable * 4 >= shown.Length * 3 ? Escaped(shown) : Convert.ToHexStringLower(shown);
        return $"{input.Length} bytes, {text}{(shown.Length < input.Length ? "…" : "")}";
    }

    private static string Escaped(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("\"");
        foreach (byte value in bytes)
        {
            _ = value switch
            {
                (byte)'"' or (byte)'\\' => text.Append('\\').Append((char)value),
                (byte)'\n' => text.Append("\\n"),
                >= 0x20 and < 0x7f => text.Append((char)value),
                _ => text.Append("\\x").Append(value.ToString("x2")),
            };
        }

        return text.Append('"').ToString();
    }
}
