using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Cli.Completion;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>bucket create|rm|ls|show|set|reset|props|summary|cp|mv|make-n-copies|rechunk</c>.</summary>
internal static class BucketVerbs
{
    public static Command Create(VerbOptions options) =>
        new("bucket", "Make, remove, list, show and change buckets")
        {
            Make(options), Remove(options), List(options), BucketPropertyVerbs.Show(options), BucketPropertyVerbs.Set(options), BucketPropertyVerbs.Reset(options), BucketPropertyVerbs.Create(options),
            BucketSummaryVerb.Create(options), BucketCopyVerb.Create(options), Rename(options), MakeCopies(options), Rechunk(options),
        };

    private static Command Make(VerbOptions options)
    {
        Argument<string> bucket = BucketArgument();
        var property = new Option<string[]>("--property", "-p")
        {
            Description = "a property to set, such as checksum.type=sha256; repeatable",
            HelpName = "KEY=VALUE",
        };
        var command = new Command("create", "Make a bucket") { bucket, property };
        options.Bind(command, async (parse, run, token) =>
        {
            BucketAddress address = VerbOptions.BucketOf(parse.GetRequiredValue(bucket));
            JsonObject? tree = PropertyTree.Parse(parse.GetValue(property) ?? []);
            await run.Client.CreateBucketAsync(address, tree, token);
            run.PrintJson(writer => address.Write(writer));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Remove(VerbOptions options)
    {
        Argument<string> bucket = BucketArgument();
        var force = new Option<bool>("--force", "-f") { Description = "remove it even if it holds objects" };
        var command = new Command("rm", "Remove a bucket") { bucket, force };
        options.Bind(command, async (parse, run, token) =>
        {
            BucketAddress address = VerbOptions.BucketOf(parse.GetRequiredValue(bucket));
            if (!parse.GetValue(force))
            {
                // Best effort: an object stored between this look and the removal goes with the bucket.
                var one = new ListQuery { PageSize = 1, Properties = "name", Flags = ListFlags.NameOnly };
                ListedPage page = await run.Client.ListPageAsync(address, one, null, token);
                if (page.Entries.Count > 0)
                {
                    throw new RefusedException($"bucket {address} is not empty; --force removes it with all that it holds");
                }
            }

            await run.Client.DestroyBucketAsync(address, token);
            run.PrintJson(writer => address.Write(writer));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command List(VerbOptions options)
    {
        var provider = new Option<string>("--provider")
        {
            Description = "only buckets of this provider",
            HelpName = "NAME",
            DefaultValueFactory = _ => "",
        };
        var command = new Command("ls", "List buckets") { provider };
        options.Bind(command, async (parse, run, token) =>
        {
            foreach (BucketAddress bucket in await run.Client.ListBucketsAsync(parse.GetValue(provider) ?? "", token))
            {
                run.Print(bucket.ToString, writer => bucket.Write(writer));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Rename(VerbOptions options)
    {
        Argument<string> bucket = BucketArgument();
        var name = new Argument<string>("name") { Description = "the name that it gets, as ais://NAME or NAME; no bucket may have it" };
        var command = new Command("mv", "Give a bucket another name, at once and whatever it holds: nothing is copied") { bucket, name };
        options.Bind(command, async (parse, run, token) =>
        {
            BucketAddress to = VerbOptions.BucketOf(parse.GetRequiredValue(name));
            await run.Client.RenameBucketAsync(VerbOptions.BucketOf(parse.GetRequiredValue(bucket)), to, token);
            run.PrintJson(writer => to.Write(writer));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command MakeCopies(VerbOptions options)
    {
        Argument<string> bucket = BucketArgument();
        var copies = new Argument<int>("copies") { Description = "how many mountpaths have each object; 1 for no mirror" };
        Option<bool> wait = JobVerbs.WaitOption();
        var command = new Command("make-n-copies", "Set how many copies a bucket's objects have, and bring all of them to it") { bucket, copies, wait };
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                BucketAddress address = VerbOptions.BucketOf(parse.GetRequiredValue(bucket));
                return await EndAsync(run, await run.Client.MakeCopiesAsync(address, parse.GetValue(copies), token), parse.GetValue(wait), token);
            },
            showsProgress: true);
        return command;
    }

    private static Command Rechunk(VerbOptions options)
    {
        Argument<string> bucket = BucketArgument();
        var prefix = new Option<string>("--prefix") { Description = "only objects whose names begin with this", HelpName = "TEXT", DefaultValueFactory = _ => "" };
        Option<string?> limit = SizeOption.Make("--objsize-limit", "split objects that are larger; 0 puts every object together again; the bucket's chunks.objsize_limit without it");
        Option<string?> chunk = SizeOption.Make("--chunk-size", "size of a chunk; the bucket's chunks.chunk_size without it");
        Option<bool> wait = JobVerbs.WaitOption();
        var command = new Command("rechunk", "Split a bucket's objects into chunks, or put them together again; they are read meanwhile") { bucket, prefix, limit, chunk, wait };
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                BucketAddress address = VerbOptions.BucketOf(parse.GetRequiredValue(bucket));
                string id = await run.Client.RechunkAsync(address, parse.GetRequiredValue(prefix), SizeOption.Of(parse, limit), SizeOption.Of(parse, chunk), token);
                return await EndAsync(run, id, parse.GetValue(wait), token);
            },
            showsProgress: true);
        return command;
    }

    /// <summary>A change is done, and has perhaps started a job: its id, or, for who waits, how it ended.</summary>
    internal static async Task<ExitCode> EndAsync(VerbRun run, string jobId, bool waits, CancellationToken token)
    {
        if (jobId.Length == 0)
        {
            return ExitCode.Ok;
        }

        if (!waits)
        {
            JobVerbs.PrintId(run, jobId);
            return ExitCode.Ok;
        }

        JobView job = await JobVerbs.AwaitAsync(run, jobId, token);
        run.Print(() => JobText.Document(job), writer => JobText.Write(writer, job));
        return JobVerbs.Tell(run, job);
    }

    /// <summary>A fresh argument that names a bucket.</summary>
    internal static Argument<string> BucketArgument() => new AddressArgument<string>("bucket", AddressKind.Bucket) { Description = "the bucket, as ais://NAME or NAME" };
}
