// Appends by the requests of AIStore's Python client (contract: objects §4), over every backend: unseen until the flush, and ended by a kill without a trace.
using System.Text;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

[Collection(BackendCollection.Name)]
public sealed class AppendTests(BackendServers servers)
{
    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task PiecesAreSeenWhenTheyAreFlushed(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        using var store = new Store(server.Process.Endpoint);
        await store.PutAsync("b", "grows", "old "u8.ToArray(), ("Ais-Custom-Md", "who=me"));
        byte[] large = new Content(seed: 1, 3_000_000).Bytes(0, 3_000_000);
        string handle = "";
        foreach (byte[] piece in (byte[][])["one "u8.ToArray(), [], large])
        {
            (int status, string next, string answer) = await AppendAsync(store, "grows", "append", handle, piece);
            Assert.True(status == 200 && next.Length > 0 && answer.Length == 0, answer);
            handle = next;
            Assert.Equal("old "u8.ToArray(), await store.GetAsync("b", "grows"));
        }

        Assert.Equal((200, "", ""), await AppendAsync(store, "grows", "flush", handle, []));
        byte[] whole = [.. "old one "u8, .. large];
        Assert.Equal(whole, await store.GetAsync("b", "grows"));
        using HttpResponseMessage head = await store.SendAsync(HttpMethod.Head, Store.Target("b", "grows"));
        Assert.Equal(("2", "who=me"), (head.Headers.GetValues("Ais-Version").Single(), head.Headers.GetValues("Ais-Custom-Md").Single()));
        (int again, _, string gone) = await AppendAsync(store, "grows", "flush", handle, []);
        Assert.True(again == 404, gone);
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task AKillEndsAnAppendAndLeavesNothingOfIt(string backend)
    {
        DirectoryInfo home = Directory.CreateTempSubdirectory("sluice-e2e-");
        string[] paths = [Directory.CreateDirectory(Path.Combine(home.FullName, "mp0")).FullName];
        string handle;
        using (SluiceProcess killed = await SluiceProcess.StartAsync(paths, "--io", backend))
        {
            using var store = new Store(killed.Endpoint);
            await store.CreateAsync("b");
            await store.PutAsync("b", "x", "old"u8.ToArray());
            (_, handle, _) = await AppendAsync(store, "x", "append", "", new byte[100_000]);
            Assert.Single(WorkFiles());
            await killed.KillAsync();
        }

        using (SluiceProcess next = await SluiceProcess.StartAsync(paths, "--io", backend))
        {
            using var store = new Store(next.Endpoint);
            Assert.Empty(WorkFiles());
            (int status, _, string answer) = await AppendAsync(store, "x", "append", handle, [1]);
            Assert.True(status == 404, answer);
            Assert.Contains("does not exist", answer, StringComparison.Ordinal);
            Assert.Equal("old"u8.ToArray(), await store.GetAsync("b", "x"));
            Assert.Equal(0, await next.StopAsync());
        }

        home.Delete(recursive: true);

        IEnumerable<string> WorkFiles() => Directory.EnumerateFiles(paths[0], "*", SearchOption.AllDirectories).Where(file => file.Contains("/%wk/", StringComparison.Ordinal));
    }

    private static async Task<(int Status, string Handle, string Answer)> AppendAsync(Store store, string name, string type, string handle, byte[] piece)
    {
        using HttpResponseMessage answer = await store.SendAsync(
            HttpMethod.Put, $"{Store.Target("b", name)}?provider=ais&append_type={type}&append_handle={handle}", new ByteArrayContent(piece));
        string next = answer.Headers.TryGetValues("Ais-Append-Handle", out IEnumerable<string>? values) ? values.Single() : "";
        return ((int)answer.StatusCode, next, Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync()));
    }
}
