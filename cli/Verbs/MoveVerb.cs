using System.CommandLine;
using Sluice.Cli.Completion;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>mv</c>: another name for an object of a bucket.</summary>
internal static class MoveVerb
{
    public static Command Create(VerbOptions options)
    {
        var source = new AddressArgument<string>("source", AddressKind.Object) { Description = "ais://BUCKET/NAME" };
        var target = new AddressArgument<string>("target", AddressKind.Object) { Description = "ais://BUCKET/NAME of the same bucket, or ais://BUCKET/DIRECTORY/ to keep the last part of the name" };
        var command = new Command("mv", "Give an object another name in its bucket; what stands there is replaced") { source, target };
        options.Bind(command, async (parse, run, token) =>
        {
            ObjectAddress from = VerbOptions.ObjectOf(parse.GetRequiredValue(source));
            ObjectAddress to = CopyVerb.TargetOf(from, VerbOptions.ObjectOf(parse.GetRequiredValue(target)));
            if (to.Bucket != from.Bucket)
            {
                throw new UsageException($"\"{to}\" is in another bucket than \"{from}\": \"cp\" goes there, and \"rm\" removes what is left");
            }

            await run.Client.RenameObjectAsync(from, to.Name, token);
            run.PrintJson(writer => TransferJson.Write(writer, to, path: null, sizeBytes: null, isVerified: null));
            return ExitCode.Ok;
        });
        return command;
    }
}
