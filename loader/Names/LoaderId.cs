using System.Globalization;
using System.Numerics;
using System.Text;
using Sluice.Native.Codecs;

namespace Sluice.Loader.Names;

/// <summary>
/// Id of a loader within a fleet. Counted names are <c>(counter &lt;&lt; bits) | id</c>, so that no two loaders make the same name; bits are
/// whole hexadecimal digits, so that the id can be read off a name.
/// </summary>
/// <param name="Value">Below 2^<paramref name="Bits"/>, unless there are no bits: then it plays no part in names.</param>
/// <param name="Bits">A multiple of 4 up to 64.</param>
public sealed record LoaderId(ulong Value, int Bits)
{
    private const int DigitBits = 4;

    /// <summary>Id of one of <paramref name="count"/> loaders; it is below count.</summary>
    public static LoaderId Numbered(ulong id, long count) =>
        new(id, WholeDigits(count <= 1 ? 0 : BitOperations.Log2((ulong)count - 1) + 1));

    /// <summary>Id hashed from a text: the low bits of its XXH64.</summary>
    public static LoaderId Hashed(string text, int bits)
    {
        int whole = WholeDigits(bits);
        ulong hash = XxHash64.Hash(Encoding.UTF8.GetBytes(text));
        return new LoaderId(whole == 64 ? hash : hash & ((1UL << whole) - 1), whole);
    }

    /// <summary><c>0x1f</c>.</summary>
    public override string ToString() => "0x" + Value.ToString("x", CultureInfo.InvariantCulture);

    private static int WholeDigits(int bits) => (bits + DigitBits - 1) / DigitBits * DigitBits;
}
