using System.CommandLine;

namespace Sluice.Cli.Completion;

/// <summary><c>completion bash|zsh|fish</c>: a script for the shell, made from the whole command tree.</summary>
internal static class CompletionVerb
{
    public static Command Create(ClientEnvironment environment)
    {
        var command = new Command("completion", "Print a completion script for a shell");
        Add(command, environment, "bash", "source <(sluice completion bash)", CompletionScripts.Bash);
        Add(command, environment, "zsh", "source <(sluice completion zsh)", CompletionScripts.Zsh);
        Add(command, environment, "fish", "sluice completion fish | source", CompletionScripts.Fish);
        return command;
    }

    private static void Add(
        Command parent, ClientEnvironment environment, string shell, string use, Func<IReadOnlyList<CommandNode>, string> script)
    {
        var command = new Command(shell, $"Script for {shell}: {use}");
        command.SetAction(async (parse, token) =>
        {
            await environment.Output.WriteAsync(script(CommandNode.Flatten(parse.RootCommandResult.Command)).AsMemory(), token);
            await environment.Output.FlushAsync(token);
            return (int)ExitCode.Ok;
        });
        parent.Add(command);
    }
}
