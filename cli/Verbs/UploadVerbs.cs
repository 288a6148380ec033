using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sluice.Cli.Completion;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>uploads ls|show|abort</c>: uploads in parts that are in progress, or were cut short.</summary>
internal static class UploadVerbs
{
    public static Command Create(VerbOptions options) =>
        new("uploads", "List, show and abort uploads in parts that are in progress or were cut short") { List(options), Show(options), Abort(options) };

    private static Command List(VerbOptions options)
    {
        var bucket = new AddressArgument<string>("bucket", AddressKind.Bucket) { Description = "ais://BUCKET" };
        var command = new Command("ls", "List a bucket's uploads, oldest first: when they were begun, their ids, and of which objects") { bucket };
        options.Bind(command, async (parse, run, token) =>
        {
            foreach (UploadView upload in await run.Client.UploadsAsync(VerbOptions.BucketOf(parse.GetRequiredValue(bucket)), token))
            {
                run.Print(() => Line(upload), writer =>
                {
                    writer.WriteStartObject();
                    PartText.WriteUpload(writer, upload);
                    writer.WriteEndObject();
                });
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Show(VerbOptions options)
    {
        (Argument<string> address, Argument<string> id) = Upload();
        var command = new Command("show", "Show the parts that an upload has") { address, id };
        options.Bind(command, async (parse, run, token) =>
        {
            UploadAddress upload = Of(parse.GetRequiredValue(address), parse.GetRequiredValue(id));
            IReadOnlyList<PartView> parts = await run.Client.PartsAsync(upload, token);
            run.PrintDocument(() => PartText.Table(parts, "part"), writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("bucket", upload.Object.Bucket.ToString());
                writer.WriteString("name", upload.Object.Name);
                writer.WriteString("upload_id", upload.Id);
                PartText.WriteParts(writer, "parts", parts);
                writer.WriteEndObject();
            });
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Abort(VerbOptions options)
    {
        (Argument<string> address, Argument<string> id) = Upload();
        var command = new Command("abort", "End an upload and remove its parts") { address, id };
        options.Bind(command, async (parse, run, token) =>
        {
            UploadAddress upload = Of(parse.GetRequiredValue(address), parse.GetRequiredValue(id));
            await run.Client.AbortUploadAsync(upload, token);
            run.PrintJson(writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("aborted", upload.Id);
                writer.WriteEndObject();
            });
            return ExitCode.Ok;
        });
        return command;
    }

    private static (Argument<string> Address, Argument<string> Id) Upload() => (
        new AddressArgument<string>("address", AddressKind.Object) { Description = "ais://BUCKET/NAME, the object that it is to become" },
        new("upload") { Description = "its id, as \"uploads ls\" shows it" });

    private static UploadAddress Of(string address, string id)
    {
        ObjectAddress target = VerbOptions.ObjectOf(address);
        return target.Name.Length > 0 ? new UploadAddress(target, id) : throw new UsageException($"\"{target}\" names no object");
    }

    private static string Line(UploadView upload) => PrintableText.Of(string.Create(
        CultureInfo.InvariantCulture, $"{upload.Created.UtcDateTime:yyyy-MM-dd HH:mm:ss}  {upload.Id}  {upload.Name}"));
}
