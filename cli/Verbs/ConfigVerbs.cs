using System.CommandLine;
using System.Text.Json.Nodes;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>config cluster</c>: what buckets have when they are made without properties.</summary>
internal static class ConfigVerbs
{
    public static Command Cluster(VerbOptions options)
    {
        var properties = new Argument<string[]>("property")
        {
            Description = "what to change, as KEY=VALUE, such as checksum.type=md5; nothing shows all",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var reset = new Option<bool>("--reset") { Description = "make all of it the built-in again" };
        var transient = new Option<bool>("--transient") { Description = "until the next start of the server" };
        var command = new Command("cluster", "Show or change what buckets have when they are made without properties; those that are there stay as they are") { properties, reset, transient };
        options.Bind(command, async (parse, run, token) =>
        {
            JsonObject? tree = PropertyTree.Parse(parse.GetValue(properties) ?? []);
            bool isReset = parse.GetValue(reset), isTransient = parse.GetValue(transient);
            if ((isReset && tree is not null) || (isTransient && !isReset && tree is null))
            {
                throw new UsageException(isReset ? "--reset and properties do not go together" : "--transient is for a change");
            }

            if (isReset)
            {
                await run.Client.ResetConfigAsync(isTransient, token);
            }
            else if (tree is not null)
            {
                await run.Client.SetConfigAsync(tree, isTransient, token);
            }

            if (tree is null && !isReset)
            {
                JsonObject config = await run.Client.ConfigAsync(token);
                run.PrintDocument(() => string.Join('\n', PropertyTree.Lines(config, "")), writer => config.WriteTo(writer));
            }

            return ExitCode.Ok;
        });
        return command;
    }
}
