using System.CommandLine;
using System.Diagnostics;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests;

/// <summary>Completion scripts hold the whole command tree, and the one for bash is run by bash.</summary>
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
    [InlineData("sluice ", "bucket put get ls rm head cat completion --help --version")]
    [InlineData("sluice bu", "bucket")]
    [InlineData("sluice bucket ", "create rm ls show --endpoint --json --help")]
    [InlineData("sluice bucket create --", "--property --help --endpoint --json")]
    [InlineData("sluice get --re", "--recursive")]
    [InlineData("sluice put file --j", "--jobs --json")]
    [InlineData("sluice bucket rm --f", "--force")]
    public async Task BashCompletes(string line, string expected)
    {
        CommandRun run = await CommandRun.OfAsync(null, ["completion", "bash"]);
        string words = string.Join(' ', line.Split(' ').Select(word => $"'{word}'"));
        string script = $"{run.Output}\nCOMP_WORDS=({words}); COMP_CWORD={line.Split(' ').Length - 1}; _sluice; echo \"${{COMPREPLY[*]}}\"\n";
        Assert.Equal(expected, await ShellAsync("bash", script));
    }

    private static IEnumerable<Command> Below(Command command) => command.Subcommands.SelectMany(each => Below(each).Prepend(each));

    private static async Task<string> ShellAsync(string shell, string script)
    {
        var start = new ProcessStartInfo(shell, ["--norc", "-s"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(script);
        process.StandardInput.Close();
        string output = await process.StandardOutput.ReadToEndAsync();
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal("", error);
        return output.Trim();
    }
}
