// How long a connection lives and in which order it answers: HTTP/1.0, keep-alive, pipelining (RFC 9112 §9).
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

[Collection(BackendCollection.Name)]
public sealed class ConnectionTests(BackendServers servers)
{
    private static readonly int[] s_mixedSizes = [0, 1, 4096, 4097, 32 << 10, (32 << 10) + 1, (1 << 20) + 1];

    public static MatrixTheoryData<string, int> Mixed => IoBackends.With(s_mixedSizes);

    [Theory]
    [MemberData(nameof(Mixed))]
    public async Task Http10IsAnsweredAndClosed(string backend, int size)
    {
        BackendServer server = await servers.GetAsync(backend);
        Content content = await server.StoredAsync(size);
        using RawClient client = await server.ConnectAsync($"HTTP/1.0, {size} bytes");
        await client.SendAsync($"GET /v1/objects/b/{BackendServer.Stored(size)} HTTP/1.0\r\n\r\n");
        await client.ContentAsync(200, content, 0, size);
        await client.EndsAsync();
        using RawClient head = await server.ConnectAsync($"HEAD over HTTP/1.0, {size} bytes");
        await head.SendAsync($"HEAD /v1/objects/b/{BackendServer.Stored(size)} HTTP/1.0\r\n\r\n");
        Assert.Equal(size, (await head.HeadAsync()).ContentLength);
        await head.EndsAsync();
    }

    [Theory]
    [MemberData(nameof(Mixed))]
    public async Task Http10IsKeptAliveWhenItAsks(string backend, int size)
    {
        BackendServer server = await servers.GetAsync(backend);
        Content content = await server.StoredAsync(size);
        using RawClient client = await server.ConnectAsync($"HTTP/1.0 keep-alive, {size} bytes");
        for (int time = 0; time < 3; time++)
        {
            await client.SendAsync($"GET /v1/objects/b/{BackendServer.Stored(size)} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
            RawHead head = await client.ContentAsync(200, content, 0, size);
            Assert.Equal("keep-alive", head["Connection"]);
        }

        await client.SendAsync($"PUT /v1/objects/b/old HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: {size}\r\n\r\n");
        await client.SendAsync(content, 0, size);
        await client.AnswerAsync(200);
        await client.SendAsync("GET /v1/objects/b/old HTTP/1.0\r\n\r\n");
        await client.ContentAsync(200, content, 0, size);
        await client.EndsAsync();
    }

    [Theory]
    [MemberData(nameof(Mixed))]
    public async Task ConnectionCloseIsObeyed(string backend, int size)
    {
        BackendServer server = await servers.GetAsync(backend);
        Content content = await server.StoredAsync(size);
        using RawClient client = await server.ConnectAsync($"Connection: close, {size} bytes");
        await client.SendAsync(BackendServer.Get(BackendServer.Stored(size), "Connection: close\r\n") + BackendServer.Get(BackendServer.Stored(size)));
        RawHead head = await client.ContentAsync(200, content, 0, size);
        Assert.Equal("close", head["Connection"]);
        await client.EndsAsync(); // what was sent behind it is not answered
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task AThousandRequestsUseOneConnection(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        var contents = new List<Content>();
        foreach (int size in s_mixedSizes[..^1])
        {
            contents.Add(await server.StoredAsync(size));
        }

        using RawClient client = await server.ConnectAsync("1000 requests");
        for (int i = 0; i < 1000; i++)
        {
            Content content = contents[i % contents.Count];
            await client.SendAsync(BackendServer.Get(BackendServer.Stored(content.SizeBytes)));
            await client.ContentAsync(200, content, 0, content.SizeBytes);
        }
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task ThreeHundredPipelinedRequestsAreAnsweredInOrder(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using RawClient client = await server.ConnectAsync("300 pipelined requests");
        var requests = new List<string>();
        var answers = new List<Func<Task>>();
        var random = new Random(300);
        while (requests.Count < 300)
        {
            Content content = await server.StoredAsync(s_mixedSizes[random.Next(s_mixedSizes.Length)]);
            string name = BackendServer.Stored(content.SizeBytes);
            long size = content.SizeBytes;
            (string Request, Func<Task> Answer) next = random.Next(6) switch
            {
                0 => (BackendServer.Head("HEAD", name), async () => Assert.Equal(size, (await client.HeadAsync()).ContentLength)),
                1 => (BackendServer.Get("absent"), async () => await client.AnswerAsync(404)),
                2 when size > 0 => (BackendServer.Get(name, "Range: bytes=-1\r\n"), async () => await client.ContentAsync(206, content, size - 1, 1)),
                3 => (BackendServer.Get(name, "Range: bytes=2000000-\r\n"), async () => await client.AnswerAsync(416)),
                _ => (BackendServer.Get(name), async () => await client.ContentAsync(200, content, 0, size)),
            };
            requests.Add(next.Request);
            answers.Add(next.Answer);
        }

        await client.SendAsync(string.Concat(requests));
        foreach (Func<Task> answer in answers)
        {
            await answer();
        }
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task APipelinedReadSeesThePipelinedWriteBeforeIt(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using RawClient client = await server.ConnectAsync("pipelined PUT and GET");
        var whole = new MemoryStream();
        Content[] contents = [.. Enumerable.Range(0, 60).Select(i => new Content(seed: 100 + i, s_mixedSizes[i % 6] + i))];
        foreach (Content content in contents)
        {
            whole.Write(System.Text.Encoding.Latin1.GetBytes(BackendServer.Put("piped", $"Content-Length: {content.SizeBytes}\r\n")));
            whole.Write(content.Bytes(0, (int)content.SizeBytes));
            whole.Write(System.Text.Encoding.Latin1.GetBytes(BackendServer.Get("piped")));
        }

        Task sent = client.SendAsync(whole.ToArray()); // answers are read meanwhile: together they are more than the buffers between us hold
        foreach (Content content in contents)
        {
            (RawHead head, _) = await client.AnswerAsync(200);
            Assert.Equal(content.Digest, head["Ais-Checksum-Value"]);
            await client.ContentAsync(200, content, 0, content.SizeBytes);
        }

        await sent;
    }
}
