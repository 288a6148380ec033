// A worker's multipart PUTs over a connection made of memory: what is sent, in which order; and that an upload which does not become an object is
// aborted, or handed to whoever can.
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Sluice.Loader.Content;
using Sluice.Loader.Flags;
using Sluice.Loader.Tests.Support;
using Sluice.Native;
using Sluice.Native.Codecs;

namespace Sluice.Loader.Tests;

public sealed class MultipartTests
{
    private const string Begun = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nupload-01";
    private const string Done = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    private const string Full = "HTTP/1.1 507 Full\r\nContent-Length: 4\r\n\r\nfull";

    [Theory]
    [InlineData(10, 3, 3)]
    [InlineData(5, 1, 1)]
    [InlineData(3, 7, 3)] // no part is empty
    [InlineData(1_000_003, 3, 3)] // parts are longer than what is sent at once
    [InlineData(20_000, 9999, 9999)]
    public void AMultipartPutIsABeginPartsOfTheContentAndACompletion(int size, int chunks, int parts)
    {
        using var bench = new Bench(options => Of(options, size, chunks));
        string request = bench.Request();
        string target = request.Split(' ')[1];
        string name = target.Split('?')[0]["/v1/objects/b/".Length..];
        Assert.StartsWith("POST /v1/objects/b/", request, StringComparison.Ordinal);
        Assert.Equal("mpt-upload", (string?)Json(request)["action"]);
        ulong key = ContentPattern.Key(Encoding.ASCII.GetBytes(name), size);
        long offset = 0;
        request = bench.AnswerAndTake(Begun);
        for (int number = 1; number <= parts; number++)
        {
            byte[] body = Body(request);
            Assert.StartsWith($"PUT {target}&uploadId=upload-01&partNumber={number} HTTP/1.1\r\n", request, StringComparison.Ordinal);
            Assert.Contains($"\r\nContent-Length: {body.Length}\r\n", request, StringComparison.Ordinal);
            Assert.Contains($"\r\nAis-Checksum-Value: {XxHash64.Hash(body).ToString("x16", CultureInfo.InvariantCulture)}\r\n", request, StringComparison.Ordinal);
            Assert.InRange(body.Length, size / parts, (size / parts) + 1);
            Assert.Equal(-1, ContentPattern.FirstDifference(key, offset, body));
            offset += body.Length;
            request = bench.AnswerAndTake(Done);
        }

        Assert.Equal(size, offset);
        Assert.StartsWith($"POST {target}&uploadId=upload-01 HTTP/1.1\r\n", request, StringComparison.Ordinal);
        JsonNode completion = Json(request);
        Assert.Equal("mpt-complete", (string?)completion["action"]);
        Assert.Equal(Enumerable.Range(1, parts), completion["value"]!.AsArray().Select(part => (int)part!["part-number"]!));
        Assert.Equal((0, 0L), (bench.FreeCount, bench.MultipartStored));
        Assert.Empty(bench.AnswerAndTake(Done));
        Assert.Equal((1, 1L, (long)size, 0L), (bench.FreeCount, bench.Statistics.Multipart.Count, bench.Statistics.Multipart.Bytes, bench.Statistics.Put.Count));
        Assert.Equal((5 * (parts + 2), 1L, 1), (bench.Statistics.Multipart.LatencyMax, bench.MultipartStored, bench.Link.Connections));
        Assert.Empty(bench.Left);
    }

    [Fact]
    public void AnEmptyObjectIsPutInOnePiece()
    {
        using var bench = new Bench(options => Of(options, 0, 3));
        Assert.StartsWith("PUT ", bench.Request(), StringComparison.Ordinal);
        bench.Answer(Done);
        Assert.Equal((1L, 0L), (bench.Statistics.Put.Count, bench.Statistics.Multipart.Count));
    }

    [Theory]
    [InlineData("a+b/c=9!\u00e9", "a%2Bb%2Fc%3D9%21%E9")]
    [InlineData("A-z.0_~", "A-z.0_~")]
    public void AnUploadsIdIsEscapedInARequestTarget(string id, string escaped)
    {
        using var bench = new Bench(options => Of(options, 10, 2));
        bench.Request();
        bench.Answer($"HTTP/1.1 200 OK\r\nContent-Length: {id.Length}\r\n\r\n", Encoding.Latin1.GetBytes(id));
        Assert.Contains($"&uploadId={escaped}&partNumber=1 ", Encoding.Latin1.GetString(bench.Link.TakeSent()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Full, "begin of the upload: 507 full")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "no id of an upload: 0 bytes")]
    [InlineData("HTTP/1.1 204 OK\r\n\r\n", "no id of an upload: 0 bytes")]
    public void AnUploadThatDoesNotBeginFailsAndIsNotAborted(string answer, string sentence)
    {
        using var bench = new Bench(options => Of(options, 10, 2));
        bench.Request();
        Assert.Empty(bench.AnswerAndTake(answer));
        string failures = bench.Failures;
        Assert.StartsWith("MPU failed: ", failures, StringComparison.Ordinal);
        Assert.Contains(sentence, failures, StringComparison.Ordinal);
        Assert.Equal((1L, 1), (bench.Statistics.Multipart.Errors, bench.FreeCount));
    }

