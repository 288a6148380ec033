using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Sluice.Fuzz.Tests.Harness;

/// <summary>Makes an input out of valid ones. The same random numbers make the same input.</summary>
public static class Mutator
{
    /// <summary>Longest input: longer than every bound of a parser of requests but that of a whole control message.</summary>
    public const int InputBytesMax = 32 << 10;

    private const int MutationsMax = 6;

    private static readonly ulong[] s_extremes =
    [
        0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000, int.MaxValue, 0x8000_0000, uint.MaxValue, 0x1_0000_0000,
        1UL << 40, (1UL << 40) + 1, long.MaxValue - 1, long.MaxValue, 0x8000_0000_0000_0000, ulong.MaxValue,
    ];

    private static readonly string[] s_numbers =
    [
        "0", "1", "-1", "00", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
        "-9223372036854775808", "99999999999999999999999999999999", "1e9", "1e999", "0.5", "-0", "+5", " 5", "0x10", "٣",
    ];

    private static readonly string[] s_values =
        ["null", "true", "false", "0", "-1", "1e999", "\"\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "[null]", "{}", "{\"a\":null}", "[[[[[[]]]]]]"];

    /// <summary>The next input.</summary>
    public static byte[] Next(FuzzTarget target, Random random)
    {
        List<byte> input = [.. target.Seeds[random.Next(target.Seeds.Count)]];
        for (int left = random.Next(1, random.Next(2, MutationsMax + 2)); left > 0; left--)
        {
            Mutate(input, target, random);
        }

        if (input.Count > InputBytesMax)
        {
            input.RemoveRange(InputBytesMax, input.Count - InputBytesMax);
        }

        byte[] bytes = [.. input];
        return target.Seal is not null && random.Next(2) == 0 ? target.Seal(bytes) : bytes;
    }

    private static void Mutate(List<byte> input, FuzzTarget target, Random random)
    {
        int at = random.Next(input.Count + 1);
        int length = Length(input.Count - at, random);
        switch (random.Next(13))
        {
            case 0 when at < input.Count:
                input[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < input.Count:
                input[at] = (byte)random.Next(256);
                break;
            case 2:
                input.RemoveRange(at, input.Count - at);
                break;
            case 3:
                input.RemoveRange(at, length);
                break;
            case 4:
                input.InsertRange(random.Next(input.Count + 1), input[at..(at + length)]);
                break;
            case 5:
                Repeat(input, at, length, random);
                break;
            case 6:
                Overwrite(input, at, Extreme(random));
                break;
            case 7:
                input.InsertRange(at, Extreme(random));
                break;
            case 8:
                Splice(input, at, target.Seeds[random.Next(target.Seeds.Count)], random);
                break;
            case 9 or 10 when target.Words.Count > 0:
                PutWord(input, at, length, target.Words[random.Next(target.Words.Count)], random);
                break;
            case 11:
                ReplaceRun(input, at, char.IsAsciiDigit, s_numbers[random.Next(s_numbers.Length)]);
                break;
            default:
                ReplaceRun(input, at, static c => c is not (',' or ':' or '[' or ']' or '{' or '}' or '\n'), s_values[random.Next(s_values.Length)]);
                break;
        }
    }

    /// <summary>Mostly a few bytes, at times all there are.</summary>
    private static int Length(int most, Random random) => Math.Min(most, random.Next(4) == 0 ? random.Next(most + 1) : random.Next(1, 9));

    private static byte[] Extreme(Random random)
    {
        var bytes = new byte[8];
        ulong value = s_extremes[random.Next(s_extremes.Length)];
        int width = 1 << random.Next(4);
        if (random.Next(4) == 0)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
            return bytes[(8 - width)..];
        }

        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes[..(random.Next(4) == 0 ? 3 : width)]; // records have lengths of three bytes
    }

    private static void Overwrite(List<byte> input, int at, byte[] bytes)
    {
        input.RemoveRange(at, Math.Min(bytes.Length, input.Count - at));
        input.InsertRange(at, bytes);
    }

    private static void Repeat(List<byte> input, int at, int length, Random random)
    {
        List<byte> piece = input[at..(at + length)];
        int times = length == 0 ? 0 : Math.Min(1 << random.Next(14), (InputBytesMax - input.Count) / length);
        for (; times > 0; times--)
        {
            input.InsertRange(at, piece);
        }
    }

    private static void Splice(List<byte> input, int at, byte[] other, Random random)
    {
        input.RemoveRange(at, input.Count - at);
        input.AddRange(other.AsSpan(random.Next(other.Length + 1)));
    }

    private static void PutWord(List<byte> input, int at, int length, byte[] word, Random random)
    {
        input.RemoveRange(at, random.Next(2) == 0 ? length : 0);
        input.InsertRange(at, word);
    }

    /// <summary>Puts a text in the place of the characters of one kind that the place lies in.</summary>
    private static void ReplaceRun(List<byte> input, int at, Func<char, bool> isOfRun, string text)
    {
        (int from, int to) = (at, at);
        while (from > 0 && isOfRun((char)input[from - 1]))
        {
            from--;
        }

        while (to < input.Count && isOfRun((char)input[to]))
        {
            to++;
        }

        input.RemoveRange(from, to - from);
        input.InsertRange(from, Encoding.UTF8.GetBytes(text));
    }

    /// <summary>Texts as words or seeds.</summary>
    public static byte[][] Texts(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    /// <summary>A number in words, for targets that have one before their text.</summary>
    public static byte[] Numbered(long number, string text) => [.. BitConverter.GetBytes(number), .. Encoding.Latin1.GetBytes(text)];

    /// <summary>A number as it is written everywhere.</summary>
    public static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
