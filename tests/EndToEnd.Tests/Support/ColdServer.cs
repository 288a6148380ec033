using System.Text.Json;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>A server on the ring over one file system of its own, whose objects can be put out of memory: strict, so that nothing of them is dirty.</summary>
public sealed class ColdServer : IAsyncDisposable
{
    private readonly LoopDisks _disks;
    private readonly SluiceProcess _process;

    private ColdServer(LoopDisks disks, SluiceProcess process)
    {
        _disks = disks;
        _process = process;
    }

    /// <summary>Starts one over a new file system, ext4 or xfs, with so little memory that 14 buffers for cold reads may travel.</summary>
    public static Task<ColdServer> StartAsync(string fileSystem) => StartUnderAsync([], fileSystem);

    /// <summary>The same by way of a command that becomes the server.</summary>
    public static async Task<ColdServer> StartUnderAsync(string[] prefix, string fileSystem)
    {
        var disks = new LoopDisks(1L << 30, fileSystem);
        var server = new ColdServer(disks, await SluiceProcess.StartUnderAsync(prefix, disks.Paths, "--io", "uring", "--memory", "256MiB"));
        using var store = new Store(server._process.Endpoint);
        await store.CreateAsync("b");
        return server;
    }

    /// <summary>All that the server has logged.</summary>
    public string Log => _process.Log;

    /// <summary>A new connection; <paramref name="what"/> begins every failure on it.</summary>
    public Task<RawClient> ConnectAsync(string what) => RawClient.ConnectAsync(_process.Endpoint, what);

    /// <summary>Stores an object and puts it out of memory.</summary>
    public async Task PutColdAsync(string name, Content content)
    {
        using RawClient client = await ConnectAsync($"PUT {name}");
        await BackendServer.PutAsync(client, name, content);
        Evict(name);
    }

    /// <summary>Puts an object out of memory (posix_fadvise(2), POSIX_FADV_DONTNEED, by dd).</summary>
    public void Evict(string name) => LoopDisks.Run("dd", $"if={FileOf(name)}", "iflag=nocache", "count=0", "status=none");

    /// <summary>The file of an object.</summary>
    public string FileOf(string name) => Directory.EnumerateFiles(_disks.Paths[0], name, SearchOption.AllDirectories)
        .Single(path => path.Contains("/%ob/", StringComparison.Ordinal));

    /// <summary>A counter of the server's.</summary>
    public async Task<long> CounterAsync(string name)
    {
        using RawClient client = await ConnectAsync("details");
        await client.SendAsync("GET /v1/health?details=true HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        (_, byte[] body) = await client.AnswerAsync(200);
        using JsonDocument details = JsonDocument.Parse(body);
        return details.RootElement.GetProperty("counters").GetProperty(name).GetInt64();
    }

    /// <summary>Waits until no buffer of a cold read is rented; the connection that asks has one lease of another kind.</summary>
    public Task HasNoLeasesAsync(string what) => Eventually.HoldsAsync(async () =>
    {
        (long cold, long all) = (await CounterAsync("cold.leases"), await CounterAsync("net.leases"));
        return cold == 0 && all <= 1 ? null : $"{what}: {cold} leases of cold reads, {all} in all";
    });

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        int code = await _process.StopAsync();
        string log = _process.Log;
        _process.Dispose();
        _disks.Dispose();
        Assert.True(code == 0, $"exit code {code}\n{log}");
    }
}
