// Clients that stop for ever are ended by the server's own deadline; clients that are slow and go on are not.
using System.Text;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class DeadlineTests
{
    private const int Size = 64 << 20; // more than the buffers of both ends hold
    private const int Steps = 50; // a tenth of a second each: more than twice the deadline

    private static readonly Content s_content = new(seed: 40, Size);

    /// <summary>How far a client goes before it stops for ever.</summary>
    private static readonly Dictionary<string, Func<RawClient, Task>> s_stalls = new()
    {
        ["in the request line"] = client => client.SendAsync("GET /v1/objects/b/la"),
        ["in the head"] = client => client.SendAsync("GET /v1/objects/b/large HTTP/1.1\r\nHost: x\r\nAccept"),
        ["behind the head of a PUT"] = client => client.SendAsync(BackendServer.Put("stalled", "Content-Length: 5\r\n")),
        ["behind a 100"] = async client =>
        {
            await client.SendAsync(BackendServer.Put("stalled", "Expect: 100-continue\r\nContent-Length: 5\r\n"));
            Assert.Equal(100, (await client.HeadAsync()).Status);
        },
        ["in the body of a PUT"] = async client =>
        {
            await client.SendAsync(BackendServer.Put("stalled", $"Content-Length: {Size}\r\n"));
            await client.SendAsync(s_content, 0, Size / 2);
        },
        ["in a chunk of a PUT"] = client => client.SendAsync(BackendServer.Put("stalled", "Transfer-Encoding: chunked\r\n") + "5\r\nhe"),
        ["between chunks of a PUT"] = client => client.SendAsync(BackendServer.Put("stalled", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n"),
        ["in the answer"] = async client =>
        {
            await client.SendAsync(BackendServer.Get("large"));
            Assert.Equal(Size, (await client.HeadAsync()).ContentLength);
            await client.BodyAsync(s_content, 0, 1000);
        },
        ["before the answer"] = client => client.SendAsync(string.Concat(Enumerable.Repeat(BackendServer.Get("large"), 3))),
    };

    public static MatrixTheoryData<string, string> Stalls => IoBackends.With(s_stalls.Keys);

    [Theory]
    [MemberData(nameof(Stalls))]
    public async Task AClientThatStopsForEverIsEnded(string backend, string stage)
    {
        await using BackendServer server = await StartAsync(backend, "1s");
        ServerResources before = await ServerResources.BaselineAsync(server);
        using RawClient client = await server.ConnectAsync($"stalled {stage}");
        await s_stalls[stage](client);
        await before.ReturnAsync(server, $"a client that stopped {stage}"); // nothing is read meanwhile: the server gives the connection up by itself
        await client.DiscardAsync(); // it ends, whatever was under way
        await server.HasNotAsync("stalled");
        await server.HasAsync("large", s_content);
        Assert.DoesNotContain(before.LogSince(server), line => line.Contains(" error ", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task ASlowClientThatGoesOnIsNotEnded(string backend)
    {
        await using BackendServer server = await StartAsync(backend, "2s");
        await Task.WhenAll(WriteSlowlyAsync(server, isChunked: false), WriteSlowlyAsync(server, isChunked: true), ReadSlowlyAsync(server));
    }

    private static async Task<BackendServer> StartAsync(string backend, string timeout)
    {
        BackendServer server = await BackendServer.StartAsync(backend, "--client-timeout", timeout);
        await server.PutAsync("large", s_content);
        await server.HasAsync("large", s_content);
        return server;
    }

    private static async Task WriteSlowlyAsync(BackendServer server, bool isChunked)
    {
        const int Piece = 1000;
        var content = new Content(seed: 41, Steps * Piece);
        string name = isChunked ? "slow-chunked" : "slow";
        using RawClient client = await server.ConnectAsync($"{name} writer");
        await client.SendAsync(BackendServer.Put(name, isChunked ? "Transfer-Encoding: chunked\r\n" : $"Content-Length: {content.SizeBytes}\r\n"));
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (int step = 0; step < Steps; step++)
        {
            await pace.WaitForNextTickAsync();
            byte[] piece = content.Bytes(step * Piece, Piece);
            await client.SendAsync(isChunked ? [.. Encoding.ASCII.GetBytes($"{Piece:x}\r\n"), .. piece, .. "\r\n"u8] : piece);
        }

        await client.SendAsync(isChunked ? "0\r\n\r\n" : "");
        await client.AnswerAsync(200);
        await server.HasAsync(name, content);
    }

    private static async Task ReadSlowlyAsync(BackendServer server)
    {
        const int Piece = 1 << 20;
        using RawClient client = await server.ConnectAsync("slow reader");
        await client.SendAsync(BackendServer.Get("large"));
        Assert.Equal(Size, (await client.HeadAsync()).ContentLength);
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (int step = 0; step < Steps; step++)
        {
            await pace.WaitForNextTickAsync();
            await client.BodyAsync(s_content, (long)step * Piece, Piece);
        }

        await client.BodyAsync(s_content, (long)Steps * Piece, Size - ((long)Steps * Piece));
    }
}
