using System.Globalization;
using Sluice.Native.Codecs;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>
/// The bytes of an object of any size, known at every position without being kept: a random pattern that begins at a place of the seed's and
/// repeats. The period is a prime, so that a piece that is misplaced by pages, blocks or buffers never looks right.
/// </summary>
public sealed class Content(int seed, long sizeBytes)
{
    /// <summary>Longest piece that <see cref="Piece"/> answers.</summary>
    public const int PieceBytesMax = 1 << 20;

    private const int Period = 1_048_583;

    private static readonly byte[] s_pattern = Pattern();
    private readonly int _first = (int)(seed * 104_729L % Period);

    /// <summary>Size in bytes.</summary>
    public long SizeBytes => sizeBytes;

    /// <summary>XXH64 of all bytes, as the server tells it.</summary>
    public string Digest
    {
        get
        {
            using XxHashStream stream = XxHashStream.New64();
            for (long offset = 0; offset < sizeBytes; offset += PieceBytesMax)
            {
                stream.Append(Piece(offset, sizeBytes - offset).Span);
            }

            return stream.Digest().ToString("x16", CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The bytes from an offset, at most <see cref="PieceBytesMax"/> of them.</summary>
    public ReadOnlyMemory<byte> Piece(long offset, long count) =>
        s_pattern.AsMemory((int)((_first + offset) % Period), (int)Math.Min(count, PieceBytesMax));

    /// <summary>A copy of some bytes.</summary>
    public byte[] Bytes(long offset, int count)
    {
        byte[] bytes = new byte[count];
        for (int done = 0; done < count; done += PieceBytesMax)
        {
            Piece(offset + done, count - done).CopyTo(bytes.AsMemory(done));
        }

        return bytes;
    }

    /// <summary>
    /// Offset in the object of the first byte that is not what it should be; null when all are right. The first byte of <paramref name="came"/> is at
    /// <paramref name="offset"/>.
    /// </summary>
    public long? FirstDifference(long offset, ReadOnlySpan<byte> came)
    {
        for (int done = 0; done < came.Length;)
        {
            ReadOnlySpan<byte> right = Piece(offset + done, came.Length - done).Span;
            int same = right.CommonPrefixLength(came[done..]);
            if (same < right.Length)
            {
                return offset + done + same;
            }

            done += same;
        }

        return offset + came.Length > sizeBytes ? sizeBytes : null;
    }

    private static byte[] Pattern()
    {
        byte[] pattern = new byte[Period + PieceBytesMax];
        new Random(20_240_229).NextBytes(pattern.AsSpan(0, Period));
        pattern.AsSpan(0, PieceBytesMax).CopyTo(pattern.AsSpan(Period));
        return pattern;
    }
}
