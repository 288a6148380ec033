using System.CommandLine;
using Sluice.Cli.Completion;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>cp</c>: an object to another name, by the server.</summary>
internal static class CopyVerb
{
    public static Command Create(VerbOptions options)
    {
        var source = new AddressArgument<string>("source", AddressKind.Object) { Description = "ais://BUCKET/NAME" };
        var target = new AddressArgument<string>("target", AddressKind.Object) { Description = "ais://BUCKET/NAME, or ais://BUCKET/DIRECTORY/ to keep the last part of the name" };
        var command = new Command("cp", "Copy an object within a bucket or to another one; the server does it, and nothing is sent through here") { source, target };
        options.Bind(command, async (parse, run, token) =>
        {
            ObjectAddress from = VerbOptions.ObjectOf(parse.GetRequiredValue(source));
            ObjectAddress to = TargetOf(from, VerbOptions.ObjectOf(parse.GetRequiredValue(target)));
            await run.Client.CopyObjectAsync(from, to, token);
            run.PrintJson(writer => TransferJson.Write(writer, to, path: null, sizeBytes: null, isVerified: null));
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>Where an object goes that is to go to <paramref name="target"/>: into a directory by the last part of its name.</summary>
    internal static ObjectAddress TargetOf(ObjectAddress source, ObjectAddress target) =>
        source.IsDirectory ? throw new UsageException($"\"{source}\" names no object")
        : target.IsDirectory ? target.With(target.Name + source.Name[(source.Name.LastIndexOf('/') + 1)..])
        : target;
}
