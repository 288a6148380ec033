// Answers cut anywhere, and answers that no server should send: the parser neither waits for ever, nor throws, nor guesses.
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Loader.Http;

namespace Sluice.Loader.Tests;

public sealed class ResponseTests
{
    private const string Good =
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nais-checksum-type: xxhash2\r\nAis-Checksum-Value:  0123456789abcdef \r\n"
        + "Content-Range: bytes 10-14/300\r\nX-Empty:\r\nConnection: keep-alive\r\n\r\n";

    [Fact]
    public void AHeadIsReadHoweverItIsCut()
    {
        byte[] bytes = Encoding.ASCII.GetBytes(Good + "hello");
        for (int step = 1; step <= bytes.Length; step++)
        {
            var head = new ResponseHead();
            head.Reset();
            int at = step;
            HeadOutcome outcome;
            while ((outcome = head.Read(bytes.AsSpan(0, Math.Min(at, bytes.Length)))) == HeadOutcome.NeedMore)
            {
                Assert.True(at < Good.Length);
                at += step;
            }

            Assert.Equal(HeadOutcome.Read, outcome);
            Assert.Equal((206, 5L, 300L, 10L, Good.Length, false, false), (
                head.Status, head.ContentBytes, head.RangeTotalBytes, head.RangeFirst, head.HeadBytes, head.IsChunked, head.Closes));
            Assert.True(head.ChecksumType.SequenceEqual("xxhash2"u8));
            Assert.True(head.ChecksumValue.SequenceEqual("0123456789abcdef"u8));
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\n", true)]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: upgrade, Close\r\n", true)]
    [InlineData("HTTP/1.0 200 OK\r\n", true)]
    [InlineData("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", false)]
    [InlineData("HTTP/1.1 200\r\n", false)]
    public void WhetherAConnectionLastsIsRead(string head, bool closes)
    {
        (ResponseHead read, HeadOutcome outcome) = Read(head + "\r\n");
        Assert.Equal(HeadOutcome.Read, outcome);
        Assert.Equal(closes, read.Closes);
    }

