using System.CommandLine;
using Sluice.Cli.Completion;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>object set-custom</c>: custom metadata of an object that is there; its bytes are not touched.</summary>
internal static class SetCustomVerb
{
    public static Command Create(VerbOptions options)
    {
        var name = new AddressArgument<string>("address", AddressKind.Object) { Description = "ais://BUCKET/NAME" };
        var pairs = new Argument<string[]>("pair") { Description = "custom metadata, as KEY=VALUE; what other keys have stays", Arity = ArgumentArity.ZeroOrMore };
        var replace = new Option<bool>("--replace") { Description = "make the pairs all that the object has; without any it has none then" };
        var command = new Command("set-custom", "Set custom metadata of an object; \"object show\" prints it") { name, pairs, replace };
        options.Bind(command, async (parse, run, token) =>
        {
            ObjectAddress address = VerbOptions.ObjectOf(parse.GetRequiredValue(name));
            KeyValuePair<string, string>[] custom = [.. (parse.GetValue(pairs) ?? []).Select(PairOf)];
            bool replaces = parse.GetValue(replace);
            if (address.IsDirectory)
            {
                throw new UsageException($"\"{address}\" names no object");
            }

            if (custom.Length == 0 && !replaces)
            {
                throw new UsageException("no KEY=VALUE is given: --replace without any removes all custom metadata");
            }

            if (custom.GroupBy(pair => pair.Key).FirstOrDefault(group => group.Count() > 1) is { } twice)
            {
                throw new UsageException($"\"{twice.Key}\" is given twice");
            }

            await (replaces ? run.Client.ReplaceCustomAsync(address, custom, token) : run.Client.MergeCustomAsync(address, custom, token));
            run.PrintJson(writer => TransferJson.Write(writer, address, path: null, sizeBytes: null, isVerified: null));
            return ExitCode.Ok;
        });
        return command;
    }

    private static KeyValuePair<string, string> PairOf(string pair)
    {
        int equals = pair.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 ? new(pair[..equals], pair[(equals + 1)..]) : throw new UsageException($"\"{pair}\" is not of the form KEY=VALUE");
    }
}
