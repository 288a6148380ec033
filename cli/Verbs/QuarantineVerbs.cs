using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>quarantine ls|drop</c>.</summary>
internal static class QuarantineVerbs
{
    public static Command Create(VerbOptions options) => new("quarantine", "List and drop damaged files that the server set aside") { List(options), Drop(options) };

    private static Command List(VerbOptions options)
    {
        var command = new Command("ls", "List the files in quarantine: when, where, how large, whose and why");
        options.Bind(command, async (_, run, token) =>
        {
            foreach (QuarantinedFileView file in await run.Client.QuarantineAsync(token))
            {
                run.Print(() => Line(file), writer => Write(writer, file));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Drop(VerbOptions options)
    {
        var mountpath = new Argument<string>("mountpath") { Description = "the mountpath, as \"quarantine ls\" shows it" };
        var file = new Argument<string?>("file") { Description = "the file, as \"quarantine ls\" shows it", Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all") { Description = "all files of the mountpath" };
        var command = new Command("drop", "Remove a file from quarantine for good") { mountpath, file, all };
        command.Validators.Add(result =>
        {
            if (result.GetValue(all) == (result.GetValue(file) is not null))
            {
                result.AddError("name a file, or say --all");
            }
        });
        options.Bind(command, async (parse, run, token) =>
        {
            int dropped = await run.Client.DropQuarantinedAsync(parse.GetRequiredValue(mountpath), parse.GetValue(file), token);
            run.Print(() => string.Create(CultureInfo.InvariantCulture, $"dropped {dropped}"), writer =>
            {
                writer.WriteStartObject();
                writer.WriteNumber("dropped", dropped);
                writer.WriteEndObject();
            });
            return ExitCode.Ok;
        });
        return command;
    }

    private static string Line(QuarantinedFileView file) => PrintableText.Of(string.Create(
        CultureInfo.InvariantCulture,
        $"{file.Since.UtcDateTime:yyyy-MM-dd HH:mm:ss}  {file.Mountpath}  {file.File}  {ProgressText.Size(file.SizeBytes)}  {Whose(file)}  {file.Reason}"));

    private static string Whose(QuarantinedFileView file) => file.Bucket.Length == 0 ? "-" : $"{file.Bucket}/{file.Object}";

    private static void Write(Utf8JsonWriter writer, QuarantinedFileView file)
    {
        writer.WriteStartObject();
        writer.WriteString("mountpath", file.Mountpath);
        writer.WriteString("file", file.File);
        writer.WriteNumber("size", file.SizeBytes);
        writer.WriteString("since", file.Since);
        writer.WriteString("reason", file.Reason);
        writer.WriteString("bucket", file.Bucket);
        writer.WriteString("object", file.Object);
        writer.WriteEndObject();
    }
}
