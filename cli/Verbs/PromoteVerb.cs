using System.CommandLine;
using Sluice.Cli.Completion;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>promote</c>: files of the server's machine become objects, without going through here.</summary>
internal static class PromoteVerb
{
    public static Command Create(VerbOptions options)
    {
        var source = new Argument<string>("source") { Description = "absolute path of a file or directory on the server, below one of its --promote-root directories" };
        var target = new AddressArgument<string>("target", AddressKind.Object)
        {
            Description = "ais://BUCKET, or ais://BUCKET/TEXT to put TEXT before each name, as it is: end it with a slash for a directory; of a single file, ais://BUCKET/NAME is its name",
        };
        var recursive = new Option<bool>("--recursive", "-r") { Description = "also the files of the directories below" };
        var overwrite = new Option<bool>("--overwrite") { Description = "replace objects that are there; without it they stay, and their files are skipped" };
        var delete = new Option<bool>("--delete-source") { Description = "remove each file when its object is on stable storage, unless it was changed meanwhile" };
        Option<bool> wait = JobVerbs.WaitOption();
        var command = new Command("promote", "Make files of the server's machine objects; a directory is done by a job") { source, target, recursive, overwrite, delete, wait };
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                string path = parse.GetRequiredValue(source);
                if (!path.StartsWith('/'))
                {
                    throw new UsageException($"\"{path}\" is not an absolute path: the server reads the file, not this command");
                }

                string given = parse.GetRequiredValue(target);
                (BucketAddress bucket, string prefix) = ObjectAddress.HasScheme(given) && VerbOptions.ObjectOf(given) is var address
                    ? (address.Bucket, address.Name) : (VerbOptions.BucketOf(given), "");
                PromotionView promoted = await run.Client.PromoteAsync(
                    bucket,
                    new PromotionQuery
                    {
                        Source = path,
                        Prefix = prefix,
                        IsRecursive = parse.GetValue(recursive),
                        Overwrites = parse.GetValue(overwrite),
                        DeletesSource = parse.GetValue(delete),
                    },
                    token);
                return promoted.JobId.Length == 0 ? PrintDone(run, promoted.IsStored) : await EndAsync(run, promoted.JobId, parse.GetValue(wait), token);
            },
            showsProgress: true);
        return command;
    }

    private static ExitCode PrintDone(VerbRun run, bool isStored)
    {
        run.Print(() => isStored ? "1 file promoted" : "1 file skipped: an object is there; --overwrite replaces it", writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("id", "");
            writer.WriteNumber("objects", isStored ? 1 : 0);
            writer.WriteNumber("skipped", isStored ? 0 : 1);
            writer.WriteEndObject();
        });
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> EndAsync(VerbRun run, string id, bool waits, CancellationToken token)
    {
        ExitCode code = await BucketVerbs.EndAsync(run, id, waits, token);
        if (waits && code != ExitCode.Ok)
        {
            run.Tell($"\"sluice job show {id}\" lists the files that were not promoted");
        }

        return code;
    }
}
