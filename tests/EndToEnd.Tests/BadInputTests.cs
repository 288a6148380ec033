// Everything that a client can get wrong: a 4xx with a sentence, nothing changed, never a 5xx (contract: objects §4, native API §3).
using System.Text;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class BadInputTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly string s_long = new('n', 1025);

    public static TheoryData<string, string, string, int, string> OfObjects => new()
    {
        // name of the case, request line, headers and body, status, part of the sentence
        { "dot dot", "PUT /v1/objects/b/../etc/passwd", "Content-Length: 1\r\n\r\nx", 400, ".." },
        { "dot dot inside", "PUT /v1/objects/b/a/../../x", "Content-Length: 1\r\n\r\nx", 400, ".." },
        { "escaped dot dot", "PUT /v1/objects/b/a/%2e%2e/x", "Content-Length: 1\r\n\r\nx", 400, ".." },
        { "escaped slashes and dots", "PUT /v1/objects/b/..%2F..%2Fx", "Content-Length: 1\r\n\r\nx", 400, ".." },
        { "single dot", "PUT /v1/objects/b/./x", "Content-Length: 1\r\n\r\nx", 400, "\".\"" },
        { "trailing slash", "PUT /v1/objects/b/dir/", "Content-Length: 1\r\n\r\nx", 400, "slash" },
        { "control byte", "PUT /v1/objects/b/a%07b", "Content-Length: 1\r\n\r\nx", 400, "control" },
        { "newline", "PUT /v1/objects/b/a%0Ab", "Content-Length: 1\r\n\r\nx", 400, "control" },
        { "1025 bytes", $"PUT /v1/objects/b/{s_long}", "Content-Length: 1\r\n\r\nx", 400, "1025" },
        { "overlong UTF-8", "PUT /v1/objects/b/%C0%AF", "Content-Length: 1\r\n\r\nx", 400, "UTF-8" },
        { "half a character", "PUT /v1/objects/b/%E4%BD", "Content-Length: 1\r\n\r\nx", 400, "UTF-8" },
        { "surrogate", "PUT /v1/objects/b/%ED%A0%80", "Content-Length: 1\r\n\r\nx", 400, "UTF-8" },
        { "bad escape", "PUT /v1/objects/b/a%zz", "Content-Length: 1\r\n\r\nx", 400, "hexadecimal" },
        { "cut escape", "PUT /v1/objects/b/a%2", "Content-Length: 1\r\n\r\nx", 400, "hexadecimal" },
        { "no object", "PUT /v1/objects/b", "Content-Length: 1\r\n\r\nx", 400, "empty" },
        { "no bucket", "GET /v1/objects", "\r\n", 400, "bucket" },
        { "digest of another body", "PUT /v1/objects/b/kept", "Ais-Checksum-Type: md5\r\nAis-Checksum-Value: 00000000000000000000000000000000\r\nContent-Length: 1\r\n\r\nx", 400, "checksum" },
        { "digest too short", "PUT /v1/objects/b/kept", "Ais-Checksum-Type: md5\r\nAis-Checksum-Value: 00\r\nContent-Length: 1\r\n\r\nx", 400, "digits" },
        { "digest not hexadecimal", "PUT /v1/objects/b/kept", "Ais-Checksum-Type: crc32c\r\nAis-Checksum-Value: zzzzzzzz\r\nContent-Length: 1\r\n\r\nx", 400, "digits" },
        { "digest of no kind", "PUT /v1/objects/b/kept", "Ais-Checksum-Type: crc99\r\nAis-Checksum-Value: 00\r\nContent-Length: 1\r\n\r\nx", 400, "checksum type" },
        { "digest without kind", "PUT /v1/objects/b/kept", "Ais-Checksum-Value: 00\r\nContent-Length: 1\r\n\r\nx", 400, "together" },
        { "custom without equals", "PUT /v1/objects/b/kept", "Ais-Custom-Md: abc\r\nContent-Length: 1\r\n\r\nx", 400, "key=value" },
        { "custom too large", "PUT /v1/objects/b/kept", $"Ais-Custom-Md: k={new string('v', 9000)}\r\nContent-Length: 1\r\n\r\nx", 400, "limit" },
        { "range behind the end", "GET /v1/objects/b/kept", "Range: bytes=10-\r\n\r\n", 416, "10 bytes" },
        { "range backwards", "GET /v1/objects/b/kept", "Range: bytes=5-2\r\n\r\n", 416, "range" },
        { "two ranges", "GET /v1/objects/b/kept", "Range: bytes=0-1,3-4\r\n\r\n", 416, "range" },
        { "range of words", "GET /v1/objects/b/kept", "Range: bytes=a-b\r\n\r\n", 416, "range" },
        { "range in lines", "GET /v1/objects/b/kept", "Range: lines=0-1\r\n\r\n", 416, "range" },
        { "empty range", "GET /v1/objects/b/kept", "Range: bytes=-\r\n\r\n", 416, "range" },
        { "last zero bytes", "GET /v1/objects/b/kept", "Range: bytes=-0\r\n\r\n", 416, "range" },
        { "range of 30 digits", "GET /v1/objects/b/kept", "Range: bytes=111111111111111111111111111111-\r\n\r\n", 416, "range" },
        { "two range headers", "GET /v1/objects/b/kept", "Range: bytes=0-1\r\nRange: bytes=2-3\r\n\r\n", 416, "range" },
    };

    public static TheoryData<string, string, string, int, string> OfMessages => new()
    {
        { "unknown action", "POST /v1/buckets/b", Json("""{"action":"dance"}"""), 400, "dance" },
        { "no action", "POST /v1/buckets/b", Json("{}"), 400, "action" },
        { "action of another method", "POST /v1/buckets/b", Json("""{"action":"destroy-bck"}"""), 400, "destroy-bck" },
        { "action not built", "POST /v1/buckets/b", Json("""{"action":"etl-bck"}"""), 501, "not built" },
        { "broken JSON", "POST /v1/buckets/b", Json("{\"action\":"), 400, "JSON" },
        { "JSON array", "POST /v1/buckets/b", Json("[1,2]"), 400, "object" },
        { "action a number", "POST /v1/buckets/b", Json("""{"action":1}"""), 400, "string" },
        { "half a surrogate", "POST /v1/buckets/b", Json("""{"action":"\ud800"}"""), 400, "JSON" },
        { "deep JSON", "POST /v1/buckets/b", Json(new string('[', 5000)), 400, "JSON" },
        { "JSON of 10 MB", "POST /v1/buckets/b", "Content-Length: 10485760\r\n\r\n{", 413, "1048576" },
        { "unknown property", "POST /v1/buckets/c", Json("""{"action":"create-bck","value":{"colour":"red"}}"""), 400, "colour" },
        { "wrong value", "POST /v1/buckets/c", Json("""{"action":"create-bck","value":{"checksum":{"type":"crc99"}}}"""), 400, "checksum.type" },
        { "properties a list", "POST /v1/buckets/c", Json("""{"action":"create-bck","value":[1]}"""), 400, "object" },
        { "bucket *", "POST /v1/buckets/*", Json("""{"action":"create-bck"}"""), 400, "letters" },
        { "bucket .", "POST /v1/buckets/.", Json("""{"action":"create-bck"}"""), 400, "dot" },
        { "bucket space", "POST /v1/buckets/%20", Json("""{"action":"create-bck"}"""), 400, "letters" },
        { "bucket with #", "POST /v1/buckets/a%23b", Json("""{"action":"create-bck"}"""), 400, "letters" },
        { "bucket with $", "POST /v1/buckets/a$b", Json("""{"action":"create-bck"}"""), 400, "letters" },
        { "bucket with ~", "POST /v1/buckets/~", Json("""{"action":"create-bck"}"""), 400, "letters" },
        { "bucket with slash", "POST /v1/buckets/a%2Fb", Json("""{"action":"create-bck"}"""), 400, "letters" },
        { "bucket of 65", $"POST /v1/buckets/{new string('b', 65)}", Json("""{"action":"create-bck"}"""), 400, "64" },
        { "bucket twice", "POST /v1/buckets/b", Json("""{"action":"create-bck"}"""), 409, "already exists" },
        { "extra segment", "POST /v1/buckets/a/b", Json("""{"action":"create-bck"}"""), 400, "invalid request URI" },
        { "bad provider", "GET /v1/buckets/b?provider=ftp", "\r\n", 400, "provider" },
        { "bad namespace", "GET /v1/buckets/b?namespace=@..%23x", "\r\n", 400, "namespace" },
        { "list flags", "GET /v1/buckets/b", Json("""{"action":"list","value":{"flags":"many"}}"""), 400, "flags" },
        { "list page size", "GET /v1/buckets/b", Json("""{"action":"list","value":{"pagesize":-1}}"""), 400, "pagesize" },
        { "list not cached", "GET /v1/buckets/b", Json("""{"action":"list","value":{"flags":"512"}}"""), 400, "not-cached" },
        { "HEAD of unknown property", "HEAD /v1/objects/b/kept?props=weight", "\r\n", 400, "weight" },
        { "PATCH of a number", "PATCH /v1/objects/b/kept", Json("""{"value":{"k":1}}"""), 400, "string" },
        { "PATCH of a list", "PATCH /v1/objects/b/kept", Json("""{"value":["k"]}"""), 400, "object" },
        { "PATCH comma", "PATCH /v1/objects/b/kept", Json("""{"value":{"k":"a,b"}}"""), 400, "','" },
        { "missing bucket", "GET /v1/objects/nosuch/x", "\r\n", 404, "does not exist" },
        { "missing object", "GET /v1/objects/b/nosuch", "\r\n", 404, "ais://b/nosuch does not exist" },
        { "missing object HEAD", "HEAD /v1/objects/b/nosuch", "\r\n", 404, "does not exist" },
        { "missing object DELETE", "DELETE /v1/objects/b/nosuch", "\r\n", 404, "does not exist" },
        { "unknown path", "GET /v2/objects/b/x", "\r\n", 404, "no such path" },
        { "unknown method", "BREW /v1/objects/b/x", "\r\n", 405, "GET, HEAD, PUT" },
        { "unknown what", "GET /v1/daemon?what=weather", "\r\n", 400, "unrecognized 'what=weather' query" },
        { "100 parameters", "GET /v1/buckets?" + string.Join('&', Enumerable.Range(0, 100).Select(i => $"p{i}=1")), "\r\n", 400, "100" },
        { "bad escape in query", "GET /v1/buckets?provider=%zz", "\r\n", 400, "hexadecimal" },
        { "copy to nothing", "PUT /v1/objects/b/kept?object_to=", "Content-Length: 0\r\n\r\n", 400, "object_to: a unified name is" },
        { "copy without a namespace", "PUT /v1/objects/b/kept?object_to=ais/b/x", "Content-Length: 0\r\n\r\n", 400, "object_to: a unified name is" },
        { "copy to a bad bucket", "PUT /v1/objects/b/kept?object_to=ais/@%23/b%20c/x", "Content-Length: 0\r\n\r\n", 400, "bucket name" },
        { "copy to a bad provider", "PUT /v1/objects/b/kept?object_to=ftp/@%23/b/x", "Content-Length: 0\r\n\r\n", 400, "provider" },
        { "copy to no name", "PUT /v1/objects/b/kept?object_to=ais/@%23/b/", "Content-Length: 0\r\n\r\n", 400, "object_to: object name is empty" },
        { "copy to a bad name", "PUT /v1/objects/b/kept?object_to=ais/@%23/b/a/../x", "Content-Length: 0\r\n\r\n", 400, "object_to: object name contains" },
        { "copy to no text", "PUT /v1/objects/b/kept?object_to=ais/@%23/b/x%ff", "Content-Length: 0\r\n\r\n", 400, "object_to: object name is not valid UTF-8" },
        { "copy to a missing bucket", "PUT /v1/objects/b/kept?object_to=ais/@%23/nosuch/x", "Content-Length: 0\r\n\r\n", 404, "bucket \"ais://nosuch\" does not exist" },
        { "copy of a missing object", "PUT /v1/objects/b/nosuch?object_to=ais/@%23/b/x", "Content-Length: 0\r\n\r\n", 404, "ais://b/nosuch does not exist" },
        { "not built query", "PUT /v1/objects/b/kept?archpath=x", "Content-Length: 1\r\n\r\nx", 501, "not built" },
        { "rename to nothing", "POST /v1/objects/b/kept", Json("""{"action":"rename-obj"}"""), 400, "\"name\", the new one: object name is empty" },
        { "rename to a bad name", "POST /v1/objects/b/kept", Json("""{"action":"rename-obj","name":"a/../b"}"""), 400, "the new one" },
        { "rename to the same name", "POST /v1/objects/b/kept", Json("""{"action":"rename-obj","name":"kept"}"""), 400, "the one that the object has" },
        { "rename of a missing object", "POST /v1/objects/b/nosuch", Json("""{"action":"rename-obj","name":"x"}"""), 404, "ais://b/nosuch does not exist" },
        { "rename in a missing bucket", "POST /v1/objects/nosuch/x", Json("""{"action":"rename-obj","name":"y"}"""), 404, "bucket \"ais://nosuch\" does not exist" },
        { "append of no kind", "PUT /v1/objects/b/kept?append_type=prepend", "Content-Length: 1\r\n\r\nx", 400, "expecting append or flush" },
        { "append without a kind", "PUT /v1/objects/b/kept?append_handle=x", "Content-Length: 1\r\n\r\nx", 400, "expecting append or flush" },
        { "append with a bad handle", "PUT /v1/objects/b/kept?append_type=append&append_handle=x", "Content-Length: 1\r\n\r\nx", 404, "append handle \"x\" does not exist" },
        { "append to a missing bucket", "PUT /v1/objects/nosuch/x?append_type=append", "Content-Length: 1\r\n\r\nx", 404, "bucket \"ais://nosuch\" does not exist" },
        { "append with a wrong digest", "PUT /v1/objects/b/kept?append_type=append", "Ais-Checksum-Type: md5\r\nAis-Checksum-Value: 00000000000000000000000000000000\r\nContent-Length: 1\r\n\r\nx", 400, "bad data checksum" },
        { "flush without a handle", "PUT /v1/objects/b/kept?append_type=flush", "Content-Length: 0\r\n\r\n", 400, "a flush needs append_handle" },
        { "flush with a bad handle", "PUT /v1/objects/b/kept?append_type=flush&append_handle=0123456789abcdef-1", "Content-Length: 0\r\n\r\n", 404, "does not exist" },
        { "flush with a body", "PUT /v1/objects/b/kept?append_type=flush&append_handle=x", "Content-Length: 1\r\n\r\nx", 400, "a flush has no body" },
    };

    [Theory]
    [MemberData(nameof(OfObjects))]
    [MemberData(nameof(OfMessages))]
    public async Task IsRefusedWithASentenceAndChangesNothing(string what, string line, string rest, int status, string sentence)
    {
        (int got, string answer) = await fixture.RawAsync(Encoding.Latin1.GetBytes($"{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{rest}"));
        AssertRefused(what, got, answer, status, sentence);
        await NothingChangedAsync();
    }

    // Not HTTP, or not a request that may come to the application: refused by the parser, in the same shape.
    public static TheoryData<string, string, int, string> OfHeads => new()
    {
        { "huge head", $"GET / HTTP/1.1\r\nHost: x\r\nX: {new string('x', 40_000)}\r\n\r\n", 431, "32768 bytes" },
        { "101 headers", $"GET / HTTP/1.1\r\nHost: x\r\n{string.Concat(Enumerable.Repeat("X: x\r\n", 100))}\r\n", 431, "100 headers" },
        { "huge line", $"GET /v1/objects/b/{new string('x', 20_000)} HTTP/1.1\r\nHost: x\r\n\r\n", 414, "16384 bytes" },
        { "no version", "GET /\r\n\r\n", 400, "malformed" },
        { "version 9.9", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505, "version" },
        { "no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed" },
        { "no method", " / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed" },
        { "no host", "GET / HTTP/1.1\r\n\r\n", 400, "malformed" },
        { "two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "malformed" },
        { "asterisk", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 405, "request target" },
        { "two lengths", "PUT /v1/objects/b/kept HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400, "malformed" },
        { "length of words", "PUT /v1/objects/b/kept HTTP/1.1\r\nHost: x\r\nContent-Length: one\r\n\r\nx", 400, "malformed" },
        { "negative length", "PUT /v1/objects/b/kept HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nx", 400, "malformed" },
        { "length beyond 64 bits", "PUT /v1/objects/b/kept HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nx", 400, "malformed" },
        { "unknown coding", "PUT /v1/objects/b/kept HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nx", 400, "malformed" },
        { "old PUT without length", "PUT /v1/objects/b/kept HTTP/1.0\r\n\r\nx", 400, "malformed" },
        { "space in header name", "GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n", 400, "malformed" },
        { "no colon", "GET / HTTP/1.1\r\nHost: x\r\nBad\r\n\r\n", 400, "malformed" },
        { "NUL in a header", "GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", 400, "malformed" },
        { "NUL in a name", "PUT /v1/objects/b/a%00b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 400, "NUL" },
        { "raw NUL in a name", "PUT /v1/objects/b/a\0b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 400, "NUL" },
        { "byte above 127 in a name", "PUT /v1/objects/b/a\u00ffb HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 400, "malformed" },
        { "not HTTP", "\u0016\u0003\u0001 hello\r\n\r\n", 400, "malformed" },
    };

    [Theory]
    [MemberData(nameof(OfHeads))]
    public async Task AHeadThatIsNoHttpIsRefusedWithASentenceAndChangesNothing(string what, string request, int status, string sentence)
    {
        (int got, string answer) = await fixture.RawAsync(Encoding.Latin1.GetBytes(request));
        AssertRefused(what, got, answer, status, sentence);
        await NothingChangedAsync();
    }

    [Fact]
    public async Task ARefusedHeadBehindAnAnsweredRequestIsRefusedInTheSameShape()
    {
        (_, string answers) = await fixture.RawAsync(
            "GET /v1/objects/b/kept HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/objects/b/a%00b HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), untilClosed: true);
        Assert.StartsWith("HTTP/1.1 200", answers, StringComparison.Ordinal);
        string second = answers[answers.IndexOf("HTTP/1.1 400", StringComparison.Ordinal)..];
        AssertRefused("NUL in a second request", 400, second, 400, "NUL");
        await NothingChangedAsync();
    }

    [Fact]
    public async Task ABodyShorterThanItsLengthChangesNothing()
    {
        (int got, string answer) = await fixture.RawAsync(
            "PUT /v1/objects/b/kept HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this"u8.ToArray(), halfClose: true);
        if (got != 0)
        {
            AssertRefused("short body", got, answer, 400, "body"); // else the connection was broken: nobody is there to be answered
        }

        await NothingChangedAsync();
    }

    [Fact]
    public async Task ABodyLongerThanItsLengthIsAnotherRequestAndARefusedOne()
    {
        (_, string answers) = await fixture.RawAsync(
            "PUT /v1/objects/b/short HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbodyAND MORE\r\n\r\n"u8.ToArray(), untilClosed: true);
        Assert.StartsWith("HTTP/1.1 200", answers, StringComparison.Ordinal);
        AssertRefused("rest of the body", 400, answers[answers.IndexOf("HTTP/1.1 400", StringComparison.Ordinal)..], 400, "malformed");
        Assert.Equal("body"u8.ToArray(), await fixture.Store.GetAsync("b", "short"));
        await fixture.Store.ControlAsync(HttpMethod.Delete, "/v1/objects/b/short", "");
    }

    [Theory]
    [InlineData("5\r\nhello\r\nzz\r\n\r\n")]
    [InlineData("-1\r\n\r\n")]
    [InlineData("5\r\nhelloworld\r\n0\r\n\r\n")]
    [InlineData("FFFFFFFFFFFFFFFFFF\r\n")]
    public async Task ABrokenChunkedBodyIsRefusedAndChangesNothing(string body)
    {
        (int got, string answer) = await fixture.RawAsync(
            Encoding.Latin1.GetBytes($"PUT /v1/objects/b/kept HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
        AssertRefused(body, got, answer, 400, "body");
        await NothingChangedAsync();
    }

    /// <summary>The status, and the error as JSON whose message has the sentence (contract: native API §3). What is not built is 501, another HTTP 505.</summary>
    private static void AssertRefused(string what, int got, string answer, int status, string sentence)
    {
        Assert.True(got == status, $"{what}: {answer}");
        Assert.True(got is (>= 400 and < 500) or 501 or 505, answer);
        JsonElement error = ErrorOf(answer);
        Assert.Equal(status, error.GetProperty("status").GetInt32());
        Assert.Contains(sentence, error.GetProperty("message").GetString()!, StringComparison.Ordinal);
        Assert.True(error.GetProperty("message").GetString()!.Length > 10);
        Assert.All(
            (string[])["method", "url_path", "remote_addr", "caller", "node"],
            field => Assert.Equal(JsonValueKind.String, error.GetProperty(field).ValueKind));
        Assert.Contains("X-Content-Type-Options: nosniff\r\n", answer, StringComparison.OrdinalIgnoreCase);
    }

    private async Task NothingChangedAsync()
    {
        Assert.Equal("0123456789"u8.ToArray(), await fixture.Store.GetAsync("b", "kept"));
        using JsonDocument page = JsonDocument.Parse(await fixture.Store.ControlAsync(HttpMethod.Get, "/v1/buckets/b", ""));
        Assert.Equal(["kept"], page.RootElement.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()));
        using JsonDocument buckets = JsonDocument.Parse(await fixture.Store.ControlAsync(HttpMethod.Get, "/v1/buckets", """{"action":"list"}"""));
        Assert.Equal(["b"], buckets.RootElement.EnumerateArray().Select(bucket => bucket.GetProperty("name").GetString()));
    }

    private static string Json(string body) => $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    private static JsonElement ErrorOf(string answer)
    {
        int head = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        int header = answer.IndexOf("Hdr-Error: ", StringComparison.Ordinal);
        string json = header > 0 && answer.EndsWith("\r\n\r\n", StringComparison.Ordinal) ? answer[(header + 11)..answer.IndexOf('\r', header)] : answer[(head + 4)..];
        return JsonDocument.Parse(Encoding.Latin1.GetBytes(json)).RootElement;
    }
}
