using System.CommandLine;
using System.Diagnostics;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests;

/// <summary>Completion scripts hold the whole command tree, and each is run by its shell.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task AScriptHoldsEveryVerbAndOption(string shell)
    {
        CommandRun run = await CommandRun.OfAsync(null, ["completion", shell]);
        Assert.Equal(ExitCode.Ok, run.Code);
        string[] words = run.Output.Split([' ', '"', '\n', '\''], StringSplitOptions.RemoveEmptyEntries);
        foreach (Command command in Below(CommandRun.Root(ClientEnvironment.OfProcess(_ => LocalFileKind.File))))
        {
            Assert.Contains(command.Name, words);
            foreach (Option option in command.Options)
            {
                Assert.Contains(shell == "fish" && option.Name.StartsWith("--", StringComparison.Ordinal) ? option.Name[2..] : option.Name, words);
            }
        }
    }

    [Theory]
    [InlineData("sluice ", "bucket object put get ls cp mv rm head cat promote uploads job mountpath scrub quarantine completion --help --version")]
    [InlineData("sluice bu", "bucket")]
    [InlineData("sluice bucket ", "create rm ls show set reset props summary cp mv make-n-copies rechunk --endpoint --json --ca --client-cert --client-key --insecure --help")]
    [InlineData("sluice bucket props s", "show set")]
    [InlineData("sluice bucket create --p", "--property")]
    [InlineData("sluice get --re", "--recursive")]
    [InlineData("sluice put file --j", "--jobs --json")]
    [InlineData("sluice bucket rm --f", "--force")]
    [InlineData("sluice promote /x ais://b --", "--recursive --overwrite --delete-source --wait --endpoint --json --ca --client-cert --client-key --insecure --help")]
    [InlineData("sluice object pr", "promote")]
    [InlineData("sluice object set-custom ais://b/o --r", "--replace")]
    public async Task BashCompletes(string line, string expected)
    {
        CommandRun run = await CommandRun.OfAsync(null, ["completion", "bash"]);
        string words = string.Join(' ', line.Split(' ').Select(word => $"'{word}'"));
        string script = $"{run.Output}\nCOMP_WORDS=({words}); COMP_CWORD={line.Split(' ').Length - 1}; _sluice; echo \"${{COMPREPLY[*]}}\"\n";
        Assert.Equal(expected, await ShellAsync(["bash", "--norc", "-s"], script));
    }

    [Theory]
    [InlineData("sluice ", "bucket cat completion cp get head job ls mountpath mv object promote put quarantine rm scrub uploads")]
    [InlineData("sluice bu", "bucket")]
    [InlineData("sluice bucket ", "cp create ls make-n-copies mv props rechunk reset rm set show summary")]
    [InlineData("sluice bucket create --p", "--property")]
    [InlineData("sluice get --re", "--recursive")]
    [InlineData("sluice put file --j", "--jobs --json")]
    [InlineData("sluice bucket rm --f", "--force")]
    public async Task FishCompletes(string line, string expected)
    {
        using var home = new TemporaryDirectory();
        string file = home.Write("sluice.fish", (await CommandRun.OfAsync(null, ["completion", "fish"])).Output);
        string script = $"source {file}; echo (complete -C '{line}' | string replace -r '\\t.*' '')\n";
        Assert.Equal(expected, await ShellAsync(["fish", "--no-config"], script));
    }

    // A whole zsh on a terminal of its own: found in fpath by its name, loaded at the first Tab, and again at the second.
    [Theory]
    [InlineData("sluice bu", "bucket")]
    [InlineData("sluice bucket cr", "bucket create")]
    [InlineData("sluice bucket create --pro", "bucket create --property")]
    [InlineData("sluice get --re", "get --recursive")]
    [InlineData("sluice bucket rm --f", "bucket rm --force")]
    public async Task ZshCompletesFromItsFunctionPath(string line, string expected)
    {
        using var home = new TemporaryDirectory();
        home.Write("_sluice", (await CommandRun.OfAsync(null, ["completion", "zsh"])).Output);
        string script = $$"""
            zmodload zsh/zpty
            zpty shell zsh -f -i
            zpty -w shell 'PS1=""; fpath=({{home.Path}} $fpath); autoload -U compinit; compinit -u -D; sluice() { print -r -- "<"$*">" }; print ready\>'
            zpty -r -m shell seen '*ready>*'
            for turn in first second; do
                zpty -w shell $'{{line}}\t'
                zpty -r -m shell seen '*<*>*'
                print -rn -- "${${seen##*<}%%>*}|"
            done
            zpty -d shell

            """;
        Assert.Equal($"{expected}|{expected}|", await ShellAsync(["zsh", "-f"], script));
    }

    [Fact]
    public async Task ZshCompletesWhenSourced()
    {
        using var home = new TemporaryDirectory();
        string file = home.Write("sluice.zsh", (await CommandRun.OfAsync(null, ["completion", "zsh"])).Output);
        Assert.Equal("_sluice", await ShellAsync(["zsh", "-f"], $"autoload -U compinit; compinit -u -D; source {file}; print $_comps[sluice]\n"));
    }

    private static IEnumerable<Command> Below(Command command) => command.Subcommands.Where(each => !each.Hidden).SelectMany(each => Below(each).Prepend(each));

    private static async Task<string> ShellAsync(string[] shell, string script)
    {
        var start = new ProcessStartInfo(shell[0], shell[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(script);
        process.StandardInput.Close();
        Task<string> printed = process.StandardOutput.ReadToEndAsync();
        Task<string> complaints = process.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{shell[0]} does not end");
        }

        (string output, string error) = (await printed, await complaints);
        Assert.Equal("", error);
        return output.Trim();
    }
}
