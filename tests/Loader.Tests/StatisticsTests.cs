// What is counted, and how it is printed: the texts are the contract's (load generator §4).
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Loader.Statistics;

namespace Sluice.Loader.Tests;

public sealed class StatisticsTests
{
    private static readonly double[] s_shares = [0.0001, 0.25, 0.5, 0.9, 0.99, 0.999, 1];

    [Fact]
    public void APercentileIsWithinOnePerCentOfASortedList() => Check.QuickThrowOnFailure(Prop.ForAll(
        Gen.Choose(0, 41).SelectMany(bits => Gen.Choose(0, int.MaxValue - 1).Select(low => ((1L << bits) + low) >> 1)).NonEmptyListOf().ToArbitrary(),
        values =>
        {
            var histogram = new Histogram();
            long[] sorted = [.. values.Order()];
            foreach (long value in values)
            {
                histogram.Record(value);
            }

            return s_shares.All(share =>
            {
                long exact = sorted[(int)Math.Max(1, Math.Ceiling(share * sorted.Length)) - 1];
                return Math.Abs(histogram.Percentile(share) - exact) <= exact * 0.004 + 0.5;
            });
        }));

    [Fact]
    public void BucketsAreWithoutGapOrJump()
    {
        long before = -1;
        for (long value = 0; value < 1L << 20; value += 1 + (value / 1000))
        {
            var histogram = new Histogram();
            histogram.Record(value);
            long answer = histogram.Percentile(0.5);
            Assert.True(answer >= before && Math.Abs(answer - value) <= value / 128);
            before = answer;
        }
    }

    [Fact]
    public void ExtremesSaturate()
    {
        var histogram = new Histogram();
        histogram.Record(-5);
        Assert.Equal(0, histogram.Percentile(0.5));
        histogram.Record(long.MaxValue);
        Assert.True(histogram.Percentile(1) > 1L << 43);
        Assert.Equal(0, new Histogram().Percentile(0.5));
    }

    [Fact]
    public void MergedPartsAreTheWhole()
    {
        var random = new Random(3);
        var whole = new OperationStatistics();
        var sum = new OperationStatistics();
        for (int part = 0; part < 4; part++)
        {
            var one = new OperationStatistics();
            for (int i = 0; i < part * 10; i++)
            {
                long latency = random.Next(1, 1 << 30);
                one.Succeeded(latency, i);
                whole.Succeeded(latency, i);
            }

            one.Failed();
            whole.Failed();
            sum.Add(one);
        }

        Assert.Equal(
            (whole.Count, whole.Bytes, whole.Errors, whole.LatencyMin, whole.LatencyMax, whole.LatencyAverage, whole.Percentile(0.9)),
            (sum.Count, sum.Bytes, sum.Errors, sum.LatencyMin, sum.LatencyMax, sum.LatencyAverage, sum.Percentile(0.9)));
        sum.Clear();
        Assert.False(sum.IsAny);
        Assert.Equal(0, sum.Percentile(0.5));
    }

    [Theory]
    [InlineData(0, "0ns")]
    [InlineData(999, "999ns")]
    [InlineData(1_000, "1.000µs")]
    [InlineData(999_999, "999.999µs")]
    [InlineData(4_399_000, "4.399ms")]
    [InlineData(999_999_999, "999.999ms")]
    [InlineData(22_278_000_000, "22.278s")]
    [InlineData(62_500_000_000, "1m2.500s")]
    public void ALatencyIsPrintedAsGoDoes(long nanoseconds, string text) => Assert.Equal(text, Cells.Latency(nanoseconds));

    [Theory]
    [InlineData(0, "-")]
    [InlineData(512, "512B")]
    [InlineData(1024, "1.0KiB")]
    [InlineData(432_642_458, "412.6MiB")]
    public void ASizeHasOneDecimal(long bytes, string text) => Assert.Equal(text, Cells.Size(bytes));

    [Fact]
    public void AThroughputHasTwoDecimals()
    {
        Assert.Equal("41.26MiB/s", Cells.Throughput(432_642_458, 10_000_000_000));
        Assert.Equal("-", Cells.Throughput(0, 10));
        Assert.Equal("-", Cells.Throughput(10, 0));
    }

