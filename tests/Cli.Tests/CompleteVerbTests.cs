using System.CommandLine;
using Microsoft.AspNetCore.Http;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests;

/// <summary>What a Tab is answered: which words are asked about, what the server is asked, and how bash gets it back.</summary>
public sealed class CompleteVerbTests
{
    [Theory]
    [InlineData("ls ", "ais://b/")]
    [InlineData("ls ai", "ais://b/")]
    [InlineData("ls ais://", "ais://b/")]
    [InlineData("ls ais://b", "ais://b/")]
    [InlineData("ls ais://c", "")]
    [InlineData("ls s3://", "")]
    [InlineData("ls ais://b/", "ais://b/a ais://b/dir-2 ais://b/dir/")]
    [InlineData("ls ais://b/d", "ais://b/dir-2 ais://b/dir/")]
    [InlineData("ls ais://b/dir/", "ais://b/dir/x ais://b/dir/y/")]
    [InlineData("ls ais://b/none", "")]
    [InlineData("ls ais://nosuch/", "")]
    [InlineData("get ais://b/a", "ais://b/a")]
    [InlineData("cat ais://b/a ais://b/a", "ais://b/a")]
    [InlineData("cp ais://b/a ais://b/a", "ais://b/a")]
    [InlineData("object show ais://b/a", "ais://b/a")]
    [InlineData("put file ais://b/a", "ais://b/a")]
    [InlineData("put --part-size 1MiB file --jobs 3 ais://b/a", "ais://b/a")]
    [InlineData("put -- --file ais://b/a", "ais://b/a")]
    [InlineData("put --list x ais://b/a", "ais://b/a")]
    [InlineData("put dir --template x{1..2} ais://b/a", "ais://b/a")]
    [InlineData("bucket rm ", "ais://b")]
    [InlineData("bucket rm ais://", "ais://b")]
    [InlineData("bucket rm b", "b")]
    [InlineData("bucket props show ais://b", "ais://b")]
    [InlineData("bucket rm ais://b/", "")]
    [InlineData("bucket cp ais://b ais://", "ais://b")]
    [InlineData("scrub ais://", "ais://b")]
    public async Task AWordThatNamesSomethingOnTheServer(string line, string expected)
    {
        await using StubServer server = await FilledAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["complete", "--", .. line.Split(' ')]);
        Assert.Equal((ExitCode.Ok, expected, ""), (run.Code, run.Output.Trim().Replace('\n', ' '), run.Error));
    }

    [Theory]
    [InlineData("put ")]
    [InlineData("put ais://b/")]
    [InlineData("get ais://b/a ")]
    [InlineData("get ais://b/a ais://b/")]
    [InlineData("put file ais://b/a ais://b/")]
    [InlineData("put --part-size ais://b/")]
    [InlineData("put --template ais://b/")]
    [InlineData("ls --js")]
    [InlineData("ls --prefix ais://b/")]
    [InlineData("bucket set b mirr")]
    [InlineData("bucket ")]
    [InlineData("mountpath attach /da")]
    [InlineData("promote /sr")]
    [InlineData("nosuch ais://b/")]
    public async Task AWordThatDoesNotIsLeftToTheShell(string line)
    {
        await using StubServer server = await FilledAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["complete", "--", .. line.Split(' ')]);
        Assert.Equal((ExitCode.Usage, "", ""), (run.Code, run.Output, run.Error));
        Assert.Empty(server.Seen);
    }

    [Fact]
    public async Task OnePageOfOneLevelIsAskedFor()
    {
        await using StubServer server = await StubServer.StartAsync();
        for (int i = 0; i < 300; i++)
        {
            server.Objects[$"o{i:000}"] = [];
        }

        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["complete", "--", "ls", "ais://b/o"]);
        Assert.Equal(100, run.Output.Trim().Split('\n').Length);
        Assert.Equal("""{"uuid":"","props":"name","prefix":"o","continuation_token":"","flags":"2064","pagesize":100}""", server.Seen.Single().Json["value"]!.ToJsonString());
    }

    [Fact]
    public async Task TheServerOfTheLineIsAsked()
    {
        await using StubServer server = await FilledAsync();
        CommandRun run = await CommandRun.OfAsync("http://127.0.0.1:1", ["complete", "--", "ls", "--endpoint", server.Endpoint, "ais://"]);
        Assert.Equal("ais://b/\n", run.Output);
    }

    [Fact]
    public async Task ADirectoryThatAServerListsFromWithinStandsForItself()
    {
        await using StubServer server = await StubServer.StartAsync();
        server.Intercept = static async (context, _) =>
        {
            await context.Response.WriteAsync("""{"uuid":"u","continuation_token":"","entries":[{"name":"dir/a"},{"name":"dir/b/","flags":256},{"name":"elsewhere"}]}""");
            return true;
        };
        Assert.Equal("ais://b/dir/\n", (await CommandRun.OfAsync(server.Endpoint, ["complete", "--", "ls", "ais://b/dir"])).Output);
    }

    [Fact]
    public async Task ANameThatATerminalWouldObeyIsNotOffered()
    {
        await using StubServer server = await StubServer.StartAsync();
        foreach (string name in new[] { "good", "g\u001b[2J", "g\nx" })
        {
            server.Objects[name] = [];
        }

        Assert.Equal("ais://b/good\n", (await CommandRun.OfAsync(server.Endpoint, ["complete", "--", "ls", "ais://b/g"])).Output);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("nonsense")]
    public async Task NoServerIsNoComplaint(string endpoint)
    {
        CommandRun run = await CommandRun.OfAsync(endpoint, ["complete", "--", "ls", "ais://b/"]);
        Assert.Equal((ExitCode.Ok, "", ""), (run.Code, run.Output, run.Error));
    }

    [Fact]
    public async Task AServerThatDoesNotAnswerIsNotWaitedForLongerThanASecond()
    {
        await using StubServer server = await StubServer.StartAsync();
        var clock = new OneTimer();
        var isAsked = new TaskCompletionSource();
        server.Intercept = async (context, _) =>
        {
            isAsked.TrySetResult();
            var isGone = new TaskCompletionSource();
            await using CancellationTokenRegistration gone = context.RequestAborted.Register(isGone.SetResult);
            await isGone.Task;
            return true;
        };
        Task<CommandRun> run = CommandRun.OfAsync(server.Endpoint, ["complete", "--", "ls", "ais://b/"], terminalClock: clock);
        await isAsked.Task;
        Assert.Equal((false, TimeSpan.FromSeconds(1)), (run.IsCompleted, clock.Due));
        clock.Fire();
        CommandRun ended = await run;
        Assert.Equal((ExitCode.Ok, "", ""), (ended.Code, ended.Output, ended.Error));
    }

    // What is typed, the end of it that bash will replace, and what with.
    [Theory]
    [InlineData("sluice ls ais://b/s", "//b/s", "//b/sp\\ ace", "//b/sq\\'s")]
    [InlineData("sluice ls ais://b/sp\\ ", "//b/sp\\ ", "//b/sp\\ ace")]
    [InlineData("sluice ls ais://b/sp\\", "//b/sp\\", "//b/sp\\ ace")]
    [InlineData("sluice ls 'ais://b/s", "ais://b/s", "ais://b/sp ace", "ais://b/sq'\\''s")]
    [InlineData("sluice ls \"ais://b/s", "ais://b/s", "ais://b/sp ace", "ais://b/sq's")]
    [InlineData("sluice ls \"ais://b/\"s", "s", "sp\\ ace", "sq\\'s")]
    [InlineData("sluice ls ais://b/c:", "", "x")]
    [InlineData("sluice ls ais://b/c", "//b/c", "//b/c:x")]
    [InlineData("sluice ls ais://b/\\$", "//b/\\$", "//b/\\$x")]
    [InlineData("sluice ls \"ais://b/\\$", "ais://b/\\$", "ais://b/\\$x")]
    [InlineData("sluice ls \"ais://b/d", "ais://b/d", "ais://b/d\\\"q\"\\!\"")]
    [InlineData("sluice ls ais://b/ü", "//b/ü", "//b/üx")]
    [InlineData("sluice ls ais://b/e", "//b/e", "//b/e=\\*\\[\\(1\\)\\]\\;\\&\\|\\<\\>\\`\\~\\#\\{\\}\\\\")]
    [InlineData("sluice ls 'ais://b/e", "ais://b/e", "ais://b/e=*[(1)];&|<>`~#{}\\")]
    [InlineData("sluice get ais://b/ü >out 2>/dev/null ais://b/ü", "//b/ü")]
    [InlineData("sluice ls 2> err ais://b/ü", "//b/ü", "//b/üx")]
    public async Task BashGetsTheWordBackAsItWasBegun(string line, string typed, params string[] expected)
    {
        await using StubServer server = await StubServer.StartAsync();
        foreach (string name in new[] { "sp ace", "sq's", "c:x", "$x", "d\"q!", "üx", "e=*[(1)];&|<>`~#{}\\" })
        {
            server.Objects[name] = [];
        }

        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["complete", $"--line={line}", $"--typed={typed}"]);
        Assert.Equal((expected.Length == 0 ? ExitCode.Usage : ExitCode.Ok, ""), (run.Code, run.Error));
        Assert.Equal(expected, run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("sluice ls ais://b/$HOME")]
    [InlineData("sluice ls \"ais://b/$HOME")]
    [InlineData("sluice ls ais://b/`date")]
    [InlineData("sluice cat ais://b/x > ais://b/")]
    [InlineData("sluice cat ais://b/x 2>ais://b/")]
    [InlineData("sluice put 'ais://b/")]
    public async Task WhatTheShellMakesSomethingElseOfIsLeftToIt(string line)
    {
        await using StubServer server = await FilledAsync();
        CommandRun run = await CommandRun.OfAsync(server.Endpoint, ["complete", $"--line={line}", "--typed="]);
        Assert.Equal((ExitCode.Usage, "", ""), (run.Code, run.Output, run.Error));
        Assert.Empty(server.Seen);
    }

    [Fact]
    public void TheVerbIsHidden()
    {
        Command verb = CommandRun.Root(ClientEnvironment.OfProcess(_ => LocalFileKind.File)).Subcommands.Single(each => each.Name == "complete");
        Assert.True(verb.Hidden);
    }

    private static async Task<StubServer> FilledAsync()
    {
        StubServer server = await StubServer.StartAsync();
        foreach (string name in new[] { "a", "dir/x", "dir/y/z", "dir-2" })
        {
            server.Objects[name] = [];
        }

        return server;
    }

    /// <summary>A clock with one timer, which goes off when the test says so.</summary>
    private sealed class OneTimer : TimeProvider
    {
        private TimerCallback? _callback;
        private object? _state;

        public TimeSpan Due { get; private set; }

        public void Fire() => _callback!(_state);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (_callback, _state, Due) = (callback, state, dueTime);
            return new ManualClock().CreateTimer(callback, state, dueTime, period);
        }
    }
}
