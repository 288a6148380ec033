using System.CommandLine;
using Sluice.Cli.Completion;
using Sluice.Cli.Terminal;
using Sluice.Cli.Transfers;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>rm</c>: one object; a directory of them, one request each; or many of a bucket by a job of the server.</summary>
internal static class RemoveVerb
{
    public static Command Create(VerbOptions options)
    {
        var address = new AddressArgument<string>("address", AddressKind.Object)
        {
            Description = "ais://BUCKET/NAME, with --recursive ais://BUCKET/DIRECTORY/, with --template, --list, --prefix or --all ais://BUCKET",
        };
        var recursive = new Option<bool>("--recursive", "-r") { Description = "all objects below the directory" };
        Option<int> jobs = VerbOptions.Jobs();
        var many = new DeletionOptions();
        var command = new Command("rm", "Remove objects") { address, recursive, jobs };
        foreach (Option option in many.All)
        {
            command.Options.Add(option);
        }

        options.Bind(
            command,
            async (parse, run, token) =>
            {
                string given = parse.GetRequiredValue(address);
                if (many.Of(parse) is { } objects)
                {
                    return parse.GetValue(recursive) ? throw new UsageException("--recursive does not go with the names of a bucket")
                        : await many.RunAsync(parse, run, VerbOptions.BucketOf(given), objects, token);
                }

                ObjectAddress target = VerbOptions.ObjectOf(given);
                if (parse.GetValue(recursive))
                {
                    return await RemoveAllAsync(run, target.AsDirectory(), parse.GetValue(jobs), token);
                }

                if (target.IsDirectory)
                {
                    throw new UsageException($"\"{target}\" is a directory: --recursive removes all that lies below it");
                }

                await RemoveAsync(run, target, token);
                return ExitCode.Ok;
            },
            showsProgress: true);
        return command;
    }

    private static async Task<ExitCode> RemoveAllAsync(VerbRun run, ObjectAddress directory, int jobs, CancellationToken token)
    {
        var query = new ListQuery { Prefix = directory.Name, Properties = "name", Flags = ListFlags.NameOnly };
        (ExitCode code, long count) = await TransferQueue.RunAsync(
            run,
            jobs,
            run.Client.ListAsync(directory.Bucket, query, token),
            entry => directory.With(entry.Name).ToString(),
            _ => 0,
            (entry, each) => RemoveAsync(run, directory.With(entry.Name), each),
            token);
        if (count == 0 && code == ExitCode.Ok)
        {
            throw new SluiceException(404, "", $"there is no object below {directory}");
        }

        run.PrintText($"{run.Meter.ObjectsDone} objects removed");
        return code;
    }

    private static async Task RemoveAsync(VerbRun run, ObjectAddress address, CancellationToken token)
    {
        await run.Client.DeleteObjectAsync(address, token);
        run.PrintJson(writer => TransferJson.Write(writer, address, null, null, null));
    }
}
