using Microsoft.AspNetCore.Http;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests;

/// <summary>object set-custom: what is asked of the server, and what makes no sense.</summary>
public sealed class SetCustomTests
{
    [Theory]
    [InlineData("k=v", "", """{"k":"v"}""")]
    [InlineData("k=v other=a=b empty=", "", """{"k":"v","other":"a=b","empty":""}""")]
    [InlineData("--replace k=v", "&set-new-custom=true", """{"k":"v"}""")]
    [InlineData("--replace", "&set-new-custom=true", "{}")]
    public async Task PairsAreMergedOrReplaceAll(string arguments, string query, string value)
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Intercept = static (_, seen) => Task.FromResult(seen.Method == "PATCH");
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["object", "set-custom", "ais://b/d/x&", .. arguments.Split(' ')]);
        Assert.Equal((ExitCode.Ok, "", ""), (run.Code, run.Output, run.Error));
        SeenRequest sent = server.Only("PATCH");
        Assert.Equal($"/v1/objects/b/d/x%26?provider=ais{query}", sent.RawTarget);
        Assert.Equal(value, sent.Json["value"]!.ToJsonString());
        run = await CommandRun.OfAsync(server.Endpoint, ["object", "set-custom", "ais://b/x", "k=v", "--json"]);
        Assert.Equal("""{"bucket":"ais://b","name":"x"}""" + "\n", run.Output);
    }

    [Theory]
    [InlineData("ais://b/x", "no KEY=VALUE is given")]
    [InlineData("ais://b/x k", "\"k\" is not of the form KEY=VALUE")]
    [InlineData("ais://b/x =v", "\"=v\" is not of the form KEY=VALUE")]
    [InlineData("ais://b/x k=1 k=2", "\"k\" is given twice")]
    [InlineData("ais://b/ k=1", "names no object")]
    [InlineData("ais://b k=1", "names no object")]
    [InlineData("x k=1", "is not an address")]
    public async Task WhatMakesNoSenseIsNotAsked(string arguments, string sentence)
    {
        await using StubServer server = await StubServer.StartAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["object", "set-custom", .. arguments.Split(' ')]);
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
        Assert.Empty(server.Seen);
    }
}
