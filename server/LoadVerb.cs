// `sluice load` reads its own flags: they are Go's, one dash or two, and the contract's names. The command line only lists them.
using System.CommandLine;
using Sluice.Loader;
using Sluice.Loader.Flags;

namespace Sluice.Server;

/// <summary>The verb of the load generator.</summary>
internal static class LoadVerb
{
    /// <summary>Its name.</summary>
    public const string Name = "load";

    /// <summary>The verb as help and shell completion see it; it is never parsed.</summary>
    public static Command Create()
    {
        var command = new Command(Name, "Generate load on a bucket and measure it. \"sluice load --help\" lists its flags.");
        foreach (Flag flag in FlagTable.All.Where(flag => flag.Missing is null))
        {
            command.Add(new Option<string>("--" + flag.Name) { Description = flag.Meaning });
        }

        return command;
    }

    /// <summary>Runs it.</summary>
    public static Task<int> RunAsync(IEnumerable<string> arguments, CommandWorld world) => LoadProgram.RunAsync(
        [.. arguments],
        new LoadWorld
        {
            Output = world.Output,
            Error = world.Error,
            Variable = name => world.Environment.GetValueOrDefault(name),
            Version = ServerCommands.Version,
        },
        CancellationToken.None);
}
