using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>ls</c>: objects and virtual directories, streamed page by page.</summary>
internal static class ListVerb
{
    public static Command Create(VerbOptions options)
    {
        var address = new Argument<string>("address") { Description = "ais://BUCKET, ais://BUCKET/DIRECTORY/ or any prefix" };
        var recursive = new Option<bool>("--recursive", "-r") { Description = "all objects instead of one level of directories" };
        var longForm = new Option<bool>("--long", "-l") { Description = "size, version and last access as well" };
        var command = new Command("ls", "List objects") { address, recursive, longForm };
        options.Bind(command, async (parse, run, token) =>
        {
            ObjectAddress prefix = VerbOptions.ObjectOf(parse.GetRequiredValue(address));
            bool isLong = parse.GetValue(longForm);
            var query = new ListQuery
            {
                Prefix = prefix.Name,
                Properties = isLong ? "name,size,checksum,version,atime" : "name,size",
                Flags = parse.GetValue(recursive) ? ListFlags.None : ListFlags.NoRecursion,
            };
            await foreach (ListedObject entry in run.Client.ListAsync(prefix.Bucket, query, token))
            {
                run.Print(() => isLong ? LongLine(entry) : PrintableText.Of(entry.Name), writer => WriteEntry(writer, entry, isLong));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static string LongLine(ListedObject entry)
    {
        string size = entry.IsDirectory ? "-" : entry.SizeBytes.ToString(CultureInfo.InvariantCulture);
        string version = entry.Version.Length == 0 ? "-" : entry.Version;
        string accessed = entry.AccessTime.Length == 0 ? "-" : entry.AccessTime;
        return PrintableText.Of($"{size,15}  {version,6}  {accessed,-19}  {entry.Name}");
    }

    private static void WriteEntry(Utf8JsonWriter writer, ListedObject entry, bool isLong)
    {
        writer.WriteStartObject();
        writer.WriteString("name", entry.Name);
        writer.WriteBoolean("directory", entry.IsDirectory);
        if (!entry.IsDirectory)
        {
            writer.WriteNumber("size", entry.SizeBytes);
        }

        if (isLong && !entry.IsDirectory)
        {
            writer.WriteString("checksum", entry.Checksum);
            writer.WriteString("version", entry.Version);
            writer.WriteString("atime", entry.AccessTime);
        }

        writer.WriteEndObject();
    }
}
