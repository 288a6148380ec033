// A worker's reads in ranges over connections made of memory: who asks for which range, when the object counts, and every way in which it does not.
using System.Text;
using Sluice.Loader.Content;
using Sluice.Loader.Flags;
using Sluice.Loader.Tests.Support;
using Sluice.Native;

namespace Sluice.Loader.Tests;

public sealed class ParallelReadTests
{
    private const int Size = 2500;
    private const string Sized = "HTTP/1.1 200 OK\r\nContent-Length: 2500\r\n\r\n";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnObjectIsReadInRangesByAsManyLanesAsThereAre(bool closes)
    {
        using var bench = new Bench(Of, "n");
        for (int round = 1; round <= 2; round++)
        {
            Assert.Equal("HEAD /v1/objects/b/n?provider=ais&props=size HTTP/1.1\r\nHost: h:1\r\n\r\n", bench.Request());
            bench.Answer(closes ? "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2500\r\n\r\n" : Sized);
            Assert.Equal(2, bench.Lanes.Count); // kept from object to object
            Dictionary<long, MemoryLink> asked = bench.Lanes.ToDictionary(lane => Asked(lane).First);
            Range(bench, asked[1000], 1000, 1000);
            Assert.Equal((2000, 500), Asked(asked[1000]));
            Range(bench, asked[0], 0, 1000);
            Assert.Equal((round - 1, (long)round - 1), (bench.FreeCount, bench.Statistics.Stream.Count));
            Range(bench, asked[1000], 2000, 500);
            Assert.Empty(bench.Failures);
            Assert.Equal((round, (long)round, (long)round * Size, (long)round), (bench.FreeCount, bench.Statistics.Stream.Count, bench.Statistics.Stream.Bytes, bench.Statistics.VerifiedContents));
        }

        Assert.Equal((0L, 20L, 0L), (bench.Statistics.Get.Count, bench.Statistics.Stream.LatencyMax, bench.Statistics.Stream.Errors));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1000, 999)]
    [InlineData(2000, 499)]
    public void AByteThatIsNotWhatWasPutFailsTheObject(long rangeFirst, int flipped)
    {
        using var bench = new Bench(options => Of(options) with { StreamWorkers = 1 }, "n");
        bench.Request();
        bench.Answer(Sized);
        for (long first = 0; bench.FreeCount == 0; first += 1000)
        {
            int count = Asked(bench.Lanes[0]).Count;
            Range(bench, bench.Lanes[0], first, count, first == rangeFirst ? flipped : -1);
        }

        Assert.Equal($"GET-MPDSTREAM failed: n: byte {rangeFirst + flipped} is not the one that was PUT", bench.Failures.Trim());
        Assert.Equal((0L, 1L, 0L), (bench.Statistics.Stream.Count, bench.Statistics.Stream.Errors, bench.Statistics.VerifiedContents));
    }

    [Theory]
    [InlineData("200 OK", "bytes 0-999/2500", 1000, "status 200")]
    [InlineData("206 P", "bytes 1-1000/2500", 1000, "but 1000 from 1")]
    [InlineData("206 P", "bytes 0-998/2500", 999, "but 999 from 0")]
    [InlineData("206 P", "bytes 0-999/2501", 1000, "had 2500 bytes, and has 2501")]
    [InlineData("206 P", "nonsense", 1000, "has -1")]
    [InlineData("416 R", "bytes */3", 7, "416 xxxxxxx")]
    public void AnAnswerThatIsNotTheRangeFailsTheObjectThoughNothingIsVerified(string status, string range, int count, string sentence)
    {
        using var bench = new Bench(options => Of(options) with { Verify = false, StreamWorkers = 1 }, "n");
        bench.Request();
        bench.Answer(Sized);
        bench.Lanes[0].TakeSent();
        bench.Answer(bench.Lanes[0], $"HTTP/1.1 {status}\r\nContent-Range: {range}\r\nContent-Length: {count}\r\n\r\n{new string('x', count)}");
        Assert.Contains(sentence, bench.Failures, StringComparison.Ordinal);
        Assert.Equal((0L, 1L, 1), (bench.Statistics.Stream.Count, bench.Statistics.Stream.Errors, bench.FreeCount));
        Assert.Empty(bench.Lanes[0].TakeSent()); // no range is asked for behind one that failed
    }

    [Fact]
    public void AFailureWaitsForTheRangesUnderWayAndIsToldOnce()
    {
        using var bench = new Bench(Of, "n");
        bench.Request();
        bench.Answer(Sized);
        bench.Answer(bench.Lanes[0], "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        Assert.Equal((0, 0L), (bench.FreeCount, bench.Statistics.Stream.Errors));
        bench.Answer(bench.Lanes[1], "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
        Assert.Equal("GET-MPDSTREAM failed: n: 503", bench.Failures.Trim());
        Assert.Equal((1, 1L), (bench.FreeCount, bench.Statistics.Stream.Errors));
    }

    [Theory]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 70\r\n\r\n", "size: 404")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", "does not tell the object's size")]
    public void AnObjectWithoutASizeFails(string answer, string sentence)
    {
        using var bench = new Bench(Of, "n");
        bench.Request();
        bench.Answer(answer);
        Assert.Contains(sentence, bench.Failures, StringComparison.Ordinal);
        Assert.Equal((1L, 1, 0), (bench.Statistics.Stream.Errors, bench.FreeCount, bench.Lanes.Count));
        bench.Request();
        Assert.Equal(1, bench.Link.Connections);
    }

    [Fact]
    public void AnEmptyObjectNeedsNoRange()
    {
        using var bench = new Bench(Of, "n");
        bench.Request();
        bench.Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        Assert.Equal((1L, 0L, 1L, 0), (bench.Statistics.Stream.Count, bench.Statistics.Stream.Bytes, bench.Statistics.VerifiedContents, bench.Lanes.Count));
    }

    [Fact]
    public void ALaneThatCannotConnectFailsTheObjectAndTheWorkerRests()
    {
        using var bench = new Bench(Of, "n");
        bench.LaneConnectError = Errno.ECONNREFUSED;
        bench.Request();
        bench.Answer(Sized);
        Assert.Equal((1, 0, 1L), (bench.RestCount, bench.FreeCount, bench.Statistics.Stream.Errors));
        Assert.Equal("GET-MPDSTREAM failed: n: cannot connect: ECONNREFUSED", bench.Failures.Trim());
    }

    [Fact]
    public void ARangeThatTakesTooLongFailsTheObject()
    {
        using var bench = new Bench(options => Of(options) with { StreamWorkers = 1 }, "n");
        bench.Request();
        bench.Answer(Sized);
        bench.Worker.Tick(bench.Time + 11_000_000_000);
        bench.Run();
        Assert.Contains("within 10s", bench.Failures, StringComparison.Ordinal);
        Assert.Equal((1L, 1), (bench.Statistics.Stream.Errors, bench.FreeCount));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AWorkerStopsWithItsLanesOnceAndCountsNoObjectThatIsNotRead(bool isIdle)
    {
        using var bench = new Bench(Of, "n");
        bench.Request();
        bench.Answer(Sized);
        Range(bench, bench.Lanes[0], 0, 1000);
        if (isIdle)
        {
            Range(bench, bench.Lanes[1], 1000, 1000);
            Range(bench, bench.Lanes[0], 2000, 500);
        }

        bench.Worker.Stop();
        bench.Worker.Stop();
        bench.Run();
        bench.Worker.Stop();
        bench.Run();
        Assert.Equal((1, isIdle ? 1 : 0, isIdle ? 1L : 0L, 0L), (bench.StoppedCount, bench.FreeCount, bench.Statistics.Stream.Count, bench.Statistics.Stream.Errors));
        Assert.All(bench.Lanes, lane => Assert.False(lane.IsReceiving));
    }

    [Fact]
    public void DiscardedRangesAreCountedAndNotCopied()
    {
        using var bench = new Bench(options => Of(options) with { Verify = false, Discard = true, StreamChunkBytes = 100_000, StreamWorkers = 1 }, "n");
        bench.Request();
        bench.Answer("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        bench.Answer(bench.Lanes[0], "HTTP/1.1 206 P\r\nContent-Range: bytes 0-99999/100000\r\nContent-Length: 100000\r\n\r\n", new byte[100_000]);
        Assert.Equal((1L, 100_000L), (bench.Statistics.Stream.Count, bench.Statistics.Stream.Bytes));
        Assert.InRange(bench.Lanes[0].Discarded, 99_000, 100_000);
    }

    private static LoadOptions Of(LoadOptions options) =>
        options with { PercentStream = 100, StreamWorkers = 2, StreamChunkBytes = 1000, Verify = true, VerifyAllNames = true };

    /// <summary>The range that a lane has asked for; its request is taken.</summary>
    private static (long First, int Count) Asked(MemoryLink lane)
    {
        string request = Encoding.Latin1.GetString(lane.TakeSent());
        Assert.StartsWith("GET /v1/objects/b/n?provider=ais HTTP/1.1\r\nHost: h:1\r\nRange: bytes=", request, StringComparison.Ordinal);
        string[] range = request.Split("bytes=")[1].Split("\r\n")[0].Split('-');
        long first = long.Parse(range[0], System.Globalization.CultureInfo.InvariantCulture);
        return (first, (int)(long.Parse(range[1], System.Globalization.CultureInfo.InvariantCulture) - first + 1));
    }

    private static void Range(Bench bench, MemoryLink lane, long first, int count, int flipped = -1)
    {
        byte[] body = new byte[count];
        ContentPattern.Fill(ContentPattern.Key("n"u8, Size), first, body);
        if (flipped >= 0)
        {
            body[flipped] ^= 1;
        }

        bench.Answer(lane, $"HTTP/1.1 206 P\r\nContent-Length: {count}\r\nContent-Range: bytes {first}-{first + count - 1}/{Size}\r\n\r\n", body);
    }
}
