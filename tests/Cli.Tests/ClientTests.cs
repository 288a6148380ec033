using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Sluice.Cli.Tests.Support;
using Sluice.Contract;

namespace Sluice.Cli.Tests;

/// <summary>The typed client against a server that remembers what arrived byte for byte.</summary>
public sealed class ClientTests
{
    private static readonly BucketAddress s_bucket = Address("ais://b/x").Bucket;

    public static TheoryData<string, string> OddNames() => new()
    {
        { "%", "%25" },
        { "%25", "%2525" },
        { "%2F", "%252F" },
        { "a b", "a%20b" },
        { "track?name=lofi&v=1", "track%3Fname%3Dlofi%26v%3D1" },
        { "你好世界", "%E4%BD%A0%E5%A5%BD%E4%B8%96%E7%95%8C" },
        { "file_#@!$%^&*()_+.mp3", "file_%23%40%21%24%25%5E%26%2A%28%29_%2B.mp3" },
        { "a/../b", "a/../b" },
        { "./a//b", "./a//b" },
        { "..", ".." },
        { @"yHvMJM(s\(0hR\3\)", "yHvMJM%28s%5C%280hR%5C3%5C%29" },
        { "-~._", "-~._" },
    };

    [Theory]
    [MemberData(nameof(OddNames))]
    public async Task ANameGoesOutEncodedOnceAndIsNeverNormalised(string name, string encoded)
    {
        await using StubServer server = await StubServer.StartAsync();
        using var client = new SluiceClient(server.Endpoint);
        var address = new ObjectAddress(s_bucket, name);
        await client.PutObjectAsync(address, new MemoryStream([1, 2, 3]), 3, [], default);
        using (ObjectDownload download = await client.GetObjectAsync(address, null, default))
        {
            Assert.Equal(3, download.ContentBytes);
        }

        await client.HeadObjectAsync(address, default);
        await client.MergeCustomAsync(address, [], default);
        await client.DeleteObjectAsync(address, default);
        Assert.Equal(["PUT", "GET", "HEAD", "PATCH", "DELETE"], server.Seen.Select(each => each.Method));
        Assert.All(server.Seen, each => Assert.Equal($"/v1/objects/b/{encoded}?provider=ais", each.RawTarget));
    }