    [Fact]
    public void AnIdThatIsTooLongIsNone()
    {
        using var bench = new Bench(options => Of(options, 10, 2));
        bench.Request();
        bench.Answer($"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n{new string('a', 300)}");
        Assert.Contains("no id of an upload: 300 bytes", bench.Failures, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0)]
    [InlineData(2, "HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n", 0)] // there is nothing left to abort
    [InlineData(3, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 1)] // the third is the completion
    public void AnUploadThatFailsInTheMiddleIsAborted(int failing, string aborted, int left)
    {
        using var bench = new Bench(options => Of(options, 10, 2));
        string target = bench.Request().Split(' ')[1];
        bench.Answer(Begun);
        for (int step = 1; step < failing; step++)
        {
            bench.Answer(Done);
        }

        bench.Link.TakeSent();
        string abort = bench.AnswerAndTake(Full);
        Assert.StartsWith($"DELETE {target}&uploadId=upload-01 HTTP/1.1\r\n", abort, StringComparison.Ordinal);
        Assert.Equal("mpt-abort", (string?)Json(abort)["action"]);
        Assert.Contains(failing < 3 ? $"part {failing} of 2: 507 full" : "completion of the upload: 507 full", bench.Failures, StringComparison.Ordinal);
        Assert.Equal((0, 1L, false), (bench.FreeCount, bench.Statistics.Multipart.Errors, bench.Worker.IsBusy));
        bench.Answer(aborted);
        Assert.Equal((1, 1L, 0L, 0L), (bench.FreeCount, bench.Statistics.Multipart.Errors, bench.Statistics.Multipart.Count, bench.MultipartStored));
        Assert.Empty(bench.Failures);
        Assert.Equal(left, bench.Left.Count);
        Assert.StartsWith("POST ", bench.Request(), StringComparison.Ordinal);
    }

    [Fact]
    public void AConnectionThatBreaksInAPartIsRenewedToAbort()
    {
        using var bench = new Bench(options => Of(options, 10, 2));
        bench.Request();
        bench.Answer(Begun);
        bench.Link.Deliver("HTTP/1.1 200");
        bench.Run();
        bench.Link.TakeSent();
        bench.Link.End(Errno.ECONNRESET);
        bench.Run();
        Assert.StartsWith("DELETE ", Encoding.Latin1.GetString(bench.Link.TakeSent()), StringComparison.Ordinal);
        Assert.Equal(2, bench.Link.Connections);
        bench.Answer(Done);
        Assert.Equal((1, 1L), (bench.FreeCount, bench.Statistics.Multipart.Errors));
        Assert.Empty(bench.Left);
    }

    [Fact]
    public void APartThatTakesTooLongIsAborted()
    {
        using var bench = new Bench(options => Of(options, 10, 2));
        bench.Request();
        bench.Answer(Begun, latency: 8_000_000_000);
        bench.Worker.Tick(bench.Time + 9_000_000_000); // the timeout is of a request, not of the upload
        bench.Link.TakeSent();
        Assert.Equal(0, bench.Statistics.Multipart.Errors);
        bench.Worker.Tick(bench.Time + 11_000_000_000);
        bench.Run();
        Assert.StartsWith("DELETE ", Encoding.Latin1.GetString(bench.Link.TakeSent()), StringComparison.Ordinal);
        Assert.Contains("within 10s", bench.Failures, StringComparison.Ordinal);
    }

    [Fact]
    public void AnUploadWhoseServerIsGoneIsLeftToTheRun()
    {
        using var bench = new Bench(options => Of(options, 10, 2));
        string name = bench.Request().Split(' ')[1].Split('?')[0]["/v1/objects/b/".Length..];
        bench.Answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na+b");
        bench.Link.ConnectError = Errno.ECONNREFUSED;
        bench.Link.Deliver("HTTP/1.1 200");
        bench.Link.End(Errno.ECONNRESET);
        bench.Run();
        Assert.Equal([(name, "a+b")], bench.Left);
        Assert.Equal((0, 1, 1L), (bench.FreeCount, bench.RestCount, bench.Statistics.Multipart.Errors));
        Assert.Single(bench.Failures.Trim().Split('\n'));
    }

    [Fact]
    public void AnUploadThatIsGivenUpIsLeftToTheRunAndCountsNothing()
    {
        using var bench = new Bench(options => Of(options, 10, 2));
        bench.Request();
        bench.Answer(Begun);
        Assert.True(bench.Worker.IsBusy);
        bench.Worker.Stop();
        bench.Run();
        Assert.True(bench.IsStopped);
        Assert.Equal("upload-01", Assert.Single(bench.Left).UploadId);
        Assert.Equal((0L, 0L), (bench.Statistics.Multipart.Count, bench.Statistics.Multipart.Errors));
    }

    private static LoadOptions Of(LoadOptions options, long size, int chunks) =>
        options with { PercentPut = 100, PercentMultipart = 100, MultipartChunks = chunks, BytesMin = size, BytesMax = size };

    private static byte[] Body(string request) => Encoding.Latin1.GetBytes(request[(request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);

    private static JsonNode Json(string request)
    {
        byte[] body = Body(request);
        Assert.Contains($"\r\nContent-Length: {body.Length}\r\n", request, StringComparison.Ordinal);
        return JsonNode.Parse(body)!;
    }
}
