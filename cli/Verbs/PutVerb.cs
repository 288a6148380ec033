using System.CommandLine;
using Sluice.Cli.Completion;
using Sluice.Cli.Terminal;
using Sluice.Cli.Transfers;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>put</c>: a file, standard input, all files below a directory, or those of a list or a template.</summary>
internal static class PutVerb
{
    private const string StandardInput = "-";

    public static Command Create(VerbOptions options)
    {
        var names = new NameOptions("files", hasPrefix: false);
        var source = new AddressArgument<string>("source", AddressKind.Object)
        {
            Description = "a file, a directory (its pipes, sockets, devices and dangling links are passed over), or - for standard input, of which a part is in memory while it is sent; "
                + "with --template or --list the directory that the names are in, or nothing",
            IsAddress = names.AreGiven, // it may be left out then
        };
        var address = new AddressArgument<string?>("address", AddressKind.Object)
        {
            Description = "ais://BUCKET/NAME, or ais://BUCKET/DIRECTORY/ to keep the file's name; what lies below a directory keeps its path",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<int> jobs = VerbOptions.Jobs();
        var parts = new PartOptions();
        var command = new Command("put", "Store files as objects; large ones are sent in parts, and an upload that is cut short may be resumed") { source, address, jobs };
        foreach (Option option in names.All)
        {
            command.Options.Add(option);
        }

        parts.AddForPut(command);
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                string path = parse.GetRequiredValue(source);
                PartSettings settings = parts.OfPut(parse);
                if (names.Of(parse) is { } many)
                {
                    (string? directory, string to) = parse.GetValue(address) is { } second ? (path, second) : (null, path);
                    IAsyncEnumerable<LocalFile> files = FilesOf(many, directory);
                    return await PutManyAsync(run, files, VerbOptions.ObjectOf(to).AsDirectory(), parse.GetValue(jobs), RefuseToResume(settings, "many files"), isNamed: true, token);
                }

                ObjectAddress target = VerbOptions.ObjectOf(parse.GetValue(address) ?? throw new UsageException($"where to put {path} is not said: ais://BUCKET/NAME"));
                return path == StandardInput ? await PutInputAsync(run, target, settings, token)
                    : !Directory.Exists(path) ? await PutFileAsync(run, path, target, settings, token)
                    : await PutManyAsync(run, LocalFiles.Below(path), target.AsDirectory(), parse.GetValue(jobs), RefuseToResume(settings, path + " is a directory"), isNamed: false, token);
            },
            showsProgress: true);
        return command;
    }

    private static PartSettings RefuseToResume(PartSettings settings, string instead) =>
        settings.ResumeId is null ? settings : throw new UsageException($"--resume goes on with one object: {instead}");

    /// <summary>
    /// The files of a list or a template. Below a directory they keep their names; without one, what is written before the first range, up to a slash, and of a list's
    /// names all up to the last slash, only tells where they are.
    /// </summary>
    private static IAsyncEnumerable<LocalFile> FilesOf(NamedThings many, string? directory)
    {
        if (many.Template is { IsPrefix: true } one)
        {
            throw new UsageException($"\"{one}\" has no range, such as {{001..100}}, so it is no template of several files");
        }

        IEnumerable<string> names = many.Template?.Names() ?? many.List!;
        if (directory is not null)
        {
            if (!Directory.Exists(directory))
            {
                throw new DirectoryNotFoundException($"{directory} is not a directory");
            }

            // The fixed text of a template is that of its first name.
            if ((many.List ?? [many.Template!.First]).FirstOrDefault(name => name.StartsWith('/') || name.Split('/').Contains("..")) is { } outside)
            {
                throw new UsageException($"\"{outside}\" does not lie below {directory}");
            }

            string root = Path.Join(directory, "/");
            return LocalFiles.At(names.Select(name => root + name), _ => root.Length);
        }

        if (many.Template is { } template)
        {
            int fixedLength = template.Prefix.LastIndexOf('/') + 1;
            return LocalFiles.At(names, _ => fixedLength);
        }

        static int LastOf(string name) => name.LastIndexOf('/') + 1;
        return many.List!.GroupBy(name => name[LastOf(name)..]).FirstOrDefault(group => group.Distinct().Count() > 1) is { } twice
            ? throw new UsageException($"{string.Join(" and ", twice.Distinct())} would be one object, \"{twice.Key}\": name the directory that they are in before the address")
            : LocalFiles.At(names, LastOf);
    }

    private static async Task<ExitCode> PutInputAsync(VerbRun run, ObjectAddress target, PartSettings settings, CancellationToken token)
    {
        if (target.IsDirectory)
        {
            throw new UsageException($"\"{target}\" is a directory: standard input needs an object name");
        }

        await using Stream input = run.OpenInput();
        Upload upload = await Upload.ToAsync(run, settings, target.Bucket, token);
        TellOne(run, StandardInput, target, await upload.StreamAsync(input, StandardInput, target, token));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> PutFileAsync(VerbRun run, string path, ObjectAddress target, PartSettings settings, CancellationToken token)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new FileNotFoundException($"{path} does not exist");
        }

        run.Meter.Expect(file.Length);
        run.Meter.ExpectNoMore();
        Upload upload = await Upload.ToAsync(run, settings, target.Bucket, token);
        ObjectAddress address = target.IsDirectory ? target.With(target.Name + file.Name) : target;
        TellOne(run, path, address, await upload.FileAsync(path, address, token));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> PutManyAsync(
        VerbRun run, IAsyncEnumerable<LocalFile> files, ObjectAddress target, int jobs, PartSettings settings, bool isNamed, CancellationToken token)
    {
        Upload upload = await Upload.ToAsync(run, settings, target.Bucket, token);
        long unverified = 0;
        (ExitCode code, _) = await TransferQueue.RunAsync(
            run,
            jobs,
            files,
            file => file.Path,
            file => file.SizeBytes,
            async (file, each) =>
            {
                if (isNamed)
                {
                    RefuseUnlessThere(file.Path);
                }
                else
                {
                    RefuseUnlessFile(run.KindOf(file.Path));
                }

                ObjectAddress address = target.With(target.Name + file.Name);
                UploadOutcome outcome = await upload.FileAsync(file.Path, address, each);
                Interlocked.Add(ref unverified, outcome.IsVerified ? 0 : 1);
                PrintJson(run, file.Path, address, outcome);
            },
            token);
        run.PrintText(ProgressText.Sum(run.Meter.ObjectsDone, run.Meter.BytesDone, unverified));
        return code;
    }

    private static void TellOne(VerbRun run, string path, ObjectAddress target, UploadOutcome outcome)
    {
        if (!outcome.IsVerified)
        {
            run.Note(path, $"stored as {target}, not verified: the server answered with no digest of a kind that could be compared");
        }

        PrintJson(run, path, target, outcome);
    }

    private static void PrintJson(VerbRun run, string path, ObjectAddress target, UploadOutcome outcome) =>
        run.PrintJson(writer => TransferJson.Write(writer, target, path, outcome.SizeBytes, outcome.IsVerified));

    // What is named by itself on the command line is read whatever it is: a pipe there is meant.
    private static void RefuseUnlessFile(LocalFileKind kind)
    {
        string? problem = kind switch
        {
            LocalFileKind.Fifo => "passed over: it is a named pipe",
            LocalFileKind.Socket => "passed over: it is a socket",
            LocalFileKind.Device => "passed over: it is a device",
            LocalFileKind.Missing => "passed over: it is a link that leads nowhere",
            _ => null,
        };
        if (problem is not null)
        {
            throw new RefusedException(problem);
        }
    }

    private static void RefuseUnlessThere(string path)
    {
        if (Directory.Exists(path))
        {
            throw new RefusedException($"{path} is a directory");
        }

        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{path} does not exist");
        }
    }
}
