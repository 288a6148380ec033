using System.Text;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>
/// A server of one backend over two directories, with a bucket "b", which is relaxed so that tests of the network do not wait for disks, and a
/// bucket "strict".
/// </summary>
public sealed class BackendServer : IAsyncDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-e2e-");
    private readonly Dictionary<long, Content> _stored = [];

    private BackendServer(string backend)
    {
        Backend = backend;
        Mountpaths = [.. Enumerable.Range(0, 2).Select(i => Directory.CreateDirectory(Path.Combine(_home.FullName, $"mp{i}")).FullName)];
    }

    /// <summary>Value of <c>--io</c>.</summary>
    public string Backend { get; }

    /// <summary>The process.</summary>
    public SluiceProcess Process { get; private set; } = null!;

    /// <summary>Its mountpaths.</summary>
    public string[] Mountpaths { get; }

    /// <summary>Starts one, with more settings if a test needs them.</summary>
    public static Task<BackendServer> StartAsync(string backend, params string[] settings) => StartAsync(backend, [], settings);

    /// <summary>The same within a memory cgroup, which stays the caller's.</summary>
    public static Task<BackendServer> StartInAsync(MemoryGroup group, string backend, params string[] settings) => StartAsync(backend, group.Launcher, settings);

    private static async Task<BackendServer> StartAsync(string backend, string[] launcher, string[] settings)
    {
        var server = new BackendServer(backend);
        string[] all = ["--allow-shared-disk", "--io", backend, "--flush-interval", "100ms", .. settings];
        server.Process = await SluiceProcess.StartUnderAsync(launcher, server.Mountpaths, all);
        using var store = new Store(server.Process.Endpoint);
        await store.CreateAsync("b", """{"durability":"relaxed"}""");
        await store.CreateAsync("strict");
        return server;
    }

    /// <summary>A new connection; <paramref name="what"/> begins every failure on it.</summary>
    public Task<RawClient> ConnectAsync(string what, TimeSpan? deadline = null) =>
        RawClient.ConnectAsync(Process.Endpoint, $"{Backend}, {what}", deadline);

    /// <summary>Stores a content over a connection of its own.</summary>
    public async Task PutAsync(string name, Content content, string bucket = "b")
    {
        using RawClient client = await ConnectAsync($"PUT {name} of {content.SizeBytes} bytes");
        await PutAsync(client, name, content, bucket);
    }

    /// <summary>Stores a content, and compares what the server says it has stored.</summary>
    public static async Task PutAsync(RawClient client, string name, Content content, string bucket = "b")
    {
        await client.SendAsync(Put(name, $"Content-Length: {content.SizeBytes}\r\n", bucket));
        await client.SendAsync(content, 0, content.SizeBytes);
        (RawHead head, _) = await client.AnswerAsync(200);
        Assert.Equal(content.Digest, head["Ais-Checksum-Value"]);
    }

    /// <summary>An object of a size for tests that only read; named by <see cref="Stored"/> and stored when it is first asked for.</summary>
    public async Task<Content> StoredAsync(long size)
    {
        if (!_stored.TryGetValue(size, out Content? content))
        {
            content = new Content(seed: 7, size);
            await PutAsync(Stored(size), content);
            _stored[size] = content;
        }

        return content;
    }

    /// <summary>Name of the object that <see cref="StoredAsync"/> stores.</summary>
    public static string Stored(long size) => $"stored{size}";

    /// <summary>Asserts that an object is there and exact.</summary>
    public async Task HasAsync(string name, Content content, string bucket = "b")
    {
        using RawClient client = await ConnectAsync($"GET {name} of {content.SizeBytes} bytes");
        await client.SendAsync(Get(name, "", bucket));
        RawHead head = await client.ContentAsync(200, content, 0, content.SizeBytes);
        Assert.Equal(content.Digest, head["Ais-Checksum-Value"]);
    }

    /// <summary>Asserts that there is no object of a name.</summary>
    public async Task HasNotAsync(string name)
    {
        using RawClient client = await ConnectAsync($"GET {name}, which does not exist");
        await client.SendAsync(Get(name));
        await client.AnswerAsync(404);
    }

    /// <summary>Removes an object; one that is not there is all right.</summary>
    public async Task DeleteAsync(string name)
    {
        using RawClient client = await ConnectAsync($"DELETE {name}");
        await client.SendAsync($"DELETE {Target("b", name)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.True((await client.HeadAsync()).Status is 200 or 404);
        await client.RestAsync();
    }

    /// <summary>A document that the server answers.</summary>
    public async Task<string> DocumentAsync(string target)
    {
        using RawClient client = await ConnectAsync(target);
        await client.SendAsync($"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        (_, byte[] body) = await client.AnswerAsync(200);
        await client.EndsAsync();
        return Encoding.UTF8.GetString(body);
    }

    /// <summary>The file of an object, wherever it lies.</summary>
    public string FileOf(string name) => Mountpaths
        .SelectMany(path => Directory.EnumerateFiles(path, name, SearchOption.AllDirectories)).Single(path => path.Contains("/%ob/", StringComparison.Ordinal));

    /// <summary>The head of a GET.</summary>
    public static string Get(string name, string headers = "", string bucket = "b") => Head("GET", name, headers, bucket);

    /// <summary>The head of a PUT; its headers tell how the body comes.</summary>
    public static string Put(string name, string headers, string bucket = "b") => Head("PUT", name, headers, bucket);

    /// <summary>A head without a body of its own.</summary>
    public static string Head(string method, string name, string headers = "", string bucket = "b") =>
        $"{method} {Target(bucket, name)} HTTP/1.1\r\nHost: x\r\n{headers}\r\n";

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        int code = await Process.StopAsync();
        string log = Process.Log;
        Process.Dispose();
        _home.Delete(recursive: true);
        Assert.True(code == 0, $"{Backend}: exit code {code}\n{log}");
    }

    private static string Target(string bucket, string name) => $"/v1/objects/{bucket}/{name}";
}
