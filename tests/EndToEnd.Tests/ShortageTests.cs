// Drives that turn read-only under load, run out of inodes or have a quota, and a process that runs out of descriptors: what can be served is served, what cannot
// is refused with the right status, and nothing is damaged.
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class ShortageTests
{
    private const int Objects = 40;
    private const int SizeBytes = 100_000;

    /// <summary>Properties of a bucket, the directory of what redundancy makes, and how many files each object has there.</summary>
    public static TheoryData<string, string, int> Redundancies() => new()
    {
        { """{"mirror":{"enabled":true,"copies":2}}""", "/%ob/", 2 },
        { """{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"unit":"64KiB","objsize_limit":0}}""", "/%ec/", 3 },
    };

    [Theory]
    [MemberData(nameof(Redundancies))]
    public async Task ADriveThatTurnsReadOnlyUnderLoadIsTakenOutAndNoReaderNotices(string properties, string files, int each)
    {
        using var disks = new LoopDisks(128L << 20, "ext4", "ext4", "ext4", "ext4");
        using SluiceProcess server = await SluiceProcess.StartAsync(disks.Paths, "--health-interval", "200ms");
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("b", properties);
        Content[] contents = [.. Enumerable.Range(0, Objects).Select(i => new Content(i, SizeBytes))];
        for (int i = 0; i < Objects; i++)
        {
            await store.PutAsync("b", $"o{i}", contents[i].Bytes(0, SizeBytes));
        }

        using var stop = new CancellationTokenSource();
        var stored = new ConcurrentDictionary<string, int>();
        int reads = 0, writes = 0, refused = 0;
        Task[] load =
        [
            .. Enumerable.Range(0, 2).Select(reader => Task.Run(async () =>
            {
                for (int i = reader; !stop.IsCancellationRequested; i++)
                {
                    Assert.Equal(contents[i % Objects].Bytes(0, SizeBytes), await store.GetAsync("b", $"o{i % Objects}"));
                    Interlocked.Increment(ref reads);
                }
            })),
            Task.Run(async () =>
            {
                for (int i = 0; !stop.IsCancellationRequested; i++)
                {
                    string name = $"w{i % 60}";
                    bool isStored = await PutAsync(store, name, contents[i % Objects].Bytes(0, SizeBytes)) == HttpStatusCode.OK;
                    _ = isStored ? stored[name] = i % Objects : Interlocked.Increment(ref refused);
                    if (!isStored)
                    {
                        stored.TryRemove(name, out _); // the old one or the new one
                    }

                    Interlocked.Increment(ref writes);
                }
            }),
        ];
        await Eventually.TrueAsync("there is load", () => Volatile.Read(ref reads) > 50 && stored.Count > 10);
        disks.TurnReadOnly(1);
        await Eventually.HoldsAsync(async () => await StatesAsync(store) is var states && states[1] == "faulted" ? null : string.Join(' ', states));
        int written = Volatile.Read(ref writes);
        await Eventually.TrueAsync("the write that met the fault is over", () => Volatile.Read(ref writes) > written);
        int before = Volatile.Read(ref reads);
        int refusedBefore = Volatile.Read(ref refused);
        await Eventually.TrueAsync("there is load without it", () => Volatile.Read(ref reads) > before + 50);
        await stop.CancelAsync();
        await Task.WhenAll(load);
        Assert.Equal(refusedBefore, refused); // writes go elsewhere
        Assert.Equal(["serving", "faulted", "serving", "serving"], await StatesAsync(store));
        foreach ((string name, int content) in stored)
        {
            Assert.Equal(contents[content].Bytes(0, SizeBytes), await store.GetAsync("b", name));
        }

        string[] others = [.. disks.Paths.Where(path => path != disks.Paths[1])];
        int wanted = each * await ListedAsync(store);
        await Eventually.HoldsAsync(async () =>
            FilesIn(others, files) is var found && found == wanted ? null : $"{found} files of {wanted} are there; {await JobsAsync(server)}\n{server.Log}");
        Assert.Equal(0, await server.StopAsync());
        Assert.Empty(ServerResources.WorkFiles(others));
    }

    /// <summary>By the mark, and, where there is no mark, by the error of the file system.</summary>
    [Theory]
    [InlineData("65,75,90,95")]
    [InlineData("65,75,90,100")]
    public async Task WithoutInodesNothingNewIsStoredAndWritesGoOnAfterDeletes(string marks)
    {
        using var disks = new LoopDisks(64L << 20, ["-N", "256"], "ext4");
        using SluiceProcess server = await SluiceProcess.StartAsync(disks.Paths, "--health-interval", "200ms", "--space-marks", marks);
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("b");
        int stored = 0;
        HttpStatusCode last = await PutAsync(store, "o0", [0]);
        for (; last == HttpStatusCode.OK && stored < 1000; last = await PutAsync(store, $"o{stored}", [(byte)stored]))
        {
            stored++;
        }

        Assert.Equal(HttpStatusCode.InsufficientStorage, last);
        Assert.InRange(stored, 100, 255);
        for (int i = 0; i < stored; i++)
        {
            Assert.Equal((byte[])[(byte)i], await store.GetAsync("b", $"o{i}"));
        }

        Assert.Equal(stored, await ListedAsync(store));
        Assert.Equal(["serving"], await StatesAsync(store)); // a full one is not an unfit one
        for (int i = 0; i < stored; i += 2)
        {
            using HttpResponseMessage deleted = await store.SendAsync(HttpMethod.Delete, Store.Target("b", $"o{i}"));
            Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        }

        await Eventually.HoldsAsync(async () => await PutAsync(store, "again", [7]) is HttpStatusCode.OK ? null : "writes do not go on");
        Assert.Equal((byte[])[7], await store.GetAsync("b", "again"));
        Assert.Equal((byte[])[1], await store.GetAsync("b", "o1"));
        Assert.Equal(0, await server.StopAsync());
        Assert.Empty(ServerResources.WorkFiles(disks.Paths));
        (int code, string said, _) = await SluiceProcess.RunAsync(null, null, "fsck", disks.Paths[0]);
        Assert.True(code == 0, said);
    }

    /// <summary>A quota of btrfs, which holds for everybody; the file system itself has room.</summary>
    [Theory]
    [InlineData("strict")]
    [InlineData("relaxed")]
    public async Task BehindItsQuotaNothingNewIsStoredAndWritesGoOnAfterDeletes(string durability)
    {
        using var disks = new LoopDisks(256L << 20, "btrfs");
        string path = Path.Combine(disks.Paths[0], "store");
        LoopDisks.Run("btrfs", "quota", "enable", disks.Paths[0]);
        LoopDisks.Run("btrfs", "subvolume", "create", path);
        LoopDisks.Run("btrfs", "qgroup", "limit", "24M", path);
        using SluiceProcess server = await SluiceProcess.StartAsync([path], "--health-interval", "200ms");
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("b", $$"""{"durability":"{{durability}}"}""");
        Content[] contents = [.. Enumerable.Range(0, Objects).Select(i => new Content(i, 1 << 20))];
        int stored = 0;
        while (stored < Objects && await PutAsync(store, $"o{stored}", contents[stored].Bytes(0, 1 << 20)) is var status && status != HttpStatusCode.InsufficientStorage)
        {
            Assert.Equal(HttpStatusCode.OK, status);
            stored++;
        }

        Assert.InRange(stored, 10, 24);
        for (int i = 0; i < stored; i++)
        {
            Assert.Equal(contents[i].Bytes(0, 1 << 20), await store.GetAsync("b", $"o{i}"));
        }

        Assert.Equal(stored, await ListedAsync(store));
        Assert.Equal(["serving"], await StatesAsync(store));
        for (int i = 0; i < stored; i += 2)
        {
            using HttpResponseMessage deleted = await store.SendAsync(HttpMethod.Delete, Store.Target("b", $"o{i}"));
            Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        }

        await Eventually.HoldsAsync(async () => await PutAsync(store, "again", contents[0].Bytes(0, 1 << 20)) is HttpStatusCode.OK ? null : "writes do not go on");
        Assert.Equal(contents[0].Bytes(0, 1 << 20), await store.GetAsync("b", "again"));
        Assert.Equal(contents[1].Bytes(0, 1 << 20), await store.GetAsync("b", "o1"));
        Assert.Equal(0, await server.StopAsync());
        Assert.Empty(ServerResources.WorkFiles([path]));
        (int code, string said, _) = await SluiceProcess.RunAsync(null, null, "fsck", path);
        Assert.True(code == 0, said);
    }

    /// <summary>As many descriptors as connections may take, and none for files: 503 for what needs one, and all is as before when they are back.</summary>
    [Theory]
    [InlineData("uring")]
    [InlineData("sockets")]
    public async Task WithoutDescriptorsRequestsAreRefusedAndNothingIsDamaged(string backend)
    {
        using var disks = new LoopDisks(64L << 20, "ext4", "ext4");
        using SluiceProcess server = await SluiceProcess.StartUnderAsync(
            ["prlimit", "--nofile=400:400"], disks.Paths, "--io", backend, "--health-interval", "200ms");
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("b");
        for (int i = 0; i < Objects; i++)
        {
            await store.PutAsync("b", $"o{i}", [(byte)i]);
        }

        var statuses = new HashSet<HttpStatusCode>();
        var stored = new Dictionary<string, byte>();
        List<Socket> connections = [];
        try
        {
            for (int i = 0; i < 600 && !statuses.Contains(HttpStatusCode.ServiceUnavailable); i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                connections.Add(socket);
                await socket.ConnectAsync(server.Endpoint.Host, server.Endpoint.Port);
                await socket.SendAsync("GET /v1/health HTTP/1.1\r\n"u8.ToArray());
                HttpStatusCode status = await PutAsync(store, $"n{i}", [(byte)i]);
                statuses.Add(status);
                if (status == HttpStatusCode.OK)
                {
                    stored[$"n{i}"] = (byte)i;
                }
            }
        }
        finally
        {
            connections.ForEach(socket => socket.Dispose());
        }

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable], statuses.Order());
        await Eventually.HoldsAsync(async () => await PutAsync(store, "again", [7]) is HttpStatusCode.OK ? null : "writes do not go on");
        foreach ((string name, byte content) in stored)
        {
            Assert.Equal((byte[])[content], await store.GetAsync("b", name));
        }

        for (int i = 0; i < Objects; i++)
        {
            Assert.Equal((byte[])[(byte)i], await store.GetAsync("b", $"o{i}"));
        }

        Assert.Equal(["serving", "serving"], await StatesAsync(store));
        Assert.DoesNotContain("is taken out of service", server.Log, StringComparison.Ordinal);
        Assert.Equal(0, await server.StopAsync());
        Assert.Empty(ServerResources.WorkFiles(disks.Paths));
        (int code, string said, _) = await SluiceProcess.RunAsync(null, null, ["fsck", .. disks.Paths]);
        Assert.True(code == 0, said);
    }

    private static int FilesIn(string[] paths, string directory) => paths.Sum(path => Directory
        .EnumerateFiles(path, "*", new EnumerationOptions { RecurseSubdirectories = true }).Count(file => file.Contains(directory, StringComparison.Ordinal)));

    private static async Task<int> ListedAsync(Store store) =>
        (await store.ControlAsync(HttpMethod.Get, "/v1/buckets/b", """{"action":"list","value":{"props":"name"}}""")).Split("\"name\":\"").Length - 1;

    private static async Task<HttpStatusCode> PutAsync(Store store, string name, byte[] bytes)
    {
        using HttpResponseMessage answer = await store.SendAsync(HttpMethod.Put, Store.Target("b", name), new ByteArrayContent(bytes));
        return answer.StatusCode;
    }

    /// <summary>Of the mountpaths in their order.</summary>
    private static async Task<string[]> StatesAsync(Store store)
    {
        using JsonDocument lists = JsonDocument.Parse(await store.ControlAsync(HttpMethod.Get, "/v1/daemon?what=mountpaths", ""));
        return [.. lists.RootElement.GetProperty("details").EnumerateArray().OrderBy(row => row.GetProperty("path").GetString(), StringComparer.Ordinal)
            .Select(row => row.GetProperty("state").GetString()!)];
    }

    private static async Task<string> JobsAsync(SluiceProcess server) => (await SluiceProcess.RunAsync(null, server.Endpoint, "job", "ls", "--json")).Output;
}
