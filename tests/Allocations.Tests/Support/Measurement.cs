// Bytes that a side of the measurement allocates for a request, exactly. Two things make the number repeatable: it is the difference of a long and a
// short run, so that what a run costs once (a flush, the asking itself) is in neither; and of several runs of a length the least counts, since what
// comes by the clock (Kestrel's date, an access time that is a second older) only adds.
namespace Sluice.Allocations.Tests.Support;

/// <summary>What serves or asks, and is counted.</summary>
internal interface IMeasured
{
    /// <summary>Exchanges so many requests; on the test's thread, and allocates nothing there.</summary>
    void Run(int count);

    /// <summary>Ends what the requests began, as part of them.</summary>
    void Settle();

    /// <summary>Bytes allocated so far where all the work should be done.</summary>
    long AllocatedBytes();
}

internal static class Measurement
{
    private const int RunsMax = 3;

    /// <summary>Every object's size is a multiple of it, so a request's bytes are too: what is left of the clock's rounds away.</summary>
    private const int GranuleBytes = 8;

    /// <summary>Header, type, and the least that a heap object has room for: who allocates for each request allocates that much.</summary>
    private const int ObjectBytesMin = 24;

    /// <summary>Bytes a request.</summary>
    public static long BytesOf(Row row, IMeasured measured)
    {
        measured.Run(row.WarmUpCount);
        measured.Settle();
        (long Here, long Elsewhere) one = (long.MaxValue, long.MaxValue);
        (long Here, long Elsewhere) two = one;
        for (int run = 0; run < RunsMax; run++)
        {
            one = Least(one, Window(measured, row.Count));
            two = Least(two, Window(measured, 2 * row.Count));
        }

        double elsewhere = (double)(two.Elsewhere - one.Elsewhere) / row.Count;
        Assert.True(elsewhere < ObjectBytesMin, $"{row.Name}: {elsewhere} bytes a request are allocated by threads that should not work for it");
        return (long)Math.Round((double)(two.Here - one.Here) / row.Count / GranuleBytes) * GranuleBytes;
    }

    private static (long Here, long Elsewhere) Window(IMeasured measured, int count)
    {
        long allBefore = GC.GetTotalAllocatedBytes(precise: true);
        long hereBefore = measured.AllocatedBytes();
        long ownBefore = GC.GetAllocatedBytesForCurrentThread();
        measured.Run(count);
        long own = GC.GetAllocatedBytesForCurrentThread() - ownBefore;
        Assert.True(own == 0, $"the test's own side allocated {own} bytes");
        measured.Settle();
        long here = measured.AllocatedBytes() - hereBefore;
        return (here, GC.GetTotalAllocatedBytes(precise: true) - allBefore - here);
    }

    private static (long Here, long Elsewhere) Least((long Here, long Elsewhere) a, (long Here, long Elsewhere) b) =>
        (Math.Min(a.Here, b.Here), Math.Min(a.Elsewhere, b.Elsewhere));
}
