// A worker's exchanges over a connection made of memory: bodies of every framing, cut anywhere; failures of every kind; verification and its
// known-bad twins.
using System.Globalization;
using System.Text;
using Sluice.Loader.Content;
using Sluice.Loader.Tests.Support;
using Sluice.Loader.Work;
using Sluice.Native;
using Sluice.Native.Codecs;

namespace Sluice.Loader.Tests;

public sealed class WorkerTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    [Theory]
    [InlineData(Ok, 5)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0)]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", 0)]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" + Ok, 5)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 5)]
    public void EveryFramingIsReadHoweverItIsCut(string answer, long bytes)
    {
        for (int cut = 1; cut < answer.Length; cut++)
        {
            using var bench = new Bench(null, "n");
            bench.Link.Cut = cut;
            bench.Request();
            bench.Answer(answer);
            bench.Request();
            bench.Answer(answer);
            Assert.Equal((2, 2L, 2 * bytes, 0L, 1), (bench.FreeCount, bench.Statistics.Get.Count, bench.Statistics.Get.Bytes, bench.Statistics.Get.Errors, bench.Link.Connections));
            Assert.Equal(5, bench.Statistics.Get.LatencyMax);
        }
    }

    [Fact]
    public void ABodyUntilTheEndIsReadAndTheConnectionRenewed()
    {
        using var bench = new Bench(null, "n");
        bench.Request();
        bench.Answer("HTTP/1.1 200 OK\r\n\r\nhello");
        Assert.Equal(0, bench.FreeCount);
        bench.Link.End();
        bench.Run();
        bench.Request();
        bench.Answer(Ok);
        Assert.Equal((2L, 10L, 2), (bench.Statistics.Get.Count, bench.Statistics.Get.Bytes, bench.Link.Connections));
    }

    [Fact]
    public void AnAnswerThatClosesIsCountedAndTheConnectionRenewed()
    {
        using var bench = new Bench(null, "n");
        bench.Request();
        bench.Answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
        bench.Request();
        Assert.Equal((1L, 2), (bench.Statistics.Get.Count, bench.Link.Connections));
    }

    [Fact]
    public void ARefusalFailsWithTheServersWordsAndKeepsTheConnection()
    {
        using var bench = new Bench(null, "a%20b");
        bench.Request();
        const string Json = """{"status":404,"message":"ais://b/a b does not exist"}""";
        bench.Answer($"HTTP/1.1 404 Not Found\r\nContent-Length: {Json.Length}\r\n\r\n{Json}");
        Assert.Equal("GET failed: a b: 404 ais://b/a b does not exist", bench.Failures.Trim());
        bench.Request();
        bench.Answer("HTTP/1.1 500 Oops\r\nContent-Length: 8\r\n\r\nwhat\u0007now");
        Assert.Equal("GET failed: a b: 500 what now", bench.Failures.Trim());
        bench.Request();
        bench.Answer("HTTP/1.1 307 Elsewhere\r\nLocation: http://h:2/\r\nContent-Length: 0\r\n\r\n");
        Assert.Equal("GET failed: a b: 307: the server redirects, which the loader does not follow yet", bench.Failures.Trim());
        Assert.Equal((0L, 3L, 1), (bench.Statistics.Get.Count, bench.Statistics.Get.Errors, bench.Link.Connections));
    }

    [Theory]
    [InlineData("junk\r\n\r\n", "status line")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello", "nobody asked for")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx", "chunked")]
    public void AMalformedAnswerFailsAndEndsTheConnection(string answer, string sentence)
    {
        using var bench = new Bench(null, "n");
        bench.Request();
        bench.Answer(answer);
        Assert.Contains(sentence, bench.Failures, StringComparison.Ordinal);
        bench.Request();
        bench.Answer(Ok);
        Assert.Equal((1L, 1L, 2, 2), (bench.Statistics.Get.Count, bench.Statistics.Get.Errors, bench.Link.Connections, bench.FreeCount));
    }

    [Fact]
    public void AConnectionThatClosedWhileIdleIsRetriedOnceWithoutAFailure()
    {
        using var bench = new Bench(null, "n");
        bench.Request();
        bench.Answer(Ok);
        string first = bench.Request();
        bench.Link.End();
        bench.Run();
        Assert.Equal(first, Encoding.Latin1.GetString(bench.Link.TakeSent()));
        bench.Answer(Ok, latency: 100);
        Assert.Equal((2L, 0L, 2), (bench.Statistics.Get.Count, bench.Statistics.Get.Errors, bench.Link.Connections));
        bench.Request();
        bench.Link.End(Errno.ECONNRESET);
        bench.Run();
        bench.Link.End();
        bench.Run();
        Assert.Equal(1, bench.Statistics.Get.Errors);
        Assert.Contains("closed the connection", bench.Failures, StringComparison.Ordinal);
    }

    [Fact]
    public void AConnectionThatBreaksInAnAnswerFails()
    {
        using var bench = new Bench(null, "n");
        bench.Request();
        bench.Answer("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello");
        bench.Link.End(Errno.ECONNRESET);
        bench.Run();
        Assert.Contains("ECONNRESET", bench.Failures, StringComparison.Ordinal);
        Assert.Equal((0L, 1L), (bench.Statistics.Get.Count, bench.Statistics.Get.Errors));
    }

    [Fact]
    public void WhoCannotConnectFailsAndRests()
    {
        using var bench = new Bench(null, "n");
        bench.Link.ConnectError = Errno.ECONNREFUSED;
        bench.Request();
        Assert.Equal((1, 0, 1L), (bench.RestCount, bench.FreeCount, bench.Statistics.Get.Errors));
        Assert.Contains("cannot connect: ECONNREFUSED", bench.Failures, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAnswerThatTakesTooLongFails()
    {
        using var bench = new Bench(null, "n");
        bench.Request();
        bench.Worker.Tick(bench.Time + 9_000_000_000);
        Assert.Equal(0, bench.Statistics.Get.Errors);
        bench.Worker.Tick(bench.Time + 11_000_000_000);
        bench.Run();
        Assert.Equal((1L, 1), (bench.Statistics.Get.Errors, bench.FreeCount));
        Assert.Contains("within 10s", bench.Failures, StringComparison.Ordinal);
    }

    [Fact]
    public void AWorkerThatIsStoppedCountsNothing()
    {
        using var bench = new Bench(null, "n");
        bench.Request();
        bench.Worker.Stop();
        bench.Run();
        Assert.True(bench.IsStopped);
        Assert.Equal((0L, 0L, 0), (bench.Statistics.Get.Count, bench.Statistics.Get.Errors, bench.FreeCount));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(262_144)]
    [InlineData(262_145)]
    [InlineData(1_000_003)]
    public void APutCarriesContentAndChecksumOfItsNameAndSize(int size)
    {
        using var bench = new Bench(options => options with { PercentPut = 100, BytesMin = size, BytesMax = size });
        string request = bench.Request();
        string head = request[..(request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)];
        byte[] body = Encoding.Latin1.GetBytes(request[head.Length..]);
        string name = head.Split(' ')[1].Split('?')[0]["/v1/objects/b/".Length..];
        Assert.Equal(size, body.Length);
        Assert.Contains($"Content-Length: {size}\r\n", head, StringComparison.Ordinal);
        Assert.Contains($"Ais-Checksum-Value: {XxHash64.Hash(body).ToString("x16", CultureInfo.InvariantCulture)}\r\n", head, StringComparison.Ordinal);
        Assert.Equal(-1, ContentPattern.FirstDifference(ContentPattern.Key(Encoding.ASCII.GetBytes(name), size), 0, body));
        bench.Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        Assert.Equal((1L, (long)size), (bench.Statistics.Put.Count, bench.Statistics.Put.Bytes));
    }

    [Fact]
    public void APutThatIsAnsweredBeforeItIsSentEndsTheConnection()
    {
        using var bench = new Bench(options => options with { PercentPut = 100, BytesMin = 1_000_000, BytesMax = 1_000_000, ChecksumType = "none" });
        bench.Link.HoldsSends = true;
        bench.Request();
        bench.Answer("HTTP/1.1 507 Full\r\nContent-Length: 4\r\n\r\nfull");
        Assert.Contains("507 full", bench.Failures, StringComparison.Ordinal);
        bench.Link.HoldsSends = false;
        bench.Request();
        Assert.Equal((1L, 2), (bench.Statistics.Put.Errors, bench.Link.Connections));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Connection: close\r\n")]
    public void AnUpdateIsAGetAndThenAPutOfTheSameName(string header)
    {
        using var bench = new Bench(options => options with { PercentUpdate = 100, BytesMin = 9, BytesMax = 9 }, "n");
        Assert.StartsWith("GET /v1/objects/b/n?", bench.Request(), StringComparison.Ordinal);
        bench.Answer($"HTTP/1.1 200 OK\r\n{header}Content-Length: 5\r\n\r\nhello");
        Assert.Equal(0, bench.FreeCount);
        Assert.StartsWith("PUT /v1/objects/b/n?", Encoding.Latin1.GetString(bench.Link.TakeSent()), StringComparison.Ordinal);
        bench.Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", latency: 70);
        Assert.Equal((1L, 1L, 5L, 70L), (bench.Statistics.Get.Count, bench.Statistics.Put.Count, bench.Statistics.Get.LatencyMax, bench.Statistics.Put.LatencyMax));
    }

    [Theory]
    [InlineData(-1, "", 0)]
    [InlineData(0, "byte 0 is not", 1)]
    [InlineData(99_999, "byte 99999 is not", 1)]
    public void ContentIsVerifiedToTheByte(int flipped, string sentence, int errors)
    {
        using var bench = new Bench(options => options with { Verify = true, VerifyAllNames = true }, "n");
        byte[] body = Content("n", 100_000, 0, 100_000);
        if (flipped >= 0)
        {
            body[flipped] ^= 1;
        }

        bench.Link.Cut = 777;
        bench.Request();
        bench.Answer($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n", body);
        Assert.Contains(sentence, bench.Failures, StringComparison.Ordinal);
        Assert.Equal((1L - errors, (long)errors, 1L), (bench.Statistics.Get.Count, bench.Statistics.Get.Errors, bench.Statistics.VerifiedContents));
    }

    [Fact]
    public void AChecksumIsVerifiedWhateverTheContent()
    {
        using var bench = new Bench(options => options with { Verify = true }, "n");
        bench.Request();
        bench.Answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nAis-Checksum-Type: xxhash2\r\nAis-Checksum-Value: 44BC2cf5ad770999\r\n\r\nabc");
        bench.Request();
        bench.Answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nAis-Checksum-Type: xxhash2\r\nAis-Checksum-Value: 44bc2cf5ad770999\r\n\r\nabd");
        bench.Request();
        bench.Answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nAis-Checksum-Type: crc32c\r\nAis-Checksum-Value: 364b3fb7\r\n\r\nabc");
        Assert.Contains("the answer says 44bc2cf5ad770999", bench.Failures, StringComparison.Ordinal);
        Assert.Equal((2L, 1L, 3L, 0L), (bench.Statistics.Get.Count, bench.Statistics.Get.Errors, bench.Statistics.VerifiedChecksums, bench.Statistics.VerifiedContents));
    }

    [Fact]
    public void ARangeIsVerifiedAgainstItsPlaceInTheObject()
    {
        using var bench = new Bench(options => options with { Verify = true, VerifyAllNames = true, ReadOffset = 1001, ReadLength = 50 }, "n");
        Assert.Contains("Range: bytes=1001-1050\r\n", bench.Request(), StringComparison.Ordinal);
        bench.Answer("HTTP/1.1 206 P\r\nContent-Length: 50\r\nContent-Range: bytes 1001-1050/5000\r\n\r\n", Content("n", 5000, 1001, 50));
        Assert.Equal((1L, 0L), (bench.Statistics.Get.Count, bench.Statistics.Get.Errors));
        bench.Request();
        bench.Answer("HTTP/1.1 206 P\r\nContent-Length: 50\r\nContent-Range: bytes 1001-1050/5000\r\n\r\n", Content("n", 5000, 1002, 50));
        Assert.Contains("byte 1001 is not", bench.Failures, StringComparison.Ordinal);
        bench.Request();
        bench.Answer("HTTP/1.1 206 P\r\nContent-Length: 49\r\nContent-Range: bytes 1001-1049/5000\r\n\r\n", Content("n", 5000, 1001, 49));
        Assert.Contains("another range", bench.Failures, StringComparison.Ordinal);
        Assert.Equal((1L, 2L), (bench.Statistics.Get.Count, bench.Statistics.Get.Errors));
    }

    [Fact]
    public void DiscardedBodiesAreCountedAndNotCopied()
    {
        using var bench = new Bench(options => options with { Discard = true }, "n");
        bench.Request();
        bench.Answer("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", new byte[100_000]);
        Assert.Equal((1L, 100_000L), (bench.Statistics.Get.Count, bench.Statistics.Get.Bytes));
        Assert.InRange(bench.Link.Discarded, 99_000, 100_000);
    }

    [Fact]
    public void FailuresAreBoundedAndTheRestCounted()
    {
        using var bench = new Bench(null, "n");
        for (int i = 0; i < 50; i++)
        {
            bench.Errors.Add(OperationKind.Put, "n"u8, "no");
        }

        string[] lines = bench.Failures.Trim().Split(Environment.NewLine);
        Assert.Equal(21, lines.Length);
        Assert.Equal("PUT failed: n: no", lines[0]);
        Assert.Equal("... and 30 more failed", lines[20]);
        Assert.Empty(bench.Failures);
    }

    private static byte[] Content(string name, long size, long offset, int count)
    {
        byte[] bytes = new byte[count];
        ContentPattern.Fill(ContentPattern.Key(Encoding.ASCII.GetBytes(name), size), offset, bytes);
        return bytes;
    }
}
