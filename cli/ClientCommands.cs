using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Sluice.Cli.Completion;
using Sluice.Cli.Terminal;
using Sluice.Cli.Verbs;

namespace Sluice.Cli;

/// <summary>
/// The client's verbs, for the composition root to hang into its root command, and the one way to run that root so that the exit codes of
/// <see cref="ExitCode"/> hold for wrong command lines and for failures nobody foresaw as well.
/// </summary>
public static class ClientCommands
{
    /// <summary>All client verbs and <c>completion</c>; each takes <c>--endpoint</c> and <c>--json</c>.</summary>
    /// <param name="environment">Streams and variables; null for the process's own.</param>
    public static IReadOnlyList<Command> All(ClientEnvironment? environment = null)
    {
        ClientEnvironment used = environment ?? ClientEnvironment.OfProcess();
        var options = new VerbOptions(used);
        Command[] verbs =
        [
            BucketVerbs.Create(options),
            PutVerb.Create(options),
            GetVerb.Create(options),
            ListVerb.Create(options),
            RemoveVerb.Create(options),
            HeadVerb.Create(options),
            CatVerb.Create(options),
        ];
        foreach (Command verb in verbs)
        {
            verb.Options.Add(options.Endpoint);
            verb.Options.Add(options.Json);
        }

        return [.. verbs, CompletionVerb.Create(used)];
    }

    /// <summary>What the root command's description should end with: the table of exit codes.</summary>
    public static string ExitCodeHelp => ExitCodes.Help;

    /// <summary>Parses and runs a command line. Never throws; an unforeseen failure is one sentence on <paramref name="error"/>.</summary>
    public static async Task<int> RunAsync(RootCommand root, IReadOnlyList<string> arguments, TextWriter output, TextWriter error)
    {
        try
        {
            ParseResult parse = root.Parse(arguments);
            if (parse.Errors.Count > 0 && parse.Action is ParseErrorAction)
            {
                ParseError first = parse.Errors[0];
                await error.WriteLineAsync($"sluice: {PrintableText.Of(first.Message)} See \"{NameOf(parse.CommandResult)} --help\".");
                return (int)ExitCode.Usage;
            }

            return await parse.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output, Error = error });
        }
        catch (Exception failure)
        {
            await error.WriteLineAsync($"sluice: {PrintableText.Sentence(failure)}");
            return (int)ExitCodes.Of(failure);
        }
    }

    private static string NameOf(CommandResult command) =>
        command.Parent is CommandResult parent ? $"{NameOf(parent)} {command.Command.Name}" : "sluice";
}
