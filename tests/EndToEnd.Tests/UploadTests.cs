// Objects that are uploaded in parts, by the requests of AIStore's Python client: what is completed is one object, exact in every range; what is not is never seen; and no
// part outlives its object on a disk.
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;
using Sluice.Native.Codecs;

namespace Sluice.EndToEnd.Tests;

[Collection(BackendCollection.Name)]
public sealed class UploadTests(BackendServers servers)
{
    private const int Large = 5 << 20;

    /// <summary>Parts that are smaller and larger than blocks, windows and what goes out with a head; the last one is small.</summary>
    private static readonly int[] s_sizes = [1, 4096, (1 << 20) + 1, 100_000, 2 << 20, 7, 40_000, 3];

    private static readonly string[] s_buckets = ["null", """{"checksum":{"validate_warm_get":true}}""", """{"checksum":{"verify":"always"}}""", """{"checksum":{"enable_read_range":true}}"""];

    public static MatrixTheoryData<string, string> Buckets => IoBackends.With(s_buckets);

    public static MatrixTheoryData<string, string> Durabilities => IoBackends.With<string>(["b", "strict"]);

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task PartsInAnyOrderAreOneObjectWhenTheyAreCompleted(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using HttpClient http = Client(server);
        var uploads = new UploadClient(http);
        var content = new Content(seed: 1, 3 * Large);
        byte[][] parts = UploadClient.Cut(content, Large, Large, Large);
        await server.PutAsync("up/plain", new Content(seed: 2, 100));
        string upload = await uploads.BeginAsync("up/x");
        foreach (int number in (int[])[3, 1, 2])
        {
            await uploads.PartAsync("up/x", upload, number, parts[number - 1]);
            await server.HasNotAsync("up/x");
            Assert.Equal(["up/plain 100"], await ListedAsync(http, "up/", chunked: false));
            Assert.Empty(await ListedAsync(http, "up/", chunked: true));
        }

        await uploads.CompleteAsync("up/x", upload, [3, 1, 2]);
        string digest = Crc32C.Hash(content.Bytes(0, 3 * Large)).ToString("x8", CultureInfo.InvariantCulture);
        await IsAsync(server, "up/x", content, digest);
        using (HttpResponseMessage head = await HeadAsync(http, "up/x", ""))
        {
            Assert.Equal((3L * Large, "crc32c", digest), (head.Content.Headers.ContentLength, Header(head, "Ais-Checksum-Type"), Header(head, "Ais-Checksum-Value")));
        }

        using (HttpResponseMessage head = await HeadAsync(http, "up/x", "?props=chunked"))
        {
            Assert.Equal((3L * Large, "3", "5242880"), (head.Content.Headers.ContentLength, Header(head, "Ais-Chunks-Count"), Header(head, "Ais-Chunks-Max-Chunk-Size")));
        }

        using (HttpResponseMessage head = await HeadAsync(http, "up/plain", "?props=chunked"))
        {
            Assert.Equal((100L, null, null), (head.Content.Headers.ContentLength, Header(head, "Ais-Chunks-Count"), Header(head, "Ais-Chunks-Max-Chunk-Size")));
        }

        Assert.Equal(["up/plain 100"], await ListedAsync(http, "up/", chunked: false));
        Assert.Equal(["up/x 15728640"], await ListedAsync(http, "up/", chunked: true));
        await server.DeleteAsync("up/x");
        await server.DeleteAsync("up/plain");
        await NothingIsLeftAsync(server, upload);
    }

