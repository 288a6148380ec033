// Bounded work in bounded memory: what is not let in is told so at once, and what is let in finds its memory, however much passes through.
using System.Globalization;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class MemoryTests
{
    private const int Streams = 64;
    private const long GroupBytes = 256L << 20;
    private const long BudgetBytes = GroupBytes / 4; // the default: a quarter of the cgroup

    /// <summary>Objects of the full run that stay on disk for the reads; the others are deleted as they are done.</summary>
    private const int KeptOfFullRun = 8;

    /// <summary>MEMORY_TEST_BYTES: <c>make test-memory</c> says 1 GiB; the suite's own size keeps it to seconds.</summary>
    private static readonly long s_objectBytes =
        long.Parse(Environment.GetEnvironmentVariable("MEMORY_TEST_BYTES") ?? "16777216", CultureInfo.InvariantCulture);

    private static bool IsFullRun => s_objectBytes > 128 << 20;

    /// <summary>Values of <c>--io</c>; one of them in a full run: MEMORY_TEST_IO.</summary>
    public static TheoryData<string> GroupBackends { get; } =
        IsFullRun ? [Environment.GetEnvironmentVariable("MEMORY_TEST_IO") ?? "auto"] : ["auto", "sockets", "threads"];

    [Theory]
    [InlineData("auto")]
    [InlineData("sockets")]
    [InlineData("threads")]
    public async Task WhatFindsNoRoomWaitsAndWhatTheQueueDoesNotTakeIsRefusedAtOnce(string backend)
    {
        await using BackendServer server = await BackendServer.StartAsync(backend, "--requests-max", "1");
        var slow = new Content(seed: 1, 3 << 20);
        var waiting = new Content(seed: 2, 70_000);
        using RawClient first = await server.ConnectAsync("the PUT that is being answered");
        await first.SendAsync(BackendServer.Put("slow", $"Content-Length: {slow.SizeBytes}\r\n"));
        await first.SendAsync(slow, 0, 1 << 20);
        await CountersAsync(server, "the first is in", counters => counters["admission.inflight"] == 1);
        using RawClient second = await server.ConnectAsync("the PUT that waits");
        await second.SendAsync(BackendServer.Put("waiting", $"Content-Length: {waiting.SizeBytes}\r\n"));
        await second.SendAsync(waiting, 0, waiting.SizeBytes);
        await CountersAsync(server, "the second waits", counters => counters["admission.queued"] == 1);

        using RawClient third = await server.ConnectAsync("the GET that is refused");
        await third.SendAsync(BackendServer.Get("slow"));
        (RawHead head, byte[] body) = await third.AnswerAsync(503);
        Assert.Equal("1", head["Retry-After"]);
        using (JsonDocument json = JsonDocument.Parse(body))
        {
            Assert.Equal(503, json.RootElement.GetProperty("status").GetInt32());
            Assert.Contains("try again", json.RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
        }

        Dictionary<string, long> counters = await CountersAsync(server);
        Assert.Equal((1, 1, 1), (counters["admission.inflight"], counters["admission.queued"], counters["admission.refused"]));
        await first.SendAsync(slow, 1 << 20, 2 << 20);
        Assert.Equal(slow.Digest, (await first.AnswerAsync(200)).Head["Ais-Checksum-Value"]);
        Assert.Equal(waiting.Digest, (await second.AnswerAsync(200)).Head["Ais-Checksum-Value"]);
        await server.HasAsync("slow", slow);
        await server.HasAsync("waiting", waiting);
        await third.SendAsync(BackendServer.Get("waiting")); // a refusal does not end the connection
        await third.ContentAsync(200, waiting, 0, waiting.SizeBytes);
        await CountersAsync(server, "all are out", now => now["admission.inflight"] == 0 && now["admission.queued"] == 0);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("sockets")]
    [InlineData("threads")]
    public async Task AWaitingRequestWhoseClientGoesAwayLeavesTheQueue(string backend)
    {
        await using BackendServer server = await BackendServer.StartAsync(backend, "--requests-max", "1");
        var slow = new Content(seed: 3, 1 << 20);
        using RawClient first = await server.ConnectAsync("the PUT that is being answered");
        await first.SendAsync(BackendServer.Put("slow", $"Content-Length: {slow.SizeBytes}\r\n"));
        await CountersAsync(server, "the first is in", counters => counters["admission.inflight"] == 1);
        using (RawClient gone = await server.ConnectAsync("the GET that goes away"))
        {
            await gone.SendAsync(BackendServer.Get("slow"));
            await CountersAsync(server, "the second waits", counters => counters["admission.queued"] == 1);
            gone.Reset();
        }

        await CountersAsync(server, "the queue is empty", counters => counters["admission.queued"] == 0);
        Assert.Equal(0, (await CountersAsync(server))["admission.refused"]);
        await first.SendAsync(slow, 0, slow.SizeBytes);
        await first.AnswerAsync(200);
        await server.HasAsync("slow", slow);
    }

    [Theory]
    [MemberData(nameof(GroupBackends))]
    public async Task SixtyFourWritesAndReadsAtOnceFitIntoASmallGroup(string backend)
    {
        using var group = new MemoryGroup(GroupBytes);
        await using BackendServer server = await BackendServer.StartInAsync(group, backend, "--client-timeout", "1h");
        Assert.Equal(BudgetBytes, (await CountersAsync(server))["memory.budget"]);
        Assert.DoesNotContain("cannot be limited", server.Process.Log, StringComparison.Ordinal); // the collector took its limit
        var content = Enumerable.Range(0, Streams).Select(seed => new Content(seed, s_objectBytes)).ToArray();
        int kept = IsFullRun ? KeptOfFullRun : Streams;
        using var stop = new CancellationTokenSource();
        Task<long> anonymous = MostAnonymousBytesAsync(server.Process.Id, stop.Token);

        using var writers = new SemaphoreSlim(IsFullRun ? Streams / 2 : Streams); // all have begun; so many go on at once, for want of disk
        await Task.WhenAll(content.Select((_, i) => WriteAsync(server, i, content[i], writers, i < kept)));
        await Task.WhenAll(content.Select((_, i) => ReadAsync(server, i % kept, content[i % kept])));

        Assert.Empty(ServerResources.WorkFiles(server.Mountpaths));
        Dictionary<string, long> counters = await CountersAsync(server);
        await stop.CancelAsync();
        long most = await anonymous;
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{backend}: {Streams} x {s_objectBytes >> 20} MiB written and read; at most {group.PeakBytes >> 20} MiB of the group, page cache included, "
            + $"{most >> 20} MiB anonymous; managed now {counters["memory.managed"] >> 20} MiB; refused {counters["admission.refused"]}; "
            + $"receives starved {counters.GetValueOrDefault("ring.starved")}, paused {counters.GetValueOrDefault("ring.paused")}");
        Assert.Equal(0, group.OomKillCount);
        Assert.True(group.PeakBytes <= GroupBytes);
        Assert.True(most <= BudgetBytes, $"{backend}: {most} bytes of anonymous memory with a budget of {BudgetBytes}");
        Assert.Equal(0, counters["admission.refused"]);
    }

    /// <summary>The test's eyes: a process that takes more than its group has is killed, and the group says so.</summary>
    [Fact]
    public async Task AProcessThatTakesMoreThanItsGroupHasIsSeenToBeKilled()
    {
        using var group = new MemoryGroup(16 << 20);
        string[] command = [.. group.Launcher, "/bin/sh", "-c", "head -c 64M /dev/zero | tail"]; // tail keeps all of its last line
        using var hog = System.Diagnostics.Process.Start(command[0], command[1..]);
        await hog.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.True(group.OomKillCount > 0);
    }

    private static async Task WriteAsync(BackendServer server, int index, Content content, SemaphoreSlim writers, bool isKept)
    {
        using RawClient client = await server.ConnectAsync($"PUT {index} of {content.SizeBytes} bytes", TimeSpan.FromHours(1));
        await client.SendAsync(BackendServer.Put($"o{index}", $"Content-Length: {content.SizeBytes}\r\n"));
        await client.SendAsync(content, 0, Content.PieceBytesMax);
        await writers.WaitAsync();
        try
        {
            await client.SendAsync(content, Content.PieceBytesMax, content.SizeBytes - Content.PieceBytesMax);
            (RawHead head, _) = await client.AnswerAsync(200);
            Assert.Equal(content.Digest, head["Ais-Checksum-Value"]);
            if (!isKept)
            {
                await server.DeleteAsync($"o{index}");
            }
        }
        finally
        {
            writers.Release();
        }
    }

    private static async Task ReadAsync(BackendServer server, int index, Content content)
    {
        using RawClient client = await server.ConnectAsync($"GET {index} of {content.SizeBytes} bytes", TimeSpan.FromHours(1));
        await client.SendAsync(BackendServer.Get($"o{index}"));
        RawHead head = await client.ContentAsync(200, content, 0, content.SizeBytes);
        Assert.Equal(content.Digest, head["Ais-Checksum-Value"]);
    }

    /// <summary>The most anonymous memory that a process is seen to have until it is enough.</summary>
    private static async Task<long> MostAnonymousBytesAsync(int processId, CancellationToken enough)
    {
        long most = 0;
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!enough.IsCancellationRequested)
        {
            most = Math.Max(most, ServerResources.ResidentBytes(processId, "RssAnon:"));
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }

        return most;
    }

    private static Task CountersAsync(BackendServer server, string what, Func<Dictionary<string, long>, bool> areSo) => Eventually.HoldsAsync(async () =>
    {
        Dictionary<string, long> counters = await CountersAsync(server);
        return areSo(counters)
            ? null
            : $"{server.Backend}: not yet: {what}: {string.Join(", ", counters.Where(pair => pair.Key.StartsWith("admission.", StringComparison.Ordinal)))}";
    });

    private static async Task<Dictionary<string, long>> CountersAsync(BackendServer server)
    {
        using JsonDocument details = JsonDocument.Parse(await server.DocumentAsync("/v1/health?details=true"));
        return details.RootElement.GetProperty("counters").EnumerateObject().ToDictionary(counter => counter.Name, counter => counter.Value.GetInt64());
    }
}
