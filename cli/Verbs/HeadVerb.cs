using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sluice.Cli.Completion;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>head</c>: what is known about an object.</summary>
internal static class HeadVerb
{
    public static Command Create(VerbOptions options, string verb = "head")
    {
        var address = new AddressArgument<string>("address", AddressKind.Object) { Description = "ais://BUCKET/NAME" };
        var command = new Command(verb, "Show an object's attributes, and the chunks that it is made of") { address };
        options.Bind(command, async (parse, run, token) =>
        {
            ObjectAddress target = VerbOptions.ObjectOf(parse.GetRequiredValue(address));
            if (target.Name.Length == 0)
            {
                throw new UsageException($"\"{target}\" names no object; \"bucket show\" is for buckets");
            }

            ObjectAttributesView attributes = await run.Client.HeadObjectAsync(target, token);
            ManifestView? manifest = attributes.Chunks.Length > 0 ? await run.Client.ManifestAsync(target, token) : null;
            run.PrintDocument(() => Text(target, attributes, manifest), writer => Write(writer, target, attributes, manifest));
            return ExitCode.Ok;
        });
        return command;
    }

    private static string Text(ObjectAddress address, ObjectAttributesView attributes, ManifestView? manifest)
    {
        var lines = new List<string>
        {
            $"name = {address}",
            $"size = {attributes.SizeBytes.ToString(CultureInfo.InvariantCulture)}",
        };
        void Add(string key, string value)
        {
            if (value.Length > 0)
            {
                lines.Add($"{key} = {value}");
            }
        }

        Add("checksum", attributes.ChecksumValue.Length == 0 ? "" : $"{attributes.ChecksumType}:{attributes.ChecksumValue}");
        Add("version", attributes.Version);
        Add("atime", attributes.AccessTime);
        Add("location", attributes.Location);
        Add("copies", attributes.Copies);
        Add("chunks", attributes.Chunks);
        Add("upload", manifest?.Upload.Id ?? "");
        foreach ((string key, string value) in attributes.Custom)
        {
            Add($"custom.{key}", value);
        }

        string text = string.Join('\n', lines.Select(PrintableText.Of));
        return manifest is null ? text : $"{text}\n\n{PartText.Table(manifest.Chunks, "chunk")}";
    }

    private static void Write(Utf8JsonWriter writer, ObjectAddress address, ObjectAttributesView attributes, ManifestView? manifest)
    {
        writer.WriteStartObject();
        writer.WriteString("bucket", address.Bucket.ToString());
        writer.WriteString("name", address.Name);
        writer.WriteNumber("size", attributes.SizeBytes);
        writer.WriteString("checksum_type", attributes.ChecksumType);
        writer.WriteString("checksum", attributes.ChecksumValue);
        writer.WriteString("version", attributes.Version);
        writer.WriteString("atime", attributes.AccessTime);
        writer.WriteString("location", attributes.Location);
        writer.WriteString("copies", attributes.Copies);
        writer.WriteStartObject("custom");
        foreach ((string key, string value) in attributes.Custom.DistinctBy(pair => pair.Key))
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
        if (manifest is not null)
        {
            PartText.WriteManifest(writer, manifest);
        }

        writer.WriteEndObject();
    }
}
