using Microsoft.AspNetCore.Http;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests;

/// <summary>rm of many objects by one job: what is asked of the server, when a person is asked, and how the job's end is told.</summary>
public sealed class RemoveManyTests : IAsyncLifetime
{
    private StubServer _server = null!;
    private string _state = "finished";

    public async ValueTask InitializeAsync()
    {
        _server = await StubServer.StartAsync();
        _server.Intercept = AnswerAsync;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("--template a{1..3}", """{"template":"a{1..3}"}""")]
    [InlineData("--template a@100 --workers -1 --continue-on-error", """{"template":"a@100","coer":true,"num-workers":-1}""")]
    [InlineData("--list a,b/c --list d", """{"objnames":["a","b/c","d"]}""")]
    [InlineData("--list -1", """{"objnames":["-1"]}""")]
    [InlineData("--prefix dir/ --yes", """{"template":"dir/"}""")]
    [InlineData("--prefix dir/ --non-recursive -y --workers 128", """{"template":"dir/","non-recurs":true,"num-workers":128}""")]
    [InlineData("--prefix a{1..2} -y", """{"template":"a{1..2}","is-prefix":true}""")]
    [InlineData("--prefix user@ -y", """{"template":"user@","is-prefix":true}""")]
    [InlineData("--prefix 50% -y", """{"template":"50%","is-prefix":true}""")]
    [InlineData("--prefix a* -y", """{"template":"a*","is-prefix":true}""")]
    [InlineData("--template dir/* -y", """{"template":"dir/*"}""")]
    [InlineData("--all -y", "{}")]
    [InlineData("--all -y --wait", "{}")]
    public async Task ObjectsAreNamedAsTheContractHasIt(string arguments, string value)
    {
        CommandRun run = await RunAsync(arguments.Split(' '));
        Assert.Equal((ExitCode.Ok, "3 objects removed, 1.0 MiB\n", ""), (run.Code, run.Output, run.Error));
        SeenRequest sent = _server.Only("DELETE");
        Assert.Equal("/v1/buckets/b?provider=ais", sent.RawTarget);
        Assert.Equal("delete-listrange", (string)sent.Json["action"]!);
        Assert.Equal(value, sent.Json["value"]!.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
    }

    [Theory]
    [InlineData("y\n", true)]
    [InlineData(" YES \n", true)]
    [InlineData("n\n", false)]
    [InlineData("\n", false)]
    [InlineData("", false)]
    [InlineData("yesterday\n", false)]
    public async Task APersonIsAskedBeforeWhatNobodyHasNamed(string answer, bool isRemoved)
    {
        foreach ((string[] arguments, string question) in new (string[], string)[]
        {
            (["--all"], "Remove all objects of ais://b? [y/N] "),
            (["--template", "*"], "Remove all objects of ais://b? [y/N] "),
            (["--prefix", "d/"], "Remove all objects of ais://b whose names begin with \"d/\"? [y/N] "),
            (["--template", "d/*", "--non-recursive"], "Remove all objects of ais://b whose names begin with \"d/\", and nothing below that directory? [y/N] "),
        })
        {
            _server.Seen.Clear();
            CommandRun run = await CommandRun.OfAsync(_server.Endpoint, ["rm", "b", .. arguments], CommandRun.Bytes(answer));
            Assert.StartsWith(question, run.Error, StringComparison.Ordinal);
            Assert.Equal(isRemoved ? ExitCode.Ok : ExitCode.Refused, run.Code);
            Assert.Equal(isRemoved, _server.Seen.Any(seen => seen.Method == "DELETE"));
            Assert.Equal(!isRemoved, run.Error.EndsWith("sluice: nothing was removed; --yes removes without asking\n", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task AJobThatIsNotAwaitedPrintsItsId()
    {
        CommandRun text = await RunAsync("--list", "a", "--no-wait");
        Assert.Equal((ExitCode.Ok, "j0123456789a\n", ""), (text.Code, text.Output, text.Error));
        CommandRun json = await RunAsync("--list", "a", "--no-wait", "--json");
        Assert.Equal("j0123456789a", (string)json.JsonLines.Single()["id"]!);
        Assert.DoesNotContain(_server.Seen, seen => seen.Method == "GET");
    }

    [Theory]
    [InlineData("finished", ExitCode.Ok)]
    [InlineData("failed", ExitCode.Failed)]
    [InlineData("aborted", ExitCode.Failed)]
    public async Task HowTheJobEndedIsTold(string state, ExitCode code)
    {
        _state = state;
        CommandRun text = await RunAsync("--template", "a{1..9}");
        Assert.Equal((code, "3 objects removed, 1.0 MiB\n"), (text.Code, text.Output));
        Assert.Equal(code == ExitCode.Ok ? "" : $"sluice: job j0123456789a: {state}: it went wrong\n", text.Error);
        CommandRun json = await RunAsync("--template", "a{1..9}", "--json");
        Assert.Equal((code, state, 3), (json.Code, (string)json.JsonLines.Single()["state"]!, (int)json.JsonLines.Single()["objects"]!));
    }

    [Theory]
    [InlineData("ais://b --template a{2..1}", "character 2 of the template: a range goes up")]
    [InlineData("ais://b --template a --list b", "do not go together")]
    [InlineData("ais://b --all --prefix b", "do not go together")]
    [InlineData("ais://b --list a,,b", "--list has an empty name")]
    [InlineData("ais://b --all --yes --wait --no-wait", "--wait and --no-wait do not go together")]
    [InlineData("ais://b --all --yes --recursive", "--recursive does not go")]
    [InlineData("ais://b/x --all --yes", "names an object where a bucket is expected")]
    [InlineData("ais://b/x --yes", "--yes goes with --template")]
    [InlineData("ais://b/x --workers 3", "--workers goes with --template")]
    [InlineData("ais://b/x --no-wait", "--no-wait goes with --template")]
    [InlineData("ais://b --all --yes --workers 129", "--workers takes a number from -1 to 128")]
    [InlineData("ais://b --all --yes --workers x", "--workers takes a number from -1 to 128")]
    public async Task AWrongLineIsRefusedBeforeAnythingIsSent(string line, string sentence)
    {
        CommandRun run = await CommandRun.OfAsync(_server.Endpoint, ["rm", .. line.Split(' ')]);
        Assert.Equal((ExitCode.Usage, ""), (run.Code, run.Output));
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
        Assert.Empty(_server.Seen);
    }

    [Theory]
    [InlineData("--prefix")]
    [InlineData("--template")]
    public async Task AnEmptyTextIsNotEverything(string option)
    {
        CommandRun run = await CommandRun.OfAsync(_server.Endpoint, ["rm", "b", option, "", "--yes"]);
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains("is empty: --all removes all objects of the bucket", run.Error, StringComparison.Ordinal);
        Assert.Empty(_server.Seen);
    }

    private Task<CommandRun> RunAsync(params string[] arguments) => CommandRun.OfAsync(_server.Endpoint, ["rm", "ais://b", .. arguments]);

    private async Task<bool> AnswerAsync(HttpContext context, SeenRequest seen)
    {
        await context.Response.WriteAsync(seen.Method == "DELETE" ? "j0123456789a" : $$"""
            {"t1":[{"id":"j0123456789a","kind":"delete-listrange","bck":{"name":"b","provider":"ais","namespace":{"uuid":"","name":""} },
              "start-time":"2026-01-31T10:00:00.123456700Z","end-time":"2026-01-31T10:00:09.000000000Z",
              "aborted":{{(_state == "aborted" ? "true" : "false")}},"is_idle":true,
              "abort-err":"{{(_state == "aborted" ? "it went wrong" : "")}}","err":"{{(_state == "failed" ? "it went wrong" : "")}}","ctlmsg":"",
              "stats":{"loc-objs":"3","loc-bytes":"1048576"},"ext":{"target":"ais://b"} }]}
            """);
        return true;
    }
}
