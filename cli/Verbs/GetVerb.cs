using System.CommandLine;
using System.Runtime.CompilerServices;
using Sluice.Cli.Completion;
using Sluice.Cli.Terminal;
using Sluice.Cli.Transfers;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>get</c>: one object to a file or to standard output, a directory of objects, or those of a prefix, a list or a template.</summary>
internal static class GetVerb
{
    private const string StandardOutput = "-";

    public static Command Create(VerbOptions options)
    {
        var address = new AddressArgument<string>("address", AddressKind.Object) { Description = "ais://BUCKET/NAME; with --recursive, --prefix, --template or --list ais://BUCKET or ais://BUCKET/DIRECTORY/, which the names are below" };
        var target = new Argument<string?>("target")
        {
            Description = "a file, a directory, or - for standard output; the object's last name part here if left out",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var recursive = new Option<bool>("--recursive", "-r") { Description = "all objects below the directory" };
        Option<int> jobs = VerbOptions.Jobs();
        var parts = new PartOptions();
        var names = new NameOptions("objects", hasPrefix: true);
        var command = new Command("get", "Fetch objects as files; large ones come in parts") { address, target, recursive, jobs };
        foreach (Option option in names.All)
        {
            command.Options.Add(option);
        }

        parts.AddForGet(command);
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                ObjectAddress source = VerbOptions.ObjectOf(parse.GetRequiredValue(address));
                string? path = parse.GetValue(target);
                NamedThings? many = names.Of(parse);
                if (parse.GetValue(recursive))
                {
                    many = many is null ? new NamedThings { Prefix = "" } : throw new UsageException("--recursive does not go with --prefix, --template or --list");
                }

                if (many is not null)
                {
                    return path == StandardOutput
                        ? throw new UsageException("many objects need a directory to be written to, not standard output")
                        : await GetManyAsync(run, source.AsDirectory(), many, path ?? ".", parse.GetValue(jobs), parts.OfGet(parse), token);
                }

                if (source.IsDirectory)
                {
                    throw new UsageException($"\"{source}\" is a directory: --recursive fetches all that lies below it");
                }

                return await GetOneAsync(run, source, path, parts.OfGet(parse), token);
            },
            showsProgress: true);
        return command;
    }

    private static async Task<ExitCode> GetOneAsync(VerbRun run, ObjectAddress source, string? path, PartSettings settings, CancellationToken token)
    {
        var download = new Download(run.Client, run.Meter)
        {
            Ranged = new RangedDownload(run, settings),
            Announce = bytes =>
            {
                run.Meter.Expect(bytes);
                run.Meter.ExpectNoMore();
            },
        };
        if (path == StandardOutput)
        {
            // Bytes and JSON cannot share a stream, so --json has nothing to say here.
            await using Stream output = run.OpenOutput();
            await download.ToStreamAsync(source, null, output, token);
            return ExitCode.Ok;
        }

        string file = path is null ? LocalPath.FileNameOf(source.Name)
            : Directory.Exists(path) || path.EndsWith('/') ? Path.Join(path, LocalPath.FileNameOf(source.Name))
            : path;
        if (!await FetchAsync(run, download, source, file, null, token))
        {
            run.Note(file, $"fetched from {source}, not verified: the server has no digest of it that this client can compute");
        }

        return ExitCode.Ok;
    }

    private static async Task<ExitCode> GetManyAsync(
        VerbRun run, ObjectAddress source, NamedThings many, string directory, int jobs, PartSettings settings, CancellationToken token)
    {
        var download = new Download(run.Client, run.Meter) { Ranged = new RangedDownload(run, settings) };
        string? prefix = many.Template is { IsPrefix: true } template ? template.Prefix : many.Prefix;
        long unverified = 0;
        (ExitCode code, long count) = await TransferQueue.RunAsync(
            run,
            jobs,
            prefix is null ? NamedAsync(source, many.Template?.Names() ?? many.List!) : ListedAsync(run, source, prefix, token),
            wanted => wanted.Address.ToString(),
            wanted => wanted.SizeBytes ?? -1,
            async (wanted, each) =>
            {
                if (!wanted.Address.Name.StartsWith(source.Name, StringComparison.Ordinal))
                {
                    throw new RefusedException($"the server listed \"{wanted.Address.Name}\", which does not lie below {source}");
                }

                string file = LocalPath.Below(directory, wanted.Address.Name[source.Name.Length..]);
                Interlocked.Add(ref unverified, await FetchAsync(run, download, wanted.Address, file, wanted.SizeBytes, each) ? 0 : 1);
            },
            token);
        if (count == 0 && code == ExitCode.Ok)
        {
            throw new SluiceException(404, "", $"there is no object below {source}{(string.IsNullOrEmpty(prefix) ? "" : $" whose name begins with \"{prefix}\"")}");
        }

        run.PrintText(ProgressText.Sum(run.Meter.ObjectsDone, run.Meter.BytesDone, unverified));
        return code;
    }

    private static async IAsyncEnumerable<Wanted> ListedAsync(VerbRun run, ObjectAddress source, string prefix, [EnumeratorCancellation] CancellationToken token)
    {
        var query = new ListQuery { Prefix = source.Name + prefix, Properties = "name,size", Flags = ListFlags.NameSize };
        await foreach (ListedObject entry in run.Client.ListAsync(source.Bucket, query, token))
        {
            yield return new Wanted(source.With(entry.Name), entry.SizeBytes);
        }
    }

    private static async IAsyncEnumerable<Wanted> NamedAsync(ObjectAddress source, IEnumerable<string> names)
    {
        await Task.Yield(); // the transfers start while names are still being made
        foreach (string name in names)
        {
            yield return new Wanted(source.With(source.Name + name), null);
        }
    }

    /// <summary>Fetches one object; true when its digest was compared.</summary>
    private static async Task<bool> FetchAsync(VerbRun run, Download download, ObjectAddress source, string file, long? sizeBytes, CancellationToken token)
    {
        DownloadOutcome outcome = await download.ToFileAsync(source, file, token, sizeBytes);
        run.PrintJson(writer => TransferJson.Write(writer, source, file, outcome.SizeBytes, outcome.IsVerified));
        return outcome.IsVerified;
    }

    /// <summary>An object that is to be fetched, and its size when that is known.</summary>
    private readonly record struct Wanted(ObjectAddress Address, long? SizeBytes);
}
