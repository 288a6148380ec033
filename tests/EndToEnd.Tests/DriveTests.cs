using System.Net;
using System.Text;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

/// <summary>Drives that fail, are swapped, fill up and come back, on loop-mounted file systems; and the verbs that an operator has for them.</summary>
public sealed class DriveTests
{
    private const string Bucket = "b";

    /// <summary>Two ways in which a drive is suddenly not itself any more.</summary>
    [Theory]
    [InlineData("shut down")]
    [InlineData("not mounted any more")]
    public async Task AFailingDriveIsTakenOutAndTheOthersGoOn(string how)
    {
        using var disks = new LoopDisks(320L << 20, "xfs", "xfs", "xfs");
        using SluiceProcess server = await SluiceProcess.StartAsync(disks.Paths, "--health-interval", "200ms");
        using var store = new Store(server.Endpoint);
        await FillAsync(store, "old");
        string failing = disks.Paths[1];
        bool isShutDown = how == "shut down";
        if (isShutDown)
        {
            disks.CutPower(1);
        }
        else
        {
            disks.Lose(1); // held descriptors go on working: only a look at the path tells
        }

        await Eventually.HoldsAsync(async () => await StateOfAsync(server, failing) is "faulted" ? null : $"{failing} is {await StateOfAsync(server, failing)}");
        Assert.Single(server.Log.Split('\n'), line => line.Contains("is taken out of service", StringComparison.Ordinal));
        await FillAsync(store, "new");
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal($"new {i}", Encoding.UTF8.GetString((await store.GetAsync(Bucket, $"o{i}"))!));
        }

        if (!isShutDown)
        {
            await Eventually.TrueAsync("the drive can be mounted again", () => disks.TryMount(1)); // with what is old on it, when the server has let go
            await ChangeAsync(server, "enable", failing, "--wait");
            Assert.Equal("serving", await StateOfAsync(server, failing));
            for (int i = 0; i < 30; i++)
            {
                Assert.Equal($"new {i}", Encoding.UTF8.GetString((await store.GetAsync(Bucket, $"o{i}"))!));
            }
        }

        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task AFullFileSystemTakesNothingNewAndGoesOnAfterDeletes()
    {
        using var disks = new LoopDisks(64L << 20, "ext4");
        using SluiceProcess server = await SluiceProcess.StartAsync(disks.Paths);
        using var store = new Store(server.Endpoint);
        await store.CreateAsync(Bucket);
        var piece = new byte[2 << 20];
        new Random(1).NextBytes(piece);
        int stored = 0;
        HttpStatusCode last = await PutStatusAsync(store, $"o{stored}", piece);
        for (; last == HttpStatusCode.OK && stored < 64; last = await PutStatusAsync(store, $"o{stored}", piece))
        {
            stored++;
        }

        Assert.Equal(HttpStatusCode.InsufficientStorage, last);
        Assert.InRange(stored, 5, 40);
        Assert.Equal(piece, await store.GetAsync(Bucket, "o0"));
        for (int i = 0; i < stored / 2; i++)
        {
            using HttpResponseMessage deleted = await store.SendAsync(HttpMethod.Delete, Store.Target(Bucket, $"o{i}"));
            Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        }

        await Eventually.HoldsAsync(async () => await PutStatusAsync(store, "again", piece) is HttpStatusCode.OK ? null : "writes do not go on");
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task AnOperatorListsAttachesEmptiesAndDetaches()
    {
        using var disks = new LoopDisks(64L << 20, "ext4", "ext4", "ext4");
        using SluiceProcess server = await SluiceProcess.StartAsync(disks.Paths.Take(2));
        using var store = new Store(server.Endpoint);
        await FillAsync(store, "old");
        await ChangeAsync(server, "attach", disks.Paths[2], "--wait");
        await ChangeAsync(server, "detach", disks.Paths[0], "--wait");
        Assert.Equal("", await StateOfAsync(server, disks.Paths[0]));
        Assert.Equal("serving", await StateOfAsync(server, disks.Paths[2]));
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal($"old {i}", Encoding.UTF8.GetString((await store.GetAsync(Bucket, $"o{i}"))!));
        }

        string lists = await store.ControlAsync(HttpMethod.Get, "/v1/daemon?what=mountpaths", "");
        using JsonDocument all = JsonDocument.Parse(lists);
        Assert.Equal([.. disks.Paths.Skip(1)], all.RootElement.GetProperty("available").EnumerateArray().Select(path => path.GetString()!));
        Assert.Equal(0, all.RootElement.GetProperty("waiting_dd").GetArrayLength());
        Assert.Equal(0, all.RootElement.GetProperty("disabled").GetArrayLength());
        await store.ControlAsync(HttpMethod.Put, "/v1/daemon/mountpaths", """{"action":"detach-mp","value":"relative"}""", status: 400);
        await store.ControlAsync(HttpMethod.Put, "/v1/reverse/daemon/mountpaths", """{"action":"detach-mp","value":"/x"}""", status: 400);
        Assert.Equal(0, await server.StopAsync());
    }