    [Fact]
    public void TheTableIsTheContracts()
    {
        var interval = new LoadStatistics { Pending = 8 };
        interval.Get.Succeeded(4_399_000, 432_642_458);
        interval.Get.Succeeded(7_661_000, 0);
        interval.Put.Succeeded(22_278_000, 1024);
        interval.Put.Failed();
        var total = new LoadStatistics();
        total.Add(interval);
        for (int i = 0; i < 6600; i++)
        {
            total.Get.Succeeded(6_030_000, 0);
        }

        using var output = new StringWriter { NewLine = "\n" };
        var table = new TableReport(output);
        table.Begin();
        var now = new DateTimeOffset(2026, 3, 4, 14, 16, 45, TimeSpan.Zero);
        table.Interval(now, new Counted(interval, now, 10_000_000_000), new Counted(total, now, 20_000_000_000));
        table.Final(now, new Counted(total, now, 20_000_000_000));
        string[] expected =
        [
            "Time      OP    Count                 \tSize (Total)          \tLatency (min, avg, max)             \tThroughput (Avg)      \tErrors (Total)",
            "14:16:45  PUT   1 (1 8 0)             \t1.0KiB (1.0KiB)       \t22.278ms   22.278ms   22.278ms      \t102B/s (51B/s)        \t1 (1)",
            "14:16:45  GET   2 (6,602 8 0)         \t412.6MiB (412.6MiB)   \t4.399ms    6.030ms    7.661ms       \t41.26MiB/s (20.63MiB/s)\t-",
            "",
            "Time      OP    Count                 \tSize (Total)          \tLatency (min, avg, max)             \tThroughput (Avg)      \tErrors (Total)",
            "14:16:45  PUT   1                     \t1.0KiB                \t22.278ms   22.278ms   22.278ms      \t51B/s                 \t1",
            "14:16:45  GET   6,602                 \t412.6MiB              \t4.399ms    6.030ms    7.661ms       \t20.63MiB/s            \t0",
            "",
        ];
        string text = output.ToString();
        Assert.StartsWith(string.Join('\n', expected) + "\n", text, StringComparison.Ordinal);
        Assert.Contains("GET latency  p50 6.0", text, StringComparison.Ordinal);
        Assert.Contains("p99.9 ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void PutsInPartsAndReadsInRangesHaveRowsAndObjectsOfTheirOwn()
    {
        var counts = new LoadStatistics { Pending = 8 };
        counts.Put.Succeeded(1_000, 1);
        counts.Multipart.Succeeded(22_278_000, 1024);
        counts.Get.Succeeded(1_000, 1);
        counts.Stream.Succeeded(4_399_000, 2048);
        counts.Stream.Failed();
        var total = new LoadStatistics();
        total.Add(counts);
        Assert.Equal((4L, 2L), (total.Count, total.ReadCount));
        using var output = new StringWriter { NewLine = "\n" };
        var table = new TableReport(output);
        var now = new DateTimeOffset(2026, 3, 4, 14, 16, 45, TimeSpan.Zero);
        table.Interval(now, new Counted(counts, now, 10_000_000_000), new Counted(total, now, 10_000_000_000));
        string[] rows = output.ToString().Split('\n');
        Assert.Equal(["PUT", "MPU", "GET", "GET-MPDSTREAM"], rows.Where(row => row.Length > 0).Select(row => row[10..].Split(' ')[0]));
        Assert.Equal(
            "14:16:45  MPU   1 (1)                 \t1.0KiB (1.0KiB)       \t22.278ms   22.278ms   22.278ms      \t102B/s (102B/s)       \t-", rows[1]);
        Assert.StartsWith("14:16:45  GET-MPDSTREAM 1 (1)                 \t2.0KiB (2.0KiB)       \t4.399ms ", rows[3], StringComparison.Ordinal);
        Assert.EndsWith("\t1 (1)", rows[3], StringComparison.Ordinal);
        table.Final(now, new Counted(total, now, 10_000_000_000));
        Assert.Contains("\nMPU latency  p50 ", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("\nGET-MPDSTREAM latency  p50 ", output.ToString(), StringComparison.Ordinal);

        using var text = new StringWriter();
        new JsonReport(text).Final(now, new Counted(total, now, 10_000_000_000));
        using JsonDocument json = JsonDocument.Parse(text.ToString());
        Assert.Equal("1024", json.RootElement[0].GetProperty("put_multipart").GetProperty("bytes").GetString());
        Assert.Equal("2048", json.RootElement[0].GetProperty("get_mpdstream").GetProperty("bytes").GetString());
        Assert.Equal(1, json.RootElement[0].GetProperty("get_mpdstream").GetProperty("errors").GetInt64());
        counts.Clear();
        Assert.Equal((0L, false, false), (counts.Count, counts.Stream.IsAny, counts.Multipart.IsAny));
    }

    [Fact]
    public void JsonIsOneArrayWhoseLastElementIsTheTotal()
    {
        var interval = new LoadStatistics();
        interval.Get.Succeeded(4_000, 100);
        var total = new LoadStatistics();
        total.Add(interval);
        total.Add(interval);
        using var output = new StringWriter();
        var report = new JsonReport(output);
        var now = new DateTimeOffset(2026, 3, 4, 14, 16, 45, TimeSpan.FromHours(1));
        report.Interval(now, new Counted(interval, now, 1_000_000_000), new Counted(total, now, 2_000_000_000));
        report.Final(now, new Counted(total, now, 2_000_000_000));

        using JsonDocument json = JsonDocument.Parse(output.ToString());
        Assert.Equal(2, json.RootElement.GetArrayLength());
        JsonElement get = json.RootElement[1].GetProperty("get");
        Assert.Equal("2", get.GetProperty("count").GetString());
        Assert.Equal("200", get.GetProperty("bytes").GetString());
        Assert.Equal("100", get.GetProperty("throughput").GetString());
        Assert.Equal(4_000, get.GetProperty("latency").GetInt64());
        Assert.Equal(2_000_000_000, get.GetProperty("duration").GetInt64());
        Assert.Equal(0, get.GetProperty("errors").GetInt64());
        Assert.StartsWith("2026-03-04T14:16:45", get.GetProperty("start_time").GetString(), StringComparison.Ordinal);
        Assert.Equal("0", json.RootElement[0].GetProperty("put").GetProperty("count").GetString());
        Assert.Equal(JsonValueKind.Object, json.RootElement[0].GetProperty("get_batch").ValueKind);
        Assert.Contains("+01:00", output.ToString(), StringComparison.Ordinal);
    }
}
