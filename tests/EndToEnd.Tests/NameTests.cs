// Names that file systems, URLs and shells trip over (contract: objects §4), over every backend: each passes its own way to open, rename and unlink.
using System.Text;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

[Collection(BackendCollection.Name)]
public sealed class NameTests(BackendServers servers)
{
    private static readonly string[] s_odd =
    [
        "%", "%25", "%3D", "%2F", @"yHvMJM(s\(0hR\3\)", "audio/raw/file.wav", "file_#@!$%^&*()_+.mp3", "track?name=lofi&v=1",
        "track%20space.wav", "my audio file .m4a", "你好世界", "-hiddenfile.ogg", ".audio_hidden.wav", "track=id=1234.mp3", "%ob/x", "a//b",
    ];

    public static MatrixTheoryData<string, string> Odd => IoBackends.With(s_odd);

    [Theory]
    [MemberData(nameof(Odd))]
    public async Task AnOddNameRoundTrips(string backend, string name)
    {
        BackendServer server = await servers.GetAsync(backend);
        using var store = new Store(server.Process.Endpoint);
        byte[] content = Encoding.UTF8.GetBytes(name);
        await store.PutAsync("b", name, content);
        Assert.Equal(content, await store.GetAsync("b", name));
        string message = $$$"""{"action":"list","value":{"prefix":{{{JsonSerializer.Serialize(name)}}}}}""";
        using (JsonDocument page = JsonDocument.Parse(await store.ControlAsync(HttpMethod.Get, "/v1/buckets/b", message)))
        {
            Assert.Equal([name], page.RootElement.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()));
        }

        await store.ControlAsync(HttpMethod.Delete, Store.Target("b", name), "");
        Assert.Null(await store.GetAsync("b", name));
    }
}
