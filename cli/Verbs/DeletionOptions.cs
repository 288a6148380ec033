using System.CommandLine;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary>
/// The options of <c>rm</c> that have the server remove many objects of a bucket in one job. What would be removed is named by one of four; where that depends on
/// what is in the bucket, a person is asked first.
/// </summary>
internal sealed class DeletionOptions
{
    private readonly Option<string?> _template = new("--template")
    {
        Description = "the objects whose names a template stands for: a{001..100..2}b, a@100b, a%04db",
        HelpName = "TEMPLATE",
    };

    private readonly Option<string[]> _list = new("--list") { Description = "the objects of these names, with commas between them; repeatable", HelpName = "NAMES" };
    private readonly Option<string?> _prefix = new("--prefix") { Description = "all objects whose names begin with this", HelpName = "TEXT" };
    private readonly Option<bool> _all = new("--all") { Description = "all objects of the bucket" };
    private readonly Option<bool> _flat = new("--non-recursive") { Description = "of a prefix: nothing below its directory" };
    private readonly Option<bool> _goesOn = new("--continue-on-error") { Description = "go on behind an object that cannot be removed, and pass over listed names that have none" };
    private readonly Option<int> _workers = ManyOptions.Workers();
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "do not ask before a prefix or everything is removed" };
    private readonly Option<bool> _noWait = new("--no-wait") { Description = "print the job's id and do not wait until it has ended" };
    private readonly Option<bool> _wait = new("--wait") { Description = "wait until it has ended, as is done without it" };

    /// <summary>All of them.</summary>
    public IEnumerable<Option> All => [_template, _list, _prefix, _all, _flat, _goesOn, _workers, _yes, _noWait, _wait];

    /// <summary>What the command line names; null when it names no objects of a bucket. A usage error when it does so twice, or with nothing.</summary>
    public ObjectSelection? Of(ParseResult parse)
    {
        (string? template, string? prefix, bool all) = (parse.GetValue(_template), parse.GetValue(_prefix), parse.GetValue(_all));
        int given = new[] { template is not null, parse.GetResult(_list) is not null, prefix is not null, all }.Count(one => one);
        if (given == 0)
        {
            Option? other = All.FirstOrDefault(option => parse.GetResult(option) is { Implicit: false });
            return other is null ? null : throw new UsageException($"{other.Name} goes with --template, --list, --prefix or --all");
        }

        if (given > 1)
        {
            throw new UsageException("--template, --list, --prefix and --all do not go together");
        }

        if (template is "" || prefix is "")
        {
            throw new UsageException($"{(template is null ? "--prefix" : "--template")} is empty: --all removes all objects of the bucket");
        }

        if (parse.GetValue(_wait) && parse.GetValue(_noWait))
        {
            throw new UsageException("--wait and --no-wait do not go together");
        }

        return new ObjectSelection
        {
            Template = template,
            Names = ManyOptions.NamesOf(parse, _list),
            Prefix = prefix,
            IsFlat = parse.GetValue(_flat),
            ContinuesOnError = parse.GetValue(_goesOn),
            Workers = parse.GetValue(_workers),
        };
    }

    /// <summary>Has the objects removed; asks first where nobody has said which they are.</summary>
    public async Task<ExitCode> RunAsync(ParseResult parse, VerbRun run, BucketAddress bucket, ObjectSelection objects, CancellationToken token)
    {
        if (Question(bucket, objects) is { } question && !parse.GetValue(_yes) && !await run.ConfirmAsync(question, token))
        {
            throw new RefusedException("nothing was removed; --yes removes without asking");
        }

        string id = await run.Client.DeleteObjectsAsync(bucket, objects, token);
        if (parse.GetValue(_noWait))
        {
            JobVerbs.PrintId(run, id);
            return ExitCode.Ok;
        }

        JobView job = await JobVerbs.AwaitAsync(run, id, token);
        run.Print(() => $"{job.Objects} objects removed, {ProgressText.Size(job.Bytes)}", writer => JobText.Write(writer, job));
        return JobVerbs.Tell(run, job);
    }

    /// <summary>What to ask; null when the command line says by itself which objects are meant.</summary>
    private static string? Question(BucketAddress bucket, ObjectSelection objects)
    {
        string? prefix = objects.Prefix;
        if (objects.Template is not null)
        {
            if (!NameTemplate.TryParse(objects.Template, out NameTemplate? template, out string? problem))
            {
                throw new UsageException(problem);
            }

            prefix = template.IsPrefix ? template.Prefix : null;
        }

        return objects.Names is not null || (objects.Template is not null && prefix is null) ? null
            : string.IsNullOrEmpty(prefix) ? $"Remove all objects of {bucket}?"
            : $"Remove all objects of {bucket} whose names begin with \"{prefix}\"{(objects.IsFlat ? ", and nothing below that directory" : "")}?";
    }
}
