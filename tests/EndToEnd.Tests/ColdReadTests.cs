// Objects that are not in memory, over real file systems: exact whatever the range, past the page cache first and through it when they come again; what
// clients do to the connection meanwhile costs nobody else a buffer. That the cold way was taken is read off the server's counters, each time.
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class ColdReadTests
{
    private const long Size = (6 << 20) + 4321;

    private static readonly (long Offset, long Count)[] s_ranges =
    [
        (0, Size), (1, Size - 1), (0, Size - 1), (4095, 2 << 20), (4096, (1 << 20) + 1), (524_287, 524_290), ((1 << 20) - 1, 3 << 20), (Size - 40_001, 40_001),
        (12_345, 32_769), ((4 << 20) - 1, 40_000), (Size - 4321, 4321), (Size - 1, 1),
    ];

    public static TheoryData<string> FileSystems => ["ext4", "xfs"];

    [Theory]
    [MemberData(nameof(FileSystems))]
    public async Task EveryRangeIsExactPastThePageCacheAndThroughIt(string fileSystem)
    {
        await using ColdServer server = await ColdServer.StartAsync(fileSystem);
        for (int i = 0; i < s_ranges.Length; i++)
        {
            (long offset, long count) = s_ranges[i];
            var content = new Content(seed: 50 + i, Size);
            await server.PutColdAsync($"o{i}", content);
            Assert.Equal((count > 32 << 10 ? count : 0, 0), await CostAsync(server, $"o{i}", content, offset, count));
            server.Evict($"o{i}");
            (long direct, long cached) = await CostAsync(server, $"o{i}", content, offset, count); // again: it is to stay
            Assert.Equal(0, direct);
            Assert.InRange(cached, count > 32 << 10 ? 1 : 0, count > 32 << 10 ? count : 0); // less where the kernel has read ahead
            Assert.Equal((0, 0), await CostAsync(server, $"o{i}", content, offset, count)); // and does
        }

        await server.HasNoLeasesAsync("after all ranges");
        Assert.True(await server.CounterAsync("ring.fixed") >= s_ranges.Length, "reads past the page cache were not by registered buffers");
        Assert.Equal(0, await server.CounterAsync("ring.plain"));
        Assert.DoesNotContain("RLIMIT_MEMLOCK", server.Log, StringComparison.Ordinal);
    }

    /// <summary>1 MiB may be pinned, of which two rings take 0.4 for their queues, so that no buffer of 1 MiB may be: what is read by them is exact all the same, and the log says once why it costs more.</summary>
    [Fact]
    public async Task WithoutLockedMemoryReadsGoThePlainWay()
    {
        await using ColdServer server = await ColdServer.StartUnderAsync(
            ["taskset", "-c", "0,1", "prlimit", "--memlock=1048576", "setpriv", "--bounding-set=-ipc_lock,-sys_resource"], "xfs");
        var content = new Content(seed: 71, Size);
        for (int i = 0; i < 3; i++)
        {
            await server.PutColdAsync($"plain{i}", content);
            Assert.Equal((Size, 0), await CostAsync(server, $"plain{i}", content, 0, Size));
        }

        Assert.InRange(await server.CounterAsync("ring.plain"), 3 * (Size >> 20), long.MaxValue);
        Assert.Equal(0, await server.CounterAsync("ring.fixed"));
        Assert.Single(server.Log.Split('\n'), line => line.Contains("RLIMIT_MEMLOCK", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(FileSystems))]
    public async Task ASmallObjectIsCachedWhenItComesAgain(string fileSystem)
    {
        await using ColdServer server = await ColdServer.StartAsync(fileSystem);
        foreach (int size in (int[])[(32 << 10) + 1, 65_536, 1 << 20])
        {
            var content = new Content(seed: 70, size);
            await server.PutColdAsync("small", content);
            Assert.Equal((size, 0), await CostAsync(server, "small", content, 0, size));
            Assert.Equal((0, size), await CostAsync(server, "small", content, 0, size));
            Assert.Equal((0, 0), await CostAsync(server, "small", content, 0, size));
        }
    }

    [Fact]
    public async Task ClientsThatBreakOffLeaveNoBufferBehind()
    {
        await using ColdServer server = await ColdServer.StartAsync("ext4");
        for (int i = 0; i < 20; i++)
        {
            var content = new Content(seed: 80 + i, 10 << 20);
            await server.PutColdAsync("broken", content);
            using RawClient client = await server.ConnectAsync($"reset {i}");
            await client.SendAsync(BackendServer.Get("broken"));
            if (i % 2 == 0) // the others break off while the first reads are in flight
            {
                await client.HeadAsync();
                await client.BodyAsync(content, 0, 50_000 * i);
            }

            client.Reset();
        }

        await server.HasNoLeasesAsync("after resets");
    }

    [Fact]
    public async Task ClientsThatTakeNothingDoNotKeepBuffersFromOthers()
    {
        await using ColdServer server = await ColdServer.StartAsync("xfs");
        const int Slow = 64, SlowBytes = 8 << 20;
        var clients = new List<RawClient>();
        try
        {
            for (int i = 0; i < Slow; i++)
            {
                await server.PutColdAsync($"slow{i}", new Content(seed: 100 + i, SlowBytes));
                clients.Add(await server.ConnectAsync($"slow client {i}"));
                await clients[i].SendAsync(BackendServer.Get($"slow{i}"));
                await clients[i].StalledAsync();
            }

            Assert.True(await server.CounterAsync("cold.spent") > 0, "64 clients that take nothing left buffers over: this test shows nothing");
            var content = new Content(seed: 200, Size);
            await server.PutColdAsync("fast", content);
            (long direct, long cached) = await CostAsync(server, "fast", content, 0, Size);
            Assert.InRange(direct + cached, 1, Size); // it came from the disk, or the kernel had read ahead
        }
        finally
        {
            clients.ForEach(client => client.Reset());
            clients.ForEach(client => client.Dispose());
        }

        await server.HasNoLeasesAsync("after the slow clients are gone");
    }

    [Theory]
    [InlineData(0)]
    [InlineData((12 << 20) + 123)]
    [InlineData((32 << 20) - 1)]
    public async Task AFileThatIsCutDuringColdReadsBreaksTheConnection(long cut)
    {
        await using ColdServer server = await ColdServer.StartAsync("ext4");
        const long Whole = 32 << 20, ReadBefore = 1 << 20;
        var content = new Content(seed: 90, Whole);
        await server.PutColdAsync("cut", content);
        using RawClient client = await server.ConnectAsync($"cut at {cut}");
        await client.SendAsync(BackendServer.Get("cut"));
        Assert.Equal(Whole, (await client.HeadAsync()).ContentLength);
        await client.BodyAsync(content, 0, ReadBefore);
        await client.StalledAsync();
        using (FileStream file = File.OpenWrite(server.FileOf("cut")))
        {
            file.SetLength(cut);
        }

        long came = ReadBefore + await client.PrefixAsync(content, ReadBefore, Whole - ReadBefore);
        Assert.True(came < Whole, $"all of {Whole} bytes came from a file of {cut}");
        await server.HasNoLeasesAsync($"after a cut at {cut}");
    }

    /// <summary>Asks for a range, compares every byte, and answers what was read past the page cache and through it meanwhile.</summary>
    private static async Task<(long Direct, long Cached)> CostAsync(ColdServer server, string name, Content content, long offset, long count)
    {
        (long direct, long cached) = (await server.CounterAsync("cold.direct_bytes"), await server.CounterAsync("cold.cached_bytes"));
        using RawClient client = await server.ConnectAsync($"{name} from {offset}, {count} bytes");
        await client.SendAsync(BackendServer.Get(name, $"Range: bytes={offset}-{offset + count - 1}\r\n"));
        await client.ContentAsync(206, content, offset, count);
        return (await server.CounterAsync("cold.direct_bytes") - direct, await server.CounterAsync("cold.cached_bytes") - cached);
    }
}
