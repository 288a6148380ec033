using System.CommandLine;
using Sluice.Cli.Completion;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>bucket cp</c>: objects of a bucket to another one, by a job of the server.</summary>
internal static class BucketCopyVerb
{
    public static Command Create(VerbOptions options)
    {
        var from = new AddressArgument<string>("bucket", AddressKind.Bucket) { Description = "the bucket that is read, as ais://NAME or NAME" };
        var to = new AddressArgument<string>("destination", AddressKind.Bucket) { Description = "the bucket that is written; made with the properties of the other when it is not there" };
        var prefix = new Option<string?>("--prefix") { Description = "only objects whose names begin with this", HelpName = "TEXT" };
        var template = new Option<string?>("--template") { Description = "only objects whose names a template stands for: a{001..100..2}b, a@100b, a%04db", HelpName = "TEMPLATE" };
        var list = new Option<string[]>("--list") { Description = "only objects of these names, with commas between them; repeatable", HelpName = "NAMES" };
        var prepend = new Option<string>("--prepend") { Description = "put before each name", HelpName = "TEXT", DefaultValueFactory = _ => "" };
        var extension = new Option<string[]>("--ext") { Description = "change an extension, such as jpeg=jpg; repeatable", HelpName = "OLD=NEW" };
        var dryRun = new Option<bool>("--dry-run") { Description = "count, and write nothing" };
        var sync = new Option<bool>("--sync") { Description = "also remove from the destination what the bucket does not have" };
        var goesOn = new Option<bool>("--continue-on-error") { Description = "go on behind an object that cannot be copied, and pass over listed names that have none" };
        Option<int> workers = ManyOptions.Workers();
        Option<bool> wait = JobVerbs.WaitOption();
        var command = new Command("cp", "Copy a bucket's objects to another bucket") { from, to, prefix, template, list, prepend, extension, dryRun, sync, goesOn, workers, wait };
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                string[]? names = ManyOptions.NamesOf(parse, list);
                if (new[] { parse.GetValue(prefix) is not null, parse.GetValue(template) is not null, names is not null }.Count(one => one) > 1)
                {
                    throw new UsageException("--prefix, --template and --list do not go together");
                }

                var copy = new BucketCopy
                {
                    Objects = new ObjectSelection
                    {
                        Names = names,
                        Template = parse.GetValue(template),
                        Prefix = parse.GetValue(prefix),
                        ContinuesOnError = parse.GetValue(goesOn),
                        Workers = parse.GetValue(workers),
                    },
                    Prepend = parse.GetRequiredValue(prepend),
                    Extensions = ExtensionsOf(parse.GetValue(extension) ?? []),
                    IsDryRun = parse.GetValue(dryRun),
                    Synchronises = parse.GetValue(sync),
                };
                string id = await run.Client.CopyBucketAsync(VerbOptions.BucketOf(parse.GetRequiredValue(from)), VerbOptions.BucketOf(parse.GetRequiredValue(to)), copy, token);
                return await BucketVerbs.EndAsync(run, id, parse.GetValue(wait), token);
            },
            showsProgress: true);
        return command;
    }

    private static Dictionary<string, string> ExtensionsOf(string[] given)
    {
        var extensions = new Dictionary<string, string>();
        foreach (string pair in given)
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
            {
                throw new UsageException($"--ext \"{pair}\" is not of the form OLD=NEW");
            }

            extensions[pair[..equals]] = pair[(equals + 1)..];
        }

        return extensions;
    }
}
