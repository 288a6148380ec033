// Clients that break off (RST) or say that they send no more (FIN), at every stage of a request. Afterwards the server holds what it held before:
// descriptors, connections, leases; no work file is left, no object is half there, and nobody's error is logged.
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

[Collection(BackendCollection.Name)]
public sealed class AbortTests(BackendServers servers)
{
    private const int Times = 10;

    private static readonly Content s_body = new(seed: 12, (8 << 20) + 3);
    private static readonly Content s_small = new(seed: 15, 4096);
    private static readonly Content s_large = new(seed: 16, 16 << 20); // more than the buffers of both ends hold

    /// <summary>How far a client goes before it breaks off.</summary>
    private static readonly Dictionary<string, Func<BackendServer, RawClient, Task>> s_stages = new()
    {
        ["before anything"] = (_, _) => Task.CompletedTask,
        ["in the request line"] = (_, client) => SendAndTakeAsync(client, "GET /v1/obj"),
        ["in the head"] = (_, client) => SendAndTakeAsync(client, "GET /v1/objects/b/small HTTP/1.1\r\nHost: x\r\nAcc"),
        ["behind the head of a PUT"] = (_, client) => SendAndTakeAsync(client, PutHead),
        ["behind a 100"] = async (_, client) =>
        {
            await client.SendAsync(BackendServer.Put("aborted", $"Expect: 100-continue\r\nContent-Length: {s_body.SizeBytes}\r\n"));
            Assert.Equal(100, (await client.HeadAsync()).Status);
        },
        ["in the body of a PUT"] = async (server, client) =>
        {
            await client.SendAsync(PutHead);
            await client.SendAsync(s_body, 0, (3 << 20) + 1);
            await Eventually.TrueAsync("a work file", () => ServerResources.WorkFiles(server.Mountpaths).Any());
        },
        ["one byte before the end of a PUT"] = async (_, client) =>
        {
            await client.SendAsync(PutHead);
            await client.SendAsync(s_body, 0, s_body.SizeBytes - 1);
            await client.TakenAsync();
        },
        ["in a chunk of a PUT"] = async (server, client) =>
        {
            await client.SendAsync(BackendServer.Put("aborted", "Transfer-Encoding: chunked\r\n") + "400000\r\n");
            await client.SendAsync(s_body, 0, 2 << 20);
            await Eventually.TrueAsync("a work file", () => ServerResources.WorkFiles(server.Mountpaths).Any());
        },
        ["before the answer to a PUT"] = async (_, client) =>
        {
            await client.SendAsync(PutHead);
            await client.SendAsync(s_body, 0, s_body.SizeBytes);
        },
        ["before the answer to a small GET"] = (_, client) => client.SendAsync(BackendServer.Get("small")),
        ["before the answer to a large GET"] = (_, client) => client.SendAsync(BackendServer.Get("large")),
        ["in the answer to a small GET"] = async (server, client) =>
        {
            await client.SendAsync(BackendServer.Get("small"));
            await client.BytesAsync(20);
        },
        ["in the answer to a large GET"] = async (server, client) =>
        {
            await client.SendAsync(BackendServer.Get("large"));
            await client.HeadAsync();
            await client.BodyAsync(s_large, 0, 1_000_001);
        },
        ["in the answer to a range"] = async (server, client) =>
        {
            await client.SendAsync(BackendServer.Get("large", "Range: bytes=1048575-60000000\r\n"));
            await client.HeadAsync();
            await client.BodyAsync(s_large, 1_048_575, 1_000_001);
        },
        ["in the first of 8 pipelined answers"] = async (server, client) =>
        {
            await client.SendAsync(string.Concat(Enumerable.Repeat(BackendServer.Get("large"), 8)));
            await client.HeadAsync();
            await client.BodyAsync(s_large, 0, 1_000_001);
        },
        ["between requests"] = async (server, client) =>
        {
            await client.SendAsync(BackendServer.Get("small"));
            await client.ContentAsync(200, s_small, 0, s_small.SizeBytes);
        },
    };

    private static string PutHead => BackendServer.Put("aborted", $"Content-Length: {s_body.SizeBytes}\r\n");

    public static MatrixTheoryData<string, string> Stages => IoBackends.With(s_stages.Keys);

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task AResetLeavesNothingBehind(string backend, string stage)
    {
        BackendServer server = await servers.GetAsync(backend);
        ServerResources before = await ReadyAsync(server);
        for (int time = 0; time < Times; time++)
        {
            using RawClient client = await server.ConnectAsync($"reset {stage}");
            await s_stages[stage](server, client);
            client.Reset();
        }

        await IsUnharmedAsync(server, before, $"after {Times} resets {stage}");
    }

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task AHalfCloseIsAnsweredOrEndedAndLeavesNothingBehind(string backend, string stage)
    {
        BackendServer server = await servers.GetAsync(backend);
        ServerResources before = await ReadyAsync(server);
        for (int time = 0; time < Times; time++)
        {
            using RawClient client = await server.ConnectAsync($"half-close {stage}");
            await s_stages[stage](server, client);
            client.HalfClose();
            await client.DiscardAsync(); // the server ends the connection by itself
        }

        await IsUnharmedAsync(server, before, $"after {Times} half-closes {stage}");
    }

    private static async Task SendAndTakeAsync(RawClient client, string text)
    {
        await client.SendAsync(text);
        await client.TakenAsync();
    }

    /// <summary>New objects to read, each read once, and nothing at the name that is written.</summary>
    private static async Task<ServerResources> ReadyAsync(BackendServer server)
    {
        await server.DeleteAsync("aborted");
        await server.PutAsync("small", s_small);
        await server.PutAsync("large", s_large);
        await server.HasAsync("small", s_small);
        await server.HasAsync("large", s_large);
        return await ServerResources.BaselineAsync(server);
    }

    private static async Task IsUnharmedAsync(BackendServer server, ServerResources before, string what)
    {
        await server.HasAsync("small", s_small);
        using RawClient client = await server.ConnectAsync(what);
        await client.SendAsync(BackendServer.Get("aborted", "Connection: close\r\n"));
        RawHead head = await client.HeadAsync();
        Assert.True(head.Status == 404 || head.ContentLength == s_body.SizeBytes, $"{server.Backend}, {what}: {head.Status}, {head.ContentLength} bytes");
        if (head.Status == 200)
        {
            await client.BodyAsync(s_body, 0, s_body.SizeBytes); // the request was whole: it may have been carried out
        }

        await client.DiscardAsync();
        foreach (string name in (string[])["aborted", "small", "large"])
        {
            await server.DeleteAsync(name); // a reader that was never given back would hold the file now
        }

        await before.ReturnAsync(server, what);
        Assert.DoesNotContain(before.LogSince(server), line => line.Contains(" error ", StringComparison.Ordinal));
    }
}