    /// <summary>Parts that come in order make the digest that the bucket keeps; with their MD5s they make the entity tag that Amazon S3 gives.</summary>
    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task PartsInOrderHaveTheBucketsDigestAndWithMd5sAnEntityTag(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using HttpClient http = Client(server);
        var uploads = new UploadClient(http);
        var content = new Content(seed: 8, s_sizes.Sum());
        byte[][] parts = UploadClient.Cut(content, s_sizes);
        string upload = await uploads.BeginAsync("order");
        for (int i = 0; i < parts.Length; i++)
        {
            await uploads.PartWithMd5Async("order", upload, i + 1, parts[i]);
        }

        await uploads.CompleteAsync("order", upload, [.. Enumerable.Range(1, parts.Length)]);
        string tag = $"\"{UploadClient.Md5([.. parts.SelectMany(part => Convert.FromHexString(UploadClient.Md5(part)))])}-{parts.Length}\"";
        using (HttpResponseMessage head = await HeadAsync(http, "order", "?props=checksum,etag"))
        {
            Assert.Equal(("xxhash2", content.Digest, tag), (Header(head, "Ais-Checksum-Type"), Header(head, "Ais-Checksum-Value"), head.Headers.ETag?.ToString()));
        }

        await IsAsync(server, "order", content, content.Digest);
        await server.DeleteAsync("order");
        await NothingIsLeftAsync(server, upload);
    }

