// Request bodies however they come: chunked in any cut, announced by 100-continue, slowly; and answers to clients that read slowly.
using System.Globalization;
using System.Text;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

[Collection(BackendCollection.Name)]
public sealed class BodyTests(BackendServers servers)
{
    private const string Chunked = "Transfer-Encoding: chunked\r\n";
    private const string Expect = "Expect: 100-continue\r\n";

    /// <summary>Chunked bodies that break RFC 9112 §7.1.</summary>
    private static readonly string[] s_malformed =
    [
        "zz\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n", "5\r\nhello more\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n",
    ];

    /// <summary>Chunked bodies that end too early.</summary>
    private static readonly string[] s_short =
    [
        "", "5", "5\r\n", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "5\r\nhello\r\n0",
        "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\nX-Trailer: y\r\n",
    ];

    /// <summary>PUTs that are refused before their body: target, headers, status.</summary>
    private static readonly (string Bucket, string Headers, int Status)[] s_refused =
    [
        ("nosuch", "", 404),
        ("b", "Ais-Checksum-Type: md5\r\nAis-Checksum-Value: 00\r\n", 400),
        ("b", "Ais-Checksum-Type: crc99\r\nAis-Checksum-Value: 00\r\n", 400),
        ("b", "Ais-Custom-Md: abc\r\n", 400),
    ];

    public static MatrixTheoryData<string, string> Malformed => IoBackends.With(s_malformed);

    public static MatrixTheoryData<string, string> Short => IoBackends.With(s_short);

    public static MatrixTheoryData<string, int, int> Cuts => new(IoBackends.All, [1, 7, 4096, 65_537, 1 << 20], [0, 1, 5000, (3 << 20) + 5]);

