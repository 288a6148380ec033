using System.Buffers.Binary;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>
/// A second reader of the MessagePack that a listing is written in, made from its specification and not from the writer: nil, integers, text, heads of arrays and
/// maps, each in its shortest form. Values are null, long, byte[] and <see cref="Head"/>; what belongs to a head follows it.
/// </summary>
public static class MessagePackReader
{
    /// <summary>All values; null when the bytes are anything else.</summary>
    public static List<object?>? TryRead(byte[] bytes)
    {
        var values = new List<object?>();
        ReadOnlySpan<byte> rest = bytes;
        while (!rest.IsEmpty)
        {
            if (!TryNext(ref rest, out object? value))
            {
                return null;
            }

            values.Add(value);
        }

        return values;
    }

    private static bool TryNext(ref ReadOnlySpan<byte> rest, out object? value)
    {
        byte head = rest[0];
        rest = rest[1..];
        value = null;
        switch (head)
        {
            case 0xc0:
                return true;
            case < 0x80:
                value = (long)head;
                return true;
            case >= 0xe0:
                value = (long)(sbyte)head;
                return true;
            case < 0x90:
                value = new Head(head & 15, IsMap: true);
                return true;
            case < 0xa0:
                value = new Head(head & 15, IsMap: false);
                return true;
            case < 0xc0:
                return TryText(ref rest, (ulong)(head & 31), out value);
            case 0xcc or 0xcd or 0xce or 0xcf:
                bool isNumber = TryNumber(ref rest, 1 << (head - 0xcc), atLeast: head == 0xcc ? 128 : 1UL << (8 << (head - 0xcd)), out ulong number);
                value = (long)number;
                return isNumber && number <= long.MaxValue;
            case 0xd3:
                bool isNegative = TryNumber(ref rest, 8, atLeast: 0, out ulong bits);
                value = (long)bits;
                return isNegative && (long)bits < -32;
            case 0xd9:
                return TryNumber(ref rest, 1, 32, out ulong small) && TryText(ref rest, small, out value);
            case 0xda:
                return TryNumber(ref rest, 2, 256, out ulong middle) && TryText(ref rest, middle, out value);
            case 0xdb:
                return TryNumber(ref rest, 4, 65_536, out ulong large) && TryText(ref rest, large, out value);
            case 0xdc or 0xde:
                bool isHead = TryNumber(ref rest, 2, 16, out ulong count);
                value = new Head((int)count, head == 0xde);
                return isHead;
            case 0xdd or 0xdf:
                bool isLong = TryNumber(ref rest, 4, 65_536, out ulong many) && many <= int.MaxValue;
                value = new Head(isLong ? (int)many : 0, head == 0xdf);
                return isLong;
            default:
                return false;
        }
    }

    private static bool TryNumber(ref ReadOnlySpan<byte> rest, int width, ulong atLeast, out ulong number)
    {
        number = 0;
        if (rest.Length < width)
        {
            return false;
        }

        number = width switch
        {
            1 => rest[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(rest),
            4 => BinaryPrimitives.ReadUInt32BigEndian(rest),
            _ => BinaryPrimitives.ReadUInt64BigEndian(rest),
        };
        rest = rest[width..];
        return number >= atLeast;
    }

    private static bool TryText(ref ReadOnlySpan<byte> rest, ulong length, out object? text)
    {
        text = null;
        if (length > (ulong)rest.Length)
        {
            return false;
        }

        text = rest[..(int)length].ToArray();
        rest = rest[(int)length..];
        return true;
    }

    /// <summary>Head of an array or a map of so many values or pairs.</summary>
    public sealed record Head(int Count, bool IsMap);
}