    [Fact]
    public async Task ANamespaceTravelsInTheQuery()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var client = new SluiceClient(server.Endpoint);
        await client.PutObjectAsync(Address("ais://@u1#ns/b/x"), new MemoryStream(), 0, [], default);
        Assert.Equal("/v1/objects/b/x?provider=ais&namespace=%40u1%23ns", server.Only("PUT").RawTarget);
    }

    [Fact]
    public void ANameThatIsNotUnicodeIsRefusedBeforeItIsSent()
    {
        Assert.Throws<System.Text.EncoderFallbackException>(() => PercentEncoding.Escape("a\ud800", keepSlash: true));
    }

    [Fact]
    public async Task ARefusalCarriesStatusCodeAndSentence()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var client = new SluiceClient(server.Endpoint);
        SluiceException get = await Assert.ThrowsAsync<SluiceException>(() => client.GetObjectAsync(Address("ais://b/no"), null, default));
        Assert.Equal((404, "ErrObjNotFound", "ais://b/no does not exist"), (get.Status, get.Code, get.Message));
        SluiceException head = await Assert.ThrowsAsync<SluiceException>(() => client.HeadObjectAsync(Address("ais://b/nö"), default));
        Assert.Equal((404, "ErrObjNotFound", "ais://b/nö does not exist"), (head.Status, head.Code, head.Message));
        Assert.True(head.IsNotFound);
    }

    [Theory]
    [InlineData("<html>bad gateway</html>")]
    [InlineData("")]
    [InlineData("[1]")]
    [InlineData("null")]
    public async Task AnAnswerThatIsNotOurErrorBecomesItsStatus(string body)
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Intercept = async (context, _) =>
        {
            context.Response.StatusCode = 502;
            await context.Response.WriteAsync(body);
            return true;
        };
        using var client = new SluiceClient(server.Endpoint);
        SluiceException failure = await Assert.ThrowsAsync<SluiceException>(() => client.DeleteObjectAsync(Address("ais://b/x"), default));
        Assert.Equal($"{server.Endpoint} answered 502 Bad Gateway", failure.Message);
        Assert.Equal(502, failure.Status);
    }

    [Fact]
    public async Task AServerThatIsNotThereIsOneSentenceWithTheEndpoint()
    {
        using var socket = new TcpListener(System.Net.IPAddress.Loopback, 0);
        socket.Start();
        string endpoint = $"http://{socket.LocalEndpoint}";
        socket.Stop();
        using var client = new SluiceClient(endpoint);
        SluiceException failure = await Assert.ThrowsAsync<SluiceException>(() => client.ListBucketsAsync("", default));
        Assert.Equal($"cannot reach {endpoint}: Connection refused", failure.Message);
        Assert.True(failure.IsUnreachable);
        Assert.Equal(0, failure.Status);
    }

    [Theory]
    [InlineData("127.0.0.1:8080")]
    [InlineData("ftp://host")]
    [InlineData("http://host/path")]
    [InlineData("http://user@host")]
    [InlineData("")]
    public void AnEndpointThatIsNoneIsRefused(string endpoint) => Assert.Throws<ArgumentException>(() => new SluiceClient(endpoint));

    [Fact]
    public async Task AListingFollowsTheTokenAndKeepsTheUuid()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.PageSizeMax = 10;
        string[] names = [.. Enumerable.Range(0, 30).Select(i => $"d/{i:000}")];
        foreach (string name in names)
        {
            server.Objects[name] = [7];
        }

        using var client = new SluiceClient(server.Endpoint);
        var query = new ListQuery { Prefix = "d/", Properties = "name,size", Flags = ListFlags.NoRecursion };
        var listed = new List<ListedObject>();
        await foreach (ListedObject entry in client.ListAsync(s_bucket, query, default))
        {
            listed.Add(entry);
        }

        Assert.Equal(names, listed.Select(entry => entry.Name));
        Assert.All(listed, entry => Assert.Equal(1, entry.SizeBytes));
        // A full last page has a token; the page after it is empty and ends the listing.
        JsonObject[] values = [.. server.Seen.Select(each => each.Json["value"]!.AsObject())];
        Assert.Equal(["", "d/009", "d/019", "d/029"], values.Select(value => (string?)value["continuation_token"]));
        Assert.Equal(["", "listing-1", "listing-1", "listing-1"], values.Select(value => (string?)value["uuid"]));
        Assert.All(values, value => Assert.Equal("2048", (string?)value["flags"]));
        Assert.All(server.Seen, each => Assert.Equal(("GET", "list"), (each.Method, (string?)each.Json["action"])));
    }

    [Fact]
    public async Task AListingThatDoesNotMoveOnIsAnErrorAndNotALoop()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Intercept = async (context, _) =>
        {
            await context.Response.WriteAsync("""{"uuid":"u","continuation_token":"same","entries":[{"name":"same"}]}""");
            return true;
        };
        using var client = new SluiceClient(server.Endpoint);
        SluiceException failure = await Assert.ThrowsAsync<SluiceException>(async () =>
        {
            await foreach (ListedObject entry in client.ListAsync(s_bucket, new ListQuery(), default))
            {
                Assert.Equal("same", entry.Name);
            }
        });
        Assert.Contains("does not move past \"same\"", failure.Message, StringComparison.Ordinal);
        Assert.Equal(2, server.Seen.Count);
    }

    [Fact]
    public async Task BucketCallsAreControlMessages()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Intercept = (context, seen) => Task.FromResult(seen.Method is "POST" or "DELETE" or "PATCH");
        using var client = new SluiceClient(server.Endpoint);
        await client.CreateBucketAsync(s_bucket, null, default);
        await client.CreateBucketAsync(s_bucket, new JsonObject { ["checksum"] = new JsonObject { ["type"] = "md5" } }, default);
        await client.SetBucketPropertiesAsync(s_bucket, new JsonObject { ["access"] = "771" }, default);
        await client.DestroyBucketAsync(s_bucket, default);
        Assert.Equal(
            [
                """POST {"action":"create-bck","name":"","value":null}""",
                """POST {"action":"create-bck","name":"","value":{"checksum":{"type":"md5"}}}""",
                """PATCH {"action":"set-bprops","name":"","value":{"access":"771"}}""",
                """DELETE {"action":"destroy-bck","name":"","value":null}""",
            ],
            server.Seen.Select(each => $"{each.Method} {each.Json.ToJsonString()}"));
        Assert.All(server.Seen, each => Assert.Equal("/v1/buckets/b?provider=ais", each.RawTarget));
        Assert.Equal("831", (string?)(await client.HeadBucketAsync(s_bucket, default))["access"]);
        Assert.Equal("ais://b", Assert.Single(await client.ListBucketsAsync("ais", default)).ToString());
    }

    [Fact]
    public async Task PutSendsLengthAndHeadersOrChunksWhenTheLengthIsUnknown()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var client = new SluiceClient(server.Endpoint);
        KeyValuePair<string, string>[] headers = [new(HeaderNames.CustomMetadata, "farbe=grün")];
        await client.PutObjectAsync(Address("ais://b/sized"), new MemoryStream(new byte[5]), 5, headers, default);
        await client.PutObjectAsync(Address("ais://b/stream"), new MemoryStream(new byte[70_000]), null, [], default);
        SeenRequest[] puts = [.. server.Seen];
        Assert.Equal("5", puts[0].Headers["Content-Length"]);
        Assert.Equal("farbe=grün", puts[0].Headers["Ais-Custom-Md"]);
        Assert.Equal("chunked", puts[1].Headers["Transfer-Encoding"]);
        Assert.Equal(70_000, puts[1].Body.Length);
    }

    [Fact]
    public async Task ALargeBodyIsNotSentToAServerThatRefusesIt()
    {
        await using RefusingServer server = RefusingServer.Start();
        using var client = new SluiceClient(server.Endpoint);
        var content = new CountingStream(8 << 20);
        SluiceException failure = await Assert.ThrowsAsync<SluiceException>(
            () => client.PutObjectAsync(Address("ais://b/x"), content, 8 << 20, [], default));
        Assert.Equal((409, "busy"), (failure.Status, failure.Message));
        Assert.Contains("Expect: 100-continue", await server.Head, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(0, content.BytesRead);
    }

    [Fact]
    public async Task HeadAndRangesTellTheWholeObjectsAttributes()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Objects["x"] = CommandRun.Bytes("0123456789");
        using var client = new SluiceClient(server.Endpoint);
        ObjectAttributesView head = await client.HeadObjectAsync(Address("ais://b/x"), default);
        Assert.Equal((10, "xxhash2", "1"), (head.SizeBytes, head.ChecksumType, head.Version));
        Assert.Equal([new("color", "blåbær"), new("k", "a=b")], head.Custom);
        using ObjectDownload part = await client.GetObjectAsync(Address("ais://b/x"), new AskedRange(2, 4), default);
        Assert.True(part.IsPartial);
        Assert.Equal((10, 3), (part.Attributes.SizeBytes, part.ContentBytes));
        Assert.Equal("bytes=2-4", server.Only("GET").Headers["Range"]);
        using ObjectDownload tail = await client.GetObjectAsync(Address("ais://b/x"), new AskedRange(null, 3), default);
        Assert.Equal("789", await new StreamReader(tail.Content).ReadToEndAsync());
    }

    [Fact]
    public async Task CustomMetadataIsMergedOrReplaced()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Objects["x"] = [];
        using var client = new SluiceClient(server.Endpoint);
        await client.MergeCustomAsync(Address("ais://b/x"), [new("a", "1")], default);
        await client.ReplaceCustomAsync(Address("ais://b/x"), [new("b", "2")], default);
        SeenRequest[] seen = [.. server.Seen];
        Assert.Equal("""{"action":"","name":"","value":{"a":"1"}}""", seen[0].Json.ToJsonString());
        Assert.Equal("/v1/objects/b/x?provider=ais&set-new-custom=true", seen[1].RawTarget);
    }

    private static ObjectAddress Address(string text) =>
        ObjectAddress.TryParse(text, out ObjectAddress? address, out string? problem) ? address : throw new ArgumentException(problem);

    private sealed class CountingStream(int size) : MemoryStream(new byte[size])
    {
        public long BytesRead { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count = await base.ReadAsync(buffer, cancellationToken);
            BytesRead += count;
            return count;
        }
    }
}
