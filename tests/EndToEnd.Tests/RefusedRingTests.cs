// Machines that refuse io_uring, by a seccomp filter or by the sysctl: "auto" takes threads and says so once, "uring" does not start.
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

/// <summary>Not beside others: the sysctl is the whole machine's.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RefusedRingCollection
{
    /// <summary>Name of the collection.</summary>
    public const string Name = "io_uring refused";
}

[Collection(RefusedRingCollection.Name)]
public sealed class RefusedRingTests : IDisposable
{
    private const string Sysctl = "/proc/sys/kernel/io_uring_disabled"; // Linux 6.6

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-e2e-");

    /// <summary>How io_uring is refused; the sysctl where the kernel has it.</summary>
    public static TheoryData<string> Refusals => [.. RefusedRing.Errors.Keys, .. File.Exists(Sysctl) ? (string[])["sysctl"] : []];

    [Theory]
    [MemberData(nameof(Refusals))]
    public Task AutoFallsBackToThreadsAndSaysSoOnce(string refusal) => RefusedAsync(refusal, async (prefix, error) =>
    {
        using SluiceProcess server = await SluiceProcess.StartUnderAsync(prefix, [_home.FullName], "--io", "auto");
        string reason = Assert.Single(server.Log.Split('\n'), line => line.Contains("io_uring", StringComparison.Ordinal));
        Assert.Contains(error, reason, StringComparison.Ordinal);
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("b");
        byte[] content = new Content(seed: 30, 3 << 20).Bytes(0, 3 << 20);
        await store.PutAsync("b", "o", content);
        Assert.Equal(content, await store.GetAsync("b", "o"));
        using JsonDocument details = JsonDocument.Parse(await store.ControlAsync(HttpMethod.Get, "/v1/health?details=true", ""));
        Assert.Equal("threads", details.RootElement.GetProperty("io").GetString());
        Assert.Single(server.Log.Split('\n'), line => line.Contains("io_uring", StringComparison.Ordinal)); // and not again for each request
        Assert.Equal(0, await server.StopAsync());
    });

    [Theory]
    [MemberData(nameof(Refusals))]
    public Task UringDoesNotStartAndSaysWhy(string refusal) => RefusedAsync(refusal, async (prefix, error) =>
    {
        (int code, _, string log) = await SluiceProcess.RunUnderAsync(
            prefix, "serve", "--listen", "127.0.0.1:0", "--mountpath", _home.FullName, "--io", "uring");
        Assert.True(code is 1 or 2, $"exit code {code}: {log}");
        string reason = Assert.Single(log.Split('\n'), line => line.Contains("io_uring", StringComparison.Ordinal));
        Assert.Contains(error, reason, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", log, StringComparison.Ordinal);
        Assert.DoesNotContain(" listens on ", log, StringComparison.Ordinal);
    });

    /// <summary>The refusal itself: a filter that refuses nothing would let every test here pass on a server that never tries.</summary>
    [Theory]
    [MemberData(nameof(Refusals))]
    public Task IoUringIsRefusedIndeed(string refusal) => RefusedAsync(refusal, async (prefix, error) =>
    {
        const string Setup = "my $parameters = qq(\\0) x 120; exit(syscall(425, 1, $parameters) < 0 ? $!+0 : 0)";
        (int code, _, _) = await SluiceProcess.RunCommandAsync([.. prefix, "perl", "-e", Setup]);
        Assert.Equal(RefusedRing.Errors[error], code);
        (code, _, _) = await SluiceProcess.RunCommandAsync([.. prefix, "perl", "-e", "exit(syscall(424, 1, 2, 3, 4) < 0 ? $!+0 : 0)"]);
        Assert.Equal(9, code); // EBADF: the call before io_uring's is let through
    });

    public void Dispose() => _home.Delete(recursive: true);

    /// <summary>Runs a test where io_uring is refused; it gets what to put before a command, and the error that io_uring_setup(2) answers.</summary>
    private static async Task RefusedAsync(string refusal, Func<string[], string, Task> test)
    {
        if (refusal != "sysctl")
        {
            await test(RefusedRing.Prefix(refusal), refusal);
            return;
        }

        string before = await File.ReadAllTextAsync(Sysctl);
        await File.WriteAllTextAsync(Sysctl, "2");
        try
        {
            await test([], "EPERM");
        }
        finally
        {
            await File.WriteAllTextAsync(Sysctl, before);
        }
    }
}
