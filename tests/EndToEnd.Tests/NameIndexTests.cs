// Lists of names and sizes by the published binary, over a stop, a kill, and without the files of the index.
using System.Text;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class NameIndexTests
{
    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task NamesAndSizesAreListedOverStopsAndKills(string backend)
    {
        using var disks = new LoopDisks(512L << 20, "ext4", "xfs");
        var sizes = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (int round = 0; round < 6; round++)
        {
            using SluiceProcess server = await SluiceProcess.StartAsync(disks.Paths, "--io", backend, "--name-index");
            using var store = new Store(server.Endpoint);
            await (round == 0 ? store.CreateAsync("b") : Task.CompletedTask);
            Assert.Equal(sizes, await ListAsync(store));
            for (int i = 0; i < 40; i++)
            {
                string name = $"{"abc"[i % 3]}/{(i * 7 + round * 11) % 50}";
                sizes[name] = 1 + i + (round * 100);
                await store.PutAsync("b", name, new byte[sizes[name]]);
            }

            using HttpResponseMessage removed = await store.SendAsync(HttpMethod.Delete, Store.Target("b", sizes.Keys.First()));
            Assert.True(removed.IsSuccessStatusCode);
            sizes.Remove(sizes.Keys.First());
            Assert.Equal(sizes, await ListAsync(store));
            Assert.Equal(["a/", "b/", "c/"], (await ListAsync(store, flags: 1 << 11)).Keys);
            switch (round % 3)
            {
                case 0:
                    Assert.Equal(0, await server.StopAsync());
                    break;
                case 1:
                    await server.KillAsync();
                    break;
                default:
                    Assert.Equal(0, await server.StopAsync());
                    Assert.All(disks.Paths, static path => Assert.NotEmpty(Directory.GetFiles(Path.Combine(path, ".sluice/index"), "*.db")));
                    disks.Paths.ForEach(static path => Directory.Delete(Path.Combine(path, ".sluice/index"), recursive: true));
                    break;
            }
        }
    }

    /// <summary>What links SQLite into the binary leaves no shared object beside it, and the binary wants none.</summary>
    [Fact]
    public async Task TheBinaryNeedsNoSharedSqlite()
    {
        (int code, string output, _) = await SluiceProcess.RunCommandAsync(["ldd", SluiceProcess.Binary]);
        Assert.Equal(0, code);
        Assert.Contains("libc.so", output, StringComparison.Ordinal);
        Assert.DoesNotContain("sqlite", output, StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<SortedDictionary<string, int>> ListAsync(Store store, int flags = 0)
    {
        var sizes = new SortedDictionary<string, int>(StringComparer.Ordinal);
        string token = "";
        do
        {
            string page = await store.ControlAsync(HttpMethod.Get, "/v1/buckets/b",
                $$$"""{"action":"list","value":{"props":"name,size","pagesize":7,"flags":"{{{flags}}}","continuation_token":"{{{token}}}"}}""");
            JsonElement root = JsonDocument.Parse(Encoding.UTF8.GetBytes(page)).RootElement;
            foreach (JsonElement entry in root.GetProperty("entries").EnumerateArray())
            {
                sizes.Add(entry.GetProperty("name").GetString()!, entry.TryGetProperty("size", out JsonElement size) ? int.Parse(size.GetString()!, System.Globalization.CultureInfo.InvariantCulture) : 0);
            }

            token = root.GetProperty("continuation_token").GetString()!;
        }
        while (token.Length > 0);
        return sizes;
    }
}
