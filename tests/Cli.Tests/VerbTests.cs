using System.Text.Json.Nodes;
using Sluice.Cli.Tests.Support;
using Sluice.Cli.Transfers;

namespace Sluice.Cli.Tests;

/// <summary>The verbs as a person or a script meets them: what is printed where, what is stored, and the exit code.</summary>
public sealed class VerbTests
{
    [Fact]
    public async Task AFileGoesUnderTheNameGivenOrItsOwn()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        string file = home.Write("über %25.txt", "content");
        foreach (string address in new[] { "ais://b/name", "ais://b/dir/", "ais://b", "ais://b/" })
        {
            CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["put", file, address]);
            Assert.Equal((ExitCode.Ok, "", ""), (run.Code, run.Output, run.Error));
        }

        Assert.Equal(["dir/über %25.txt", "name", "über %25.txt"], server.Objects.Keys.Order(StringComparer.Ordinal));
        Assert.All(server.Objects.Values, content => Assert.Equal("content"u8.ToArray(), content));
        SeenRequest[] puts = [.. server.Seen.Where(each => each.Method == "PUT")];
        Assert.Equal("xxhash2", puts[0].Headers["Ais-Checksum-Type"]);
        Assert.Equal(new[] { "7" }, puts.Select(put => put.Headers["Content-Length"]).Distinct());
    }

    [Fact]
    public async Task ADirectoryGoesWithHiddenFilesAndWithoutFollowingLinkedDirectories()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        home.Write("d/a", "1");
        home.Write("d/.hidden/b", "22");
        home.Write("d/sub/empty", "");
        Directory.CreateSymbolicLink(home["d/loop"], home["d"]);
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["put", home["d"], "ais://b/up", "--jobs", "3"]);
        Assert.Equal((ExitCode.Ok, "3 objects, 3 B\n", ""), (run.Code, run.Output, run.Error));
        Assert.Equal(["up/.hidden/b", "up/a", "up/sub/empty"], server.Objects.Keys.Order(StringComparer.Ordinal));
        using var back = new TemporaryDirectory();
        run = await CommandRun.OfAsync(server.Endpoint, ["get", "--recursive", "ais://b/up", back.Path]);
        Assert.Equal((ExitCode.Ok, "3 objects, 3 B\n"), (run.Code, run.Output));
        Assert.Equal([".hidden/b", "a", "sub/empty"], back.Files);
    }

    [Theory]
    [InlineData("ais://other/y z", "ais/%40%23/other/y%20z", "ais://other", "y z")]
    [InlineData("ais://@u#n/other/y", "ais/%40u%23n/other/y", "ais://@u#n/other", "y")]
    [InlineData("ais://other", "ais/%40%23/other/x%26", "ais://other", "x&")]
    [InlineData("ais://b/new/", "ais/%40%23/b/new/x%26", "ais://b", "new/x&")]
    public async Task AnObjectIsCopiedByTheServer(string target, string sent, string bucket, string name)
    {
        await using StubServer server = await StubServer.StartAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["cp", "ais://b/dir/x&", target]);
        Assert.Equal((ExitCode.Ok, "", ""), (run.Code, run.Output, run.Error));
        Assert.Equal($"/v1/objects/b/dir/x%26?provider=ais&object_to={sent}", server.Only("PUT").RawTarget);
        run = await CommandRun.OfAsync(server.Endpoint, ["cp", "ais://b/dir/x&", target, "--json"]);
        JsonNode line = run.JsonLines.Single();
        Assert.Equal((bucket, name), ((string)line["bucket"]!, (string)line["name"]!));
    }

    [Theory]
    [InlineData("ais://b/y z", "y z")]
    [InlineData("ais://b/new/", "new/x&")]
    public async Task AnObjectIsRenamedWithinItsBucket(string target, string name)
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Objects["dir/x&"] = [];
        server.Intercept = static (_, seen) => Task.FromResult(seen.Method == "POST");
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["mv", "ais://b/dir/x&", target]);
        Assert.Equal((ExitCode.Ok, "", ""), (run.Code, run.Output, run.Error));
        SeenRequest sent = server.Only("POST");
        Assert.Equal("/v1/objects/b/dir/x%26?provider=ais", sent.RawTarget);
        Assert.Equal(("rename-obj", name), ((string)sent.Json["action"]!, (string)sent.Json["name"]!));
        run = await CommandRun.OfAsync(server.Endpoint, ["mv", "ais://b/dir/x&", "ais://other/x"]);
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains("is in another bucket", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ais://b/dir/")]
    [InlineData("ais://b")]
    public async Task WhatNamesNoObjectIsNotCopied(string source)
    {
        await using StubServer server = await StubServer.StartAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["cp", source, "ais://b/y"]);
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains("names no object", run.Error, StringComparison.Ordinal);
        Assert.Empty(server.Seen);
    }

    [Theory]
    [InlineData(LocalFileKind.Fifo, "a named pipe")]
    [InlineData(LocalFileKind.Socket, "a socket")]
    [InlineData(LocalFileKind.Device, "a device")]
    [InlineData(LocalFileKind.Missing, "a link that leads nowhere")]
    public async Task WhatIsNoFileInADirectoryIsPassedOverWithASentence(LocalFileKind kind, string what)
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        home.Write("d/a", "1");
        home.Write("d/strange", "never to be read");
        home.Write("d/z", "22");
        CommandRun run = await CommandRun.OfAsync(
            server.Endpoint,
            ["put", home["d"], "ais://b/"],
            kindOf: path => path.EndsWith("/strange", StringComparison.Ordinal) ? kind : LocalFileKind.File);
        Assert.Equal(
            (ExitCode.Refused, "2 objects, 3 B\n", $"sluice: {home["d/strange"]}: passed over: it is {what}\n"), (run.Code, run.Output, run.Error));
        Assert.Equal(["a", "z"], server.Objects.Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("xxhash2")]
    [InlineData("xxh3")]
    [InlineData("crc32c")]
    [InlineData("crc64nvme")]
    [InlineData("md5")]
    [InlineData("sha256")]
    [InlineData("sha512")]
    public async Task AFileOfAnySizeGoesWithTheBucketsKindOfDigestAhead(string checksumType)
    {
        await using StubServer server = await StubServer.StartAsync();
        server.ChecksumType = checksumType;
        using var home = new TemporaryDirectory();
        File.WriteAllBytes(home["large"], new byte[(16 << 20) + 1]);
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["put", home["large"], "ais://b/x", "--json"]);
        Assert.Equal((ExitCode.Ok, ""), (run.Code, run.Error));
        Assert.True((bool)run.JsonLines.Single()["verified"]!);
        using ContentDigest digest = ContentDigest.TryCreate(checksumType)!;
        digest.Append(new byte[(16 << 20) + 1]);
        Assert.Equal(checksumType, server.Only("PUT").Headers["Ais-Checksum-Type"]);
        Assert.Equal(digest.Value(), server.Only("PUT").Headers["Ais-Checksum-Value"]);
    }

    [Theory]
    [InlineData("xxh3", true)]
    [InlineData("sha512", true)]
    [InlineData("crc99", false)]
    [InlineData("none", false)]
    public async Task AStreamIsVerifiedBehindOrSaidNotToBe(string checksumType, bool isVerified)
    {
        await using StubServer server = await StubServer.StartAsync();
        server.ChecksumType = checksumType;
        CommandRun json = await CommandRun.OfAsync(server.Endpoint, ["put", "-", "ais://b/x", "--json"], [1, 2, 3]);
        Assert.Equal((ExitCode.Ok, isVerified), (json.Code, (bool)json.JsonLines.Single()["verified"]!));
        Assert.DoesNotContain("Ais-Checksum-Type", server.Only("PUT").Headers.Keys);
        CommandRun text = await CommandRun.OfAsync(server.Endpoint, ["put", "-", "ais://b/y"], [1, 2, 3]);
        Assert.Equal(ExitCode.Ok, text.Code);
        Assert.Equal(!isVerified, text.Error.Contains("not verified", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AFileIsVerifiedAheadEvenWhereTheBucketKeepsNoDigest()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.ChecksumType = "none";
        using var home = new TemporaryDirectory();
        CommandRun put = await CommandRun.OfAsync(server.Endpoint, ["put", home.Write("d/a", "abc"), "ais://b/a", "--json"]);
        Assert.True((bool)put.JsonLines.Single()["verified"]!);
        Assert.Equal("xxhash2", server.Only("PUT").Headers["Ais-Checksum-Type"]);
        CommandRun get = await CommandRun.OfAsync(server.Endpoint, ["get", "--recursive", "ais://b", home["back"]]);
        Assert.Equal((ExitCode.Ok, "1 objects, 3 B, 1 of them not verified\n"), (get.Code, get.Output));
        CommandRun one = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/a", home["one"]]);
        Assert.Equal(ExitCode.Ok, one.Code);
        Assert.Contains("not verified", one.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABucketThatDoesNotExistIsToldBeforeAFileIsRead()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["put", home.Write("a", "abc"), "ais://nosuch/a"]);
        Assert.Equal((ExitCode.NotFound, "sluice: bucket \"ais://nosuch\" does not exist\n"), (run.Code, run.Error));
        Assert.DoesNotContain(server.Seen, each => each.Method == "PUT");
    }

    [Fact]
    public async Task StandardInputAndOutputCarryBytes()
    {
        await using StubServer server = await StubServer.StartAsync();
        byte[] content = new byte[300_000];
        new Random(3).NextBytes(content);
        Assert.Equal(ExitCode.Ok, (await CommandRun.OfAsync(server.Endpoint, ["put", "-", "ais://b/x"], content)).Code);
        Assert.Equal(content, server.Objects["x"]);
        CommandRun get = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/x", "-"]);
        Assert.Equal((ExitCode.Ok, ""), (get.Code, get.Output));
        Assert.Equal(content, get.OutputBytes);
        CommandRun cat = await CommandRun.OfAsync(server.Endpoint, ["cat", "ais://b/x", "ais://b/x"]);
        Assert.Equal([.. content, .. content], cat.OutputBytes);
        CommandRun part = await CommandRun.OfAsync(server.Endpoint, ["cat", "ais://b/x", "--range", "100-199"]);
        Assert.Equal(content[100..200], part.OutputBytes);
    }

    [Fact]
    public async Task AServerThatStoredSomethingElseIsFoundOut()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Intercept = (context, _) =>
        {
            context.Response.Headers["Ais-Checksum-Type"] = "xxhash2";
            context.Response.Headers["Ais-Checksum-Value"] = "0123456789abcdef";
            return Task.FromResult(true);
        };
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["put", "-", "ais://b/x"], [1, 2, 3]);
        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("the server stored xxhash2 0123456789abcdef", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ListingShowsOneLevelOrAll()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.PageSizeMax = 2;
        foreach (string name in new[] { "a", "d/x", "d/y/z", "e\u001b[2J" })
        {
            server.Objects[name] = new byte[12];
        }

        // A control sequence in a name does not reach the terminal; JSON has the name as it is.
        Assert.Equal("a\nd/\ne\\u001b[2J\n", (await CommandRun.OfAsync(server.Endpoint, ["ls", "ais://b"])).Output);
        Assert.Equal("d/x\nd/y/\n", (await CommandRun.OfAsync(server.Endpoint, ["ls", "ais://b/d/"])).Output);
        Assert.Equal("a\nd/x\nd/y/z\ne\\u001b[2J\n", (await CommandRun.OfAsync(server.Endpoint, ["ls", "-r", "ais://b"])).Output);
        Assert.Equal("             12       1  -                    a", (await CommandRun.OfAsync(server.Endpoint, ["ls", "-l", "ais://b"])).Output.Split('\n')[0]);
        CommandRun json = await CommandRun.OfAsync(server.Endpoint, ["ls", "--json", "ais://b"]);
        Assert.Equal(["a", "d/", "e\u001b[2J"], json.JsonLines.Select(line => (string?)line["name"]));
        Assert.Equal("""{"name":"a","directory":false,"size":12}""", json.Output.Split('\n')[0]);
        Assert.Equal("""{"name":"d/","directory":true}""", json.Output.Split('\n')[1]);
    }

    [Fact]
    public async Task RemovingTakesTheDirectoryAndNotItsNeighbour()
    {
        await using StubServer server = await StubServer.StartAsync();
        foreach (string name in new[] { "d/1", "d/2/3", "d2/x", "d" })
        {
            server.Objects[name] = [];
        }

        Assert.Equal(ExitCode.Usage, (await CommandRun.OfAsync(server.Endpoint, ["rm", "ais://b/d/"])).Code);
        Assert.Equal(ExitCode.Usage, (await CommandRun.OfAsync(server.Endpoint, ["rm", "ais://b"])).Code);
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["rm", "--recursive", "ais://b/d"]);
        Assert.Equal((ExitCode.Ok, "2 objects removed\n"), (run.Code, run.Output));
        Assert.Equal(["d", "d2/x"], server.Objects.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(ExitCode.NotFound, (await CommandRun.OfAsync(server.Endpoint, ["rm", "-r", "ais://b/d"])).Code);
        Assert.Equal(ExitCode.Ok, (await CommandRun.OfAsync(server.Endpoint, ["rm", "ais://b/d"])).Code);
        Assert.Equal(["d2/x"], server.Objects.Keys);
    }

    [Fact]
    public async Task HeadPrintsAttributesAsTextAndAsOneDocument()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Objects["x"] = CommandRun.Bytes("abc");
        CommandRun text = await CommandRun.OfAsync(server.Endpoint, ["head", "ais://b/x"]);
        Assert.Equal(text.Output, (await CommandRun.OfAsync(server.Endpoint, ["object", "show", "ais://b/x"])).Output);
        Assert.Equal(
            "name = ais://b/x\nsize = 3\nchecksum = xxhash2:44bc2cf5ad770999\nversion = 1\natime = 1764000000000000000\ncustom.color = blåbær\ncustom.k = a=b\n",
            text.Output);
        JsonObject json = JsonNode.Parse((await CommandRun.OfAsync(server.Endpoint, ["head", "--json", "ais://b/x"])).Output)!.AsObject();
        Assert.Equal(
            ["bucket", "name", "size", "checksum_type", "checksum", "version", "atime", "location", "copies", "custom"],
            json.Select(pair => pair.Key));
        Assert.Equal("blåbær", (string?)json["custom"]!["color"]);
    }

    [Fact]
    public async Task BucketVerbs()
    {
        await using StubServer server = await StubServer.StartAsync();
        Assert.Equal("ais://b\n", (await CommandRun.OfAsync(server.Endpoint, ["bucket", "ls"])).Output);
        CommandRun show = await CommandRun.OfAsync(server.Endpoint, ["bucket", "show", "b"]);
        Assert.Equal("provider = ais\nchecksum.type = xxhash2\naccess = 831\n", show.Output);
        JsonNode tree = JsonNode.Parse((await CommandRun.OfAsync(server.Endpoint, ["bucket", "show", "b", "--json"])).Output)!;
        Assert.Equal("xxhash2", (string?)tree["checksum"]!["type"]);
        server.Intercept = (_, seen) => Task.FromResult(seen.Method == "POST");
        CommandRun create = await CommandRun.OfAsync(
            server.Endpoint,
            ["bucket", "create", "ais://b", "--property", "checksum.type=sha256", "--property", "versioning.enabled=false", "-p", "mirror.copies=3"]);
        Assert.Equal((ExitCode.Ok, ""), (create.Code, create.Error));
        Assert.Equal(
            """{"checksum":{"type":"sha256"},"versioning":{"enabled":false},"mirror":{"copies":3}}""",
            server.Only("POST").Json["value"]!.ToJsonString());
    }

    [Fact]
    public async Task ABucketThatIsNotEmptyNeedsForce()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Objects["x"] = [];
        CommandRun refused = await CommandRun.OfAsync(server.Endpoint, ["bucket", "rm", "ais://b"]);
        Assert.Equal(
            (ExitCode.Refused, "sluice: bucket ais://b is not empty; --force removes it with all that it holds\n"), (refused.Code, refused.Error));
        Assert.DoesNotContain(server.Seen, each => each.Method == "DELETE");
        Assert.Equal(ExitCode.Ok, (await CommandRun.OfAsync(server.Endpoint, ["bucket", "rm", "--force", "ais://b"])).Code);
        Assert.Equal("destroy-bck", (string?)server.Only("DELETE").Json["action"]);
    }

    [Fact]
    public async Task OneFailureDoesNotStopTheOthers()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        for (int i = 0; i < 40; i++)
        {
            home.Write($"d/{i:00}", "x");
        }

        server.Intercept = async (context, seen) =>
        {
            if (!seen.RawPath.EndsWith("17", StringComparison.Ordinal))
            {
                return false;
            }

            await StubServer.RefuseAsync(context, 403, "ErrBucketAccessDenied", "no");
            return true;
        };
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["put", home["d"], "ais://b/"]);
        Assert.Equal((ExitCode.Refused, $"sluice: {home["d/17"]}: no\n"), (run.Code, run.Error));
        Assert.Equal(39, server.Objects.Count);
    }

    [Fact]
    public async Task AServerThatCannotBeReachedIsOneSentenceForAllTransfers()
    {
        using var home = new TemporaryDirectory();
        for (int i = 0; i < 40; i++)
        {
            home.Write($"d/{i:00}", "x");
        }

        string endpoint;
        await using (StubServer server = await StubServer.StartAsync())
        {
            endpoint = server.Endpoint;
        }

        CommandRun run = await CommandRun.OfAsync(null, ["put", home["d"], "ais://b/", "--endpoint", endpoint]);
        Assert.Equal((ExitCode.Failed, $"sluice: cannot reach {endpoint}: Connection refused\n"), (run.Code, run.Error));
    }

    [Fact]
    public async Task AProgressLineIsDrawnOnATerminalAndTakenAway()
    {
        await using StubServer server = await StubServer.StartAsync();
        var clock = new ManualClock();
        server.Intercept = (_, seen) =>
        {
            if (seen.Method != "PUT")
            {
                return Task.FromResult(false);
            }

            // All bytes have arrived, the answer has not left: the transfer is under way for certain.
            clock.Advance(TimeSpan.FromMilliseconds(200));
            return Task.FromResult(false);
        };
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["put", "-", "ais://b/x"], new byte[5000], clock);
        Assert.Contains("4.9 KiB  24.4 KiB/s", run.Error, StringComparison.Ordinal);
        Assert.EndsWith("\r\u001b[2K", run.Error, StringComparison.Ordinal);
        CommandRun json = await CommandRun.OfAsync(server.Endpoint, ["put", "-", "ais://b/x", "--json"], new byte[5000], clock);
        Assert.Equal("", json.Error);
    }
}
