using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sluice.Cli.Completion;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>ls</c>: objects and virtual directories, printed page by page as they are read; without a bucket, buckets.</summary>
internal static class ListVerb
{
    private const string SchemeEnd = "://";

    public static Command Create(VerbOptions options)
    {
        var address = new AddressArgument<string?>("address", AddressKind.Object)
        {
            Description = "ais://BUCKET, ais://BUCKET/DIRECTORY/ or any prefix; ais:// for the buckets of that provider; all buckets without it",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var list = new ListOptions();
        var command = new Command("ls", "List objects, or buckets") { address };
        foreach (Option option in list.All)
        {
            command.Options.Add(option);
        }

        options.Bind(command, async (parse, run, token) =>
        {
            string given = parse.GetValue(address) ?? SchemeEnd;
            if (!given.EndsWith(SchemeEnd, StringComparison.Ordinal))
            {
                return await ObjectsAsync(parse, run, list, VerbOptions.ObjectOf(given), token);
            }

            list.RefuseWithoutBucket(parse);
            return await BucketsAsync(parse, run, list, given[..^SchemeEnd.Length], token);
        });
        return command;
    }

    private static async Task<ExitCode> ObjectsAsync(ParseResult parse, VerbRun run, ListOptions list, ObjectAddress address, CancellationToken token)
    {
        ListQuery query = list.QueryOf(parse, address);
        ListFormat format = list.FormatOf(parse);
        Regex? pattern = list.PatternOf(parse);
        (bool sums, bool prints) = list.SumsOf(parse);
        var sum = new ListSum();
        long left = list.LimitOf(parse);
        if (format.HasHeads && prints)
        {
            run.PrintText(ListColumn.Heads(format.Columns));
        }

        await foreach (ListedPage page in run.Client.ListPagesAsync(address.Bucket, query, token))
        {
            foreach (ListedObject entry in page.Entries.Where(entry => pattern?.IsMatch(entry.Name) ?? true).Take((int)Math.Min(left, int.MaxValue)))
            {
                left--;
                sum.Add(entry);
                if (prints)
                {
                    run.Print(() => ListColumn.Line(format.Columns, entry), writer => Write(writer, entry, format.Values));
                }
            }

            await run.FlushAsync(token);
            if (left == 0)
            {
                break;
            }
        }

        if (sums)
        {
            run.Print(sum.ToString, sum.Write);
        }

        return ExitCode.Ok;
    }

    private static async Task<ExitCode> BucketsAsync(ParseResult parse, VerbRun run, ListOptions list, string provider, CancellationToken token)
    {
        Regex? pattern = list.PatternOf(parse);
        IEnumerable<BucketAddress> buckets = (await run.Client.ListBucketsAsync(provider, token))
            .Where(bucket => pattern?.IsMatch(bucket.Name) ?? true).Take((int)Math.Min(list.LimitOf(parse), int.MaxValue));
        if (list.SumsOf(parse).Sums)
        {
            HashSet<BucketAddress> wanted = [.. buckets];
            return await BucketSummaryVerb.PrintAllAsync(run, wanted.Contains, prefix: "", token);
        }

        foreach (BucketAddress bucket in buckets)
        {
            run.Print(bucket.ToString, writer => bucket.Write(writer));
        }

        return ExitCode.Ok;
    }

    private static void Write(Utf8JsonWriter writer, ListedObject entry, IReadOnlyList<ListColumn> values)
    {
        writer.WriteStartObject();
        writer.WriteString("name", entry.Name);
        writer.WriteBoolean("directory", entry.IsDirectory);
        foreach (ListColumn column in entry.IsDirectory ? [] : values)
        {
            column.Json(writer, entry);
        }

        writer.WriteEndObject();
    }

    /// <summary>What was listed, added up.</summary>
    private sealed class ListSum
    {
        private long _objects;
        private long _directories;
        private long _bytes;

        public void Add(ListedObject entry)
        {
            _objects += entry.IsDirectory ? 0 : 1;
            _directories += entry.IsDirectory ? 1 : 0;
            _bytes += entry.SizeBytes;
        }

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"{_objects} objects{(_directories == 0 ? "" : $", {_directories} directories")}, {ProgressText.Size(_bytes)} ({_bytes} bytes)");

        public void Write(Utf8JsonWriter writer)
        {
            writer.WriteStartObject();
            writer.WriteNumber("objects", _objects);
            writer.WriteNumber("directories", _directories);
            writer.WriteNumber("size", _bytes);
            writer.WriteEndObject();
        }
    }
}
