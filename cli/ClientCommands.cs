using System.CommandLine;
using Sluice.Cli.Completion;
using Sluice.Cli.Verbs;

namespace Sluice.Cli;

/// <summary>
/// The client's verbs, for the composition root to hang into its root command. A verb never throws: it prints one sentence and ends with an
/// <see cref="ExitCode"/>. What does not parse is the root's to answer, with <see cref="ExitCode.Usage"/>.
/// </summary>
public static class ClientCommands
{
    /// <summary>All client verbs and <c>completion</c>; each takes <c>--endpoint</c>, <c>--json</c> and the flags of https.</summary>
    /// <param name="environment">Streams, variables, kinds of files.</param>
    public static IReadOnlyList<Command> All(ClientEnvironment environment)
    {
        var options = new VerbOptions(environment);
        Command[] verbs =
        [
            BucketVerbs.Create(options),
            ObjectVerbs.Create(options),
            PutVerb.Create(options),
            GetVerb.Create(options),
            ListVerb.Create(options),
            CopyVerb.Create(options),
            MoveVerb.Create(options),
            RemoveVerb.Create(options),
            HeadVerb.Create(options),
            CatVerb.Create(options),
            PromoteVerb.Create(options),
            UploadVerbs.Create(options),
            JobVerbs.Create(options),
            MountpathVerbs.Create(options),
            ScrubVerb.Create(options),
            QuarantineVerbs.Create(options),
        ];
        return [.. verbs.Select(verb => Shared(verb, options)), CompletionVerb.Create(environment), CompleteVerb.Create(options, environment)];
    }

    /// <summary>The client's part of <c>config</c>, which prints a server's settings by itself: the verbs below it.</summary>
    /// <param name="environment">Streams, variables, kinds of files.</param>
    public static IReadOnlyList<Command> BelowConfig(ClientEnvironment environment)
    {
        var options = new VerbOptions(environment);
        return [Shared(ConfigVerbs.Cluster(options), options)];
    }

    private static Command Shared(Command verb, VerbOptions options)
    {
        foreach (Option option in options.Shared)
        {
            verb.Options.Add(option);
        }

        return verb;
    }

    /// <summary>What the root command's description should end with: the table of exit codes.</summary>
    public static string ExitCodeHelp => ExitCodes.Help;
}
