using System.Numerics;

namespace Sluice.Loader.Statistics;

/// <summary>
/// Counts of latencies in nanoseconds, log-linear as HdrHistogram has them: exact below 256 ns, then 128 buckets an octave up to 2^44 ns
/// (4.9 hours), where it saturates. A bucket is 1/128 of its lower end wide and answers with its middle, so a percentile is within 0.4 % of a
/// value that was recorded. Fixed memory: 39 KiB. One user at a time.
/// </summary>
public sealed class Histogram
{
    private const int ExactMax = 256; // 2 × 128: from here on a bucket is more than 1 ns wide
    private const int ExactBits = 8;
    private const int BucketBits = 7;
    private const int BucketsAnOctave = 1 << BucketBits;
    private const int TopBit = 43;
    private const int BucketCount = ExactMax + ((TopBit - ExactBits + 1) * BucketsAnOctave);

    private readonly long[] _counts = new long[BucketCount];

    /// <summary>Values recorded.</summary>
    public long Count { get; private set; }

    /// <summary>Counts one value; below 0 counts as 0.</summary>
    public void Record(long nanoseconds)
    {
        _counts[IndexOf(nanoseconds)]++;
        Count++;
    }

    /// <summary>Adds what another has counted.</summary>
    public void Add(Histogram other)
    {
        if (other.Count == 0)
        {
            return;
        }

        for (int i = 0; i < BucketCount; i++)
        {
            _counts[i] += other._counts[i];
        }

        Count += other.Count;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        if (Count > 0)
        {
            Array.Clear(_counts);
            Count = 0;
        }
    }

    /// <summary>The value that <paramref name="share"/> (0 to 1) of all values do not exceed; 0 when there are none.</summary>
    public long Percentile(double share)
    {
        long rank = Math.Max(1, (long)Math.Ceiling(share * Count));
        long seen = 0;
        for (int i = 0; i < BucketCount && Count > 0; i++)
        {
            seen += _counts[i];
            if (seen >= rank)
            {
                return MiddleOf(i);
            }
        }

        return 0;
    }

    private static int IndexOf(long value)
    {
        if (value < ExactMax)
        {
            return (int)Math.Max(0, value);
        }

        int top = BitOperations.Log2((ulong)value);
        return top > TopBit
            ? BucketCount - 1
            : ExactMax + ((top - ExactBits) * BucketsAnOctave) + (int)(value >> (top - BucketBits)) - BucketsAnOctave;
    }

    private static long MiddleOf(int index)
    {
        if (index < ExactMax)
        {
            return index;
        }

        int octave = (index - ExactMax) / BucketsAnOctave;
        long place = BucketsAnOctave + ((index - ExactMax) % BucketsAnOctave);
        int shift = octave + ExactBits - BucketBits;
        return (place << shift) + (1L << (shift - 1));
    }
}
