using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests;

/// <summary><c>put</c> and <c>get</c> of the files and objects that a template, a list or a prefix names.</summary>
public sealed class ManyTransferTests
{
    [Theory]
    [InlineData("up/a1/x1 up/a1/x2 up/a2/x1 up/a2/x2", "--template", "@/d/a{1..2}/x{1..2}", "ais://b/up")]
    [InlineData("up/d/a1/x1 up/d/a2/x1", "@", "ais://b/up/", "--template", "d/a{1..2}/x1")]
    [InlineData("x1 x2", "--template", "@/d/a1/x%01d", "ais://b")]
    [InlineData("x1 y", "--list", "@/d/a1/x1,@/y", "ais://b")]
    [InlineData("d/a1/x1 y", "--list", "d/a1/x1", "@", "--list", "y", "ais://b/")]
    public async Task TheFilesKeepTheNamesThatTheyHaveBelowWhatIsFixed(string names, params string[] arguments)
    {
        await using StubServer server = await StubServer.StartAsync();
        using TemporaryDirectory home = Home();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["put", .. arguments.Select(each => each.Replace("@", home.Path, StringComparison.Ordinal))]);
        // %01d stands for ten names, of which two are there.
        bool isPart = arguments.Any(each => each.Contains('%', StringComparison.Ordinal));
        Assert.Equal(isPart ? ExitCode.NotFound : ExitCode.Ok, run.Code);
        Assert.Equal(names.Split(' '), server.Objects.Keys.Order(StringComparer.Ordinal));
        Assert.All(server.Objects, each => Assert.EndsWith(each.Key.Split('/')[^1], CommandText(each.Value), StringComparison.Ordinal));
        Assert.Equal($"{server.Objects.Count} objects, {server.Objects.Sum(each => each.Value.Length)} B\n", run.Output);
    }

    [Fact]
    public async Task AFileThatIsNotThereIsTheOnlyOneThatIsNotPut()
    {
        await using StubServer server = await StubServer.StartAsync();
        using TemporaryDirectory home = Home();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["put", home.Path, "ais://b", "--list", "y,nothing,d/a1/x1"]);
        Assert.Equal((ExitCode.NotFound, $"sluice: {home["nothing"]} does not exist\n"), (run.Code, run.Error));
        Assert.Equal(["d/a1/x1", "y"], server.Objects.Keys.Order(StringComparer.Ordinal));
        CommandRun directory = await CommandRun.OfAsync(server.Endpoint, ["put", home.Path, "ais://b", "--list", "d,y"]);
        Assert.Equal((ExitCode.Refused, $"sluice: {home["d"]} is a directory\n"), (directory.Code, directory.Error));
        CommandRun both = await CommandRun.OfAsync(server.Endpoint, ["put", home.Path, "ais://b", "--list", "d,nothing"]);
        Assert.Equal(ExitCode.Failed, both.Code);
    }

    [Theory]
    [InlineData("a1/x1 a2/x1", "get ais://b/d @ --template a{1..2}/x1")]
    [InlineData("d/a1/x2 y", "get ais://b @ --list d/a1/x2,y")]
    [InlineData("d/a1/x1 d/a1/x2", "get ais://b @ --prefix d/a1")]
    [InlineData("a2/x1 a2/x2", "get ais://b/d/ @ --prefix a2/")]
    [InlineData("d/a2/x1 d/a2/x2", "get ais://b @ --template d/a2*")]
    [InlineData("d/a1/x1 d/a1/x2 d/a2/x1 d/a2/x2 y", "object get ais://b @ -r")]
    public async Task TheObjectsKeepTheirNamesBelowTheDirectory(string files, string line)
    {
        await using StubServer server = await FilledAsync();
        using var target = new TemporaryDirectory();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, [.. line.Split(' ').Select(each => each == "@" ? target.Path : each)]);
        Assert.Equal((ExitCode.Ok, ""), (run.Code, run.Error));
        Assert.Equal(files.Split(' '), target.Files);
        Assert.All(target.Files, file => Assert.Equal("content of " + file[^1], File.ReadAllText(target[file])));
        Assert.StartsWith($"{target.Files.Count} objects, ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnObjectThatIsNotThereIsTheOnlyOneThatIsNotFetched()
    {
        await using StubServer server = await FilledAsync();
        using var target = new TemporaryDirectory();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/d", target.Path, "--template", "a{1..3}/x2"]);
        Assert.Equal((ExitCode.NotFound, "sluice: ais://b/d/a3/x2 does not exist\n"), (run.Code, run.Error));
        Assert.Equal(["a1/x2", "a2/x2"], target.Files);
        CommandRun none = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/d", target.Path, "--prefix", "q"]);
        Assert.Equal((ExitCode.NotFound, "sluice: there is no object below ais://b/d/ whose name begins with \"q\"\n"), (none.Code, none.Error));
        CommandRun unsafeName = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/d", target.Path, "--list", "../y,a1/x1"]);
        Assert.Equal(ExitCode.Refused, unsafeName.Code);
        Assert.Contains("has no safe file name", unsafeName.Error, StringComparison.Ordinal);
        Assert.Contains("a1/x1", target.Files);
    }

    [Fact]
    public async Task WhatWasPutByATemplateIsFetchedByIt()
    {
        await using StubServer server = await StubServer.StartAsync();
        using var home = new TemporaryDirectory();
        for (int i = 0; i < 30; i++)
        {
            home.Write($"tree/s{i % 3}/f{i / 3:00}", $"{i}");
        }

        const string Template = "s{0..2}/f{00..09}";
        CommandRun put = await CommandRun.OfAsync(server.Endpoint, ["put", home["tree"], "ais://b/t/", "--template", Template, "--json"]);
        Assert.Equal((ExitCode.Ok, 30), (put.Code, put.JsonLines.Count));
        CommandRun get = await CommandRun.OfAsync(server.Endpoint, ["get", "ais://b/t/", home["back"], "--template", Template, "--json"]);
        Assert.Equal((ExitCode.Ok, 30), (get.Code, get.JsonLines.Count));
        Assert.All(get.JsonLines, static line => Assert.True((bool)line["verified"]!));
        Assert.All(home.Files.Where(file => file.StartsWith("tree", StringComparison.Ordinal)), file => Assert.Equal(File.ReadAllText(home[file]), File.ReadAllText(home["back" + file[4..]])));
    }

    [Theory]
    [InlineData("put ais://b --template a{1..2} --list c", "--template and --list do not go together")]
    [InlineData("put ais://b --template a{1..2", "character 2 of the template: the brace is not closed")]
    [InlineData("put ais://b --template plain", "\"plain\" has no range, such as {001..100}, so it is no template of several files")]
    [InlineData("put ais://b --list a,,b", "--list has an empty name")]
    [InlineData("put ais://b --list x/a,y/a", "x/a and y/a would be one object, \"a\": name the directory that they are in before the address")]
    [InlineData("put . ais://b --list a,../b", "\"../b\" does not lie below .")]
    [InlineData("put . ais://b --template /a{1..2}", "\"/a1\" does not lie below .")]
    [InlineData("put ais://b --list a --resume 1", "--resume goes on with one object: many files")]
    [InlineData("put name --list a", "\"name\" is not an address of the form ais://bucket/name")]
    [InlineData("put name", "where to put name is not said: ais://BUCKET/NAME")]
    [InlineData("get ais://b -r --list a", "--recursive does not go with --prefix, --template or --list")]
    [InlineData("get ais://b --prefix a --list a", "--list and --prefix do not go together")]
    [InlineData("get ais://b - --list a", "many objects need a directory to be written to, not standard output")]
    public async Task WhatMakesNoSenseIsOneSentence(string line, string sentence)
    {
        await using StubServer server = await StubServer.StartAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, line.Split(' '));
        Assert.Equal((ExitCode.Usage, "", $"sluice: {sentence}\n"), (run.Code, run.Output, run.Error));
        Assert.Empty(server.Seen);
    }

    [Fact]
    public async Task TheDirectoryOfTheNamesIsThere()
    {
        await using StubServer server = await StubServer.StartAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["put", "/no/such/place", "ais://b", "--list", "a"]);
        Assert.Equal((ExitCode.NotFound, "sluice: /no/such/place is not a directory\n"), (run.Code, run.Error));
    }

    private static string CommandText(byte[] content) => System.Text.Encoding.UTF8.GetString(content);

    private static TemporaryDirectory Home()
    {
        var home = new TemporaryDirectory();
        foreach (string name in new[] { "d/a1/x1", "d/a1/x2", "d/a2/x1", "d/a2/x2", "y" })
        {
            home.Write(name, $"content of {name}");
        }

        return home;
    }

    private static async Task<StubServer> FilledAsync()
    {
        StubServer server = await StubServer.StartAsync();
        foreach (string name in new[] { "d/a1/x1", "d/a1/x2", "d/a2/x1", "d/a2/x2", "y" })
        {
            server.Objects[name] = CommandRun.Bytes($"content of {name[^1]}");
        }

        return server;
    }
}
