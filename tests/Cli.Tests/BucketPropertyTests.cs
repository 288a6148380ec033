using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests;

/// <summary>Properties of a bucket by <c>bucket props</c>, and by the shorter words that mean the same.</summary>
public sealed class BucketPropertyTests
{
    private const string Whole = "provider = ais\nchecksum.type = xxhash2\naccess = 831\n";

    [Theory]
    [InlineData("bucket props show b", Whole)]
    [InlineData("bucket show ais://b", Whole)]
    [InlineData("bucket props show b checksum", "checksum.type = xxhash2\n")]
    [InlineData("bucket show b checksum.type", "checksum.type = xxhash2\n")]
    [InlineData("bucket props show b access", "access = 831\n")]
    [InlineData("bucket props show b access --json", "\"831\"\n")]
    [InlineData("bucket props show b checksum --json", "{\n  \"type\": \"xxhash2\"\n}\n")]
    public async Task AllOfThemOrAPartIsShown(string line, string output)
    {
        await using StubServer server = await StubServer.StartAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, line.Split(' '));
        Assert.Equal((ExitCode.Ok, output, ""), (run.Code, run.Output, run.Error));
    }

    [Theory]
    [InlineData("colour")]
    [InlineData("checksum.kind")]
    [InlineData("checksum.type.length")]
    [InlineData("checksum.")]
    public async Task APartThatIsNotThereIsTold(string part)
    {
        await using StubServer server = await StubServer.StartAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["bucket", "props", "show", "b", part]);
        Assert.Equal(
            (ExitCode.Usage, "", $"sluice: bucket ais://b has no property \"{part}\": its sections are provider, checksum, access\n"),
            (run.Code, run.Output, run.Error));
    }

    [Theory]
    [InlineData("bucket props set b checksum.type=md5 mirror.copies=3")]
    [InlineData("bucket set b checksum.type=md5 mirror.copies=3")]
    [InlineData("bucket props set b {\"checksum\":{\"type\":\"md5\"},\"mirror\":{\"copies\":3}}")]
    public async Task TheOnesThatAreGivenAreSet(string line)
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Intercept = static (_, seen) => Task.FromResult(seen.Method == "PATCH");
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, line.Split(' '));
        Assert.Equal((ExitCode.Ok, "", ""), (run.Code, run.Output, run.Error));
        Assert.Equal(
            """{"action":"set-bprops","name":"","value":{"checksum":{"type":"md5"},"mirror":{"copies":3}}}""", server.Only("PATCH").Json.ToJsonString());
    }

    [Theory]
    [InlineData("bucket props set b {\"a\":1} c=2", "properties as JSON do not go together with others")]
    [InlineData("bucket props set b {\"a\":", "the properties {\"a\": are not valid JSON, or have one twice")]
    [InlineData("bucket props set b {\"a\":1,\"a\":2}", "the properties {\"a\":1,\"a\":2} are not valid JSON, or have one twice")]
    [InlineData("bucket props set b {}", "no property is given")]
    public async Task WhatIsNoPropertyIsRefusedBeforeAnythingIsSent(string line, string sentence)
    {
        await using StubServer server = await StubServer.StartAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, line.Split(' '));
        Assert.Equal((ExitCode.Usage, $"sluice: {sentence}\n"), (run.Code, run.Error));
        Assert.Empty(server.Seen);
    }

    [Theory]
    [InlineData("props")]
    [InlineData(null)]
    public async Task AllOfThemAreReset(string? noun)
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Intercept = static (_, seen) => Task.FromResult(seen.Method == "PATCH");
        string[] line = noun is null ? ["bucket", "reset", "b"] : ["bucket", noun, "reset", "b"];
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, line);
        Assert.Equal((ExitCode.Ok, "", ""), (run.Code, run.Output, run.Error));
        Assert.Equal("reset-bprops", (string?)server.Only("PATCH").Json["action"]);
        Assert.Null(server.Only("PATCH").Json["value"]);
    }

    [Fact]
    public async Task AJobThatTheChangeStartsIsNamed()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Intercept = static async (context, seen) =>
        {
            if (seen.Method == "PATCH")
            {
                await context.Response.WriteAsync("job-1");
            }

            return seen.Method == "PATCH";
        };
        Assert.Equal("job-1\n", (await CommandRun.OfAsync(server.Endpoint, ["bucket", "props", "set", "b", "mirror.enabled=true"])).Output);
        JsonObject json = (await CommandRun.OfAsync(server.Endpoint, ["bucket", "props", "reset", "b", "--json"])).JsonLines.Single();
        Assert.Equal("job-1", (string?)json["id"]);
    }
}
