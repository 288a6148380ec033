using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests;

/// <summary><c>ls</c>: which entries are printed, what of each, and what the server is asked for it.</summary>
public sealed class ListTests
{
    private const string Rich = """
        {"uuid":"u","continuation_token":"","flags":0,"entries":[
        {"name":"a b","checksum":"0123456789abcdef","atime":"01 Dec 25 10:00 UTC","version":"7","location":"t[n1]:mp[/data/1]","custom-md":"[by:me lang:en]","size":"123","copies":2,"ec":"4:2[encoded]","flags":8256},
        {"name":"d/","flags":256},
        {"name":"lost","size":"5","copies":1,"flags":66}]}
        """;

    [Fact]
    public async Task EveryPropertyIsAColumnAndAField()
    {
        await using StubServer server = await RichServerAsync();
        CommandRun text = await CommandRun.OfAsync(server.Endpoint, ["ls", "ais://b", "--props", "all"]);
        Assert.Equal((ExitCode.Ok, ""), (text.Code, text.Error));
        Assert.Equal(
            ["SIZE VERSION CHECKSUM ATIME CACHED STATUS COPIES EC CUSTOM LOCATION CHUNKED NAME",
                "123 7 0123456789abcdef 01 Dec 25 10:00 UTC yes ok 2 4:2[encoded] [by:me lang:en] t[n1]:mp[/data/1] yes a b",
                "- - - - - - - - - - - d/",
                "5 - - - yes misplaced-mountpath 1 - - - no lost"],
            text.Output.Trim().Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries))));
        Assert.Equal("name,size,version,checksum,atime,cached,status,copies,ec,custom,location,chunked", Asked(server.Seen.Single(), "props"));
        CommandRun json = await CommandRun.OfAsync(server.Endpoint, ["ls", "ais://b", "--props", "all", "--json"]);
        Assert.Equal(
            """{"name":"a b","directory":false,"size":123,"version":"7","checksum":"0123456789abcdef","atime":"01 Dec 25 10:00 UTC","cached":true,"status":"ok","copies":2,"ec":"4:2[encoded]","custom":"[by:me lang:en]","location":"t[n1]:mp[/data/1]","chunked":true}""",
            json.Output.Split('\n')[0]);
        Assert.Equal("""{"name":"d/","directory":true}""", json.Output.Split('\n')[1]);
    }

    [Fact]
    public async Task TheColumnsAreThoseThatAreAskedForInThatOrder()
    {
        await using StubServer server = await RichServerAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["ls", "ais://b", "--props", "copies, size,name,copies"]);
        Assert.Equal("COPIES             SIZE  NAME\n     2              123  a b\n     -                -  d/\n     1                5  lost\n", run.Output);
        Assert.Equal("name,copies,size", Asked(server.Seen.Single(), "props"));
        CommandRun bare = await CommandRun.OfAsync(server.Endpoint, ["ls", "ais://b", "--props", "name", "-H"]);
        Assert.Equal("a b\nd/\nlost\n", bare.Output);
        Assert.Equal("name", Asked(server.Seen.Last(), "props"));
    }

    [Theory]
    [InlineData("a\nd/\ne1\ne2\nf\n", "ais://b")]
    [InlineData("a\nd/\ne1\ne2\nf\n", "ais://b", "--nr")]
    [InlineData("a\nd/x\nd/y/z\ne1\ne2\nf\n", "ais://b", "--recursive")]
    [InlineData("e1\ne2\n", "ais://b", "--prefix", "e")]
    [InlineData("d/x\nd/y/z\n", "ais://b/", "--prefix", "d/", "-r")]
    [InlineData("d/y/z\ne1\n", "ais://b", "-r", "--regex", "z|1$")]
    [InlineData("a\nd/\ne1\n", "ais://b", "--limit", "3")]
    [InlineData("e2\nf\n", "ais://b", "--regex", "e2|f", "--limit", "2")]
    [InlineData("e2\n", "ais://b", "--regex", "e2|f", "--limit", "1")]
    [InlineData("a\nd/\ne1\ne2\nf\n", "ais://b", "--paged", "--page-size", "2")]
    [InlineData("e1\ne2\n2 objects, 24 B (24 bytes)\n", "ais://b/e", "--summary")]
    [InlineData("5 objects, 60 B (60 bytes)\n", "ais://b", "--count-only", "-r", "--limit", "5")]
    [InlineData("4 objects, 1 directories, 48 B (48 bytes)\n", "ais://b", "--count-only")]
    [InlineData("0 objects, 0 B (0 bytes)\n", "ais://b", "--count-only", "--prefix", "nothing")]
    [InlineData("VERSION  NAME\n      1  e1\n      1  e2\n2 objects, 24 B (24 bytes)\n", "ais://b/e", "--summary", "--props", "version")]
    public async Task TheEntriesAreThoseThatAreMeant(string output, params string[] arguments)
    {
        await using StubServer server = await FilledAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["ls", .. arguments]);
        Assert.Equal((ExitCode.Ok, output, ""), (run.Code, run.Output, run.Error));
    }

    [Theory]
    [InlineData("0", "ais://b")]
    [InlineData("3", "ais://b", "--limit", "3")]
    [InlineData("2", "ais://b", "--limit", "3", "--page-size", "2")]
    [InlineData("0", "ais://b", "--limit", "3", "--regex", ".")]
    public async Task ThePageIsNoLargerThanTheLimit(string pageSize, params string[] arguments)
    {
        await using StubServer server = await FilledAsync();
        Assert.Equal(ExitCode.Ok, (await CommandRun.OfAsync(server.Endpoint, ["ls", .. arguments])).Code);
        Assert.All(server.Seen, seen => Assert.Equal(pageSize, Asked(seen, "pagesize")));
    }

    [Fact]
    public async Task NothingIsReadBehindTheLimit()
    {
        await using StubServer server = await FilledAsync();
        server.PageSizeMax = 2;
        Assert.Equal("a\nd/\n", (await CommandRun.OfAsync(server.Endpoint, ["ls", "ais://b", "--limit", "2"])).Output);
        Assert.Single(server.Seen);
    }

    [Fact]
    public async Task ThePageIsPrintedBeforeTheNextOneIsAskedFor()
    {
        await using StubServer server = await FilledAsync();
        using var output = new CountingWriter();
        var printed = new List<string>();
        server.Intercept = (_, _) =>
        {
            printed.Add(output.Flushed);
            return Task.FromResult(false);
        };
        ClientEnvironment environment = ClientEnvironment.OfProcess(_ => LocalFileKind.File) with
        {
            Output = output,
            Variable = name => name == "SLUICE_ENDPOINT" ? server.Endpoint : null,
        };
        Assert.Equal(0, await CommandRun.Root(environment).Parse(["ls", "ais://b", "--page-size", "2"]).InvokeAsync());
        Assert.Equal(["", "a\nd/\n", "a\nd/\ne1\ne2\n"], printed);
        Assert.Equal("a\nd/\ne1\ne2\nf\n", output.Flushed);
    }

    [Fact]
    public async Task TheSumIsTheLastObjectOfTheJson()
    {
        await using StubServer server = await FilledAsync();
        IReadOnlyList<JsonObject> lines = (await CommandRun.OfAsync(server.Endpoint, ["ls", "ais://b", "--json", "--summary"])).JsonLines;
        Assert.Equal(6, lines.Count);
        Assert.Equal("""{"objects":4,"directories":1,"size":48}""", lines[^1].ToJsonString());
    }

    [Theory]
    [InlineData("ais://b\nais://other\n", "/v1/buckets", "ls")]
    [InlineData("ais://b\nais://other\n", "/v1/buckets?provider=ais", "ls ais://")]
    [InlineData("ais://other\n", "/v1/buckets", "ls --regex ^o")]
    [InlineData("ais://b\n", "/v1/buckets", "object ls --limit 1")]
    public async Task WithoutABucketTheBucketsAreListed(string output, string target, string line)
    {
        await using StubServer server = await TwoBucketsAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, line.Split(' '));
        Assert.Equal((ExitCode.Ok, output, ""), (run.Code, run.Output, run.Error));
        Assert.Equal(target, server.Seen.Single().RawTarget);
    }

    [Fact]
    public async Task TheSumOfBucketsIsTheirSummary()
    {
        await using StubServer server = await TwoBucketsAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["ls", "--summary", "--regex", "other", "--json"]);
        Assert.Equal((ExitCode.Ok, ""), (run.Code, run.Error));
        JsonObject only = run.JsonLines.Single();
        Assert.Equal(("ais://other", 3L), ((string?)only["bucket"], (long)only["objects"]!));
    }

    [Theory]
    [InlineData("ls ais://b --props size,colour", "a listing has no property \"colour\": they are name, size, version, checksum, atime, cached, status, copies, ec, custom, location, chunked, or all")]
    [InlineData("ls ais://b --props size --long", "--long and --props do not go together")]
    [InlineData("ls ais://b -r --nr", "--recursive and --non-recursive do not go together")]
    [InlineData("ls ais://b/x --prefix y", "--prefix goes with a bucket, and \"ais://b/x\" has a prefix already")]
    [InlineData("ls --prefix y", "--prefix goes with the objects of a bucket, and none is named")]
    [InlineData("ls ais:// --paged", "--paged goes with the objects of a bucket, and none is named")]
    public async Task WhatMakesNoSenseIsOneSentence(string line, string sentence)
    {
        await using StubServer server = await StubServer.StartAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, line.Split(' '));
        Assert.Equal((ExitCode.Usage, "", $"sluice: {sentence}\n"), (run.Code, run.Output, run.Error));
        Assert.Empty(server.Seen);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("(?=x)y")]
    [InlineData("(a)\\1")]
    public async Task AnExpressionThatCannotBeUsedIsOneSentence(string expression)
    {
        await using StubServer server = await StubServer.StartAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["ls", "ais://b", "--regex", expression]);
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.StartsWith("sluice: --regex: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Trim().Split('\n'));
    }

    [Theory]
    [InlineData("--limit", "0")]
    [InlineData("--limit", "many")]
    [InlineData("--page-size", "-1")]
    public async Task ANumberIsFromOne(string option, string value)
    {
        CommandRun run = await CommandRun.OfAsync(null, ["ls", "ais://b", option, value]);
        Assert.Equal((ExitCode.Usage, $"{option} takes a number from 1"), (run.Code, run.Error));
    }

    private static string? Asked(SeenRequest seen, string member) => seen.Json["value"]![member]?.ToString();

    private static async Task<StubServer> FilledAsync()
    {
        StubServer server = await StubServer.StartAsync();
        foreach (string name in new[] { "a", "d/x", "d/y/z", "e1", "e2", "f" })
        {
            server.Objects[name] = new byte[12];
        }

        return server;
    }

    private static async Task<StubServer> RichServerAsync()
    {
        StubServer server = await StubServer.StartAsync();
        server.Intercept = static async (context, _) =>
        {
            await context.Response.WriteAsync(Rich);
            return true;
        };
        return server;
    }

    private static async Task<StubServer> TwoBucketsAsync()
    {
        StubServer server = await StubServer.StartAsync();
        server.Intercept = static async (context, seen) =>
        {
            bool isSummary = (string?)seen.Json["action"] == "summary-bck";
            bool isFirst = isSummary && ((string?)seen.Json["value"]!["uuid"] ?? "").Length == 0;
            context.Response.StatusCode = isFirst ? 202 : 200;
            await context.Response.WriteAsync(isFirst ? "sum-1" : $"[{Bucket("b", isSummary)},{Bucket("other", isSummary)}]");
            return true;
        };
        return server;
    }

    private static string Bucket(string name, bool isSummary) =>
        $$$"""{"name":"{{{name}}}","provider":"ais","namespace":{"uuid":"","name":""}{{{(isSummary ? ""","ObjCount":{"obj_count_present":"3"},"ObjSize":{},"TotalSize":{}""" : "")}}}}""";

    /// <summary>Output as a process has it: nothing is seen of it before it is flushed.</summary>
    private sealed class CountingWriter : StringWriter
    {
        public CountingWriter()
        {
            NewLine = "\n";
        }

        public string Flushed { get; private set; } = "";

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            Flushed = ToString();
            return Task.CompletedTask;
        }
    }
}