    public static MatrixTheoryData<string, int> Refused => IoBackends.With(Enumerable.Range(0, s_refused.Length));

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task AChunkedBodyIsStoredExactly(string backend, int chunkBytes, int size)
    {
        BackendServer server = await servers.GetAsync(backend);
        var content = new Content(seed: 8, chunkBytes == 1 ? Math.Min(size, 100_000) : size);
        using RawClient client = await server.ConnectAsync($"{content.SizeBytes} bytes in chunks of {chunkBytes}");
        foreach (string trailers in (string[])["", "Ais-Checksum-Value: 0\r\nX-Trailer: y\r\n"])
        {
            await client.SendAsync(BackendServer.Put("chunked", Chunked));
            await client.SendAsync(InChunks(content, chunkBytes, trailers));
            (RawHead head, _) = await client.AnswerAsync(200);
            Assert.Equal(content.Digest, head["Ais-Checksum-Value"]);
            await client.SendAsync(BackendServer.Get("chunked"));
            await client.ContentAsync(200, content, 0, content.SizeBytes);
        }
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task AMalformedChunkedBodyIsRefused(string backend, string body)
    {
        BackendServer server = await servers.GetAsync(backend);
        using RawClient client = await server.ConnectAsync($"chunked body {body.ReplaceLineEndings("|")}");
        await client.SendAsync(BackendServer.Put("malformed", Chunked) + body);
        Assert.Equal(400, (await client.HeadAsync()).Status);
        await client.RestAsync(); // nobody knows where the next request would begin
        await server.HasNotAsync("malformed");
    }

    [Theory]
    [MemberData(nameof(Short))]
    public async Task AChunkedBodyThatEndsEarlyIsNotStored(string backend, string body)
    {
        BackendServer server = await servers.GetAsync(backend);
        using RawClient client = await server.ConnectAsync($"short chunked body {body.ReplaceLineEndings("|")}");
        await client.SendAsync(BackendServer.Put("malformed", Chunked) + body);
        client.HalfClose();
        string answer = Encoding.Latin1.GetString(await client.RestAsync());
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal), $"{backend}: {answer}");
        await server.HasNotAsync("malformed");
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task AnExpectedBodyIsAskedForOnce(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using RawClient client = await server.ConnectAsync("100-continue");
        foreach (int size in (int[])[1, 5000, (2 << 20) + 1])
        {
            var content = new Content(seed: 9, size);
            foreach (bool isChunked in (bool[])[false, true])
            {
                await client.SendAsync(BackendServer.Put("expected", Expect + (isChunked ? Chunked : $"Content-Length: {size}\r\n")));
                Assert.Equal(100, (await client.HeadAsync()).Status);
                await client.SendAsync(isChunked ? InChunks(content, 70_000, "") : content.Bytes(0, size));
                (RawHead head, _) = await client.AnswerAsync(200);
                Assert.Equal(content.Digest, head["Ais-Checksum-Value"]);
                await client.SendAsync(BackendServer.Get("expected"));
                await client.ContentAsync(200, content, 0, size);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task ABodyThatWouldBeRefusedIsNotAskedFor(string backend, int number)
    {
        (string bucket, string headers, int status) = s_refused[number];
        BackendServer server = await servers.GetAsync(backend);
        using RawClient client = await server.ConnectAsync($"100-continue, refused with {status}");
        await client.SendAsync(BackendServer.Put("refused", $"{Expect}{headers}Content-Length: 1000000\r\n", bucket));
        await client.AnswerAsync(status);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task ARefusedBodyIsPassedOverAndTheConnectionGoesOn(string backend, int number)
    {
        (string bucket, string headers, int status) = s_refused[number];
        BackendServer server = await servers.GetAsync(backend);
        Content kept = await server.StoredAsync(4097);
        using RawClient client = await server.ConnectAsync($"body after refusal with {status}");
        var content = new Content(seed: 10, 300_000);
        await client.SendAsync(BackendServer.Put("refused", $"{headers}Content-Length: {content.SizeBytes}\r\n", bucket));
        await client.SendAsync(content, 0, content.SizeBytes);
        await client.SendAsync(BackendServer.Get(BackendServer.Stored(4097)));
        await client.AnswerAsync(status);
        await client.ContentAsync(200, kept, 0, kept.SizeBytes);
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task ASlowWriterIsUnderstood(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using RawClient client = await server.ConnectAsync("slow writer");
        foreach ((int size, int pieceBytes) in ((int, int)[])[(100, 1), (5000, 37), (3 << 20, 262_145)])
        {
            var content = new Content(seed: 11, size);
            string length = $"Content-Length: {size}\r\n";
            await client.TrickleAsync(Encoding.Latin1.GetBytes(BackendServer.Put("trickled", length)), Math.Min(pieceBytes, 5));
            await client.TrickleAsync(content.Bytes(0, size), pieceBytes);
            await client.AnswerAsync(200);
            await client.TrickleAsync(Encoding.Latin1.GetBytes(BackendServer.Put("trickled", Chunked)), Math.Min(pieceBytes, 5));
            await client.TrickleAsync(InChunks(content, (pieceBytes * 3) + 20, "X-Trailer: y\r\n"), pieceBytes);
            await client.AnswerAsync(200);
            await client.TrickleAsync(Encoding.Latin1.GetBytes(BackendServer.Get("trickled")), Math.Min(pieceBytes, 5));
            await client.ContentAsync(200, content, 0, size);
        }
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task ASlowReaderGetsEveryByte(string backend)
    {
        const int Slow = 50_000;
        BackendServer server = await servers.GetAsync(backend);
        Content content = await server.StoredAsync(64 << 20);
        using RawClient client = await server.ConnectAsync("slow reader");
        using RawClient other = await server.ConnectAsync("beside a slow reader");
        await client.SendAsync(BackendServer.Get(BackendServer.Stored(content.SizeBytes)));
        Assert.Equal(content.SizeBytes, (await client.HeadAsync()).ContentLength);
        await client.BodyAsync(content, 0, Slow, readBytesMax: 1);
        await other.SendAsync(BackendServer.Get(BackendServer.Stored(content.SizeBytes))); // nobody waits for the slow one
        await other.ContentAsync(200, content, 0, content.SizeBytes);
        await client.BodyAsync(content, Slow, content.SizeBytes - Slow);
    }

    private static byte[] InChunks(Content content, int chunkBytes, string trailers)
    {
        var body = new MemoryStream();
        for (long offset = 0; offset < content.SizeBytes; offset += chunkBytes)
        {
            int count = (int)Math.Min(chunkBytes, content.SizeBytes - offset);
            body.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{count:x};extension=\"e\"\r\n")));
            body.Write(content.Bytes(offset, count));
            body.Write("\r\n"u8);
        }

        body.Write(Encoding.ASCII.GetBytes($"0\r\n{trailers}\r\n"));
        return body.ToArray();
    }
}
