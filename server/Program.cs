// The one binary: server and client verbs under one root command. Whatever goes wrong ends as one sentence on standard error.
using System.CommandLine;
using System.CommandLine.Invocation;
using Sluice.Cli;
using Sluice.Server.Settings;

namespace Sluice.Server;

/// <summary>Entry point.</summary>
public static class Program
{
    /// <summary>Runs one command line of this process.</summary>
    public static Task<int> Main(string[] args) => RunAsync(args, CommandWorld.OfProcess());

    /// <summary>Runs one command line; answers its exit code.</summary>
    public static async Task<int> RunAsync(string[] args, CommandWorld world)
    {
        var root = new RootCommand("Sluice stores objects on many mountpaths.\n\n" + ClientCommands.ExitCodeHelp);
        ClientEnvironment client = ClientEnvironment.OfProcess(LocalFileKinds.Of);
        IReadOnlyList<Command> clientCommands = ClientCommands.All(client);
        foreach (Command command in (IEnumerable<Command>)[.. ServerCommands.All(world), .. clientCommands, LoadVerb.Create()])
        {
            root.Add(command);
        }

        Command config = root.Subcommands.Single(static command => command.Name == "config");
        foreach (Command below in ClientCommands.BelowConfig(client))
        {
            config.Add(below);
        }

        if (args is [LoadVerb.Name, .. var flags])
        {
            return await GuardedAsync(() => LoadVerb.RunAsync(flags, world), world);
        }

        // No response files: an argument that begins with @ is an argument.
        ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            return Refuse(parsed, world);
        }

        // Signals are the server's own (ShutdownSignals); exceptions are met below.
        var invocation = new InvocationConfiguration
        {
            Output = world.Output,
            Error = world.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        return await GuardedAsync(() => parsed.InvokeAsync(invocation), world);
    }

    private static async Task<int> GuardedAsync(Func<Task<int>> verb, CommandWorld world)
    {
        try
        {
            return await verb();
        }
        catch (Exception error)
        {
            await world.Error.WriteLineAsync($"sluice: {error.Message}");
            return ServerCommands.Failed;
        }
    }

    private static int Refuse(ParseResult parsed, CommandWorld world)
    {
        Command command = parsed.CommandResult.Command;
        string[] known = [.. command.Options.Select(option => option.Name), .. command.Subcommands.Select(sub => sub.Name)];
        string problem = parsed.UnmatchedTokens is [string first, ..]
            ? $"{first}: is not known to {Name(command)}{DidYouMean.Suffix(first.Split('=')[0], known)}"
            : parsed.Errors[0].Message;
        world.Error.WriteLine($"sluice: {problem.TrimEnd('.')} (see {Name(command)} --help)");
        return ServerCommands.Refused;
    }

    private static string Name(Command command) => command is RootCommand ? "sluice" : $"sluice {command.Name}";
}
