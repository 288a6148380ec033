using Microsoft.AspNetCore.Http;
using Sluice.Cli.Tests.Support;
using Sluice.Cli.Transfers;

namespace Sluice.Cli.Tests;

/// <summary>A file appears under its name complete and right, or not at all, and never outside of its directory.</summary>
public sealed class DownloadTests
{
    [Theory]
    [InlineData("xxhash2", true)]
    [InlineData("xxhash", true)]
    [InlineData("md5", true)]
    [InlineData("sha256", true)]
    [InlineData("sha512", true)]
    [InlineData("xxh3", true)]
    [InlineData("crc32c", true)]
    [InlineData("crc64nvme", true)]
    [InlineData("crc99", false)]
    public async Task AFileArrivesWholeAndIsVerifiedWhenItsDigestIsOneOfOurs(string checksumType, bool isVerified)
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        server.ChecksumType = checksumType;
        server.Objects["dir/x"] = new byte[700_001];
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/dir/x", home["copy"], "--json"]);
        Assert.Equal((ExitCode.Ok, ""), (run.Code, run.Error));
        Assert.Equal(["copy"], home.Files);
        Assert.Equal(server.Objects["dir/x"], File.ReadAllBytes(home["copy"]));
        Assert.Equal(isVerified, (bool)run.JsonLines.Single()["verified"]!);
        Assert.Equal(700_001, (long)run.JsonLines.Single()["size"]!);
    }

    [Theory]
    [InlineData("xxhash2")]
    [InlineData("xxh3")]
    [InlineData("crc32c")]
    [InlineData("crc64nvme")]
    [InlineData("md5")]
    [InlineData("sha256")]
    [InlineData("sha512")]
    public async Task ADigestThatDisagreesLeavesWhatWasThere(string checksumType)
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        home.Write("copy", "old");
        server.Objects["x"] = new byte[100];
        server.Intercept = DamagedAsync(checksumType);
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/x", home["copy"]]);
        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith("sluice: ais://b/x is damaged: its " + checksumType, run.Error, StringComparison.Ordinal);
        Assert.Equal(["copy"], home.Files);
        Assert.Equal("old", File.ReadAllText(home["copy"]));
    }

    [Fact]
    public async Task AConnectionThatBreaksInTheMiddleLeavesNothing()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        server.Objects["x"] = new byte[100];
        server.Intercept = async (context, seen) =>
        {
            if (seen.Method != "GET")
            {
                return false;
            }

            context.Response.ContentLength = 1_000_000;
            await context.Response.Body.WriteAsync(new byte[10_000]);
            await context.Response.Body.FlushAsync();
            context.Abort();
            return true;
        };
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/x", home["copy"]]);
        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains($"{server.Endpoint} ", run.Error, StringComparison.Ordinal);
        Assert.Empty(home.Files);
    }

    [Fact]
    public async Task AnInterruptionInTheMiddleLeavesNothing()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        using var interruption = new CancellationTokenSource();
        server.Intercept = async (context, _) =>
        {
            context.Response.ContentLength = 1_000_000;
            await context.Response.Body.WriteAsync(new byte[10_000]);
            await context.Response.Body.FlushAsync();
            await interruption.CancelAsync();
            // Answers no more until the client has gone away.
            var gone = new TaskCompletionSource();
            using CancellationTokenRegistration registration = context.RequestAborted.Register(gone.SetResult);
            await gone.Task;
            return true;
        };
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/x", home["copy"]], token: interruption.Token);
        Assert.Equal((ExitCode.Failed, "sluice: interrupted\n"), (run.Code, run.Error));
        Assert.Empty(home.Files);
    }

    [Fact]
    public async Task StandardOutputIsVerifiedAsWell()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Intercept = DamagedAsync("md5");
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["cat", "ais://b/x"]);
        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("is damaged", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("a/../../evil")]
    [InlineData("a/../b")]
    [InlineData("./x")]
    [InlineData("/etc/passwd")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("..")]
    [InlineData("a\0b")]
    [InlineData("")]
    public void ANameWithoutASafePathIsRefused(string name)
    {
        using var home = new TemporaryDirectory();
        Assert.Throws<RefusedException>(() => LocalPath.Below(home.Path, name));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("a/b/c")]
    [InlineData("...")]
    [InlineData("..a/b..")]
    [InlineData("a\\..\\b")]
    [InlineData("-x")]
    public void AnOrdinaryNameKeepsItsPath(string name)
    {
        using var home = new TemporaryDirectory();
        Assert.Equal(Path.Join(home.Path, name), LocalPath.Below(home.Path, name));
    }

    [Fact]
    public async Task ARecursiveGetRefusesWhatWouldEscapeAndFetchesTheRest()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        server.Objects["d/good"] = [1];
        server.Objects["d/../../evil"] = [2];
        server.Objects["d/sub/also"] = [3];
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["get", "-r", "ais://b/d/", home["target"]]);
        Assert.Equal(ExitCode.Refused, run.Code);
        Assert.Contains("\"../../evil\" has no safe file name", run.Error, StringComparison.Ordinal);
        Assert.Equal(["target/good", "target/sub/also"], home.Files);
    }

    [Fact]
    public async Task ALinkInsideTheTargetDoesNotLeadOut()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        Directory.CreateDirectory(home["outside"]);
        Directory.CreateDirectory(home["target"]);
        Directory.CreateSymbolicLink(home["target/link"], home["outside"]);
        server.Objects["link/x"] = [1];
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["get", "-r", "ais://b", home["target"]]);
        Assert.Equal(ExitCode.Refused, run.Code);
        Assert.Empty(Directory.EnumerateFiles(home["outside"]));
    }

    [Fact]
    public async Task AFileThatIsALinkIsReplacedAndNotWrittenThrough()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        home.Write("precious", "precious");
        File.CreateSymbolicLink(home["x"], home["precious"]);
        server.Objects["x"] = CommandRun.Bytes("new");
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/x", home["x"]]);
        Assert.Equal(ExitCode.Ok, run.Code);
        Assert.Equal(("new", "precious"), (File.ReadAllText(home["x"]), File.ReadAllText(home["precious"])));
    }

    [Fact]
    public async Task ADirectoryInTheWayIsASentence()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        Directory.CreateDirectory(home["x/x"]);
        server.Objects["x"] = [1];
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/x", home["x"]]);
        Assert.Equal((ExitCode.Failed, $"sluice: {home["x/x"]} is a directory\n"), (run.Code, run.Error));
    }

    private static Func<HttpContext, SeenRequest, Task<bool>> DamagedAsync(string checksumType) => async (context, seen) =>
    {
        if (seen.Method != "GET")
        {
            return false;
        }

        using ContentDigest digest = ContentDigest.TryCreate(checksumType)!;
        digest.Append("right"u8);
        context.Response.Headers["Ais-Checksum-Type"] = checksumType;
        context.Response.Headers["Ais-Checksum-Value"] = digest.Value();
        await context.Response.Body.WriteAsync("wrong"u8.ToArray());
        return true;
    };
}
