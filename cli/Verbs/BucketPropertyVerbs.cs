using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>bucket props show|set|reset</c>, and the same three as <c>bucket show|set|reset</c>.</summary>
internal static class BucketPropertyVerbs
{
    /// <summary>The noun.</summary>
    public static Command Create(VerbOptions options) =>
        new("props", "Show and change a bucket's properties; \"bucket show\", \"bucket set\" and \"bucket reset\" are the same") { Show(options), Set(options), Reset(options) };

    /// <summary>What the properties are, or a part of them.</summary>
    public static Command Show(VerbOptions options)
    {
        Argument<string> bucket = BucketVerbs.BucketArgument();
        var part = new Argument<string?>("part") { Description = "only a section, such as mirror, or one property, such as mirror.copies", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("show", "Show a bucket's properties") { bucket, part };
        options.Bind(command, async (parse, run, token) =>
        {
            BucketAddress address = VerbOptions.BucketOf(parse.GetRequiredValue(bucket));
            JsonObject tree = await run.Client.HeadBucketAsync(address, token);
            string path = parse.GetValue(part) ?? "";
            if (!PropertyTree.TryFind(tree, path, out JsonNode? found))
            {
                throw new UsageException($"bucket {address} has no property \"{path}\": its sections are {string.Join(", ", tree.Select(pair => pair.Key))}");
            }

            run.PrintDocument(() => string.Join('\n', PropertyTree.Lines(found, path)), writer => Write(writer, found));
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>Changes those that are given.</summary>
    public static Command Set(VerbOptions options)
    {
        Argument<string> bucket = BucketVerbs.BucketArgument();
        var properties = new Argument<string[]>("property")
        {
            Description = "a property to set, as KEY=VALUE, such as mirror.enabled=true; or several as JSON, such as {\"mirror\":{\"enabled\":true}}",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<bool> wait = JobVerbs.WaitOption();
        var command = new Command("set", "Change a bucket's properties; what is stored is brought to them in the background") { bucket, properties, wait };
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                BucketAddress address = VerbOptions.BucketOf(parse.GetRequiredValue(bucket));
                JsonObject tree = PropertyTree.Parse(parse.GetRequiredValue(properties)) ?? throw new UsageException("no property is given");
                return await BucketVerbs.EndAsync(run, await run.Client.SetBucketPropertiesAsync(address, tree, token), parse.GetValue(wait), token);
            },
            showsProgress: true);
        return command;
    }

    /// <summary>Makes all of them the defaults.</summary>
    public static Command Reset(VerbOptions options)
    {
        Argument<string> bucket = BucketVerbs.BucketArgument();
        Option<bool> wait = JobVerbs.WaitOption();
        var command = new Command("reset", "Make all of a bucket's properties the defaults again; what is stored is brought to them in the background") { bucket, wait };
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                string id = await run.Client.ResetBucketPropertiesAsync(VerbOptions.BucketOf(parse.GetRequiredValue(bucket)), token);
                return await BucketVerbs.EndAsync(run, id, parse.GetValue(wait), token);
            },
            showsProgress: true);
        return command;
    }

    private static void Write(Utf8JsonWriter writer, JsonNode? value)
    {
        if (value is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            value.WriteTo(writer);
        }
    }
}