    [Theory]
    [InlineData("HTTP/2 200 OK\r\n", ResponseProblem.BadStatusLine)]
    [InlineData("HTTP/1.2 200 OK\r\n", ResponseProblem.BadStatusLine)]
    [InlineData("HTTP/1.1 2x0 OK\r\n", ResponseProblem.BadStatusLine)]
    [InlineData("HTTP/1.1 099 OK\r\n", ResponseProblem.BadStatusLine)]
    [InlineData("HTTP/1.1 2000 OK\r\n", ResponseProblem.BadStatusLine)]
    [InlineData("GET / HTTP/1.1\r\n", ResponseProblem.BadStatusLine)]
    [InlineData("\r\n", ResponseProblem.BadStatusLine)]
    [InlineData("HTTP/1.1 200 OK\nA: b\r\n", ResponseProblem.BadStatusLine)]
    [InlineData("HTTP/1.1 200 OK\r\nno colon\r\n", ResponseProblem.BadHeader)]
    [InlineData("HTTP/1.1 200 OK\r\n: no name\r\n", ResponseProblem.BadHeader)]
    [InlineData("HTTP/1.1 200 OK\r\nA : b\r\n", ResponseProblem.BadHeader)]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n", ResponseProblem.BadHeader)]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\nC: d\r\n", ResponseProblem.BadHeader)]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\rc\r\n", ResponseProblem.BadHeader)]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\0c\r\n", ResponseProblem.BadHeader)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", ResponseProblem.BadLength)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n", ResponseProblem.BadLength)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n", ResponseProblem.BadLength)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length:\r\n", ResponseProblem.BadLength)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n", ResponseProblem.BadLength)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n", ResponseProblem.BadLength)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", ResponseProblem.BadTransferEncoding)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n", ResponseProblem.BadTransferEncoding)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", ResponseProblem.BadTransferEncoding)]
    public void AHostileHeadIsRefusedForItsReason(string text, ResponseProblem problem)
    {
        (ResponseHead head, HeadOutcome outcome) = Read(text + "\r\n");
        Assert.Equal((HeadOutcome.Refused, problem), (outcome, head.Problem));
        Assert.NotEmpty(problem.Sentence());
    }

    [Fact]
    public void AHeadWithoutEndIsRefusedAtItsBound()
    {
        var head = new ResponseHead();
        head.Reset();
        byte[] bytes = new byte[ResponseHead.HeadBytesMax + 1];
        Assert.Equal(HeadOutcome.NeedMore, head.Read(bytes.AsSpan(1)));
        Assert.Equal(HeadOutcome.Refused, head.Read(bytes));
        Assert.Equal(ResponseProblem.HeadTooLong, head.Problem);
    }

    [Fact]
    public void AChecksumThatIsTooLongEqualsNone()
    {
        (ResponseHead head, _) = Read($"HTTP/1.1 200 OK\r\nAis-Checksum-Type: {new string('x', 500)}\r\nAis-Checksum-Value: {new string('a', 500)}\r\n\r\n");
        Assert.True(head.ChecksumType.Length <= 16);
        Assert.True(head.ChecksumValue.Length <= 128);
    }

    [Fact]
    public void AnyBytesAreReadOrRefusedOrWaitedFor() => Check.QuickThrowOnFailure(Prop.ForAll(
        ArbMap.Default.ArbFor<byte[]>(),
        bytes =>
        {
            var head = new ResponseHead();
            head.Reset();
            HeadOutcome outcome = head.Read((byte[])[.. "HTTP/1.1 200 OK\r\n"u8, .. bytes, .. "\r\n\r\n"u8]);
            var chunks = default(ChunkedBody);
            ReadOnlySpan<byte> rest = bytes;
            while (!chunks.Next(ref rest).IsEmpty)
            {
            }

            return outcome != HeadOutcome.NeedMore && (rest.IsEmpty || chunks.IsBad || chunks.IsDone);
        }));

    [Fact]
    public void AChunkedBodyIsReadHoweverItIsCut()
    {
        byte[] bytes = "5;x=y\r\nhello\r\n00A \r\n, chunked.\r\n0\r\nTrailer: t\r\n\r\nnext"u8.ToArray();
        for (int step = 1; step <= bytes.Length; step++)
        {
            var chunks = default(ChunkedBody);
            var body = new List<byte>();
            int at = 0;
            while (!chunks.IsDone)
            {
                ReadOnlySpan<byte> input = bytes.AsSpan(at, Math.Min(step, bytes.Length - at));
                int before = input.Length;
                for (ReadOnlySpan<byte> piece = chunks.Next(ref input); !piece.IsEmpty; piece = chunks.Next(ref input))
                {
                    body.AddRange(piece);
                }

                Assert.False(chunks.IsBad);
                at += before - input.Length;
            }

            Assert.Equal("hello, chunked.", Encoding.ASCII.GetString([.. body]));
            Assert.Equal("next", Encoding.ASCII.GetString(bytes.AsSpan(at)));
        }
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("g\r\n")]
    [InlineData("-1\r\n")]
    [InlineData("1000000000000000\r\n")]
    [InlineData("1\nx")]
    [InlineData("1\r\nxy")]
    [InlineData("1\r\nx\r\r")]
    [InlineData("1;a\nb\r\n")]
    [InlineData("0\r\n\nx")]
    [InlineData("0\r\nA: b\r\r")]
    public void AMalformedChunkIsBadAndStaysBad(string text)
    {
        var chunks = default(ChunkedBody);
        ReadOnlySpan<byte> input = Encoding.ASCII.GetBytes(text);
        while (!chunks.Next(ref input).IsEmpty)
        {
        }

        Assert.True(chunks.IsBad);
        input = "5\r\nhello\r\n"u8;
        Assert.True(chunks.Next(ref input).IsEmpty && chunks.IsBad);
    }

    [Fact]
    public void AnEndlessExtensionIsBad()
    {
        var chunks = default(ChunkedBody);
        ReadOnlySpan<byte> input = Encoding.ASCII.GetBytes("1;" + new string('x', 20_000));
        chunks.Next(ref input);
        Assert.True(chunks.IsBad);
    }

    [Fact]
    public void RequestsAreWrittenAsTheContractHasThem()
    {
        Assert.True(Contract.BucketAddress.TryParse("ais://b", out Contract.BucketAddress? bucket, out _));
        var writer = new RequestWriter("h:1", bucket, RequestWriter.Range(10, 5), latest: true, "md5");
        byte[] into = new byte[RequestWriter.HeadBytesMax];
        Assert.Equal(
            "GET /v1/objects/b/a%20b?provider=ais&latest-ver=true HTTP/1.1\r\nHost: h:1\r\nRange: bytes=10-14\r\n\r\n",
            Encoding.ASCII.GetString(into, 0, writer.Get(into, "a%20b"u8)));
        Assert.Equal(
            "PUT /v1/objects/b/n?provider=ais HTTP/1.1\r\nHost: h:1\r\nContent-Length: 12345\r\nAis-Checksum-Type: md5\r\nAis-Checksum-Value: ab\r\n\r\n",
            Encoding.ASCII.GetString(into, 0, writer.Put(into, "n"u8, 12345, "ab"u8)));
        Assert.Equal("bytes=7-", RequestWriter.Range(7, 0));
        Assert.Null(RequestWriter.Range(0, 0));
    }

    private static (ResponseHead Head, HeadOutcome Outcome) Read(string text)
    {
        var head = new ResponseHead();
        head.Reset();
        return (head, head.Read(Encoding.ASCII.GetBytes(text)));
    }
}
