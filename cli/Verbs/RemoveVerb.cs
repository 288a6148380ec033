using System.CommandLine;
using Sluice.Cli.Terminal;
using Sluice.Cli.Transfers;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>rm</c>: one object, or a directory of them.</summary>
internal static class RemoveVerb
{
    public static Command Create(VerbOptions options)
    {
        var address = new Argument<string>("address") { Description = "ais://BUCKET/NAME, or with --recursive ais://BUCKET/DIRECTORY/" };
        var recursive = new Option<bool>("--recursive", "-r") { Description = "all objects below the directory" };
        Option<int> jobs = VerbOptions.Jobs();
        var command = new Command("rm", "Remove objects") { address, recursive, jobs };
        options.Bind(command, async (parse, run, token) =>
        {
            ObjectAddress target = VerbOptions.ObjectOf(parse.GetRequiredValue(address));
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
        });
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
