// Copies by the requests of AIStore's Python client (contract: objects §4), over every backend: bytes never leave the server.
using System.Net;
using System.Text;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

[Collection(BackendCollection.Name)]
public sealed class ObjectCopyTests(BackendServers servers)
{
    private static readonly string[] s_names = ["plain", "%", "%25", "dir/track?name=lofi&v=1+2", "my audio#file .m4a", "你好世界", @"a\(b"];

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task NamesContentAndMetadataAreCarried(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using var store = new Store(server.Process.Endpoint);
        await store.CreateAsync("originals");
        await store.CreateAsync("copies", """{"checksum":{"type":"md5"},"chunks":{"objsize_limit":1000000,"chunk_size":500000}}""");
        foreach ((string name, int i) in s_names.Select((name, i) => (name, i)))
        {
            byte[] content = new Content(seed: i, 3 + (i * 400_000L)).Bytes(0, 3 + (i * 400_000));
            await store.PutAsync("originals", "source " + name, content, ("Ais-Custom-Md", "who=me"));
            foreach (string bucket in (string[])["originals", "copies", "copies"])
            {
                using HttpResponseMessage copied = await CopyAsync(store, Store.Target("originals", "source " + name), $"ais/@#/{bucket}/{name}");
                Assert.True(copied.IsSuccessStatusCode, await copied.Content.ReadAsStringAsync());
                Assert.Equal("", await copied.Content.ReadAsStringAsync());
                Assert.Equal(content, await store.GetAsync(bucket, name));
                using HttpResponseMessage head = await store.SendAsync(HttpMethod.Head, Store.Target(bucket, name));
                Assert.Equal("who=me", head.Headers.GetValues("Ais-Custom-Md").Single());
                foreach (string header in (string[])["Ais-Checksum-Type", "Ais-Checksum-Value", "Ais-Version"])
                {
                    Assert.Equal(head.Headers.GetValues(header), copied.Headers.GetValues(header));
                }
            }

            using HttpResponseMessage last = await store.SendAsync(HttpMethod.Head, Store.Target("copies", name));
            Assert.Equal(("2", "md5"), (last.Headers.GetValues("Ais-Version").Single(), last.Headers.GetValues("Ais-Checksum-Type").Single()));
        }

        await DestroyAsync(store, "originals", "copies");
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task AccessOfBothBucketsCounts(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using var store = new Store(server.Process.Endpoint);
        await store.CreateAsync("rw");
        await store.CreateAsync("ro", """{"access":"ro"}""");
        await store.PutAsync("rw", "here", "1"u8.ToArray());
        using HttpResponseMessage refused = await CopyAsync(store, Store.Target("rw", "here"), "ais/@#/ro/x");
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("PUT access denied", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Null(await store.GetAsync("ro", "x"));
        await DestroyAsync(store, "rw"); // the other one does not allow it
    }

    /// <summary>What asks for what a bucket without a backend has anyway is taken; what would transform the object on the way is not built.</summary>
    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task FlagsOfBucketsWithABackendChangeNothing(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using var store = new Store(server.Process.Endpoint);
        await store.CreateAsync("flags");
        await store.PutAsync("flags", "flagged", "1"u8.ToArray());
        foreach ((string flags, int status) in ((string, int)[])[("&latest-ver=true", 200), ("&latest-ver=false&synchronize=true", 200), ("&etl_name=e", 501)])
        {
            using HttpResponseMessage copied = await CopyAsync(store, Store.Target("flags", "flagged"), "ais/@#/flags/" + flags.Length, flags);
            Assert.Equal(status, (int)copied.StatusCode);
            Assert.Equal(status == 200 ? "1"u8.ToArray() : null, await store.GetAsync("flags", flags.Length.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }

        await DestroyAsync(store, "flags");
    }

    private static async Task DestroyAsync(Store store, params string[] buckets)
    {
        foreach (string bucket in buckets)
        {
            await store.ControlAsync(HttpMethod.Delete, $"/v1/buckets/{bucket}", """{"action":"destroy-bck"}""");
        }
    }

    private static Task<HttpResponseMessage> CopyAsync(Store store, string source, string target, string flags = "") =>
        store.SendAsync(HttpMethod.Put, $"{source}?provider=ais&object_to={WebUtility.UrlEncode(target)}{flags}", new ByteArrayContent(Encoding.ASCII.GetBytes("")));
}
