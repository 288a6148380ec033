using System.CommandLine;
using System.IO.Enumeration;
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
        var source = new Argument<string>("source") { Description = "a file, a directory, or - for standard input" };
        var address = new Argument<string>("address")
        {
            Description = "ais://BUCKET/NAME, or ais://BUCKET/DIRECTORY/ to keep the file's name; what lies below a directory keeps its path",
        };
        Option<int> jobs = VerbOptions.Jobs();
        var command = new Command("put", "Store files as objects") { source, address, jobs };
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                string path = parse.GetRequiredValue(source);
                ObjectAddress target = VerbOptions.ObjectOf(parse.GetRequiredValue(address));
                if (path == StandardInput)
                {
                    return await PutInputAsync(run, target, token);
                }

                return Directory.Exists(path)
                    ? await PutDirectoryAsync(run, path, target.AsDirectory(), parse.GetValue(jobs), token)
                    : await PutFileAsync(run, path, target, token);
            },
            showsProgress: true);
        return command;
    }

    private static async Task<ExitCode> PutInputAsync(VerbRun run, ObjectAddress target, CancellationToken token)
    {
        if (target.IsDirectory)
        {
            throw new UsageException($"\"{target}\" is a directory: standard input needs an object name");
        }

        await using Stream input = run.OpenInput();
        ObjectAttributesView stored = await new Upload(run.Client, run.Meter).StreamAsync(input, target, token);
        run.PrintJson(writer => TransferJson.Write(writer, target, StandardInput, stored.SizeBytes, null));
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> PutFileAsync(VerbRun run, string path, ObjectAddress target, CancellationToken token)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new FileNotFoundException($"{path} does not exist");
        }

        run.Meter.Expect(file.Length);
        run.Meter.ExpectNoMore();
        await SendAsync(run, path, target.IsDirectory ? target.With(target.Name + file.Name) : target, token);
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> PutDirectoryAsync(VerbRun run, string path, ObjectAddress target, int jobs, CancellationToken token)
    {
        string root = Path.GetFullPath(path);
        (ExitCode code, _) = await TransferQueue.RunAsync(
            run,
            jobs,
            WalkAsync(root),
            file => file.Path,
            file => file.SizeBytes,
            (file, each) => SendAsync(run, file.Path, target.With(target.Name + Path.GetRelativePath(root, file.Path)), each),
            token);
        run.PrintText($"{run.Meter.ObjectsDone} objects, {ProgressText.Size(run.Meter.BytesDone)}");
        return code;
    }

    private static async Task SendAsync(VerbRun run, string path, ObjectAddress target, CancellationToken token)
    {
        ObjectAttributesView stored = await new Upload(run.Client, run.Meter).FileAsync(path, target, token);
        run.PrintJson(writer => TransferJson.Write(writer, target, path, stored.SizeBytes, null));
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
