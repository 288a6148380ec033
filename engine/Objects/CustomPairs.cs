using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace Sluice.Engine.Objects;

/// <summary>
/// The bytes of custom metadata wherever it is persisted (docs/ON_DISK.md, field 3 of a record): u16 length and UTF-8 of a key, u16 length and UTF-8 of its
/// value, repeated, in the order they were given. Each text has up to <see cref="Limits.CustomBytesMax"/> bytes; how many there may be together is checked
/// where a client gives them (<see cref="CustomMetadata"/>).
/// </summary>
internal static class CustomPairs
{
    private const int LengthBytes = 2;

    /// <summary>Bytes that the pairs have; 0 for none.</summary>
    public static int LengthOf(IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        int bytes = 0;
        for (int i = 0; i < pairs.Count; i++)
        {
            bytes += LengthBytes + Encoding.UTF8.GetByteCount(pairs[i].Key) + LengthBytes + Encoding.UTF8.GetByteCount(pairs[i].Value);
        }

        return bytes;
    }

    /// <summary>Writes the pairs into memory of exactly <see cref="LengthOf"/> bytes.</summary>
    public static void Format(IReadOnlyList<KeyValuePair<string, string>> pairs, Span<byte> to)
    {
        for (int i = 0; i < pairs.Count; i++)
        {
            to = PutText(PutText(to, pairs[i].Key), pairs[i].Value);
        }

        Invariant.That(to.IsEmpty, "the pairs fill their place");
    }

    /// <summary>Reads pairs; false when the bytes are anything else.</summary>
    public static bool TryParse(ReadOnlySpan<byte> from, [NotNullWhen(true)] out List<KeyValuePair<string, string>>? pairs)
    {
        pairs = [];
        while (!from.IsEmpty)
        {
            if (!TryText(ref from, out string? key) || !TryText(ref from, out string? value))
            {
                pairs = null;
                return false;
            }

            pairs.Add(new(key, value));
        }

        return true;
    }

    private static Span<byte> PutText(Span<byte> to, string text)
    {
        int bytes = Encoding.UTF8.GetBytes(text, to[LengthBytes..]);
        Invariant.That(bytes <= Limits.CustomBytesMax, "custom metadata is bounded before it gets here");
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)bytes);
        return to[(LengthBytes + bytes)..];
    }

    private static bool TryText(ref ReadOnlySpan<byte> from, [NotNullWhen(true)] out string? text)
    {
        text = null;
        if (from.Length < LengthBytes)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(from);
        if (length > from.Length - LengthBytes || length > Limits.CustomBytesMax || !Utf8.IsValid(from.Slice(LengthBytes, length)))
        {
            return false;
        }

        text = Encoding.UTF8.GetString(from.Slice(LengthBytes, length));
        from = from[(LengthBytes + length)..];
        return true;
    }
}
