// What the loader's objects contain: bytes that follow from name and size alone, at any offset. So whoever reads a range of an object that a
// loader made, in another run or on another machine, knows every byte of it. The size is part of the key, so that a mixture of two
// generations of one name differs from both unless they have the same size, and then they are the same object.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Sluice.Native.Codecs;

namespace Sluice.Loader.Content;

/// <summary>The bytes of an object: SplitMix64's numbers from a key on, little-endian. It does not compress.</summary>
public static class ContentPattern
{
    private const int WordBytes = 8;

    /// <summary>Key of an object's content.</summary>
    /// <param name="name">Name as it stands in a request target.</param>
    /// <param name="sizeBytes">Size of the whole object.</param>
    public static ulong Key(ReadOnlySpan<byte> name, long sizeBytes) => SplitMix.Mix(XxHash64.Hash(name) ^ SplitMix.Mix((ulong)sizeBytes));

    /// <summary>Writes the bytes from <paramref name="offset"/> on.</summary>
    public static void Fill(ulong key, long offset, Span<byte> into)
    {
        unchecked
        {
            int skew = (int)(offset % WordBytes);
            ulong word = (ulong)(offset / WordBytes);
            if (skew > 0 && into.Length > 0)
            {
                int taken = Math.Min(WordBytes - skew, into.Length);
                Edge(key, word, skew, into[..taken]);
                into = into[taken..];
                word++;
            }

            Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(into);
            ulong state = key + ((word + 1) * SplitMix.Step);
            for (int i = 0; i < words.Length; i++)
            {
                words[i] = SplitMix.Mix(state);
                state += SplitMix.Step;
            }

            Edge(key, word + (ulong)words.Length, 0, into[(words.Length * WordBytes)..]);
        }
    }

    /// <summary>Index of the first byte that is not the one at <paramref name="offset"/> plus its index; −1 when all are.</summary>
    public static int FirstDifference(ulong key, long offset, ReadOnlySpan<byte> actual)
    {
        int at = 0;
        int skew = (int)(offset % WordBytes);
        if (skew > 0)
        {
            at = Math.Min(WordBytes - skew, actual.Length);
            if (DifferenceAt(key, offset, actual[..at]) is >= 0 and int early)
            {
                return early;
            }
        }

        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(actual[at..]);
        unchecked
        {
            ulong state = key + ((((ulong)offset + (ulong)at) / WordBytes + 1) * SplitMix.Step);
            int i = 0;
            while (i < words.Length && words[i] == SplitMix.Mix(state))
            {
                state += SplitMix.Step;
                i++;
            }

            at += i * WordBytes;
        }

        int tail = Math.Min(WordBytes, actual.Length - at);
        int late = DifferenceAt(key, offset + at, actual.Slice(at, tail));
        return late < 0 ? -1 : at + late;
    }

    /// <summary>A part of one word, or less than a word and a few bytes.</summary>
    private static int DifferenceAt(ulong key, long offset, ReadOnlySpan<byte> actual)
    {
        Span<byte> expected = stackalloc byte[WordBytes];
        Fill(key, offset, expected[..actual.Length]);
        int same = actual.CommonPrefixLength(expected[..actual.Length]);
        return same == actual.Length ? -1 : same;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Edge(ulong key, ulong word, int skew, Span<byte> into)
    {
        Span<byte> bytes = stackalloc byte[WordBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, SplitMix.Mix(unchecked(key + ((word + 1) * SplitMix.Step))));
        bytes.Slice(skew, into.Length).CopyTo(into);
    }
}
