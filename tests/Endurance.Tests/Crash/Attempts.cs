using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Sluice.Native.Codecs;

namespace Sluice.Endurance.Tests.Crash;

/// <summary>
/// The bytes of an attempt, known from its address and number alone: what comes back is one attempt in full, or it is torn. They begin with both in clear text.
/// </summary>
public static class Attempts
{
    private const int HeadBytes = 64;

    /// <summary>The bytes of a PUT.</summary>
    public static byte[] Content(string address, int number)
    {
        string head = string.Create(CultureInfo.InvariantCulture, $"{number,10} {address} ");
        ulong state = XxHash64.Hash(Encoding.ASCII.GetBytes(head), 0) | 1;
        byte[] content = new byte[Size(state)];
        foreach (ref ulong word in MemoryMarshal.Cast<byte, ulong>(content.AsSpan()))
        {
            state ^= state << 13; // xorshift64
            state ^= state >> 7;
            state ^= state << 17;
            word = state;
        }

        Encoding.ASCII.GetBytes(head.PadRight(HeadBytes), content);
        return content;
    }

    /// <summary>Whose some bytes are: the number of the PUT, or null with where they differ from it.</summary>
    public static int? NumberOf(string address, ReadOnlySpan<byte> found, out string difference)
    {
        difference = $"{found.Length} bytes that tell no number";
        if (found.Length < HeadBytes || !int.TryParse(found[..10], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out int number))
        {
            return null;
        }

        byte[] whole = Content(address, number);
        int same = whole.AsSpan().CommonPrefixLength(found);
        difference = $"{found.Length} of {whole.Length} bytes of number {number}, the first wrong one at {same}";
        return same == whole.Length && same == found.Length ? number : null;
    }

    /// <summary>Bytes of an object: mostly small, some over the 256 KiB that are synced before the lock, some of two blocks and four stripes.</summary>
    private static int Size(ulong state) => HeadBytes + (int)((state >> 8) % (((state >> 40) & 15) switch
    {
        < 7 => 4 << 10,
        < 13 => 64 << 10,
        < 15 => 400 << 10,
        _ => 1500UL << 10,
    }));
}
