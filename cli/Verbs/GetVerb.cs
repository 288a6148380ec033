using System.CommandLine;
using Sluice.Cli.Completion;
using Sluice.Cli.Terminal;
using Sluice.Cli.Transfers;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>get</c>: one object to a file or to standard output, or a directory of objects.</summary>
internal static class GetVerb
{
    private const string StandardOutput = "-";

    public static Command Create(VerbOptions options)
    {
        var address = new AddressArgument<string>("address", AddressKind.Object) { Description = "ais://BUCKET/NAME, or with --recursive ais://BUCKET/DIRECTORY/" };
        var target = new Argument<string?>("target")
        {
            Description = "a file, a directory, or - for standard output; the object's last name part here if left out",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var recursive = new Option<bool>("--recursive", "-r") { Description = "all objects below the directory" };
        Option<int> jobs = VerbOptions.Jobs();
        var parts = new PartOptions();
        var command = new Command("get", "Fetch objects as files; large ones come in parts") { address, target, recursive, jobs };
        parts.AddForGet(command);
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                ObjectAddress source = VerbOptions.ObjectOf(parse.GetRequiredValue(address));
                string? path = parse.GetValue(target);
                if (parse.GetValue(recursive))
                {
                    return path == StandardOutput
                        ? throw new UsageException("--recursive needs a directory to write to, not standard output")
                        : await GetAllAsync(run, source.AsDirectory(), path ?? ".", parse.GetValue(jobs), parts.OfGet(parse), token);
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

    private static async Task<ExitCode> GetAllAsync(
        VerbRun run, ObjectAddress source, string directory, int jobs, PartSettings settings, CancellationToken token)
    {
        var download = new Download(run.Client, run.Meter) { Ranged = new RangedDownload(run, settings) };
        var query = new ListQuery { Prefix = source.Name, Properties = "name,size", Flags = ListFlags.NameSize };
        long unverified = 0;
        (ExitCode code, long count) = await TransferQueue.RunAsync(
            run,
            jobs,
            run.Client.ListAsync(source.Bucket, query, token),
            entry => source.With(entry.Name).ToString(),
            entry => entry.SizeBytes,
            async (entry, each) =>
            {
                if (!entry.Name.StartsWith(source.Name, StringComparison.Ordinal))
                {
                    throw new RefusedException($"the server listed \"{entry.Name}\", which does not lie below {source}");
                }

                string file = LocalPath.Below(directory, entry.Name[source.Name.Length..]);
                Interlocked.Add(ref unverified, await FetchAsync(run, download, source.With(entry.Name), file, entry.SizeBytes, each) ? 0 : 1);
            },
            token);
        if (count == 0 && code == ExitCode.Ok)
        {
            throw new SluiceException(404, "", $"there is no object below {source}");
        }

        run.PrintText(ProgressText.Sum(run.Meter.ObjectsDone, run.Meter.BytesDone, unverified));
        return code;
    }

    /// <summary>Fetches one object; true when its digest was compared.</summary>
    private static async Task<bool> FetchAsync(VerbRun run, Download download, ObjectAddress source, string file, long? sizeBytes, CancellationToken token)
    {
        DownloadOutcome outcome = await download.ToFileAsync(source, file, token, sizeBytes);
        run.PrintJson(writer => TransferJson.Write(writer, source, file, outcome.SizeBytes, outcome.IsVerified));
        return outcome.IsVerified;
    }
}
