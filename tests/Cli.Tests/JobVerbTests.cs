using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests;

/// <summary>The verbs about jobs: what they ask, what they print, and the exit code of how a job ended.</summary>
public sealed class JobVerbTests : IAsyncLifetime
{
    private readonly Queue<string> _snapshots = new(); // answered one after the other; the last one again
    private StubServer _server = null!;
    private string _findings = "[]";

    public async ValueTask InitializeAsync()
    {
        _server = await StubServer.StartAsync();
        _server.Intercept = AnswerAsync;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task AListHasALineForEachJobAndAsksForWhatWasWanted()
    {
        _snapshots.Enqueue(Snapshot("running", progress: "0.2500"));
        CommandRun run = await RunAsync("job", "ls", "--kind", "scrub", "--bucket", "b", "--running");
        Assert.Equal(ExitCode.Ok, run.Code);
        string[] lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Equal(
            ["j0123456789a", "scrub", "running", "25", "%", "3", "1.0", "MiB", "2026-01-31", "10:00:00", "ais://b"],
            lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        JsonObject asked = _server.Only("GET").Json;
        Assert.Equal(("scrub", "ais://b", true), ((string)asked["Kind"]!, (string)asked["bucket"]!, (bool)asked["show_active"]!));
        CommandRun json = await RunAsync("job", "ls", "--json");
        JsonObject line = json.JsonLines.Single();
        Assert.Equal(("running", 0.25, 3, 1L << 20), ((string)line["state"]!, (double)line["progress"]!, (int)line["objects"]!, (long)line["bytes"]!));
    }

    [Fact]
    public async Task AShownJobComesWithItsFindings()
    {
        _snapshots.Enqueue(Snapshot("finished", findings: 2));
        _findings = """[{"mountpath":"/m","bucket":"ais://b","name":"a\u001b[1m","kind":"block","detail":"block 3 differs","action":"reported"}]""";
        CommandRun run = await RunAsync("job", "show", "j0123456789a");
        Assert.Equal(ExitCode.Ok, run.Code);
        Assert.Contains("state = finished", run.Output, StringComparison.Ordinal);
        Assert.Contains("a\\u001b[1m: block 3 differs", run.Output, StringComparison.Ordinal);
        Assert.EndsWith("and 1 more\n", run.Output, StringComparison.Ordinal);
        JsonNode json = JsonNode.Parse((await RunAsync("job", "show", "j0123456789a", "--json")).Output)!;
        Assert.Equal("a\u001b[1m", (string)json["report"]![0]!["name"]!);
    }

    [Theory]
    [InlineData("finished", ExitCode.Ok, "")]
    [InlineData("idle", ExitCode.Ok, "")]
    [InlineData("failed", ExitCode.Failed, "sluice: job j0123456789a: failed: a disk failed\n")]
    [InlineData("aborted", ExitCode.Failed, "sluice: job j0123456789a: aborted: a disk failed\n")]
    public async Task WaitingEndsWithTheJobAndTellsHow(string state, ExitCode code, string error)
    {
        _snapshots.Enqueue(Snapshot("running"));
        _snapshots.Enqueue(Snapshot("running"));
        _snapshots.Enqueue(Snapshot(state, error: error.Length == 0 ? "" : "a disk failed"));
        CommandRun run = await RunAsync("job", "wait", "j0123456789a");
        Assert.Equal((code, "", error), (run.Code, run.Output, run.Error));
        Assert.Equal(3, _server.Seen.Count);
    }

    [Fact]
    public async Task AStartPrintsTheIdAndSendsTheSettings()
    {
        CommandRun run = await RunAsync("job", "start", "scrub", "--bucket", "ais://b", "--mountpath", "/m", "--set", "rate_mib=7", "--set", "repair=true", "--set", "word=x");
        Assert.Equal((ExitCode.Ok, "j0123456789a\n", ""), (run.Code, run.Output, run.Error));
        JsonObject sent = _server.Only("PUT").Json;
        Assert.Equal("start", (string)sent["action"]!);
        JsonNode value = sent["value"]!;
        Assert.Equal(("scrub", "ais://b", "/m"), ((string)value["Kind"]!, (string)value["bucket"]!, (string)value["mountpath"]!));
        Assert.Equal((7, true, "x"), ((int)value["rate_mib"]!, (bool)value["repair"]!, (string)value["word"]!));
        Assert.Equal(ExitCode.Usage, (await RunAsync("job", "start", "scrub", "--set", "rate")).Code);
    }

    [Fact]
    public async Task AStopWaitsUntilTheJobHasEnded()
    {
        _snapshots.Enqueue(Snapshot("running"));
        _snapshots.Enqueue(Snapshot("running"));
        _snapshots.Enqueue(Snapshot("aborted", error: "stopped by a user"));
        CommandRun run = await RunAsync("job", "stop", "j0123456789a");
        Assert.Equal((ExitCode.Ok, "", ""), (run.Code, run.Output, run.Error));
        Assert.Equal("j0123456789a", (string)_server.Only("PUT").Json["value"]!["ID"]!);
    }

    [Theory]
    [InlineData("[]", 0, ExitCode.Ok)]
    [InlineData("""[{"kind":"block","action":"reported"}]""", 1, ExitCode.Failed)]
    [InlineData("""[{"kind":"block","action":"repaired"},{"kind":"part","action":"removed"}]""", 2, ExitCode.Ok)]
    [InlineData("""[{"kind":"block","action":"repaired"}]""", 2, ExitCode.Failed)]
    public async Task AScrubThatIsAwaitedTellsWhetherAllIsWell(string findings, int count, ExitCode code)
    {
        _findings = findings;
        _snapshots.Enqueue(Snapshot("finished", findings: count));
        CommandRun run = await RunAsync("scrub", "b", "--repair", "--rate", "50", "--wait");
        Assert.Equal(code, run.Code);
        Assert.EndsWith("all told\n", run.Output, StringComparison.Ordinal);
        JsonNode value = _server.Only("PUT").Json["value"]!;
        Assert.Equal(("scrub", true, 50), ((string)value["Kind"]!, (bool)value["repair"]!, (int)value["rate_mib"]!));
    }

    [Fact]
    public async Task AScrubThatIsNotAwaitedPrintsItsId()
    {
        CommandRun run = await RunAsync("scrub");
        Assert.Equal((ExitCode.Ok, "j0123456789a\n"), (run.Code, run.Output));
        Assert.Equal(ExitCode.Usage, (await RunAsync("scrub", "--rate", "-1")).Code);
        Assert.Equal(ExitCode.Usage, (await RunAsync("scrub", "ais://b/object")).Code);
    }

    [Theory]
    [InlineData("show")]
    [InlineData("wait")]
    [InlineData("stop")]
    public async Task AJobThatIsNotKnownIsNotFound(string verb)
    {
        CommandRun run = await RunAsync("job", verb, "jnosuch");
        Assert.Equal((ExitCode.NotFound, ""), (run.Code, run.Output));
        Assert.Contains("jnosuch", run.Error, StringComparison.Ordinal);
    }

    private static string Snapshot(string state, string progress = "", int findings = 0, string error = "")
    {
        bool ended = state is not ("running" or "idle");
        return $$"""
            {"t1":[{"id":"j0123456789a","kind":"scrub","bck":{"name":"b","provider":"ais","namespace":{"uuid":"","name":""} },
              "start-time":"2026-01-31T10:00:00.123456700Z","end-time":"{{(ended ? "2026-01-31T10:00:09.000000000Z" : "0001-01-01T00:00:00Z")}}",
              "aborted":{{(state == "aborted" ? "true" : "false")}},"is_idle":{{(state == "running" ? "false" : "true")}},
              "abort-err":"{{(state == "aborted" ? error : "")}}","err":"{{(state == "failed" ? error : "")}}","ctlmsg":"",
              "stats":{"loc-objs":"3","loc-bytes":"1048576"},
              "ext":{"target":"ais://b","detail":"all told","progress":"{{progress}}","findings":"{{findings}}"} }]}
            """;
    }

    private Task<CommandRun> RunAsync(params string[] arguments) => CommandRun.OfAsync(_server.Endpoint, arguments);

    private async Task<bool> AnswerAsync(HttpContext context, SeenRequest seen)
    {
        if (seen.Method == "PUT")
        {
            bool starts = (string)seen.Json["action"]! == "start";
            await context.Response.WriteAsync(starts ? "j0123456789a" : "");
        }
        else if ((string?)seen.Json["ID"] == "jnosuch")
        {
            await StubServer.RefuseAsync(context, 404, "ErrXactNotFound", "job \"jnosuch\" not found");
        }
        else if (seen.RawTarget.EndsWith("what=job_report", StringComparison.Ordinal))
        {
            string count = (string)JsonNode.Parse(_snapshots.Peek())!["t1"]![0]!["ext"]!["findings"]!;
            await context.Response.WriteAsync($$"""{"id":"j0123456789a","count":{{count}},"findings":{{_findings}}}""");
        }
        else
        {
            await context.Response.WriteAsync(_snapshots.Count > 1 ? _snapshots.Dequeue() : _snapshots.Peek());
        }

        return true;
    }
}