    /// <summary>Nobody looks by himself here: what is found, is found because it was asked for.</summary>
    [Fact]
    public async Task AnOperatorHasMountpathsLookedAtAndTested()
    {
        using var disks = new LoopDisks(64L << 20, "ext4", "ext4", "ext4");
        using SluiceProcess server = await SluiceProcess.StartAsync(disks.Paths, "--health-interval", "1h");
        using var store = new Store(server.Endpoint);
        await FillAsync(store, "old");
        foreach (string verb in new[] { "rescan", "fshc", "fshc" }) // whenever the last tests were
        {
            (int code, string output, _) = await SluiceProcess.RunAsync(null, server.Endpoint, "mountpath", verb, disks.Paths[1]);
            Assert.Equal((0, $"serving   {disks.Paths[1]}\n"), (code, output));
        }

        Assert.Contains("\"disk.tests\":2", (await store.ControlAsync(HttpMethod.Get, "/v1/health?details=true", "")).Replace(" ", ""), StringComparison.Ordinal);
        disks.Lose(1);
        disks.TurnReadOnly(2);
        Assert.Equal("serving", await StateOfAsync(server, disks.Paths[1]));
        Assert.Equal("serving", await StateOfAsync(server, disks.Paths[2]));
        (int rescan, _, _) = await SluiceProcess.RunAsync(null, server.Endpoint, "mountpath", "rescan", disks.Paths[1]);
        Assert.Equal((1, "faulted"), (rescan, await StateOfAsync(server, disks.Paths[1])));
        await store.ControlAsync(HttpMethod.Put, "/v1/daemon/mountpaths?dntres=true", $$"""{"action":"fshc-mp","value":"{{disks.Paths[2]}}"}""");
        Assert.Equal("faulted", await StateOfAsync(server, disks.Paths[2]));
        (int refused, _, string said) = await SluiceProcess.RunAsync(null, server.Endpoint, "mountpath", "fshc", disks.Paths[2]);
        Assert.Equal(4, refused);
        Assert.Contains("is out of service (disabled-by-FSHC)", said, StringComparison.Ordinal);
        await store.ControlAsync(HttpMethod.Put, "/v1/daemon/mountpaths", """{"action":"rescan-mp","value":"/none"}""", status: 400);
        Assert.Equal("serving", await StateOfAsync(server, disks.Paths[0]));
        await FillAsync(store, "new");
        Assert.Equal("new 3", Encoding.UTF8.GetString((await store.GetAsync(Bucket, "o3"))!));
        Assert.Equal(0, await server.StopAsync());
    }

    private static async Task FillAsync(Store store, string content)
    {
        using HttpResponseMessage has = await store.SendAsync(HttpMethod.Head, $"/v1/buckets/{Bucket}");
        if (!has.IsSuccessStatusCode)
        {
            await store.CreateAsync(Bucket);
        }

        for (int i = 0; i < 30; i++)
        {
            await store.PutAsync(Bucket, $"o{i}", Encoding.UTF8.GetBytes($"{content} {i}"));
        }
    }

    private static async Task<HttpStatusCode> PutStatusAsync(Store store, string name, byte[] bytes)
    {
        using HttpResponseMessage answer = await store.SendAsync(HttpMethod.Put, Store.Target(Bucket, name), new ByteArrayContent(bytes));
        return answer.StatusCode;
    }

    private static async Task ChangeAsync(SluiceProcess server, string verb, string path, params string[] more)
    {
        (int code, _, string error) = await SluiceProcess.RunAsync(null, server.Endpoint, ["mountpath", verb, path, .. more]);
        Assert.True(code == 0, error);
    }

    private static async Task<string> StateOfAsync(SluiceProcess server, string path)
    {
        (int code, string output, string error) = await SluiceProcess.RunAsync(null, server.Endpoint, "mountpath", "ls", "--json");
        Assert.True(code == 0, error);
        foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using JsonDocument row = JsonDocument.Parse(line);
            if (row.RootElement.GetProperty("path").GetString() == path)
            {
                return row.RootElement.GetProperty("state").GetString()!;
            }
        }

        return "";
    }
}