    /// <summary>Ranges around every border of parts, and of every part; whole, verified before they go out, and with digests of their own.</summary>
    [Theory]
    [MemberData(nameof(Buckets))]
    public async Task RangesOverBordersAreExact(string backend, string properties)
    {
        BackendServer server = await servers.GetAsync(backend);
        using var store = new Store(server.Process.Endpoint);
        using HttpClient http = Client(server);
        string bucket = $"ranges{Array.IndexOf(s_buckets, properties)}";
        await store.CreateAsync(bucket, properties);
        var content = new Content(seed: 3, s_sizes.Sum());
        await new UploadClient(http, bucket).UploadAsync("r", content, s_sizes);
        long size = content.SizeBytes;
        long[] borders = [.. s_sizes.Select((_, i) => (long)s_sizes.Take(i + 1).Sum())];
        (string Range, long Start, long End)[] ranges =
        [
            .. borders[..^1].SelectMany(border => ((string, long, long)[])
                [($"{border - 1}-{border - 1}", border - 1, border), ($"{border}-{border}", border, border + 1), ($"{border - 1}-{border}", border - 1, border + 1)]),
            .. borders[..^1].Select((start, i) => ($"{start}-{borders[i + 1] - 1}", start, borders[i + 1])),
            ("0-0", 0, 1), ("-1", size - 1, size), ($"{size - 1}-", size - 1, size), ("0-", 0, size), ("-9999999999", 0, size), ("-40010", size - 40_010, size),
            ($"{borders[1] - 1}-{borders[5]}", borders[1] - 1, borders[5] + 1), ("1-9999999999", 1, size), ("5000-4000000", 5000, Math.Min(size, 4_000_001)),
        ];
        using RawClient client = await server.ConnectAsync($"ranges of an upload, {properties}");
        foreach ((string range, long start, long end) in ranges)
        {
            await client.SendAsync(BackendServer.Get("r", $"Range: bytes={range}\r\n", bucket));
            RawHead head = await client.ContentAsync(206, content, start, end - start);
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"bytes {start}-{end - 1}/{size}"), head["Content-Range"]);
            Assert.Equal("crc32c", head["Ais-Checksum-Type"]);
            byte[] digested = properties.Contains("enable_read_range", StringComparison.Ordinal) ? content.Bytes(start, (int)(end - start)) : content.Bytes(0, (int)size);
            Assert.Equal(Crc32C.Hash(digested).ToString("x8", CultureInfo.InvariantCulture), head["Ais-Checksum-Value"]);
        }

        foreach (string range in (string[])[$"{size}-", $"{size}-{size + 5}", "-0", "5-2", "0-0,2-2"])
        {
            await client.SendAsync(BackendServer.Get("r", $"Range: bytes={range}\r\n", bucket));
            (RawHead head, _) = await client.AnswerAsync(416);
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"bytes */{size}"), head["Content-Range"]);
        }

        await client.SendAsync(BackendServer.Get("r", "", bucket));
        await client.ContentAsync(200, content, 0, size);
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task RefusalsHaveTheTextsThatClientsLookFor(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using HttpClient http = Client(server);
        var uploads = new UploadClient(http);
        string upload = await uploads.BeginAsync("texts");
        Has("invalid size (0)", await uploads.PartAsync("texts", upload, 1, [], 400));
        Has("no chunks", await uploads.CompleteAsync("texts", upload, [], 400));
        await uploads.PartAsync("texts", upload, 1, "first"u8.ToArray());
        await uploads.PartAsync("texts", upload, 1, "second"u8.ToArray());
        Has("partial completion", await uploads.CompleteAsync("texts", upload, [1, 1], 400));
        Has("partial completion", await uploads.CompleteAsync("texts", upload, [], 400));
        Has("partial completion", await uploads.CompleteAsync("texts", upload, [1, 2], 400));
        await uploads.PartAsync("texts", upload, 0, [1], 400);
        await uploads.PartAsync("texts", upload, 10_001, [1], 400);
        Has("does not exist", await uploads.PartAsync("other", upload, 1, [1], 404));
        Has("does not exist", await uploads.CompleteAsync("texts", "0123456789abcdef", [1], 404));
        Has("does not exist", await uploads.AbortAsync("texts", "no-such-upload", 404));
        await uploads.CompleteAsync("texts", upload, [1]);
        Has("does not exist", await uploads.CompleteAsync("texts", upload, [1], 404));
        Has("does not exist", await uploads.PartAsync("texts", upload, 1, [1], 404));
        Has("does not exist", await uploads.AbortAsync("texts", upload, 404));
        Assert.Equal("second", await http.GetStringAsync(At("texts")));
        string aborted = await uploads.BeginAsync("aborted");
        await uploads.PartAsync("aborted", aborted, 1, [1]);
        await uploads.AbortAsync("aborted", aborted);
        Has("does not exist", await uploads.CompleteAsync("aborted", aborted, [1], 404));
        await server.HasNotAsync("aborted");
        await server.DeleteAsync("texts");
        await NothingIsLeftAsync(server, upload, aborted);

        static void Has(string text, string answer) => Assert.Contains(text, answer, StringComparison.Ordinal);
    }

    /// <summary>The last one that was sent counts, but for an empty one, which is none; and one that a client's writer "appends" to is a part as well (contract: objects §4).</summary>
    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task APartThatComesAgainReplacesTheOneBefore(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using HttpClient http = Client(server);
        var uploads = new UploadClient(http);
        string upload = await uploads.BeginAsync("again");
        await uploads.PartAsync("again", upload, 2, new byte[3 << 20]);
        await uploads.PartOfUnknownLengthAsync("again", upload, 2, "two"u8.ToArray());
        Assert.Contains("invalid size (0)", await uploads.PartOfUnknownLengthAsync("again", upload, 2, [], 400), StringComparison.Ordinal);
        Assert.Contains("invalid size (0)", await uploads.PartAsync("again", upload, 2, [], 400), StringComparison.Ordinal);
        using (HttpResponseMessage part = await http.PutAsync(
            At($"again?provider=ais&uploadId={upload}&partNumber=1&append_type=append&append_handle="), new ByteArrayContent("one "u8.ToArray())))
        {
            Assert.Equal((HttpStatusCode.OK, null), (part.StatusCode, Header(part, "Ais-Append-Handle")));
        }

        await uploads.CompleteAsync("again", upload, [1, 2]);
        Assert.Equal("one two", await http.GetStringAsync(At("again")));
        Assert.Equal(3, UploadClient.FilesOf(server.Mountpaths, "b", upload).Length); // and the note
        await server.DeleteAsync("again");
        await NothingIsLeftAsync(server, upload);
    }

    [Theory]
    [MemberData(nameof(Durabilities))]
    public async Task UploadsAndPlainObjectsReplaceEachOther(string backend, string bucket)
    {
        BackendServer server = await servers.GetAsync(backend);
        using HttpClient http = Client(server);
        var uploads = new UploadClient(http, bucket);
        var plain = new Content(seed: 4, 70_000);
        var chunked = new Content(seed: 5, 300_001);
        await server.PutAsync("both", plain, bucket);
        string first = await uploads.UploadAsync("both", chunked, 300_000, 1);
        await IsAsync(server, "both", chunked, null, bucket);
        string second = await uploads.UploadAsync("both", "a"u8.ToArray(), "b"u8.ToArray());
        await NothingIsLeftAsync(server, first);
        await server.PutAsync("both", plain, bucket);
        await server.HasAsync("both", plain, bucket);
        using (HttpResponseMessage head = await HeadAsync(http, "both", "?props=chunked", bucket))
        {
            Assert.Null(Header(head, "Ais-Chunks-Count"));
        }

        await NothingIsLeftAsync(server, second);
    }

    /// <summary>Who reads slowly has the object as it was when he began; its chunks go when he is done.</summary>
    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task WhatIsReadSlowlyStaysWhatItWas(string backend)
    {
        const int Part = 8 << 20;
        BackendServer server = await servers.GetAsync(backend);
        using HttpClient http = Client(server);
        var uploads = new UploadClient(http);
        var old = new Content(seed: 6, 5 * Part);
        string first = await uploads.UploadAsync("slow", old, Part, Part, Part, Part, Part);
        using (RawClient client = await server.ConnectAsync("a slow GET of an upload"))
        {
            await client.SendAsync(BackendServer.Get("slow"));
            RawHead head = await client.HeadAsync();
            Assert.Equal((200, old.SizeBytes), (head.Status, head.ContentLength));
            await client.StalledAsync();
            var now = new Content(seed: 7, 2 * Part);
            await uploads.UploadAsync("slow", now, Part, Part);
            await IsAsync(server, "slow", now, null);
            await client.StalledAsync();
            Assert.Equal(6, UploadClient.FilesOf(server.Mountpaths, "b", first).Length);
            await client.BodyAsync(old, 0, old.SizeBytes);
        }

        await NothingIsLeftAsync(server, first);
        await server.DeleteAsync("slow");
    }

    private static HttpClient Client(BackendServer server) => new() { BaseAddress = server.Process.Endpoint, Timeout = TimeSpan.FromMinutes(2) };

    private static Uri At(string target) => new("/v1/objects/b/" + target, UriKind.Relative);

    private static string? Header(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.Single() : null;

    private static async Task<HttpResponseMessage> HeadAsync(HttpClient http, string name, string query, string bucket = "b")
    {
        HttpResponseMessage head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, new Uri($"/v1/objects/{bucket}/{name}{query}", UriKind.Relative)));
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        return head;
    }

    /// <summary>Names and sizes of what is listed below a prefix: of objects that are chunked, or of the others.</summary>
    private static async Task<string[]> ListedAsync(HttpClient http, string prefix, bool chunked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/v1/buckets/b", UriKind.Relative))
        {
            Content = new StringContent($$$"""{"action":"list","value":{"prefix":"{{{prefix}}}","props":"name,size"}}""", Encoding.UTF8, "application/json"),
        };
        using HttpResponseMessage answer = await http.SendAsync(request);
        using JsonDocument page = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return [.. page.RootElement.GetProperty("entries").EnumerateArray()
            .Where(entry => (entry.GetProperty("flags").GetInt64() & (1 << 13)) != 0 == chunked)
            .Select(entry => $"{entry.GetProperty("name").GetString()} {entry.GetProperty("size").GetString()}")];
    }

    private static async Task IsAsync(BackendServer server, string name, Content content, string? digest, string bucket = "b")
    {
        using RawClient client = await server.ConnectAsync($"GET {name}, an upload of {content.SizeBytes} bytes");
        await client.SendAsync(BackendServer.Get(name, "", bucket));
        RawHead head = await client.ContentAsync(200, content, 0, content.SizeBytes);
        Assert.Equal(digest ?? head["Ais-Checksum-Value"], head["Ais-Checksum-Value"]);
    }

    private static async Task NothingIsLeftAsync(BackendServer server, params string[] uploads)
    {
        foreach (string upload in uploads)
        {
            await Eventually.TrueAsync($"the files of upload {upload} are gone", () => Left(server, upload).Length == 0);
        }
    }

    private static string[] Left(BackendServer server, string upload) =>
        [.. ((string[])["b", "strict"]).SelectMany(bucket => UploadClient.FilesOf(server.Mountpaths, bucket, upload))];
}
