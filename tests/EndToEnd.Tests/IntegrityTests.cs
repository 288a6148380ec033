// A byte that a disk changed never reaches a client: with verify=cold when it comes from the disk, with verify=always whatever the page cache holds. Each test first shows,
// with verify=never, that the same damage would have gone out.
using System.Net;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class IntegrityTests
{
    private const int Size = (3 << 20) + 4321;

    public static TheoryData<string, string> Servers => new()
    {
        { "auto", "cold" }, { "auto", "always" }, { "sockets", "cold" }, { "sockets", "always" }, { "threads", "cold" }, { "threads", "always" },
    };

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task AChangedByteIsNeverServed(string backend, string verify)
    {
        await using BackendServer server = await BackendServer.StartAsync(backend);
        using var store = new Store(server.Process.Endpoint);
        await store.CreateAsync("checked", $$$"""{"checksum":{"verify":"{{{verify}}}"} }""");
        await store.CreateAsync("unchecked", """{"checksum":{"verify":"never"}}""");
        using var http = new HttpClient { BaseAddress = server.Process.Endpoint };
        foreach (int size in (int[])[1, 4096, 32 << 10, (32 << 10) + 1, 1 << 20, Size])
        {
            foreach (int at in (int[])[0, size / 2, size - 1])
            {
                var content = new Content(seed: size + at, size);
                foreach (string bucket in (string[])["unchecked", "checked"])
                {
                    await server.PutAsync($"o{size}", content, bucket);
                    Flip(FileOf(server, bucket, $"o{size}"), at, evict: verify == "cold");
                    (HttpStatusCode status, byte[]? body) = await GetAsync(http, bucket, $"o{size}");
                    string what = $"{backend}, {bucket}, {verify}, {size} bytes, changed at {at}: {status}";
                    if (bucket == "unchecked")
                    {
                        Assert.True(body is not null && content.FirstDifference(0, body) == at, $"{what}: the damage does not show");
                        continue;
                    }

                    Assert.True(body is null, $"{what}: all of it was answered");
                    Assert.True(at >= 1 << 20 || status == HttpStatusCode.InternalServerError, $"{what}: no clear refusal");
                }
            }
        }
    }

    /// <summary>Ranges of blocks that are whole are served, others refused, each time it is asked: damage is no matter of the first time.</summary>
    [Theory]
    [MemberData(nameof(Servers))]
    public async Task WhatIsWholeOfADamagedObjectIsServed(string backend, string verify)
    {
        await using BackendServer server = await BackendServer.StartAsync(backend);
        using var store = new Store(server.Process.Endpoint);
        await store.CreateAsync("checked", $$$"""{"checksum":{"verify":"{{{verify}}}"} }""");
        var content = new Content(seed: 3, Size);
        await server.PutAsync("part", content, "checked");
        Flip(FileOf(server, "checked", "part"), (1 << 20) + 17, evict: verify == "cold");
        for (int i = 0; i < 3; i++)
        {
            foreach ((long offset, long count) in ((long, long)[])[(0, 1 << 20), (4095, 2), (2 << 20, Size - (2 << 20)), (Size - 1, 1)])
            {
                using RawClient client = await AskAsync(server, offset, count);
                await client.ContentAsync(206, content, offset, count);
            }

            foreach ((long offset, long count) in ((long, long)[])[((1 << 20) + 17, 1), (1 << 20, 100), (1 << 20, 1 << 20), ((1 << 20) + 40_000, 33_000)])
            {
                using RawClient client = await AskAsync(server, offset, count);
                RawHead head = await client.HeadAsync();
                Assert.True(head.Status == 500, $"{backend}, {verify}, {count} bytes from {offset}: {head.Status}");
                Assert.Null(head["Content-Range"]);
            }
        }
    }

    /// <summary>What was written here is known to be right: a hot object is compared with nothing, and goes out as it lies in the page cache.</summary>
    [Fact]
    public async Task HotObjectsAreNotReadAgain()
    {
        await using BackendServer server = await BackendServer.StartAsync("auto");
        var content = new Content(seed: 4, Size);
        await server.PutAsync("hot", content);
        for (int i = 0; i < 3; i++)
        {
            await server.HasAsync("hot", content);
        }

        using System.Text.Json.JsonDocument details = System.Text.Json.JsonDocument.Parse(await server.DocumentAsync("/v1/health?details=true"));
        Assert.Equal(0, details.RootElement.GetProperty("counters").GetProperty("cold.cached_bytes").GetInt64());
        Assert.Equal(0, details.RootElement.GetProperty("counters").GetProperty("cold.direct_bytes").GetInt64());
    }

    /// <summary>The digest of a range goes with it when the bucket says so (contract: objects §5).</summary>
    [Fact]
    public async Task ARangeCarriesItsOwnDigestWhenTheBucketSaysSo()
    {
        await using BackendServer server = await BackendServer.StartAsync("auto");
        using var store = new Store(server.Process.Endpoint);
        await store.CreateAsync("ranges", """{"checksum":{"enable_read_range":true}}""");
        var content = new Content(seed: 5, Size);
        await server.PutAsync("r", content, "ranges");
        await server.PutAsync("r", content);
        foreach ((int offset, int count) in ((int, int)[])[(0, 1), (1000, 33_000), ((1 << 20) - 1, 2), (5, Size - 5), (0, Size)])
        {
            foreach (string bucket in (string[])["b", "ranges"])
            {
                using RawClient client = await server.ConnectAsync($"{bucket}: {count} bytes from {offset}");
                await client.SendAsync(BackendServer.Get("r", $"Range: bytes={offset}-{offset + count - 1}\r\n", bucket));
                RawHead head = await client.ContentAsync(206, content, offset, count);
                string expected = bucket == "b" ? content.Digest
                    : Native.Codecs.XxHash64.Hash(content.Bytes(offset, count)).ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
                Assert.Equal(expected, head["Ais-Checksum-Value"]);
            }
        }
    }

    private static string FileOf(BackendServer server, string bucket, string name) => server.Mountpaths
        .SelectMany(path => Directory.EnumerateFiles(path, name, SearchOption.AllDirectories)).Single(path => path.Contains($"/{bucket}/%ob/", StringComparison.Ordinal));

    /// <summary>Changes one byte of a file, on the disk and in the page cache, or there only where it is not to stay.</summary>
    private static void Flip(string file, long at, bool evict)
    {
        using (FileStream stream = File.Open(file, FileMode.Open, FileAccess.ReadWrite))
        {
            stream.Position = at;
            int was = stream.ReadByte();
            stream.Position = at;
            stream.WriteByte((byte)(was ^ 1));
            stream.Flush(flushToDisk: true);
        }

        if (evict)
        {
            LoopDisks.Run("dd", $"if={file}", "iflag=nocache", "count=0", "status=none");
        }
    }

    /// <summary>The answer's status, and its body if all of it came.</summary>
    private static async Task<(HttpStatusCode Status, byte[]? Body)> GetAsync(HttpClient http, string bucket, string name)
    {
        using HttpResponseMessage answer = await http.GetAsync(new Uri($"/v1/objects/{bucket}/{name}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        try
        {
            byte[] body = await answer.Content.ReadAsByteArrayAsync();
            return (answer.StatusCode, answer.IsSuccessStatusCode ? body : null);
        }
        catch (HttpRequestException)
        {
            return (answer.StatusCode, null);
        }
    }

    private static async Task<RawClient> AskAsync(BackendServer server, long offset, long count)
    {
        RawClient client = await server.ConnectAsync($"{count} bytes from {offset}");
        await client.SendAsync(BackendServer.Get("part", $"Range: bytes={offset}-{offset + count - 1}\r\n", "checked"));
        return client;
    }
}
