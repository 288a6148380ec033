// Large objects are split while they are stored, and split otherwise or put together by a job: on the published binary, as a client sees it.
using System.Net;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class SplittingTests : IDisposable
{
    private const int Mib = 1 << 20;

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-split-");
    private readonly string[] _mountpaths;

    public SplittingTests() =>
        _mountpaths = [.. Enumerable.Range(0, 4).Select(i => Directory.CreateDirectory(Path.Combine(_home.FullName, $"mp{i}")).FullName)];

    public void Dispose() => _home.Delete(recursive: true);

    /// <summary>By default above 64 MiB, into chunks of as much; its digest is the bucket's, and a range over the border is served.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnObjectAboveTheDefaultLimitIsSplit(bool isDeclared)
    {
        using SluiceProcess server = await StartAsync();
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("b", """{"durability":"relaxed"}""");
        foreach ((long size, int chunks) in ((long, int)[])[(64 * Mib, 0), ((64 * Mib) + 1, 2)])
        {
            var content = new Content(seed: 3, size);
            byte[] bytes = content.Bytes(0, (int)size);
            using (HttpContent body = isDeclared ? new ByteArrayContent(bytes) : new UnknownLength(bytes))
            using (HttpResponseMessage put = await store.SendAsync(HttpMethod.Put, Store.Target("b", "x"), body))
            {
                Assert.Equal(HttpStatusCode.OK, put.StatusCode);
            }

            using HttpResponseMessage head = await store.SendAsync(HttpMethod.Head, Store.Target("b", "x") + "?props=chunked,checksum");
            Assert.Equal(chunks == 0 ? null : "2", One(head, "Ais-Chunks-Count"));
            Assert.Equal(chunks == 0 ? null : "67108864", One(head, "Ais-Chunks-Max-Chunk-Size"));
            Assert.Equal(("xxhash2", content.Digest), (One(head, "Ais-Checksum-Type"), One(head, "Ais-Checksum-Value")));
            using (RawClient client = await RawClient.ConnectAsync(server.Endpoint, "the last two bytes"))
            {
                await client.SendAsync(BackendServer.Get("x", $"Range: bytes={size - 2}-{size - 1}\r\n"));
                await client.ContentAsync(206, content, size - 2, 2);
            }

            string page = await store.ControlAsync(HttpMethod.Get, "/v1/buckets/b", """{"action":"list","value":{"props":"name,chunked"}}""");
            Assert.Contains(chunks == 0 ? "\"flags\":64" : "\"flags\":8256", page, StringComparison.Ordinal); // who asks for nothing else is told too
            await Eventually.HoldsAsync(() => Task.FromResult(UploadClient.FilesOf(_mountpaths, "b").Length == (chunks == 0 ? 0 : chunks + 1) ? null : "there are other files of chunks"));
        }

        Assert.Equal(0, await server.StopAsync());
    }

    /// <summary>The server is killed in the middle of an object that it splits: the next one has the old object, and no chunk of the new one.</summary>
    [Theory]
    [InlineData("strict")]
    [InlineData("relaxed")]
    public async Task AKillInTheMiddleLeavesTheOldObjectAndNoChunk(string durability)
    {
        var old = new Content(seed: 4, (3 * Mib) + 7);
        using (SluiceProcess server = await StartAsync())
        {
            using var store = new Store(server.Endpoint);
            await store.CreateAsync("b", $$$"""{"durability":"{{{durability}}}","chunks":{"objsize_limit":"1MiB","chunk_size":"1MiB"}}""");
            await store.PutAsync("b", "x", old.Bytes(0, (int)old.SizeBytes));
            using RawClient client = await RawClient.ConnectAsync(server.Endpoint, "a PUT that is cut off");
            await client.SendAsync($"PUT /v1/objects/b/x HTTP/1.1\r\nHost: s\r\nContent-Length: {20 * Mib}\r\n\r\n");
            await client.SendAsync(new byte[6 * Mib]);
            await Eventually.HoldsAsync(() => Task.FromResult(UploadClient.FilesOf(_mountpaths, "b").Length >= 5 + 4 ? null : "no chunks of the new object are there yet"));
            server.Signal("KILL");
            await server.EndAsync();
        }

        using (SluiceProcess server = await StartAsync())
        {
            using RawClient client = await RawClient.ConnectAsync(server.Endpoint, "the old object");
            await client.SendAsync(BackendServer.Get("x"));
            await client.ContentAsync(200, old, 0, old.SizeBytes);
            await Eventually.HoldsAsync(() => Task.FromResult(UploadClient.FilesOf(_mountpaths, "b").Length == 5 ? null : "chunks of the new object are left"));
            Assert.Equal(0, await server.StopAsync());
        }
    }

    [Fact]
    public async Task AJobSplitsAndPutsTogether()
    {
        using SluiceProcess server = await StartAsync();
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("b");
        var content = new Content(seed: 5, (5 * Mib) + 1);
        await store.PutAsync("b", "dir/x", content.Bytes(0, (int)content.SizeBytes));
        await store.PutAsync("b", "y", content.Bytes(0, (int)content.SizeBytes));
        (string version, _) = await HeadAsync();
        foreach ((string limit, string chunk, int chunks) in ((string, string, int)[])[("1MiB", "2MiB", 3), ("0", "2MiB", 0), ("2MiB", "1MiB", 6)])
        {
            string json = await SucceedAsync("bucket", "rechunk", "ais://b", "--prefix", "dir/", "--objsize-limit", limit, "--chunk-size", chunk, "--wait", "--json");
            Assert.Contains("rechunk", json, StringComparison.Ordinal);
            Assert.Equal((version, chunks), await HeadAsync());
            Assert.Equal(content.Bytes(0, (int)content.SizeBytes), await store.GetAsync("b", "dir/x"));
            Assert.Equal(content.Bytes(0, (int)content.SizeBytes), await store.GetAsync("b", "y"));
        }

        (int code, _, string error) = await SluiceProcess.RunAsync(null, server.Endpoint, "bucket", "rechunk", "ais://b", "--chunk-size", "1");
        Assert.NotEqual(0, code);
        Assert.Contains("chunk-size is a size from 1024", error, StringComparison.Ordinal);
        Assert.Contains("chunks.objsize_limit", await store.ControlAsync(
            HttpMethod.Patch, "/v1/buckets/b", """{"action":"set-bprops","value":{"chunks":{"objsize_limit":"2GiB","max_monolithic_size":"1GiB"}}}""", 400), StringComparison.Ordinal);
        Assert.Contains("\"objsize_limit\": \"64MiB\"", await SucceedAsync("bucket", "show", "ais://b", "--json"), StringComparison.Ordinal);
        Assert.Equal(0, await server.StopAsync());

        async Task<string> SucceedAsync(params string[] arguments)
        {
            (int status, string output, string said) = await SluiceProcess.RunAsync(null, server.Endpoint, arguments);
            Assert.True(status == 0, said);
            return output;
        }

        async Task<(string Version, int Chunks)> HeadAsync()
        {
            using JsonDocument head = JsonDocument.Parse(await SucceedAsync("head", "ais://b/dir/x", "--json"));
            JsonElement root = head.RootElement;
            return (root.GetProperty("version").GetString()!, root.TryGetProperty("manifest", out JsonElement manifest) ? manifest.GetProperty("chunks").GetArrayLength() : 0);
        }
    }

    private static string? One(HttpResponseMessage answer, string header) =>
        answer.Headers.TryGetValues(header, out IEnumerable<string>? values) ? values.Single() : null;

    private Task<SluiceProcess> StartAsync() => SluiceProcess.StartAsync(_mountpaths, "--allow-shared-disk", "--flush-interval", "100ms");
}
