using System.CommandLine;
using System.IO.Enumeration;
using Sluice.Cli.Completion;
using Sluice.Cli.Terminal;
using Sluice.Cli.Transfers;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>put</c>: a file, standard input, or all files below a directory.</summary>
internal static class PutVerb
{
    private const string StandardInput = "-";

    public static Command Create(VerbOptions options)
    {
        var source = new Argument<string>("source") { Description = "a file, a directory (its pipes, sockets, devices and dangling links are passed over), or - for standard input, of which a part is in memory while it is sent" };
        var address = new AddressArgument<string>("address", AddressKind.Object)
        {
            Description = "ais://BUCKET/NAME, or ais://BUCKET/DIRECTORY/ to keep the file's name; what lies below a directory keeps its path",
        };
        Option<int> jobs = VerbOptions.Jobs();
        var parts = new PartOptions();
        var command = new Command("put", "Store files as objects; large ones are sent in parts, and an upload that is cut short may be resumed") { source, address, jobs };
        parts.AddForPut(command);
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                string path = parse.GetRequiredValue(source);
                ObjectAddress target = VerbOptions.ObjectOf(parse.GetRequiredValue(address));
                PartSettings settings = parts.OfPut(parse);
                if (path == StandardInput)
                {
                    return await PutInputAsync(run, target, settings, token);
                }

                if (!Directory.Exists(path))
                {
                    return await PutFileAsync(run, path, target, settings, token);
                }

                return settings.ResumeId is null
                    ? await PutDirectoryAsync(run, path, target.AsDirectory(), parse.GetValue(jobs), settings, token)
                    : throw new UsageException($"--resume goes on with one object: {path} is a directory");
            },
            showsProgress: true);
        return command;
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

    private static async Task<ExitCode> PutDirectoryAsync(
        VerbRun run, string path, ObjectAddress target, int jobs, PartSettings settings, CancellationToken token)
    {
        string root = Path.GetFullPath(path);
        Upload upload = await Upload.ToAsync(run, settings, target.Bucket, token);
        long unverified = 0;
        (ExitCode code, _) = await TransferQueue.RunAsync(
            run,
            jobs,
            WalkAsync(root),
            file => file.Path,
            file => file.SizeBytes,
            async (file, each) =>
            {
                RefuseUnlessFile(run.KindOf(file.Path));
                ObjectAddress address = target.With(target.Name + Path.GetRelativePath(root, file.Path));
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

    private static async IAsyncEnumerable<LocalFile> WalkAsync(string root)
    {
        // Off the caller's thread: the transfers start while a large directory is still being read.
        await Task.Yield();
        foreach (LocalFile file in FilesBelow(root))
        {
            yield return file;
        }
    }

    // Hidden files belong to it. A link to a file is sent as the file; a link to a directory is not entered, it could lead round in circles.
    private static FileSystemEnumerable<LocalFile> FilesBelow(string root) => new(
        root,
        (ref entry) => new LocalFile(entry.ToFullPath(), entry.Length),
        new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false })
    {
        ShouldIncludePredicate = (ref entry) => !entry.IsDirectory,
        ShouldRecursePredicate = (ref entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
    };

    private readonly record struct LocalFile(string Path, long SizeBytes);
}
